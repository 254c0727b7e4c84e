"""Files and folders for the command line: a row for every page, also for one that cannot be used."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from mathcode_data.stages.extract import files
from mathcode_data.stages.extract.files import extract_files

PAGE = b"<p>Let <script type='math/tex'>x^2</script> be even.</p>"


def test_a_file_without_an_end_or_over_the_limit_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    (tmp_path / "long.html").write_bytes(b"x" * 1001)
    (tmp_path / "page.html").write_bytes(PAGE.ljust(1000))
    rows = list(extract_files([Path("/dev/zero"), tmp_path / "long.html", tmp_path / "page.html"]))
    assert [row["error"] for row in rows] == ["limit: more than 1,000 bytes on one page"] * 2 + [""]
    assert rows[2]["formulas"][0]["latex"] == "x^2"
    assert rows[2]["formulas"][0].keys() == {"latex", "display", "source", "confidence"}


def test_a_file_that_is_read_is_no_longer_than_a_page_may_be(tmp_path: Path) -> None:
    content, error = files._read(Path("/dev/zero"))
    assert (content, error) == (b"", "limit: more than 67,108,864 bytes on one page")


def test_compressed_pages_of_a_folder_and_a_page_from_standard_input_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.html.gz").write_bytes(gzip.compress(PAGE))
    (tmp_path / "notes.txt.gz").write_bytes(gzip.compress(PAGE))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PAGE)))
    rows = list(extract_files([tmp_path, Path("-")]))
    assert [(Path(row["path"]).name, row["formulas"][0]["latex"]) for row in rows] == [("a.html.gz", "x^2"), ("-", "x^2")]
