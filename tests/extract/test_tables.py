"""Laws of tables: whatever stands in the cells, a row is one line, all rows have as many cells, and no formula is lost or doubled."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.stages.extract.page import extract_page

_NUMBER = "@@"  # stands for a number that makes each formula of a page another
_WORDS = st.sampled_from(["sum", "a|b", "", "two words", "x\\y", "价", "1", "<b>bold</b>", "<code>p | q</code>", "- dash", "[1]"])
_FORMULAS = st.sampled_from(
    [
        f"\\(x_{{{_NUMBER}}}\\)",
        f"\\(|y_{{{_NUMBER}}}|\\)",
        f"\\[z_{{{_NUMBER}}} = 1\\]",
        f"<math><msub><mi>m</mi><mn>{_NUMBER}</mn></msub></math>",
        f"<script type='math/tex; mode=display'>s_{{{_NUMBER}}}</script>",
        f"\\[\\begin{{matrix}} u_{{{_NUMBER}}} & 1 \\\\ 2 & 3 \\end{{matrix}}\\]",
    ]
)
_CODE = st.sampled_from(["<pre>if a:\n    b | c</pre>", "<pre><code>one line</code></pre>", "<pre>\n\n  `tick`\n</pre>"])


def _several(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Contents made of others: lists, paragraphs, quotations, definitions, small tables."""
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda two: f"<ul><li>{two[0]}</li><li>{two[1]}</li></ul>"),
        pair.map(lambda two: f"<ol><li>{two[0]}<li>{two[1]}</ol>"),
        pair.map(lambda two: f"<p>{two[0]}</p><p>{two[1]}</p>"),
        pair.map(lambda two: f"<dl><dt>{two[0]}</dt><dd>{two[1]}</dd></dl>"),
        pair.map(lambda two: f"{two[0]}<br>{two[1]}"),
        inner.map(lambda one: f"<blockquote>{one}</blockquote>"),
        pair.map(lambda two: f"<table><tr><th>{two[0]}</th><td>1</td></tr><tr><td>{two[1]}</td><td>2</td></tr></table>"),
    )


_CONTENTS = st.recursive(_WORDS | _FORMULAS | _CODE, _several, max_leaves=5)
_SPANS = st.sampled_from(["", "", "", " colspan=2", " rowspan=2", " colspan=0 rowspan=x", " rowspan=3 colspan=3"])
_CELLS = st.tuples(_SPANS, _CONTENTS)
_TABLES = st.lists(st.lists(_CELLS, min_size=2, max_size=4), min_size=1, max_size=4)


def number(markup: str) -> str:
    """The markup with a number of its own in each formula."""
    pieces = markup.split(_NUMBER)
    return pieces[0] + "".join(f"{index}{piece}" for index, piece in enumerate(pieces[1:], 100))


def split_row(line: str, formulas: list[str]) -> list[str]:
    """The cells of a line of Markdown; bars in formulas and escaped ones are part of a cell."""
    for formula in formulas:
        line = line.replace(formula, "F", 1)
    return re.split(r"(?<!\\)\|", line)


@settings(max_examples=150, deadline=None)
@given(_TABLES, st.booleans())
def test_each_row_is_one_line_with_as_many_cells_and_each_formula_once(cells: list[list[tuple[str, str]]], is_bordered: bool) -> None:
    rows = "".join("<tr>" + "".join(f"<td{span}>{content}</td>" for span, content in row) + "</tr>" for row in cells)
    head = "<tr><th>first head</th><th>second head</th></tr>"
    markup = number(f"<table{' border=1' if is_bordered else ''}>{head}{rows}</table>")
    page = extract_page(f"<script src=mathjax.js></script><p>We have:</p>{markup}<p>And so on.</p>".encode())
    written = [f"\\[{formula.latex}\\]" if formula.display else f"\\({formula.latex}\\)" for formula in page.formulas]
    assert len(page.formulas) == len(re.findall(r"\b[xyzsu]_\{1\d\d\}|<msub>", markup))
    assert all(page.text.count(formula) == 1 for formula in written)
    assert page.text.startswith("We have:\n\n| first head | second head |")
    lines = page.text.removeprefix("We have:\n\n").removesuffix("\n\nAnd so on.").split("\n")
    widths = {len(split_row(line, written)) for line in lines}
    assert len(widths) == 1, page.text
    assert set(lines[1]) <= set("|- ")


@settings(max_examples=60, deadline=None)
@given(_TABLES)
def test_no_formula_is_lost_or_doubled_where_nothing_says_that_a_table_is_one(cells: list[list[tuple[str, str]]]) -> None:
    rows = "".join("<tr>" + "".join(f"<td{span}>{content}</td>" for span, content in row) + "</tr>" for row in cells)
    markup = number(f"<table>{rows}</table>")
    page = extract_page(f"<script src=mathjax.js></script>{markup}".encode())
    marks = re.findall(r"_\{(1\d\d)\}|<mn>(1\d\d)</mn>", markup)
    assert sorted("".join(mark) for mark in marks) == sorted(re.search(r"1\d\d", formula.latex)[0] for formula in page.formulas)  # type: ignore[index]


@pytest.mark.parametrize("content", ["<ul><li>\\(a\\)</li></ul>", "<pre>a\nb</pre>", "<table><tr><td>1</td><td>2</td></tr></table>"])
def test_every_row_of_a_long_table_is_one_line(content: str) -> None:
    rows = "".join(f"<tr><td>{index}</td><td>{content}</td></tr>" for index in range(400))
    text = extract_page(f"<script src=mathjax.js></script><table><tr><th>n</th><th>what</th></tr>{rows}</table>".encode()).text
    assert text.count("\n") == 401
    assert all(line.startswith("| ") and line.endswith(" |") for line in text.split("\n"))


def test_a_table_of_fifty_thousand_cells_stays_a_table() -> None:
    rows = "".join(f"<tr><td>{index}</td><td>\\(p_{{{index}}}\\)</td></tr>" for index in range(25_000))
    page = extract_page(f"<script src=mathjax.js></script><table>{rows}</table>".encode())
    assert page.text.count("\n") == 25_000
    assert len(page.formulas) == 25_000


def test_tables_nested_a_hundred_deep_cost_no_more_than_their_number() -> None:
    opening = "".join(
        f"<table border=1><tr><td>a{index}</td><td>b</td></tr><tr><td>some words {index}</td><td>" for index in range(100)
    )  # looked at once more on each level, this would never end
    page = extract_page(f"<script src=mathjax.js></script>{opening}\\(x_1\\)".encode())
    assert [formula.latex for formula in page.formulas] == ["x_1"]
    assert all(f"some words {index}" in page.text for index in range(100))


ITEMS = "".join(f"<li>the group of order {number}, \\(G_{{{number}}}\\)</li>" for number in range(60))


@pytest.mark.parametrize(
    "mark", ["<tr><th>kind</th><th>groups</th></tr>", "<caption>Groups</caption>", "<tr><td>none</td><td>empty</td></tr>"]
)
def test_a_table_of_data_keeps_its_long_lists(mark: str) -> None:
    others = "<tr><td>{}</td><td><ul><li>none of them</li></ul></td></tr>"
    table = f"<table>{mark}<tr><td>cyclic</td><td><ul>{ITEMS}</ul></td></tr>{others.format('simple')}{others.format('free')}</table>"
    page = extract_page(f"<script src=mathjax.js></script><p>We have:</p>{table}".encode())
    assert len(page.formulas) == 60
    row = next(line for line in page.text.split("\n") if "cyclic" in line)
    assert row.startswith("| cyclic | the group of order 0, \\(G_{0}\\); the group")
    assert all(row.count(f"\\(G_{{{number}}}\\)") == 1 for number in range(60))


@pytest.mark.parametrize(
    "content",
    [
        f"<ul>{ITEMS}</ul><pre>{'x = 1' * 90}</pre>",
        f"<ul><li><h2>Groups</h2></li>{ITEMS}</ul>",
        f"<ul><li>{'Each group of prime order is cyclic. ' * 12}</li>{ITEMS}</ul>",
        f"<p>{'Each group of prime order is cyclic. ' * 12}</p><ul>{ITEMS}</ul>",
    ],
)
def test_a_table_of_long_texts_is_read_in_order(content: str) -> None:
    rows = f"<tr><td>cyclic</td><td>{content}</td></tr><tr><td>all</td><td>{content}</td></tr>"
    page = extract_page(f"<script src=mathjax.js></script><table><tr><th>kind</th><th>groups</th></tr>{rows}</table>".encode())
    assert "| cyclic |" not in page.text
    assert len(page.formulas) == 120
    assert "- the group of order 7, \\(G_{7}\\)" in page.text


def test_columns_of_menus_are_no_data() -> None:
    links = "".join(f"<li><a href=/{number}>Page {number} of it</a></li>" for number in range(40))
    rows = "".join(f"<tr><td>Part {part}</td><td><ul>{links}</ul></td></tr>" for part in range(3))
    assert "|" not in extract_page(f"<table>{rows}</table>".encode()).text
