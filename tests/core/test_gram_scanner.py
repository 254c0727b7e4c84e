from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.core.gram_scanner import NUMBER_SLOT, gram_hashes_of, scan_grams
from mathcode_data.core.text import gram_hashes, grams
from support.odd_pieces import MARKUP, MEETING

PIECES = st.sampled_from(
    [
        *MEETING,
        "中文的们好",
        "\\begin{align*}",
        "\\end{x}",
        "1{,}000",
        "12,345",
        "```",
        "~~~ x",
        "\n",
        "a" * 17,
        "\\frac",
        "->",
        "==",
        "—",
        " — ",
        " – ",
        "--",
        "---",
        " word",
        "\\(",
        "\\)",
        "\n\n",
        "```x\n",
        *MARKUP,
    ]
)
TRICKY = st.lists(PIECES, max_size=30).map("".join)


@settings(max_examples=200)
@given(st.lists(TRICKY | st.text(max_size=30), max_size=5))
def test_the_scanner_agrees_with_the_definition_on_everything(texts):
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    hashes, ends = gram_hashes_of(pa.array(texts, pa.large_string()))
    for number, text in enumerate(texts):
        assert hashes[ends[number] : ends[number + 1]].tolist() == gram_hashes(text).tolist()
    assert ends[-1] == hashes.size


WORDS = st.sampled_from(
    [
        *"a.,;:?!()[]{}|&@#'\"/+%^=<>*_1\\",
        *(letter * size for letter, size in zip("bcdefghijkLMNOPqr", range(1, 18), strict=True)),
        *(
            "für",
            "Übergrößen",
            "éa",
            "aÉb",
            "well-known",
            "x-y",
            "ab-c",
            "x_1",
            "a*b",
            "\\frac",
            "\\operatorname",
            "\\Left",
            "\\quad",
            "\\,",
            "\\end",
        ),
        *("12", "3.5", "1,000", "1,00", "12345678901234567", "<=", "!=", "==", "`", "$", "“", "’", "，", "（", "１", "＝", "\u3000"),
    ]
)


@given(st.lists(st.lists(WORDS, max_size=6).map("".join), max_size=12).map(" ".join))
def test_words_numbers_and_commands_are_read_as_by_the_definition_and_belong_to_their_piece(text):
    text = text.replace("```", "`")
    found = scan_grams(pa.array(["before", text], pa.large_string()))
    expected = [
        (gram, len(text[: piece.start()].encode())) for piece in re.finditer(r"\S+", text) for gram in gram_hashes(piece[0]).tolist()
    ]
    assert list(zip(found.hashes[1:].tolist(), found.places[1:].tolist(), strict=True)) == expected


@pytest.mark.parametrize("letter", ["a", "Z", "é", "À"])
def test_words_of_any_length_have_their_hash_wherever_they_stand(letter):
    words = [letter * size for size in range(1, 20)]
    texts = [*words, *(f"{word} and then some more words" for word in words), *(f"{word}." for word in words)]
    hashes, ends = gram_hashes_of(pa.array(texts, pa.large_string()))
    assert [hashes[ends[i] : ends[i + 1]].tolist() for i in range(len(texts))] == [gram_hashes(text).tolist() for text in texts]


@pytest.mark.parametrize("before", ["", "a", "x, ", "1，"])
@pytest.mark.parametrize("size", [1, 30, 31, 32, 33, 34, 66, 200])
@pytest.mark.parametrize("behind", ["", "a", "-b", "ℝ", "--", "—", "ि"])
def test_pieces_of_chinese_are_cut_at_the_same_places_whatever_stands_behind(before, size, behind):
    text = before + ("中文的们" * 50)[:size] + behind
    found = scan_grams(pa.array([text, "x"], pa.large_string()))
    first = len(before.encode())
    places = found.places[: found.ends[1]]
    assert found.hashes[: found.ends[1]].tolist() == gram_hashes(text).tolist()
    cuts = sorted({place for place in places.tolist() if place > max(0, first)})
    assert all((cut - first) % 3 == 0 for cut in cuts if cut < first + 3 * size)
    assert max(np.diff([0, *cuts, first + 3 * size])) <= 3 * 32 + first


@given(st.lists(st.sampled_from([*"aα中文的们好é1,+ \n", "- ", "word", "12", "\u00a0", "ℝ"]), max_size=30).map("".join))
def test_places_are_where_the_pieces_begin(text):
    found = scan_grams(pa.array(["before 1", text], pa.large_string()))
    raw = text.encode()
    for gram, place in zip(found.hashes[found.ends[1] :].tolist(), found.places[found.ends[1] :].tolist(), strict=True):
        assert gram in gram_hashes(raw[place:].decode().split()[0]).tolist()


@pytest.mark.parametrize("text", ["a 12 b 1,000.5 c", "x=3", "中12文", "α 7", "４"])
def test_slots_stand_for_all_numbers_and_nothing_else(text):
    hashes = scan_grams(pa.array([text], pa.large_string()), number_slots=True).hashes
    plain = gram_hashes(text)
    for gram, slotted, value in zip(grams(text), hashes, plain, strict=True):
        assert slotted == (NUMBER_SLOT if gram[0].isdigit() else value)


def test_nulls_slices_and_chunks_are_read(tmp_path):
    column = pa.chunked_array([pa.array(["no", "a b"], pa.large_string()).slice(1), pa.array([None, "c"], pa.large_string())])
    hashes, ends = gram_hashes_of(column)
    assert ends.tolist() == [0, 2, 2, 3]
    assert np.array_equal(hashes, gram_hashes("a b c"))
    assert gram_hashes_of(pa.array([], pa.large_string()))[1].tolist() == [0]


@pytest.mark.parametrize("text", ["㍿" * 40, "a ㍿ b ㍿", "ﷺ ﷺ"])
def test_a_character_may_stand_for_more_grams_than_it_has_bytes(text):
    hashes, ends = gram_hashes_of(pa.array([text, "x", text], pa.large_string()))
    assert [hashes[ends[i] : ends[i + 1]].tolist() for i in range(3)] == [gram_hashes(part).tolist() for part in (text, "x", text)]
