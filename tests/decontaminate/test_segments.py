from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.text import gram_hashes
from mathcode_data.stages.decontaminate import segments as module
from mathcode_data.stages.decontaminate.segments import split_segments, without_segments

LINES = ["word", "\\[ x", "y \\]", "$$", "```", "```python", "~~~", "> ```", "a \\\\[2pt] b", "", " ", "\t", "\\\\[", "last"]
BLOCKS = st.lists(st.sampled_from(LINES), max_size=14)


@given(st.lists(BLOCKS, max_size=4))
def test_segments_and_what_is_between_them_are_the_text(blocks):
    text = "\n\n".join("\n".join(block) for block in blocks)
    segments = split_segments(text)
    assert segments[0][0] == 0
    assert segments[-1][1] == len(text)
    for (_, end), (start, _) in itertools.pairwise(segments):
        assert text[end:start].startswith("\n")
        assert text[end:start].isspace()
    assert without_segments(text, segments, []) == text
    assert without_segments(text, segments, range(len(segments))) == ""


@given(st.lists(BLOCKS, max_size=4))
def test_grams_of_a_text_are_those_of_its_segments(blocks):
    text = "\n\n".join("\n".join(block) for block in blocks)
    assert gram_hashes(text).size == sum(gram_hashes(text[start:end]).size for start, end in split_segments(text))


def parts(text):
    return [text[start:end] for start, end in split_segments(text)]


@pytest.mark.parametrize(
    "whole",
    [
        "```python\nx = 1\n\n\ny = 2\n```",
        "~~~\na\n\n```\n\nb\n~~~",
        "so\n\\[ a\n\n= b \\]\nholds",
        "$$\na\n\nb\n$$",
        "> ```\n> a\n\n> b\n> ```",
    ],
)
def test_fences_and_display_formulas_stay_whole(whole):
    assert parts(f"before\n\n{whole}\n\n\nafter") == ["before", whole, "after"]
    assert parts(f"{'long line ' * 300}\n{whole}\nafter") == ["long line " * 300, *([whole] if not whole.startswith("so") else [
        "so", *whole.removeprefix("so\n").removesuffix("\nholds").split("\0"), "holds"]), "after"]  # fmt: skip


@pytest.mark.parametrize("stray", ["```", "\\[", "$$", "\\]", "~~~ info", "a \\\\[ b"])
def test_what_is_never_closed_protects_nothing(stray):
    assert parts(f"one\n\n{stray}\n\ntwo") == ["one", stray, "two"]


def test_a_formula_far_away_does_not_close_one():
    filler = "word\n\n" * 3000
    assert len(parts("$$ a\n\n" + filler + "$$")) == 3002


def test_removed_segments_leave_whole_paragraphs():
    text = "one\n\n\ntwo\n \nthree\n\nfour"
    segments = split_segments(text)
    assert without_segments(text, segments, [1]) == "one\n \nthree\n\nfour"
    assert without_segments(text, segments, [0, 3]) == "two\n \nthree"


@pytest.mark.parametrize("unit", ["\n", "\n ", "```a\n", "~~~\n", "\\[\n\n", "$$\n\n", "`", "$$ \\] ", "> ", "\n\n```x\n\n~~~\n\n"])
def test_splitting_is_linear(unit):
    started = time.process_time()
    split_segments(unit * 20_000)
    assert time.process_time() - started < 2.0
    assert module.MAX_SEGMENT_CHARACTERS < module.MAX_DISPLAY_CHARACTERS
