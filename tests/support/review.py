"""A result of learn.domains with hostile names and texts, and a server of its review."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from mathcode_data.core.manifest import Result
from mathcode_data.review.candidates import Review
from mathcode_data.review.server import ReviewServer
from support.classifier import as_result
from support.stages import documents, make_result, run_global

HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">\u202e"


def domains_result(folder: Path) -> Result:
    """A whole site, a site with two prefixes, and one with a hostile page: four candidates' rows in all."""
    urls = [f"https://whole.example/{i}" for i in range(20)]
    urls += [f"https://mixed.example/{part}/{i}" for part in ("math", "physics", "shop") for i in range(12)]
    urls += [f"https://odd.example/a/{i}?<script>{i}" for i in range(10)]
    texts = [f"page {i} \\(x^{i}\\)" if i % 3 else HOSTILE for i in range(len(urls))]
    table = documents(texts, title=[HOSTILE if i % 5 == 0 else f"Title {i}" for i in range(len(urls))], score_math=[0.5] * len(urls))
    table = table.set_column(table.column_names.index("url"), "url", pa.array(urls, pa.string()))
    collected = [*range(15), *range(20, 29), *range(32, 40), *range(56, 64)]
    pages = make_result(folder / "pages", [table])
    seen = make_result(folder / "collected", [table.take(pa.array(collected, pa.int64()))])
    outcome = run_global("learn.domains", [pages], folder, 1, collected=str(seen.folder), num_samples=3)
    return as_result(outcome, folder / "out" / "round-1-domains", "domains")


@contextmanager
def serving(result: Result, file: Path, by: str | None = None) -> Iterator[ReviewServer]:
    """Serve a review in a thread."""
    with ReviewServer(Review(result, file, by), "round-1-domains") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
