from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.stages.dedup.paragraphs import segments
from support.dedup import dedup, sharded, survivors
from support.stages import documents, run_global

NAME = "dedup.paragraphs"
FOOTER = "Copyright of the society of mathematicians."
FORMULA = "\\[ a + b + c + d = e + f + g + h + i \\]"
PARTS = [
    FOOTER,
    "copyright  of the SOCIETY of mathematicians.",
    "Proof.",
    FORMULA,
    "see \\(x + y + z + w = 1\\) in all",
    "a text of its own",
]


@settings(max_examples=15)
@given(st.lists(st.lists(st.sampled_from(PARTS), max_size=4).map("\n\n".join), min_size=1, max_size=6), st.data())
def test_order_sharding_and_tasks_change_nothing(texts, data):
    table = documents(texts)
    whole, counters, _ = dedup(NAME, table, max_documents=1)
    order = data.draw(st.permutations(range(len(texts))))
    cuts = data.draw(st.lists(st.integers(0, len(texts)), max_size=3))
    again = dedup(NAME, table.take(order), cuts, data.draw(st.sampled_from([1, 3, 1000])), max_documents=1)
    assert (whole.equals(again[0]), counters) == (True, again[1])
    with_footer = sum("society" in text.lower() for text in texts)
    assert any("society" in text.lower() for text in whole["text"].to_pylist()) == (with_footer == 1)
    for part in PARTS[2:5]:  # short, or holding a formula
        assert sum(text.count(part) for text in whole["text"].to_pylist()) == sum(text.count(part) for text in texts)


def test_what_is_removed_is_told(tmp_path):
    texts = [f"{FOOTER}\n\nTheorem {name} is true for all numbers.\n" for name in "abc"] + [FOOTER]
    outcome = run_global(NAME, [sharded(documents(texts), [2], tmp_path / "in")], tmp_path / "out", max_documents=2)
    assert survivors(outcome)["text"].to_pylist() == [f"Theorem {name} is true for all numbers.\n" for name in "abc"]
    counters = [record.counters[0] for record in outcome.counted]
    assert sum(c.dropped["only_repeated_text"] for c in counters) == 1
    assert sum(c.facts["documents_changed"] for c in counters) == sum(c.facts["segments_removed"] for c in counters) == 4
    assert outcome.facts == {"repeated_segments": 1, "most_repeated": [{"documents": 4, "text": FOOTER}]}
    changed = pa.concat_tables(pq.read_table(record.path(f"changed-{record.index:05d}.parquet")) for record in outcome.records)
    assert changed["segments"].to_pylist() == [1, 1, 1, 1]


CODE = "```py\nreturn the value of this\n\nreturn the value of this\n```"


@pytest.mark.parametrize("unit", ["line", "paragraph"])
@pytest.mark.parametrize(
    "protected",
    [
        CODE, CODE.replace("```", "~~~~"),
        "> " + CODE.replace("\n", "\n> "), "\\[\na line of a formula\n\na line of a formula\n\\]", FORMULA,
        "$$\na line of a formula that repeats\n$$", "    an indented line of program text", "\tan indented line of program text",
        "with \\(x = 1\\) an inline formula", "```\nan open fence protects the rest of it", "\\[ an open formula as well as can be",
        "```\n~~~\nstill inside of the fence\n```", "\\(\nx + y + z + u + v + w\n\\)",
    ],
)  # fmt: skip
def test_formulas_and_code_stay_whole(unit, protected):
    texts = [f"{FOOTER}\n\n{protected}", f"own words {unit} here and there\n\n{protected}"] * 2
    kept, counters, _ = dedup(NAME, documents(texts), unit=unit, max_documents=1)
    assert all(protected in text for text in kept["text"].to_pylist())
    assert counters.dropped.total() == 0
    assert not any(FOOTER in text for text in kept["text"].to_pylist())


@given(st.text(st.sampled_from("ab \n\t`~\\()[]$>"), max_size=40), st.sampled_from(["line", "paragraph"]))
def test_segments_are_whole_and_in_order(text, unit):
    bounds = [bound for place in segments(text, unit) for bound in place]
    assert bounds == sorted(bounds)
    assert all(start in (0, *(k + 1 for k, c in enumerate(text) if c == "\n")) for start in bounds[::2] if start < len(text))


def test_a_large_hostile_text_takes_linear_time():
    text = "\\( " * 20_000 + "\n\n" + "```\n" * 20_000 + "$$" * 20_001 + "\n \n" * 20_000
    assert np.all(np.diff([start for start, _ in segments(text, "paragraph")]) > 0)
