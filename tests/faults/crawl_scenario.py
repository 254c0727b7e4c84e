"""A crawl of a small site, as a job on which faults of the disk are enumerated: its frontier (SQLite), journal and WARC files."""

from __future__ import annotations

import os
import time
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator

import mathcode_data.stages.crawl.focused
import mathcode_data.stages.crawl.work
import mathcode_data.stages.read.warc  # noqa: F401  (imported before the first fork)
from mathcode_data.core.manifest import read_result
from support.hostile_site import answer, hostile_site, page

NUM_PAGES = 4
PIPELINE = """
name: crawl
output: out
stages:
  - id: web
    crawl.focused:
      urls: ["http://one.test:{port}/0"]
      contact: bot@maths.org
      partitions: 1
      allow_private: true
      resolve: {{one.test: 127.0.0.1}}
      limits: {{delay_s: 0.01, first_backoff_s: 0.01}}
"""


def prepare(folder: Path) -> None:
    """Write the pipeline for a site that a process of its own serves until its parent ends."""
    ports, port_of_site = os.pipe()
    enumerator = os.getppid()  # this runs in a child of the process that forks the cases
    if os.fork() == 0:
        if os.fork():
            os._exit(0)
        with hostile_site() as site:
            site.routes = {"/robots.txt": answer("User-agent: *\nDisallow:\n", content_type="text/plain")}
            for number in range(NUM_PAGES):
                site.routes[f"/{number}"] = page(f"page {number}", f"/{2 * number + 1}", f"/{2 * number + 2}")
            os.write(port_of_site, str(site.port).encode())
            _serve_while_alive(enumerator)
        os._exit(0)
    os.wait()
    (folder / "crawl.yaml").write_text(PIPELINE.format(port=int(os.read(ports, 10))))


def _serve_while_alive(pid: int) -> None:
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.2)


def stored(folder: Path) -> dict[str, str]:
    """Addresses that are stored; dates and hashes of WARC files differ from crawl to crawl."""
    if not (folder / "out" / "web" / "manifest.json").exists():
        return {}
    found = []
    for path in read_result(folder / "out" / "web").paths(suffix=".warc.gz"):
        with path.open("rb") as file:
            found += [record.rec_headers.get_header("WARC-Target-URI") for record in ArchiveIterator(file) if record.rec_type == "response"]
    return {url: str(found.count(url)) for url in found}


def tree(folder: Path) -> dict[str, str]:
    """What is stored, and that nothing else is left."""
    skipped = {"runs.jsonl", ".lock", ".input-hashes.json"}
    names = {str(path.relative_to(folder)): "" for path in folder.rglob("*") if path.is_file() and path.name not in skipped}
    return names | stored(folder)
