"""`read.wet` on texts of real pages beside datatrove's WarcReader and the bare iterators of FastWARC and warcio.

The file is written as Common Crawl writes WET: one gzip member a record, block digests. Ours checks digests, counts what it refuses and
notes where each record lies; datatrove guesses the kind of every text and does not check; the bare iterators only hand over bytes (the
first `warcio` run checks digests as well).
"""

from __future__ import annotations

import base64
import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import ROOT, Bench, Options, SkipError

SETS = ("cp_algorithms", "discrete_math_pretext", "oi_wiki_zh", "python311_doc", "sagemath_doc")
NUM_TEXTS = 3000


def texts() -> Iterator[tuple[str, str]]:
    """(address, text) of pages that hold any."""
    from real_input import pages, url_of

    from mathcode_data.stages.extract.page import extract_page

    for name in SETS:
        for row, content in pages(name):
            text = extract_page(content).text
            if text.strip():
                yield url_of(row), text


def write(path: Path, found: list[tuple[str, str]]) -> int:
    """Write a WET file; returns the bytes of its texts."""
    from warcio.warcwriter import WARCWriter

    num_bytes = 0
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for number, (url, text) in enumerate(found):
            block = text.encode()
            num_bytes += len(block)
            digest = "sha1:" + base64.b32encode(hashlib.sha1(block).digest()).decode()
            headers = {"WARC-Record-ID": f"<urn:uuid:{number:032x}>", "WARC-Date": "2026-01-01T00:00:00Z", "WARC-Block-Digest": digest}
            writer.write_record(
                writer.create_warc_record(
                    url,
                    "conversion",
                    payload=io.BytesIO(block),
                    length=len(block),
                    warc_content_type="text/plain",
                    warc_headers_dict=headers,
                )
            )
    return num_bytes


def ours(path: Path) -> int:
    """Texts read by the stage, in one task."""
    from support.stages import run_source

    table, _ = run_source("read.wet", path.parent, paths=[path.name])
    return int(table.num_rows)


def with_datatrove(path: Path) -> int:
    """Documents of the peer's reader."""
    from datatrove.pipeline.readers import WarcReader

    return sum(1 for _ in WarcReader(str(path.parent), glob_pattern=path.name)())


def with_fastwarc(path: Path) -> int:
    """Records of the bare iterator, every byte read."""
    from fastwarc.warc import ArchiveIterator

    with path.open("rb") as file:
        return sum(1 for record in ArchiveIterator(file) if record.reader.read())


def with_warcio(path: Path) -> int:
    """The same with warcio, digests checked."""
    from warcio.archiveiterator import ArchiveIterator

    with path.open("rb") as file:
        return sum(1 for record in ArchiveIterator(file, check_digests="raise") if record.content_stream().read())


def run(options: Options) -> Bench:
    """Race all four on one file."""
    sys.path.insert(0, str(ROOT / "tests"))
    options.shared()
    try:
        import cchardet  # noqa: F401  (the peer's reader needs it)
        import magic  # noqa: F401
        from loguru import logger

        logger.disable("datatrove")
        import datatrove.pipeline.readers  # noqa: F401
    except ImportError as error:
        raise SkipError(f"the peer needs a package that is not installed: {error}") from error
    folder = options.scratch / "wet"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "texts.warc.wet.gz"
    found = list(texts())[: options.scaled(NUM_TEXTS)]
    num_bytes = write(path, found)
    bench = Bench("wet", {"texts": len(found), "text_bytes": num_bytes, "file_bytes": path.stat().st_size})
    readers: dict[str, Any] = {
        "read.wet": ours,
        "datatrove WarcReader": with_datatrove,
        "FastWARC's iterator, bare": with_fastwarc,
        "warcio's iterator, digests checked": with_warcio,
    }
    contenders = {label: lambda reader=reader: reader(path) for label, reader in readers.items()}
    bench.facts = {"records": bench.race(contenders, "byte", num_bytes, repeats=options.repeats)}
    return bench
