"""Cutting long words keeps the text, bounds every piece, and leaves ordinary texts whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.pre_tokenizers import ByteLevel

from mathcode_data.stages.learn import long_words
from mathcode_data.stages.learn.long_words import MAX_PIECE_CHARACTERS, parts_of

PRE_TOKENIZE = ByteLevel(add_prefix_space=False).pre_tokenize_str
UNITS = st.sampled_from(["a", "ab ", " ", "\n", "数", "!", "😀", "x1", "word \n"])


@given(st.lists(st.tuples(UNITS, st.integers(0, 60)), max_size=6), st.booleans())
def test_parts_join_to_the_text_and_no_piece_is_long(runs, has_pre_tokenizer):
    text = "".join(unit * number for unit, number in runs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_words, "MAX_PIECE_CHARACTERS", 20)
        patch.setattr(long_words, "PROBE", 10)
        patch.setattr(long_words, "MAX_PART_CHARACTERS", 100)
        parts = parts_of(text, PRE_TOKENIZE if has_pre_tokenizer else None)
    assert "".join(parts) == text
    for part in parts:
        assert len(part) <= 100
        assert all(end - start <= 20 for _, (start, end) in (PRE_TOKENIZE(part) if has_pre_tokenizer else [("", (0, min(len(part), 20)))]))


@pytest.mark.parametrize("text", ["", "a", "word " * 9000, "line of code = 1\n" * 5000, "a" * (MAX_PIECE_CHARACTERS - 1)])
def test_ordinary_texts_stay_whole(text):
    assert parts_of(text, PRE_TOKENIZE) == [text]


@pytest.mark.parametrize("unit", ["a", " ", "\n", "数", "!", "ب"])
def test_an_endless_word_is_cut_every_ten_thousand_characters(unit):
    parts = parts_of(f"head {unit * 35_000} tail", PRE_TOKENIZE)
    assert max(map(len, parts)) <= MAX_PIECE_CHARACTERS + len("head ") + len(" tail")
    assert len(parts) == 4
