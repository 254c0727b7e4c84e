"""`crawl.focused` and Scrapy on the same ten hosts of real pages, judged by the server's own log.

Nine hosts serve the same number of pages each, one of them behind a Crawl-delay that is longer than the crawlers' pause, one with pages
that refuse training (X-Robots-Tag: noai), one whose robots.txt refuses it (Content-Signal), one that answers its first page with 429 and
Retry-After; the tenth cannot give its robots.txt (503). Half as many pages of each host lie under a path that robots.txt forbids, and are
linked all the same. Scrapy 2 is set to be polite: ROBOTSTXT_OBEY, one request at a time, the same pause, not shortened at random.

Time is set by the pauses; what differs is the work for a page (seconds of CPU) and what the log says about manners.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import re
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness import ROOT, Bench, Options, SkipError

NUM_HOSTS, PAGES_PER_HOST = 10, 40
PAUSE_S, LONG_PAUSE_S, RETRY_AFTER_S = 0.1, 0.3, 2.0
CLOCK_S = 0.005
"""A pause that is shorter by less than this counts as kept: the server's threads wake late."""
SETS = ("cp_algorithms", "discrete_math_pretext", "sagemath_doc")
LINK = re.compile(rb"(?i)<a\s[^>]*?href\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]*)|<meta[^>]*robots[^>]*>|<base[^>]*>")
"""Only the links of the first pages count: what the pages of real sites link is not there."""
HOSTS = [f"127.0.1.{number}" for number in range(1, NUM_HOSTS + 1)]
LONG_PAUSE, NO_AI, NO_TRAINING, BUSY, NO_ROBOTS = HOSTS[-5:]
PIPELINE = """
name: crawl
seed: 1
output: out
stages:
  - id: web
    crawl.focused:
      contact: bench@maths.org
      allow_private: true
      partitions: 2
      urls: {urls}
      limits: {{delay_s: {pause}, first_backoff_s: 0.5}}
"""
SCRAPY = """
import json, sys
import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.linkextractors import LinkExtractor

asked = json.loads(sys.argv[1])
stored = []


class Pages(scrapy.Spider):
    name = "pages"
    start_urls = asked["urls"]
    custom_settings = {
        "ROBOTSTXT_OBEY": True, "DOWNLOAD_DELAY": asked["pause"], "RANDOMIZE_DOWNLOAD_DELAY": False, "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "CONCURRENT_REQUESTS": 100, "LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False, "USER_AGENT": "bench (bench@maths.org)",
    }
    links = LinkExtractor()

    def parse(self, response):
        stored.append(response.url)
        for link in self.links.extract_links(response):
            yield response.follow(link.url.split("#")[0], self.parse)


process = CrawlerProcess()
process.crawl(Pages)
process.start()
print(json.dumps(stored))
"""


def routes(bodies: list[bytes]) -> dict[str, Any]:
    """Every host's robots.txt, a first page that links all others, and the others with real bodies."""
    from support.hostile_site import answer

    found: dict[str, Any] = {}
    for number, host in enumerate(HOSTS):
        rules = ["User-agent: *", "Disallow: /private/"]
        rules += [f"Crawl-delay: {LONG_PAUSE_S}"] * (host == LONG_PAUSE) + ["Content-Signal: ai-train=no"] * (host == NO_TRAINING)
        found[f"{host}/robots.txt"] = answer("\n".join(rules), content_type="text/plain")
        count = PAGES_PER_HOST
        named = [f"/page-{i}.html" for i in range(count)] + [f"/private/{i}.html" for i in range(count // 2)]
        found[f"{host}/"] = answer("<title>All pages</title>" + "".join(f'<p><a href="{name}">{name}</a></p>' for name in named))
        headers = {"x_robots_tag": "noai"} if host == NO_AI else {}
        for i, name in enumerate(named):
            found[f"{host}{name}"] = answer(bodies[(number * count + i) % len(bodies)], **headers)
    found[f"{NO_ROBOTS}/robots.txt"] = answer("down", status="503 Service Unavailable")
    return found


def _serve(bodies: list[bytes], pipe: Any) -> None:
    from support.hostile_site import answer, hostile_site

    given = routes(bodies)
    first = given[f"{BUSY}/page-0.html"]
    told = []

    def busy(connection: Any, request: Any) -> bytes:
        if told:
            return first
        told.append(request)
        return answer(b"later", status="429 Too Many Requests", retry_after=f"{RETRY_AFTER_S:.0f}")

    given[f"{BUSY}/page-0.html"] = busy
    with hostile_site(given, address="0.0.0.0") as site:
        pipe.send(site.port)
        pipe.recv()
        pipe.send([(request.host, request.path, request.started, request.ended) for request in site.log])


@contextmanager
def served(bodies: list[bytes]) -> Iterator[tuple[int, Any]]:
    """The port of a fresh server, and a function that gives its log."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(bodies, there), daemon=True)
    process.start()
    try:

        def log() -> list[tuple[str, str, float, float]]:
            here.send("log")
            found: list[tuple[str, str, float, float]] = here.recv()
            return found

        yield here.recv(), log
    finally:
        process.terminate()
        process.join()


def manners(log: list[tuple[str, str, float, float]]) -> dict[str, int]:
    """What the server saw: requests, and each kind of request that no host should get."""
    of_host: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for host, path, started, ended in sorted(log, key=lambda row: row[2]):
        of_host[host].append((started, ended, path))
    found = {
        "requests": len(log),
        "pages that robots.txt forbids": sum(path.startswith("/private/") for host, path, *_ in log if host != NO_ROBOTS),
        "pages of a host without a readable robots.txt": sum(host == NO_ROBOTS and path != "/robots.txt" for host, path, *_ in log),
        "requests before the pause was over": 0,
        "requests before the Crawl-delay was over": 0,
        "requests while one was being answered": 0,
        "requests before Retry-After was over": 0,
    }
    for host, requests in of_host.items():
        for (started, ended, _), (later, _, _) in itertools.pairwise(requests):
            found["requests before the pause was over"] += later - started < PAUSE_S - CLOCK_S
            found["requests before the Crawl-delay was over"] += host == LONG_PAUSE and later - started < LONG_PAUSE_S - CLOCK_S
            found["requests while one was being answered"] += not ended or later < ended - CLOCK_S
    told = next((ended for _, ended, path in of_host[BUSY] if path == "/page-0.html"), 0.0)
    found["requests before Retry-After was over"] = sum(told < started < told + RETRY_AFTER_S - CLOCK_S for started, *_ in of_host[BUSY])
    return found


def ours(port: int, folder: Path) -> list[str]:
    """Crawl with the whole engine; gives the addresses of the stored pages."""
    from warcio.archiveiterator import ArchiveIterator

    from mathcode_data.runtime.pool import PoolRunner
    from support.engine import run as run_pipeline

    path = folder / "crawl.yaml"
    path.write_text(PIPELINE.format(urls=json.dumps([f"http://{host}:{port}/" for host in HOSTS]), pause=PAUSE_S))
    runner = PoolRunner(2)
    (report,) = run_pipeline(path, runner)
    runner.close()
    stored: list[str] = []
    for warc in sorted(report.result.folder.rglob("*.warc.gz")):
        with warc.open("rb") as file:
            stored += [record.rec_headers["WARC-Target-URI"] for record in ArchiveIterator(file) if record.rec_type == "response"]
    return stored


def scrapy(port: int, folder: Path) -> list[str]:
    """Crawl with the peer in a process of its own."""
    asked = json.dumps({"urls": [f"http://{host}:{port}/" for host in HOSTS], "pause": PAUSE_S})
    (folder / "spider.py").write_text(SCRAPY)  # Scrapy reads the source of its spider
    done = subprocess.run([sys.executable, "spider.py", asked], cwd=folder, capture_output=True, text=True, check=True)
    stored: list[str] = json.loads(done.stdout.splitlines()[-1])
    return stored


def judged(stored: list[str], log: list[tuple[str, str, float, float]]) -> dict[str, Any]:
    """The log's manners, and what was stored of what may be stored."""
    refused = {host: sum(f"//{host}:" in url for url in stored) for host in (NO_AI, NO_TRAINING)}
    wanted = sum(1 + PAGES_PER_HOST for host in HOSTS if host not in (NO_AI, NO_TRAINING, NO_ROBOTS))
    free = [url for url in stored if not any(f"//{host}:" in url for host in (NO_AI, NO_TRAINING, NO_ROBOTS))]
    # the first page of the host with noai carries no header: storing it is no fault
    return manners(log) | {
        "stored": len(stored),
        "stored pages that refuse training": refused[NO_AI] - (refused[NO_AI] > 0) + refused[NO_TRAINING],
        "stored twice": len(stored) - len(set(stored)),
        "share of the free pages stored": round(len(set(free)) / wanted, 4),
    }


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)


def run(options: Options) -> Bench:
    """Each crawler once on a fresh server: a second visit would find the same."""
    sys.path.insert(0, str(ROOT / "tests"))
    options.shared()
    if subprocess.run([sys.executable, "-c", "import scrapy"], capture_output=True, check=False).returncode:
        raise SkipError("the peer needs Scrapy, which is not installed")
    from real_input import pages

    bodies = [LINK.sub(b"<a ", content) for name in SETS for _, content in pages(name)][:: max(1, round(1 / options.scale))]
    bench = Bench("crawl", {"hosts": NUM_HOSTS, "pages_of_a_host": PAGES_PER_HOST, "pause_s": PAUSE_S, "Crawl-delay_s": LONG_PAUSE_S})
    for label, crawl in (("crawl.focused", ours), ("Scrapy", scrapy)):
        folder = options.scratch / "crawl" / label
        folder.mkdir(parents=True, exist_ok=True)
        with served(bodies) as (port, log):
            before, start = _cpu_seconds(), time.perf_counter()
            stored = crawl(port, folder)
            seconds, used = time.perf_counter() - start, _cpu_seconds() - before
            bench.facts[label] = judged(stored, log()) | {"milliseconds_of_cpu_per_request": 0.0}
        bench.facts[label]["milliseconds_of_cpu_per_request"] = round(1e3 * used / bench.facts[label]["requests"], 2)
        bench.add(label, [seconds], "stored page", len(stored))
    return bench
