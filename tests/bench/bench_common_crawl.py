"""Records by byte range: `read.common_crawl` with and without joined requests, beside one request a record.

The server is a process of its own on this machine that waits 30 ms before every answer; Common Crawl's takes 20 to 200 ms. So
nearly all of the time is waiting, and what counts is the number of requests, which stands beside it. The peer does what
cdx_toolkit does for a record: `requests` with a Range, the bytes to warcio's iterator. Wanted are all pages of real WARC files,
and in a second run every third host's.
"""

from __future__ import annotations

import io
import multiprocessing
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness import ROOT, Bench, Options, SkipError

SETS = ("cp_algorithms", "discrete_math_pretext", "python311_doc", "sagemath_doc", "trafilatura_eval")
MAX_RECORDS = 240
MAX_REPEATS = 3
DELAY_S = 0.03
OURS, SINGLE, PEER = "read.common_crawl", "read.common_crawl, one request a record", "requests + warcio, as cdx_toolkit"


def lay_out(options: Options) -> tuple[Path, list[dict[str, Any]]]:
    """WARC files of real pages in the order of a crawl (hosts mixed), and their index."""
    from real_input import pages, write_warcs

    from support.archive_server import index_rows, write_index

    folder = options.scratch / "crawl"
    shutil.rmtree(folder, ignore_errors=True)
    options.shared()
    rows = sorted((row for name in SETS for row in pages(name)), key=lambda row: hash_of(row[0]["id"]))
    write_warcs(folder, "crawl", rows[: options.scaled(MAX_RECORDS)])
    found = [row for row in index_rows(folder) if row["url_host_name"] and row["url"].isascii()]  # the index names hosts in ASCII
    write_index(folder / "index/all.parquet", found, row_group_size=100)
    return folder, found


def hash_of(text: str) -> str:
    """A fixed order that has nothing to do with the sets."""
    import hashlib

    return hashlib.md5(text.encode()).hexdigest()


def _serve(folder: Path, pipe: Any) -> None:
    from support.archive_server import serve_archive

    with serve_archive(folder, delay_s=DELAY_S) as server:
        pipe.send(server.url)
        while pipe.recv() == "count":
            pipe.send(len(server.seen))
            server.seen.clear()


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, Any]]:
    """The server in a child process; its address, and a function that tells the requests since the last time."""
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_serve, args=(folder, theirs), daemon=True)
    child.start()

    def count() -> int:
        ours.send("count")
        return int(ours.recv())

    try:
        yield ours.recv(), count
    finally:
        ours.send("end")
        child.join(10)


def ours(folder: Path, url: str, wanted: list[str], **values: Any) -> int:
    """Pages that the stage makes."""
    from support.stages import run_source

    table, _ = run_source(
        "read.common_crawl",
        folder,
        index="index",
        base=url,
        contact="https://maths-tests.net/bench",
        hosts=wanted,
        content_types=[],
        **values,
    )
    return int(table.num_rows)


def peer(url: str, rows: list[dict[str, Any]]) -> int:
    """Pages that the peer makes: decoded bodies, nothing checked."""
    import requests
    from warcio.archiveiterator import ArchiveIterator

    num_pages = 0
    with requests.Session() as session:
        for row in rows:
            start = row["warc_record_offset"]
            headers = {"Range": f"bytes={start}-{start + row['warc_record_length'] - 1}"}
            answer = session.get(f"{url}/{row['warc_filename']}", headers=headers, timeout=60)
            answer.raise_for_status()
            for record in ArchiveIterator(io.BytesIO(answer.content)):
                num_pages += bool(record.content_stream().read())
    return num_pages


def run(options: Options) -> list[Bench]:
    """All pages, and some domains."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        import requests  # noqa: F401
    except ImportError as error:
        raise SkipError("needs the package requests, for the peer") from error
    folder, rows = lay_out(options)
    hosts = sorted({row["url_host_name"] for row in rows})
    benches = []
    with served(folder) as (url, count):
        for name, wanted in (("common_crawl", hosts), ("common_crawl_domains", hosts[::3])):
            chosen = [row for row in rows if row["url_host_name"] in wanted]
            chosen.sort(key=lambda row: (row["warc_filename"], row["warc_record_offset"]))
            contenders = {
                OURS: lambda wanted=wanted: ours(folder, url, wanted),
                SINGLE: lambda wanted=wanted: ours(folder, url, wanted, max_gap_bytes=-1),
                PEER: lambda chosen=chosen: peer(url, chosen),
            }
            bench = Bench(name, {"records": len(chosen), "of": len(rows), "delay_s": DELAY_S, "hosts": len(wanted)})
            for label, contender in contenders.items():
                count()
                num_pages = contender()
                asked = count()
                bench.facts[label] = {
                    "pages": num_pages,
                    "requests": asked,
                    "requests_per_1000_records": round(1000 * asked / len(chosen), 1),
                }
            bench.race(contenders, "record", len(chosen), repeats=min(options.repeats, MAX_REPEATS))
            benches.append(bench)
    return benches
