from __future__ import annotations

import re
import time
import unicodedata

import numpy as np
import pytest
import xxhash
from hypothesis import example, given
from hypothesis import strategies as st

from mathcode_data.core import text as module
from mathcode_data.core.lookalikes import CYRILLIC, GREEK, translation
from mathcode_data.core.markup import without_page_markup
from mathcode_data.core.text import ASCII_TOKEN, gram_hashes, grams, ngram_hashes, normalise, runs_up_to
from support.odd_pieces import MARKUP, MEETING

PROBLEM = "A robe takes 2 bolts of blue fiber and half that much white fiber. If 3x + 5 = 20, how many bolts does it take?"
TRICKY = st.text(st.sampled_from(MEETING), max_size=40) | st.lists(st.sampled_from([*MEETING, *MARKUP]), max_size=20).map("".join)
ANY = TRICKY | st.text(max_size=40)


@given(ANY)
@example("\\\\_ \\_")
@example("$~~~abc")
@example("``\x00`python")
@example("<b>> 5")
@example("&amp;lt;")
@example("<<b>b>")
def test_normalise_is_idempotent_and_keeps_the_grams(text):
    once = normalise(text)
    assert normalise(once) == once
    assert grams(once) == grams(text)


@given(st.lists(ANY, max_size=4))
def test_grams_of_a_text_are_the_grams_of_its_paragraphs(parts):
    paragraphs = [part.replace("`", "").replace("~", "") for part in parts]  # a fence may reach over paragraphs
    assert grams("\n\n".join(paragraphs)) == [gram for part in paragraphs for gram in grams(part)]


@given(ANY)
def test_hashes_are_xxh3_of_the_grams_whatever_was_hashed_before(text):
    expected = [xxhash.xxh3_64_intdigest(gram.encode("utf-8", "surrogatepass")) for gram in grams(text)]
    assert gram_hashes(text).tolist() == expected
    assert gram_hashes(text).tolist() == expected


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_the_fast_pattern_for_ascii_agrees_with_the_general_one(text):
    for piece in module._fold(text).split():
        assert ASCII_TOKEN.findall(piece) == module._token_pattern().findall(piece)


@given(ANY)
def test_folding_by_pieces_is_folding_the_whole(text):
    assert " ".join(module._fold(text).split()) == " ".join(" ".join(map(module._fold, text.split())).split())


@pytest.mark.parametrize(
    "disguised",
    [
        PROBLEM.upper(),
        PROBLEM.replace(" ", "\n"),
        PROBLEM.replace(" ", "\u00a0\u2003 "),
        "".join(character + "\u200b" for character in PROBLEM),
        PROBLEM.translate({ord("a"): "а", ord("e"): "е", ord("o"): "ο", ord("i"): "і", ord("A"): "Α", ord("p"): "р"}),
        PROBLEM.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),
        PROBLEM.replace("fiber", "𝐟𝐢𝐛𝐞𝐫").replace("20", "𝟐𝟎"),
        "```text\n" + PROBLEM + "\n```",
        PROBLEM.replace("3x + 5 = 20", r"\(3x + 5 = 20\)"),
        PROBLEM.replace("3x + 5 = 20", "$$ 3x+5=20 $$").replace("robe", "**robe**"),
        unicodedata.normalize("NFD", PROBLEM),
    ],
)
def test_look_alikes_markup_and_white_space_do_not_count(disguised):
    assert grams(disguised) == grams(PROBLEM)
    assert np.array_equal(gram_hashes(disguised), gram_hashes(PROBLEM))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3x + 5 = 20", "7x - 11 = 2.5"),
        ("x + 1", "x - 1"),
        ("x^2", "x_2"),
        ("x²", "x2"),
        ("1.5", "15"),
        ("2 * 3", "2 / 3"),
        ("a < b", "a > b"),
        ("a <= b", "a < b"),
        (r"\alpha", "a"),
        ("α + β", "a + b"),
        ("x - y", "x y"),
        ("20%", "20"),
        (".75 metres", "75 metres"),
        ("x=-.5", "x=-5"),
        ("x^.5", "x^5"),
    ],
)
def test_numbers_and_operators_count(one, other):
    assert grams(one) != grams(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x² + y₁ ≤ 10⁻³ × π", r"x^{2} + y_1 \leqslant 10^{-3} \times \pi"),
        (r"\dfrac{1}{2} \left( \mathrm{kg} \right)", r"\frac{1}{2} (kg)"),
        ("1,000,000 and 12{,}345.5", "1000000 and 12345.5"),
        ("60°", r"60^\circ"),
        (r"\sin\alpha", "sin α"),
        (r"has\_close", "has_close"),
        ("a well-known fact", "a well known fact"),
        (r"\begin{align*} x &= 1 \\[2mm] y &\ne 2 \end{align*}", "x = 1 2mm y ≠ 2"),
        ("_emphasis_ and *stars*", "emphasis and stars"),
        ("x=.5, (.25) and -.75", "x=0.5, (0.25) and -0.75"),
        ("the end.5 and [1].5 and f(x).5 and ...5", "the end. 5 and [1]. 5 and f(x). 5 and ... 5"),
        (r"\frac12 + \dfrac34x", r"\frac{1}{2} + \frac{3}{4}x"),
        ("2*3*4 × 5", r"2 \times 3 \times 4 * 5"),
        ("٣ + ४", "3 + 4"),
        (r'"The first line\n"', "The first line"),
        (":math:`x + 1` and :ref:`y`", "`x + 1` and y"),
        ("Résumé", "Re\u0301sume\u0301".upper()),
    ],
)
def test_two_ways_to_write_one_thing_agree(one, other):
    assert grams(one) == grams(other)


WORDS = "A farmer keeps 17 ducks and sells each egg for 3 dollars. How many does he sell if x_1 < 5 and 3 * x_1 > y^2 ?"
MARKED_UP = {
    "quoted lines": re.sub("^", "> ", WORDS.replace(" ", "\n", 9), flags=re.MULTILINE),
    "twice quoted": re.sub("^", "> > ", WORDS.replace(". ", ".\n\n"), flags=re.MULTILINE),
    "mail": re.sub("^", ">", WORDS.replace(" and ", " and\n"), flags=re.MULTILINE),
    "tags": WORDS.replace("farmer", "<b>farmer</b>").replace("each", '<a href="x?a=1&amp;b" class=q>each</a>').replace(". ", ".</p>\n<P>"),
    "tags in words": WORDS.replace("farmer", "far<b>m</b>er").replace(" ducks ", "<br/>ducks<br />"),
    "spaced tags": WORDS.replace(" ", " <i> ").replace("dollars", "<!-- a note -->dollars"),
    "scripts": WORDS.replace("x_1", "x<sub>1</sub>").replace("y^2", "y<SUP>2</SUP>"),
    "entities": WORDS.replace("<", "&lt;").replace(">", "&#62;").replace(" ", "&nbsp; "),
    "list": "- " + WORDS.replace(" ", "\n- ", 9),
    "list behind a line": "He\n\n* " + WORDS.replace(" ", "\n* ", 9),
    "links": WORDS.replace("ducks", "[ducks](https://a.org/b_(c)?d=e)").replace("egg", '![egg](../img/1.png "An egg")'),
    "images beside the page": WORDS.replace("egg", "![](figures/egg.png) ![egg](egg.svg)"),
    "broken words": WORDS.replace("farmer", "far-\nmer").replace("dollars", "dol-\r\nlars"),
    "heading and table": "## | " + WORDS.replace("ducks and", "ducks |\n|-----|:---:|\n| and |"),
    "line comments": "// " + WORDS.replace(" ", "\n    // ", 9),
    "block comment": "/**\n * " + WORDS.replace(" ", "\n *\n * ", 9) + "\n */",
    "comments of SQL": "-- " + WORDS.replace(" ", "\n-- ", 9),
    "comments of TeX": "% " + WORDS.replace(" ", "\n% ", 9),
    "line ends of TeX": WORDS.replace("ducks ", "ducks%\n"),
    "underlined": WORDS.replace(". ", ".\n=====\n"),
    "escapes": WORDS.replace("*", "\\*").replace("_", "\\_"),
    "spaced index": WORDS.replace("_", " _ ").replace("^", " ^ "),
    "bold and code": WORDS.replace("farmer", "**farmer**").replace("ducks", "`ducks`").replace("egg", "__egg__"),
}


@pytest.mark.parametrize("name", MARKED_UP)
def test_markup_of_pages_does_not_count(name):
    before = ["he"] if name == "list behind a line" else []
    mark = {"quoted lines": [">"], "twice quoted": [">", ">"], "mail": [">"], "list": ["-"], "list behind a line": ["*"]}
    mark |= {"line comments": ["/", "/"], "block comment": ["/"], "comments of SQL": ["-"], "comments of TeX": ["%"]}
    assert grams(MARKED_UP[name]) == [*before, *mark.get(name, []), *grams(WORDS)]  # the marks before all of it stay


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "x <b and c> y",
        "a<b>c",
        "if 1<i>0 or (a)<p>(q)",
        "a <b, c> d",
        "3x + 5\n> 20",
        "profit = revenue\n- cost\n- tax",
        "x\n* y\n+ z",
        "[a+b](c+d) and [x](y/2) and f[1](.5)",
        "a & b; c &= d &lt e &x;",
        ">>> 1 + 2\n3\n>>> 4 > 5",
        "1. one\n2. two",
        "\\[\n- x + 5\n\\]",
        "3\n// 2",
        "50\n% of\nit",
        "x-\ny and 3-\nab and ab-\nc and AB-\nCD and ab-\n cd",
        "4 * 5\n* 6\n*/ 7",
        "grew 20%\nin May",
        "x <= y <3 and >=\n>= 5",
    ],
)
def test_what_only_looks_like_markup_of_pages_counts(text):
    spaced = re.sub(r"(?<=[<>&\](])(?!=)|\n", " ", text)
    assert grams(text) == grams(spaced)
    assert without_page_markup(text) == text


@pytest.mark.parametrize("compound", ["two-digit", "well-known", "mother-in-law", "second-degree", "merry-go-round"])
def test_a_compound_broken_at_its_hyphen_is_the_same_compound(compound):
    assert grams(f"the {compound.replace('-', '-' + chr(10), 1)} one") == grams(f"the {compound} one")


@pytest.mark.parametrize(
    "unit",
    [
        "ab-\n",
        "<",
        "<b>",
        "<a x='",
        "<a x=y ",
        "a<b>",
        "x<sub>",
        "<!--",
        "&",
        "&#",
        "](",
        "](http://(",
        "\n> ",
        "\n>",
        "\n- ",
        "\n---",
        "]",
    ],
)
def test_taking_out_markup_is_linear(unit):
    without_page_markup("a" + unit)
    started = time.process_time()
    without_page_markup("a" + unit * 50_000)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize("dash", ["—", " — ", " ― ", "---", " -- ", " – ", "\n— ", " —\n"])
@pytest.mark.parametrize(
    ("before", "after"),
    [("If x = 3", "what is x?"), ("x is three", "find it"), ("若它是偶数", "求它"), (r"\(x\)", r"\(y\)"), ("$x$", "$y$")],
)
def test_dashes_between_words_or_beside_formulas_are_punctuation(dash, before, after):
    assert grams(before + dash + after) == grams(f"{before}, {after}")


@pytest.mark.parametrize("dash", ["—", " — ", "–", " – ", " -- ", "−", " − ", "-", " - "])
@pytest.mark.parametrize(("before", "after"), [("3x", "5 = 20"), ("x", "y"), (r"\alpha", r"\beta"), ("(a+b)", "(c+d)"), ("x^2", "2x")])
def test_a_dash_between_numbers_letters_and_commands_is_a_minus(dash, before, after):
    assert grams(before + dash + after) == grams(f"{before} - {after}") != grams(f"{before} {after}")


@pytest.mark.parametrize("minus", ["-", "−"])
@pytest.mark.parametrize("equation", [r"n{} \mathrm{{rank}}(A) = k", "x{} sin x", "100{} cost = 30", "profit = revenue{} cost", "is{} 5"])
def test_a_hyphen_between_spaces_and_the_minus_sign_always_count(minus, equation):
    assert grams(equation.format(f" {minus}")) != grams(equation.format(""))


def test_grams_by_hand():
    assert grams("妈咪买了3盒茶叶") == ["妈", "咪", "买", "了", "3", "盒", "茶", "叶"]
    assert grams("हिन्दी में") == ["हिन्दी", "में"]
    assert grams("def f(x): return a*b - x[0] ** 2  # μάθημα") == [
        "def", "f", "x", "return", "a", "*", "b", "-", "x", "0", "**", "2", "μάθημα",
    ]  # fmt: skip
    assert grams("") == grams("!!! ... ()") == []


@given(st.text(st.sampled_from([*sorted(CYRILLIC), *"бвж "]), max_size=20))
def test_russian_words_stay_apart_although_letters_are_mapped(text):
    assert len(set(map(normalise, {text.lower(), text.lower() + "б", "в" + text.lower()}))) == 3


def test_a_table_entry_never_becomes_another_entry():
    table = translation()
    assert all(not plain or all(ord(character) not in table for character in plain) for plain in table.values())
    assert len(GREEK) == len(set(GREEK))


@given(st.lists(st.sampled_from(list("ab12=+")), max_size=30), st.integers(1, 12))
def test_ngram_hashes_are_equal_exactly_when_the_grams_are(words, n):
    hashes = ngram_hashes(gram_hashes(" ".join(words)), n)
    runs = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    assert hashes.shape == (len(runs),)
    assert len(set(hashes.tolist())) == len(set(runs))
    assert len(set(zip(hashes.tolist(), runs, strict=True))) == len(set(runs))


def test_runs_of_all_lengths_at_once_are_the_runs_of_each_length():
    hashes = gram_hashes(PROBLEM)
    for length, found in runs_up_to(hashes, 12):
        assert np.array_equal(found, ngram_hashes(hashes, length))
    with pytest.raises(ValueError, match="at least 1"):
        ngram_hashes(hashes, 0)


def test_hashes_are_the_same_today_and_tomorrow():
    assert [hex(value) for value in ngram_hashes(gram_hashes("x² + 1 = 0"), 6).tolist()] == ["0x6db50604e784ea38", "0x2086d551c2c89e84"]


RUNS = [
    "-",
    "—",
    "— ",
    "ab—",
    " – ",
    "— .",
    "*",
    "_",
    "1,",
    "$",
    "`",
    "~",
    "\\",
    "{,}",
    "a",
    "1",
    ">",
    "½",
    "é",
    "α",
    "a*",
    "ab-",
    "ab--",
    " *",
    "\\begin{",
    "a_",
    "\n```",
]


@pytest.mark.parametrize("run", RUNS)
def test_every_pattern_is_linear(run):
    for text in (run * 20_000, "ab" + run * 20_000 + "cd", "é" + run * 20_000):
        started = time.process_time()
        normalise(text)
        gram_hashes(text)
        assert time.process_time() - started < 1.0, f"{run!r} repeated 20,000 times takes longer than a linear pattern can"


def test_memory_of_pieces_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MAX_REMEMBERED", 10)
    memory = module._Remembered(lambda keys: [key.upper() for key in keys])
    for i in range(100):
        assert memory.of([f"a{i}", "b", f"a{i}"]) == [f"A{i}", "B", f"A{i}"]
        assert len(memory.known) <= 10
    assert memory.of(["a" * 1000]) == ["A" * 1000]
    assert "a" * 1000 not in memory.known
