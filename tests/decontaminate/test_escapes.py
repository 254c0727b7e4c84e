r"""Items in strings of JSON and source code: found as what the strings say, and TeX stays TeX."""

import json

import orjson
import pyarrow as pa
import pytest

from mathcode_data.stages.decontaminate.escapes import plain_text, without_escapes
from support.stages import documents, run_map

NAME = "decontaminate.ngram"
ITEMS = [
    "小明买了3盒茶叶，一盒茶叶有6小包，𝑥 一共买了多少小包茶叶？",
    r"Let $f(x)=\frac{x^2+1}{2\sqrt{x}}$ for \(x \neq 0\) and find $\left|f(4)\right|+\{17\}$ as \[\frac{a}{b}\].",
    'A gardener plants 24 rows\nof tulips with 18 bulbs\n\tin each row and says "one third" of them is sold.',
    "Find the determinant of \\[\\begin{vmatrix} 3 & \\frac{1}{2} \\\\ 17 & x \\end{vmatrix}\\] for \\$5 and\nthe sum of roots.",
]
STRINGS = {
    "JSON": lambda item: json.dumps({"question": item, "id": 5}),
    "JSON with its letters": lambda item: json.dumps({"question": item}, ensure_ascii=False),
    "Python": lambda item: f"print({item!r})",
    "C": lambda item: f"char *q = {orjson.dumps(item).decode()};",
}


@pytest.mark.parametrize("kind", STRINGS)
def test_items_in_strings_are_found_and_their_lines_removed(tmp_path, kind):
    path = tmp_path / "toy_test.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps({"question": item}) for item in ITEMS))
    pages = [f"Before it, é.\n\n{STRINGS[kind](item)}\n\nBehind \\( x \\)." for item in ITEMS]
    out, _ = run_map(NAME, documents(pages), benchmarks=str(path))
    assert out["text"].to_pylist() == ["Before it, é.\n\nBehind \\( x \\)."] * len(ITEMS)
    findings = [orjson.loads(content)["findings"][0] for content in out["contamination"].to_pylist()]
    for page, finding in zip(pages, findings, strict=True):
        start, end = finding["spans"][0]
        assert page.index("Before it, é.") + 15 <= start < end <= page.index("\n\nBehind")


def test_another_equation_in_a_string_is_another(tmp_path):
    path = tmp_path / "toy_test.jsonl"
    path.write_bytes(orjson.dumps({"question": ITEMS[1]}))
    other = ITEMS[1].replace(r"\left|", r"\left(").replace(r"\right|", r"\right)").replace("x^2+1", "x^3-7").replace("17", "23")
    out, _ = run_map(NAME, documents([json.dumps(other)]), benchmarks=str(path))
    assert out["text"].to_pylist() == [json.dumps(other)]


TEX = [
    r"\begin{array} a & b \\ c \\[2pt] d \\\hline \end{array}",
    r"roses\\to be \\sum it",
    r"$f'(x)=\norm{x}$",
    r"it's $g'(x)$ \nu \neq \to",
    r"C:\new\table",
    r'He said "let $\rank A=\tr B$"',
    r"\u{a} Schr\"odinger \tau",
    r"x\\(y+1)\\",
]


@pytest.mark.parametrize("text", TEX)
def test_tex_is_left_as_it_is(text):
    assert plain_text(text) == text


PLAIN = {
    r"\u4e8c \\u4e8c \ud835\udc65 \ud835 \u0041\u000a": "二 二 𝑥 \\ud835 A ",
    r"\\frac{1}{2} \(x\)": r"\frac{1}{2} \(x\)",
    r'"3 \\times 4\nis"': '"3 \\times 4\nis"',
    r"'24 rows\nof\ttea'": "'24 rows\nof tea'",
    r'"\\frac12\\\\x\\in\"A\""': r'"\frac12\\x\in"A""',
}


@pytest.mark.parametrize("text", PLAIN)
def test_escapes_are_undone_line_by_line(text):
    assert plain_text(text) == PLAIN[text]
    texts = pa.array(["é", text, "", "é\n" + text], pa.large_string())
    assert without_escapes(texts.slice(1))[0].to_pylist() == [PLAIN[text], "", "é\n" + PLAIN[text]]
