"""The command `extract`: what goes to standard output, what to standard error, and which exit code."""

from __future__ import annotations

import gzip
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from mathcode_data.cli import main

GOOD = b"<p>Let <script type='math/tex'>x^2</script> be even.</p>"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def extract(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Call the command in this process."""

    def call(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["mathcode-data", "extract", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return Outcome(int(stopped.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder with two pages and, between them, one that is none."""
    (tmp_path / "a.html").write_bytes(GOOD)
    (tmp_path / "b.html").write_bytes(b"%PDF-1.7")
    (tmp_path / "c.html").write_bytes(GOOD.replace(b"even", b"odd"))
    return tmp_path


def test_one_page_prints_its_text_and_nothing_else(extract, pages: Path) -> None:
    outcome = extract(pages / "a.html")
    assert outcome == Outcome(0, "Let \\(x^2\\) be even.\n", "")


def test_several_pages_are_set_apart_by_their_paths(extract, pages: Path) -> None:
    outcome = extract(pages / "a.html", pages / "c.html")
    first, second = f"<!-- {pages / 'a.html'} -->", f"<!-- {pages / 'c.html'} -->"
    assert outcome.out == f"{first}\n\nLet \\(x^2\\) be even.\n\n{second}\n\nLet \\(x^2\\) be odd.\n\n"


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_bad_page_costs_one_line_with_path_and_reason_and_exit_code_3(extract, pages: Path, flags: list[str]) -> None:
    outcome = extract(pages, *flags)
    lines = outcome.err.splitlines()
    assert outcome.code == 3
    assert lines == [f"{pages / 'b.html'}: binary: the bytes are PDF, not a page", lines[1]]
    assert lines[1].startswith("error: 1 of 3 pages")
    if flags:
        rows = [json.loads(line) for line in outcome.out.splitlines()]
        assert [bool(row["error"]) for row in rows] == [False, True, False]
    else:
        assert "even" in outcome.out
        assert "odd" in outcome.out


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_page_cut_short_gives_what_could_be_read_and_says_so(extract, tmp_path: Path, flags: list[str]) -> None:
    packed = gzip.compress(GOOD * 40)
    (tmp_path / "a.html.gz").write_bytes(packed)
    (tmp_path / "b.html.gz").write_bytes(packed[:-10])
    outcome = extract(tmp_path, *flags)
    lines = outcome.err.splitlines()
    assert outcome.code == 3
    assert lines[0].startswith(f"{tmp_path / 'b.html.gz'}: gzip: the file ends too early")
    assert lines[1].startswith("error: 1 of 2 pages could be read in part only")
    if flags:
        whole, torn = (json.loads(line) for line in outcome.out.splitlines())
        assert (whole["error"], torn["error"], "damage" in whole) == ("", "", False)
        assert torn["damage"].startswith("gzip: the file ends too early")
        assert torn["text"].startswith("Let \\(x^2\\) be even.")
    else:
        assert outcome.out.count("b.html.gz") == 1


@pytest.mark.parametrize(("label", "guess"), [("gb1803", "gb18030"), ("utf9", "utf8"), ("shiftjis2", "shift"), ("klingon", "use a label")])
def test_unknown_encoding_is_refused_with_the_nearest_name(extract, pages: Path, label: str, guess: str) -> None:
    outcome = extract(pages / "a.html", "--encoding", label)
    assert (outcome.code, outcome.out) == (2, "")
    assert label in outcome.err
    assert guess in outcome.err.lower()


@pytest.mark.parametrize("label", ["utf-8", "UTF8", "gb2312", "Big5", "latin1", "windows-1251", "x-sjis"])
def test_known_encoding_is_taken(extract, pages: Path, label: str) -> None:
    assert extract(pages / "a.html", "--encoding", label).code == 0


def test_missing_path_and_empty_folder_are_usage_errors(extract, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, words in ((tmp_path / "none.html", "no such file"), (tmp_path / "empty", "no file with a name in")):
        outcome = extract(path)
        assert (outcome.code, outcome.out) == (2, "")
        assert str(path) in outcome.err
        assert words in outcome.err


def test_file_name_that_is_no_utf_8_is_still_named(extract, tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/p\xffge.html"))).write_bytes(GOOD)
    outcome = extract(tmp_path, "--json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["path"].endswith("p\ufffdge.html")
