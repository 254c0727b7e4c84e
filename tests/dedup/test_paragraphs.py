from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.stages.dedup.formula_places import protected_places
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


LINE = "a line that repeats in every text"


@pytest.mark.parametrize(
    ("before", "after"),
    [(f"\\begin{{{name}}}", f"\\end{{{name}}}") for name in (
        "equation", "align*", "eqnarray", "gather", "multline", "array", "tikzpicture", "verbatim", "lstlisting", "minted", "alignat*",
    )] + [
        ("\\begin{array}\n\\begin{array}\nx\n\\end{array}", "\\end{array}"), ("\\begin{align}", ""),
        ("<pre>", "</pre>"), ("<pre class='x'><b>", "</b></PRE>"), ("see <code>", "</code> there"), ("<math xmlns='x'>", "</math>"),
        ("<m:math>", "</m:math>"), ("<pre>", ""), ("where $a = b +", "= c$ holds"), ("#+BEGIN_SRC py", "#+END_SRC"),
    ],
)  # fmt: skip
def test_no_line_is_taken_out_of_environments_tags_and_dollars(before, after):
    texts = [f"{name} words of its own\n{before}\n{LINE}\n{after}" for name in "abc"]
    assert dedup(NAME, documents(texts), unit="line", max_documents=1)[0]["text"].to_pylist() == texts


@pytest.mark.parametrize("opening", [".. code-block:: python\n   :linenos:", "It reads::", "- an item::", ".. math::", "> quoted::"])
def test_no_line_is_taken_out_of_a_literal_block_and_what_follows_it_is_text(opening):
    lead = "> " if opening.startswith(">") else ""
    texts = [f"{name} words\n\n{opening}\n{lead}\n{lead}   {LINE}\n\n{lead}   {LINE}\n\n{LINE}" for name in "abc"]
    kept = dedup(NAME, documents(texts), unit="line", max_documents=1)[0]["text"].to_pylist()
    assert [text.count(LINE) for text in kept] == [2, 2, 2]


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 here\n{}\nand $6 there.", "one $ alone\n{}\n", "a $x$ b\n{}\nc $y$", "open $x\n\n{}\n\ny$ too late",
        "\\begin{theorem}\n{}\n\\end{theorem}", "a < b\n{}\nb > a", "\\begin{align}x\\end{align}\n{}\n", "<code>x</code>\n{}\n",
        "use std::vector\n  {}\n", "it says \\$5\n{}\nand $", "It reads::\n   x\n{}\n",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_mark_protects_nothing(text):
    texts = [f"{name} words of its own\n{text.replace('{}', LINE)}" for name in "abc"]
    assert not any(LINE in kept for kept in dedup(NAME, documents(texts), unit="line", max_documents=1)[0]["text"].to_pylist())


@given(
    st.lists(
        st.sampled_from(["\\begin{array}", "\\end{array}", "$", "$$", "\\(", "<pre>", "</pre>", "a", " ", "\n", "::", "   b", "```"]),
        max_size=30,
    )
)
def test_protected_places_are_in_order_and_apart(parts):
    bounds = [bound for place in protected_places("".join(parts)) for bound in place]
    assert bounds == sorted(bounds)


@given(st.text(st.sampled_from("ab \n\t`~\\()[]$>"), max_size=40), st.sampled_from(["line", "paragraph"]))
def test_segments_are_whole_and_in_order(text, unit):
    bounds = [bound for place in segments(text, unit) for bound in place]
    assert bounds == sorted(bounds)
    assert all(start in (0, *(k + 1 for k, c in enumerate(text) if c == "\n")) for start in bounds[::2] if start < len(text))


def test_a_large_hostile_text_takes_linear_time():
    text = "\\( " * 20_000 + "\n\n" + "```\n" * 20_000 + "$$" * 20_001 + "\n \n" * 20_000
    assert np.all(np.diff([start for start, _ in segments(text, "paragraph")]) > 0)


@pytest.mark.parametrize(
    "piece", ["$x ", "\\$ $", "<pre", "<code ", "\\begin{array} ", " ", ":: ", ">", "\n::", "\n  x::\n   ", "\n#+begin_src ", "<a:"]
)
def test_hostile_marks_take_linear_time(piece):
    text = "::" + piece * 50_000 + "$x$\n"
    bounds = [bound for place in protected_places(text) for bound in place]  # quadratic time ends in pytest's time-out
    assert bounds == sorted(bounds)
    assert all(0 <= bound <= len(text) for bound in bounds)
