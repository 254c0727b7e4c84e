from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.gram_scanner import NUMBER_SLOT, gram_hashes_of, scan_grams
from mathcode_data.core.text import gram_hashes, grams

MEETING = "aé ſßİxX1²₀½⁻,.{}\\$`~()[]*_-=<>!+^%'’—−αονАе妈中文的们ि\u0301\u200b\u00a0\u2003\n\t\r\x1c\x00\ufb01Ａ＄，。…“"
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
    ]
)
TRICKY = st.lists(PIECES, max_size=30).map("".join)


@given(st.lists(TRICKY | st.text(max_size=30), max_size=5))
def test_the_scanner_agrees_with_the_definition_on_everything(texts):
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    hashes, ends = gram_hashes_of(pa.array(texts, pa.large_string()))
    for number, text in enumerate(texts):
        assert hashes[ends[number] : ends[number + 1]].tolist() == gram_hashes(text).tolist()
    assert ends[-1] == hashes.size


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
