"""The crawl as a command: killed with -9 and resumed, stopped by a signal, started twice, its result read by the next stage."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from mathcode_data.core.manifest import read_result
from support.engine import start_driver
from support.hostile_site import HostileSite, answer, assert_polite, hostile_site, page

HOSTS = ("one.test", "two.test")
DELAY_S = 0.03
PIPELINE = """
name: crawl
output: {output}
stages:
  - id: web
    crawl.focused:
      urls: [{seeds}]
      contact: bot@maths.org
      partitions: 2
      allow_private: true
      resolve: {{one.test: 127.0.0.1, two.test: 127.0.0.1}}
      limits: {{delay_s: {delay}, first_backoff_s: 0.01}}
  - id: pages
    from: web
    read.warc: {{}}
"""
NUM_PAGES = 12


def serve_web(site: HostileSite) -> None:
    site.routes = {"/robots.txt": answer("User-agent: *\nDisallow: /no/\n", content_type="text/plain")}
    for number in range(NUM_PAGES):
        site.routes[f"/{number}"] = page(f"page {number}", f"/{2 * number + 1}", f"/{2 * number + 2}", "/no/way")


def pipeline(site: HostileSite, folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    seeds = ", ".join(site.url("/0", host) for host in HOSTS)
    path.write_text(PIPELINE.format(output=folder / name, seeds=seeds, delay=DELAY_S))
    return path


def stored(folder: Path) -> list[str]:
    urls = []
    for path in read_result(folder / "web").paths():
        with path.open("rb") as file:
            urls += [record.rec_headers.get_header("WARC-Target-URI") for record in ArchiveIterator(file) if record.rec_type == "response"]
    return sorted(urls)


def finish(driver: subprocess.Popen[bytes], code: int = 0) -> str:
    _, err = driver.communicate(timeout=200)
    assert driver.returncode == code, err.decode()
    return err.decode()


def wait_for(site: HostileSite, number: int) -> None:
    end = time.monotonic() + 100
    while len(site.log) < number:
        assert time.monotonic() < end, f"only {len(site.log)} requests came"
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_and_stopped_and_resumed_the_stored_pages_are_those_of_a_straight_run(tmp_path: Path):
    with hostile_site() as site:
        serve_web(site)
        finish(start_driver(pipeline(site, tmp_path, "straight"), "--workers", "2"))
        expected, requests = stored(tmp_path / "straight"), len(site.log)
        assert len(expected) == len(set(expected)) == NUM_PAGES * len(HOSTS)
        assert read_result(tmp_path / "straight" / "pages").manifest.num_rows == len(expected)

        site.log.clear()
        path = pipeline(site, tmp_path, "killed")
        for number in (15,):
            driver = start_driver(path, "--workers", "2")
            wait_for(site, number)
            os.kill(driver.pid, signal.SIGKILL)
            driver.communicate()
        driver = start_driver(path, "--workers", "2")
        wait_for(site, 36)
        started = time.monotonic()
        driver.send_signal(signal.SIGTERM)
        assert "finished tasks are kept" in finish(driver, 7)
        assert time.monotonic() - started < 60
        finish(start_driver(path, "--workers", "2"))
        assert stored(tmp_path / "killed") == expected
        assert len(site.log) <= requests + 3 * 2 * len(HOSTS), "only requests that were on their way are sent again"
        assert_polite(site, DELAY_S)
        counters = read_result(tmp_path / "killed" / "web").manifest.counters[0]
        assert (counters.kept, counters.read) == (len(expected), len(expected) + counters.dropped.total())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_crawls_of_one_output_do_not_run_at_once(tmp_path: Path):
    with hostile_site() as site:
        serve_web(site)
        path = pipeline(site, tmp_path, "out")
        first = start_driver(path, "--workers", "1")
        wait_for(site, 3)
        first.send_signal(signal.SIGSTOP)  # so that it is still there, however long the second takes to begin
        assert str(first.pid) in finish(start_driver(path, "--workers", "1"), 4), "it names the process that works there"
        first.send_signal(signal.SIGCONT)
        finish(first)
        asked = Counter((request.host, request.path) for request in site.log)
        assert max(asked.values()) == 1
