"""WARC to text: read.warc and extract.html beside datatrove's WarcReader and Trafilatura extractor, on the same file.

Both extract in a child process of their own, which is started anew in every run: ours as a new interpreter, datatrove's as
a fork that has trafilatura loaded already. datatrove's default of one second per page is raised to ten, because the start
of its child counts towards it and would drop every page.
"""

from __future__ import annotations

import io
import itertools
import logging
import uuid
import warnings
from pathlib import Path
from typing import Any

from harness import Bench, Options, SkipError

SETS = ("cp_algorithms", "oi_wiki_zh", "postgresql_doc", "scipy_doc", "trafilatura_eval", "wcxb_dev")
PAGES_PER_SET = 50
TIMEOUT_S = 10.0


def write_warc(options: Options) -> tuple[Path, int]:
    """A WARC of pages from several sets, from the beginning of each; returns it and the number of pages.

    Each record states its payload type, as Common Crawl's do: without it, datatrove asks libmagic, which takes four pages
    in ten of these for something else than HTML.
    """
    from real_input import DATE, pages, url_of
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    options.shared()
    path = options.scratch / "pages.warc.gz"
    rows = [row for name in SETS for row in itertools.islice(pages(name), options.scaled(PAGES_PER_SET))]
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.1")
        for number, (row, content) in enumerate(rows):
            http = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            headers = {
                "WARC-Date": DATE,
                "WARC-Record-ID": f"<urn:uuid:{uuid.UUID(int=number)}>",
                "WARC-Identified-Payload-Type": "text/html",
            }
            record = writer.create_warc_record(
                url_of(row), "response", payload=io.BytesIO(content), http_headers=http, warc_headers_dict=headers
            )
            writer.write_record(record)
    return path, len(rows)


class Ours:
    """read.warc and extract.html, as a worker runs them."""

    def __init__(self, path: Path) -> None:
        from mathcode_data.core.plugins import load_plugin

        reader, extractor = load_plugin("read.warc"), load_plugin("extract.html")
        self.source = reader.build(reader.config.model_validate({"paths": str(path)}))
        self.stage = extractor.build(extractor.config.model_validate({}))

    def read(self) -> dict[str, int]:
        """Pages of the file."""
        return {"pages": sum(table.num_rows for table in self._tables())}

    def extract(self) -> dict[str, int]:
        """Texts of the file."""
        from mathcode_data.core.counters import Ledger

        ledger = Ledger("extract.html")
        texts = [text for table in self._tables() for text in self.stage(table, ledger)["text"].to_pylist()]
        self.stage.close()
        return {"texts": len(texts), "characters": sum(map(len, texts)), "formulas": ledger.counters.facts["formulas"]}

    def _tables(self) -> Any:
        from mathcode_data.core.counters import Ledger

        for split in self.source.splits():
            yield from self.source.read(split, Ledger("read.warc"))


class Peer:
    """datatrove's reader and extractor."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, int]:
        """Pages of the file."""
        return {"pages": sum(1 for _ in self._reader()())}

    def extract(self) -> dict[str, int]:
        """Texts of the file."""
        from datatrove.pipeline.extractors import Trafilatura

        texts = [document.text for document in Trafilatura(timeout=TIMEOUT_S).run(self._reader()())]
        return {"texts": len(texts), "characters": sum(map(len, texts))}

    def _reader(self) -> Any:
        from datatrove.pipeline.readers import WarcReader

        return WarcReader(str(self.path.parent), glob_pattern=self.path.name)


def make_peer(path: Path) -> Peer:
    """The peer, once it has read a page.

    Raises:
        SkipError: one of the packages that it needs is absent.
    """
    try:
        import trafilatura  # noqa: F401
        from loguru import logger

        logger.disable("datatrove")
        logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
        peer = Peer(path)
        next(peer._reader()())
    except ImportError as error:
        raise SkipError(f"the peer needs a package that is not installed: {error}; pip install trafilatura faust-cchardet") from error
    return peer


def run(options: Options) -> list[Bench]:
    """Reading alone, and reading with extraction."""
    path, num_pages = write_warc(options)
    parameters = {"sets": list(SETS), "pages": num_pages, "warc_bytes": path.stat().st_size}
    benches = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, peer = Ours(path), make_peer(path)
        for name, contenders in (
            ("read_warc", {"read.warc": ours.read, "datatrove WarcReader": peer.read}),
            ("extract", {"read.warc + extract.html": ours.extract, "datatrove WarcReader + Trafilatura": peer.extract}),
        ):
            bench = Bench(name, parameters)
            bench.facts = bench.race(contenders, "page", num_pages, repeats=options.repeats)
            benches.append(bench)
    return benches
