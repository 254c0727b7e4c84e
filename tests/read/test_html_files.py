"""read.html_files and what all sources share: how files are found, named and grouped."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import PAGE_SCHEMA
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.stages.read.files import InputFile, group_by_bytes, list_inputs
from support.stages import make_config, run_source


def make(folder, **files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def splits(folder, **values):
    return load_plugin("read.html_files").build(make_config("read.html_files", folder, **values)).splits()


def test_files_become_pages_with_urls_that_name_no_machine(tmp_path):
    pages = {"docs/a b.html": b"<p>1", "docs/deep/c.xhtml": b"<p>2", "docs/d.HTM": b"<p>3"}
    make(tmp_path, **pages, **{"docs/e.txt": b"x", "docs/f.html": b" \n"})
    table, ledger = run_source("read.html_files", tmp_path, paths="docs")
    assert table.schema == PAGE_SCHEMA
    rows = table.select(["url", "content", "content_type", "warc_file", "http_status"]).to_pylist()
    assert [row["url"] for row in rows] == ["file:a%20b.html", "file:d.HTM", "file:deep/c.xhtml"]
    assert [row["content_type"] for row in rows] == ["text/html", "text/html", "application/xhtml+xml"]
    assert rows[0]["warc_file"] is None
    assert dict(ledger.counters.dropped) == {"empty_body": 1}
    table, ledger = run_source("read.html_files", tmp_path, paths="docs", url_prefix="https://example.org/", max_page_bytes=3)
    assert dict(ledger.counters.dropped) == {"too_large": 3, "empty_body": 1}


def test_a_moved_folder_gives_the_same_ids_and_splits(tmp_path):
    for place in ("here", "over/there"):
        make(tmp_path / place, **{f"{n % 3}/{n}.html": b"<p>" + b"x" * n for n in range(20)})
    first, second = (run_source("read.html_files", tmp_path, paths=place)[0].column("doc_id") for place in ("here", "over/there"))
    assert first == second
    first, second = (
        [(split.names, split.options) for split in splits(tmp_path, paths=place, split_bytes=50)] for place in ("here", "over/there")
    )
    assert first == second
    assert len(first) > 2


def test_files_of_the_same_name_in_two_inputs_are_told_apart(tmp_path):
    make(tmp_path, **{"x/a/i.html": b"<p>1", "x/b/i.html": b"<p>2"})
    names = [name for split in splits(tmp_path, paths=["x/a", "x/b"]) for name in split.names]
    assert names == ["a/i.html", "b/i.html"]
    names = [name for split in splits(tmp_path, paths="x/*/i.html") for name in split.names]
    assert names == ["a/i.html", "b/i.html"]


def test_a_file_that_two_inputs_reach_is_read_once(tmp_path):
    make(tmp_path, **{"x/a/i.html": b"<p>1", "x/j.html": b"<p>2"})
    assert [split.names for split in splits(tmp_path, paths=["x", "x/a", "x/a/i.html"])] == [("a/i.html", "j.html")]


def test_links_out_of_the_folder_are_left_out_and_counted(tmp_path):
    make(tmp_path, **{"docs/a.html": b"<p>1", "secret.html": b"<p>2"})
    (tmp_path / "docs" / "out.html").symlink_to(tmp_path / "secret.html")
    (tmp_path / "docs" / "in.html").symlink_to(tmp_path / "docs" / "a.html")
    (tmp_path / "docs" / "loop").symlink_to(tmp_path / "docs")
    table, ledger = run_source("read.html_files", tmp_path, paths="docs")
    assert table.column("url").to_pylist() == ["file:a.html", "file:in.html"]
    assert dict(ledger.counters.dropped) == {"link_outside": 1}


def test_a_name_that_is_no_text_is_left_out_and_counted(tmp_path):
    make(tmp_path, **{"docs/a.html": b"<p>1"})
    with open(os.fsencode(tmp_path / "docs") + b"/\xff.html", "wb") as file:  # noqa: PTH123 - a path of bytes
        file.write(b"<p>2")
    _, ledger = run_source("read.html_files", tmp_path, paths="docs")
    assert dict(ledger.counters.dropped) == {"name_not_utf8": 1}


def test_a_file_that_vanished_is_an_error_that_names_it(tmp_path):
    make(tmp_path, **{"docs/a.html": b"<p>1"})
    source = load_plugin("read.html_files").build(make_config("read.html_files", tmp_path, paths="docs"))
    (split,) = source.splits()
    (tmp_path / "docs" / "a.html").unlink()
    with pytest.raises(DataError, match=r"a\.html: .*it was there when the run was planned"):
        list(source.read(split, Ledger("read.html_files")))


def test_a_folder_without_pages_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match="no HTML files"):
        splits(tmp_path, paths=".")


@given(sizes=st.lists(st.integers(0, 100)), split_bytes=st.integers(1, 200))
def test_groups_keep_the_order_and_only_a_single_file_is_larger_than_asked(sizes, split_bytes):
    files = [InputFile(str(n), str(n), size) for n, size in enumerate(sizes)]
    groups = list(group_by_bytes(files, split_bytes))
    assert [file for group in groups for file in group] == files
    assert all(len(group) == 1 or sum(file.bytes for file in group) <= split_bytes for group in groups)


def test_the_listing_counts_nothing_when_nothing_is_left_out(tmp_path):
    make(tmp_path, **{"a.html": b"x"})
    listing = list_inputs([str(tmp_path)], lambda name: True, "files")
    assert Counter(listing.skipped) == Counter()
