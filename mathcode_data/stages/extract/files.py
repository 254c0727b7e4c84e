"""Extraction of files and folders, for the command line: one row a page, in order, also for a page that cannot be used."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.stages.extract.decode import check_encoding
from mathcode_data.stages.extract.guard import GuardedExtractor
from mathcode_data.stages.extract.limits import MAX_BYTES
from mathcode_data.stages.extract.records import MAIN_CONTENT, Page, PageInput, Scope

SUFFIXES = (".html", ".htm", ".xhtml", ".xht")
STANDARD_INPUT = Path("-")
PAGES_PER_ROUND = 16


def find_pages(paths: Sequence[Path]) -> list[Path]:
    """Files as they are given, `-` for standard input; of folders, the HTML files in them and below, in name order.

    Raises:
        ConfigError: a path does not exist, or a folder holds no HTML file.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.name.lower().removesuffix(".gz").endswith(SUFFIXES) and file.is_file())
            if not inside:
                raise ConfigError(f"{path}: no file with a name in {', '.join(SUFFIXES)} in this folder; name the files themselves")
            found += inside
        elif path.exists() or path == STANDARD_INPUT:
            found.append(path)
        else:
            raise ConfigError(f"{path}: no such file or folder; check the path")
    return found


def extract_files(
    paths: Sequence[Path],
    *,
    url: str = "",
    encoding: str = "",
    content_type: str = "",
    scope: Scope = MAIN_CONTENT,
    deadline_s: float = 2.0,
) -> Iterator[dict[str, Any]]:
    """Extract pages behind a deadline.

    Yields:
        `{"path", "title", "language", "text", "formulas": [{"latex", "display", "source", "confidence"}], "error"}` per page; `error` is ""
        for a page that can be used. One that was read only as far as it goes (gzip cut short) has `damage` besides.

    Raises:
        ConfigError: a path does not exist, a folder holds no HTML file, or the encoding is unknown.
    """
    check_encoding(encoding)
    files = find_pages(paths)
    with GuardedExtractor(deadline_s=deadline_s, scope=scope) as extractor:
        for start in range(0, len(files), PAGES_PER_ROUND):
            part = files[start : start + PAGES_PER_ROUND]
            contents = [_read(file) for file in part]
            readable = [content for content, error in contents if not error]
            inputs = [PageInput(content, url, content_type, encoding) for content in readable]
            pages = iter(extractor.extract(inputs))
            for file, (_, error) in zip(part, contents, strict=True):
                yield _failed_row(file, error) if error else _row(file, next(pages))


def _read(file: Path) -> tuple[bytes, str]:
    """The bytes of a file, or why there are none; never more than a page may have, also of a device without an end."""
    try:
        with nullcontext(sys.stdin.buffer) if file == STANDARD_INPUT else file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        return b"", f"unreadable: {error.strerror or error}"
    if len(content) > MAX_BYTES:
        return b"", f"limit: more than {MAX_BYTES:,} bytes on one page"
    return content, ""


def _name(file: Path) -> str:
    """The path as text that JSON takes: bytes of a file name that are no UTF-8 are replaced."""
    return str(file).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _failed_row(file: Path, error: str) -> dict[str, Any]:
    return {"path": _name(file), "title": "", "language": "", "text": "", "formulas": [], "error": error}


def _row(file: Path, page: Page) -> dict[str, Any]:
    formulas = [
        {"latex": formula.latex, "display": formula.display, "source": formula.source, "confidence": formula.confidence}
        for formula in page.formulas
    ]
    row = {
        "path": _name(file), "title": page.title, "language": page.language, "text": page.text, "formulas": formulas, "error": page.error,
    }  # fmt: skip
    return row | {"damage": page.damage} if page.damage else row
