"""How small files are put into splits: enough of them for several cores, and never by the number of workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.plugins import load_plugin
from mathcode_data.stages.read.files import MIN_SPLIT_BYTES, SPLITS_OF_SMALL_INPUT, split_target
from support.stages import make_config, run_source

CODE = "def double(value):\n    return value * 2\n\n\n" * 400


@given(total=st.integers(0, 10**13), split_bytes=st.integers(1, 10**9))
def test_a_split_holds_at_most_what_is_asked_and_a_small_input_is_cut_for_sixteen_cores(total: int, split_bytes: int):
    target = split_target(total, split_bytes)
    assert 0 < target <= split_bytes
    assert total // target >= min(SPLITS_OF_SMALL_INPUT, total // MIN_SPLIT_BYTES) or target == split_bytes


def make(folder: Path, suffix: str, text: str) -> None:
    for number in range(150):
        path = folder / f"part{number % 3}" / f"{number:03}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n# {number}\n")
    (folder / "LICENSE").write_text("Permission is hereby granted, free of charge, to any person obtaining a copy of this software")


@pytest.mark.parametrize(("name", "suffix"), [("read.html_files", ".html"), ("read.code", ".py")])
def test_a_few_megabytes_are_several_splits_and_the_documents_are_those_of_one(tmp_path: Path, name: str, suffix: str):
    make(tmp_path / "in", suffix, CODE)
    source = load_plugin(name).build(make_config(name, tmp_path, paths="in"))
    splits = source.splits()
    assert len(splits) == 3, "2.5 MB, 1 MB to a split"
    assert splits == source.splits()
    cut, counts = run_source(name, tmp_path, paths="in")
    large, counts_of_one = run_source(name, tmp_path, paths="in", split_bytes=500_000)
    assert cut.equals(large), "where the cuts lie changes no document, licence included"
    assert counts.counters.read == counts_of_one.counters.read
