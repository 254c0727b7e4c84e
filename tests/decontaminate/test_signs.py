from __future__ import annotations

import re

import numpy as np
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mathcode_data.core.text import grams, located_grams
from mathcode_data.stages.decontaminate.signs import have_same_signs, signs_of
from support.equations import are_renamed, equations, spelled
from support.equations import written as written_plain
from support.odd_pieces import MARKUP
from support.stages import documents, run_map

NAME = "decontaminate.ngram"

TWO_EQUATIONS = [
    ("2(x+3)=10", "2x+3=10"),
    ("2[x+3]=10", "2(x+3)=10"),
    (r"\frac{a}{b+c}", r"\frac{a}{b}+c"),
    ("x_{n+1}", "x_n+1"),
    (r"\sqrt{x+1}", r"\sqrt{x}+1"),
    ("|x-3|+5=9", "x-3+5=9"),
    ("4-|x|", "4-x"),
    ("4|x-3|", "4 x-3"),
    ("5!+2", "5+2"),
    ("n!!+2", "n!+2"),
    ("(n+1)! = 6k", "(n+1) = 6k"),
    ("f'(x)", "f(x)"),
    ("f′′(x)", "f′(x)"),
    ("y'+y=0", "y+y'=0"),
    ("x \\in [0, 1)", "x \\in [0, 1]"),
    ("x = \\{1, 2\\}", "x = 1, 2"),
    ("sin(x+1)", "sin(x)+1"),
    (r"\Delta + 3", r"\delta + 3"),
    (r"y = Δx + 3", "y = δx + 3"),
    (r"x\Delta=1", r"x\delta=1"),
    ("A → B", "A ⇒ B"),
    (r"A \implies B", r"A \to B"),
    (r"A\Leftrightarrow B", r"A\leftrightarrow B"),
    ("‖x‖ + 1", "x + 1"),
    (r"2\|x\| + 1", "2|x| + 1"),
    ("f(1,234) = 5", "f(1234) = 5"),
    ("x = [1,234]", "x = [1234]"),
    ("3 + 5:3 = x", "3 + 5 3 = x"),
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", r"\begin{vmatrix} 1 & 2 \\ 3 & 4 \end{vmatrix}"),
    (r"\begin{bmatrix}1&2\\3&4\end{bmatrix}", r"\begin{bmatrix}1&2&3&4\end{bmatrix}"),
    (r"\begin{matrix}1&2\\3\end{matrix}", r"\begin{matrix}1\\2&3\end{matrix}"),
    ("not ( True or False ) and True", "not True or ( False and True )"),
    ("( not ( not True ) ) and False is", "( not not True ) and False is"),
    ("7! !", "7!"),
    ("7 ! + 2", "7 + 2"),
    ("n ! = 6", "n = 6"),
    ("$7 !$", "$7$"),
    ("5!*3", "5!3"),
    ("2* 3 = 6", "2 3 = 6"),
    ("X+x", "x+X"),
    ("X+x", "X+X"),
    ("x+x=2", "X+x=2"),
    ("T = t+3", "t = T+3"),
    ("~x+1", "x+1"),
    ("!a+b", "a+b"),
    ("!!a+1", "!a+1"),
    ("!(a)+b", "(a)+b"),
    ("a?b:c", "a b c"),
    ("a ? b : c", "a : b ? c"),
    ("5 @ 3", "5 # 3"),
    (r"5 \# 3", "5 3"),
    ("2 ? 3 = 5", "2 3 = 5"),
    ('f"(x)', "f(x)"),
    ('y"+y=0', "y+y=0"),
]
ONE_EQUATION = [
    ("2(x+3)=10", r"2 \left( x + {3} \right) = 10"),
    ("2(x+3)=10", r"\(2\bigl(x+3\bigr)=10\)"),
    ("2(x+3)=10", "$ 2 ( x + 3 ) = 10 $"),
    ("2(x+3)=10", "２（ｘ+３）=１０"),
    ("x^{2}+y_{1}", "x^2+y_1"),
    (r"\frac{1}{2}", r"\dfrac {1} {{2}}"),
    (r"\mathbf{x+1}=\text{the number of}", "x+1=the number of"),
    (r"\Delta \Rightarrow \Sigma", "Δ⇒Σ"),
    (r"A \implies B \iff C", "A ⟹ B ⇔ C"),
    (r"\|x\| + 1", "‖x‖ + 1"),
    ("f(x) = 1,234", "f(x) = 1234"),
    ("the 1,234 (2,345 of 3) are", "the 1234 (2345 of 3) are"),
    ("the ratio 5:3 is", "the ratio 5 : 3 is"),
    ("Problem 5: 3 apples", "Problem 5. 3 apples"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "$\\begin{bmatrix} 1 & 2 \\\\\n 3 & 4 \\\\ \\end{bmatrix}$"),
    (r"3 + \begin{vmatrix} 1 \end{vmatrix} + 3", r"3 + \left| \begin{matrix} 1 \end{matrix} \right| + 3"),
    ("x^{-3} + 10⁻¹²", "x^-3 + 10^{-12}"),
    (r"3 \equiv x \pmod{7} + 1", r"3 \equiv x (mod 7) + 1"),
    (r"3 \equiv x \pmod{p+1} + 1", r"3 \equiv x \; (\mathrm{mod} \; p+1) + 1"),
    ("f′(x)", "f’(x)"),
    ("He (a doctor) doesn't", "He, a doctor, doesn’t"),
    ("Is it 5?!", "Is it 5?"),
    ("So x ! Then", "So x. Then"),
    ("| 3 + 4 | x |", "3 + 4 x"),
    ("(a) find x", "a) find x"),
    ("the point 'A' is", "the point A is"),
    ("the [roots](https://x.org/a) 3 and [5](#b)", "the roots 3 and 5"),
    ("Is it (true or false)?", "Is it true or false?"),
    ("this (and not that) or those", "this and not that or those"),
    ("X+x", "X + x"),
    ("x+y=2", "X+Y=2"),
    ("7!!", "7! !"),
    ('f"(x)', "f''(x)"),
    ("(~x)", "( ~x )"),
    ("see 5~cm", "see 5 cm"),
    ("~~x~~ + 1", "x + 1"),
    ("C# 3", "C 3"),
    ("What is x? 3 apples", "What is x. 3 apples"),
]


def agree(one, other):
    """Whether two texts are the same, by grams and signs."""
    signs = signs_of(one), signs_of(other)
    assert grams(one) == grams(other)
    return bool(have_same_signs(signs[0], np.zeros(1, np.int64), signs[1], np.zeros(1, np.int64), len(grams(one)))[0])


@pytest.mark.parametrize(("one", "other"), TWO_EQUATIONS)
@pytest.mark.parametrize("frame", ["{}", "Solve {} now"])
def test_two_equations_with_the_same_grams_have_other_signs(one, other, frame):
    assert not agree(frame.format(one), frame.format(other))
    assert agree(frame.format(one), frame.format(one))


@pytest.mark.parametrize(("one", "other"), ONE_EQUATION)
@pytest.mark.parametrize("frame", ["{}", "Solve {} now"])
def test_one_equation_written_in_two_ways_has_the_same_signs(one, other, frame):
    if one.startswith("|") and frame != "{}":
        frame = "Solve\n{}\nnow"
    assert agree(frame.format(one), frame.format(other))


STRUCTURE = [
    *(r"\begin{vmatrix}", r"\end{vmatrix}", r"\begin{pmatrix}", r"\end{bmatrix}", "&", "\\\\", "*", "‖", ":", "Δ", r"\Delta", "⇒", "->"),
    *("~x", "!x", "?", "@", "#", "X", "\n| --- | --- |", "\n|", " | "),
]


@settings(max_examples=150)
@given(st.lists(st.sampled_from([*"ab xX12(){}[]|!'\"\\^_+-–—=.,$\n`é数αｘ", *STRUCTURE, *MARKUP]), max_size=40).map("".join))
@example("| a | 1 |\n| --- | --- |\n| b | 2 |")
@example("&amp;lt; <b>1</b> &lt;b> 2")
def test_signs_stand_beside_the_grams_of_any_text(text):
    signs = signs_of(text)
    assert signs.ahead.size == signs.behind.size == signs.before.size - 1 == len(grams(text))
    assert [gram for _, _, tokens in located_grams(text) for gram, _, _ in tokens if gram] == grams(text)


def expressions():
    """Trees of terms with brackets: a list is a bracket, everything else a token."""
    tokens = st.sampled_from(["37", "41", "x", "y", "+", "-", r"\cdot", "="])
    return st.recursive(tokens, lambda inside: st.lists(inside, min_size=2, max_size=4), max_leaves=12)


def written(tree, open_="(", close=")", space=""):
    if isinstance(tree, str):
        return tree
    return f"{open_}{space}{' '.join(written(part, open_, close, space) for part in tree)}{space}{close}"


VARIABLE = re.compile(r"(?<![\\A-Za-z])[xXyYn]|\)")


def changed(text):
    """Texts with one sign, letter or bracket more, less or other."""
    places = range(1, len(text))
    behind = [text[:at] + sign + text[at:] for at in places for sign in "!'" if VARIABLE.fullmatch(text, at - 1, at)]
    before = [text[:at] + sign + text[at:] for at in places for sign in "!~" if text[at] in "xXyYn(" and text[at - 1] in "([|=+-/<"]
    case = [text[:at] + text[at].swapcase() + text[at + 1 :] for at in places if text[at] in "xXyY" and text[at - 1] != "\\"]
    return [*behind, *before, *case, *(text[:at] + text[at + 1 :] for at in places if text[at] in "!'~")]


FRAME = "Compute \\(853 {} + 419\\) by hand in under three minutes"


@settings(max_examples=60)
@given(st.lists(expressions(), min_size=3, max_size=6), st.data())
def test_an_equation_with_a_pair_of_brackets_more_is_another_and_in_another_spelling_the_same(tree, data):
    text = " ".join(written(part) for part in tree)
    low = data.draw(st.integers(0, len(tree) - 2))
    high = data.draw(st.integers(low + 2, len(tree)))
    more = " ".join([*map(written, tree[:low]), f"({' '.join(map(written, tree[low:high]))})", *map(written, tree[high:])])
    spelled = " ".join(written(part, r"\left(", r"\right)", " ") for part in tree).replace("x", "{x}").replace("37", "{37}")
    assert not agree(FRAME.format(text), FRAME.format(more))
    assert agree(FRAME.format(text), FRAME.format(spelled))


@settings(max_examples=120)
@given(equations(), equations())
def test_two_different_equations_are_never_one(one, other):
    texts = [f"Solve {written_plain(tree)} now" for tree in (one, other)]
    if grams(texts[0]) == grams(texts[1]):
        assert agree(*texts) == (one == other or are_renamed(*texts))


@settings(max_examples=120)
@given(equations(), st.data())
def test_a_small_change_makes_another_equation(tree, data):
    text = written_plain(tree)
    changes = changed(text)
    other = data.draw(st.sampled_from(changes)) if changes else text
    texts = f"Solve {text} now", f"Solve {other} now"
    if text != other and grams(texts[0]) == grams(texts[1]) and not are_renamed(*texts):
        assert not agree(*texts)


@settings(max_examples=120)
@given(equations(), st.randoms(use_true_random=False))
def test_one_equation_is_one_however_it_is_spelled(tree, draw):
    texts = f"Solve {written_plain(tree)} now", f"Solve {spelled(tree, draw)} now"
    assert agree(*texts)


@pytest.mark.parametrize(
    ("item", "page", "is_same"),
    [
        ("Evaluate X + x = 2 now", "EVALUATE X + X = 2 NOW", True),
        ("Evaluate X + x = 2 now", "evaluate x + x = 2 now", True),
        ("Evaluate X + x = 2 now", "Evaluate x + x = 2 now", False),
        ("Evaluate X + x = 2 now", "EVALUATE x + X = 2 NOW", False),
        ("Evaluate x + y = 2 now", "Evaluate X + Y = 2 now", True),
        ("A cat is a cat, as I know", "a cat is A cat, as i know", True),
    ],
)
def test_case_counts_where_two_letters_would_become_one_or_change_places(item, page, is_same):
    assert agree(item, page) == is_same


def removed(tmp_path, item, page, **values):
    """Whether a page loses a segment, or itself, to a benchmark of one item."""
    path = tmp_path / "one.jsonl"
    path.write_bytes(orjson.dumps({"question": item}))
    text = f"Something before.\n\n{page}\n\nSomething behind."
    out, ledger = run_map(NAME, documents([text]), benchmarks=str(path), **values)
    return out["text"].to_pylist() != [text], ledger.counters.facts


BRACKETS = r"Compute \(37 - (41 - 53) \cdot 29 + 17\) by hand."


@pytest.mark.parametrize("guards", [True, False])
@pytest.mark.parametrize(
    ("item", "other"),
    [
        (BRACKETS, BRACKETS.replace("(41 - 53)", "41 - 53")),
        (BRACKETS.replace("(41 - 53)", "41 - 53"), BRACKETS),
        (BRACKETS, BRACKETS.replace("(41 - 53)", "|41 - 53|")),
        ("Solve 2(x+3181)=10277 quickly!", "Solve 2x+3181=10277 quickly!"),
        ("Evaluate |3181 - 10277|", "Evaluate 3181 - 10277"),
        ("Evaluate 3181 + 10277!", "Evaluate 3181 + 10277"),
    ],
)
def test_another_equation_never_counts_and_the_same_in_another_spelling_does(tmp_path, item, other, guards):
    assert not removed(tmp_path, item, other, guards=guards)[0]
    assert removed(tmp_path, item, other, guards=guards)[1]["guarded other_signs"] >= 1
    for same in (item, item.replace("(4", r"\left( 4").replace("3) ", r"3 \right)"), item.replace("3181", "{3181}").upper()):
        assert removed(tmp_path, item, same, guards=guards)[0]


def test_a_run_is_cut_where_signs_differ_and_what_is_left_counts_if_it_is_long_enough(tmp_path):
    prose = "a merchant of Samarkand bought saffron, cardamom and indigo before sailing home with"
    item = f"Yesterday {prose} 3(x+5) camels."
    assert removed(tmp_path, item, f"Yesterday {prose} 3x+5 camels.")[0]
    assert not removed(tmp_path, item, "Yesterday before sailing home with 3x+5 camels and 7 more sacks of salt.")[0]


@pytest.mark.parametrize(
    "item",
    [
        "((8 + 9 - 4 - -9) + (8 + 7 - 6 * 1)) =",
        r"Compute $\begin{pmatrix} 4 \\ 5 \\ -1 \end{pmatrix} \times \begin{pmatrix} 4 \\ 5 \\ -1 \end{pmatrix}.$",
        "Simplify $(5-3i)(-4+3i)$.",
    ],
)
def test_a_whole_question_of_ten_grams_counts_however_little_it_says(tmp_path, item):
    assert removed(tmp_path, item, f"Task: {item}")[0]
    assert removed(tmp_path, item, item.upper().replace(" ", "\n "))[0]
    assert not removed(tmp_path, item, item.replace("(", "").replace(")", "").replace("pmatrix", "").replace(r"\times", "+"))[0]


@pytest.mark.parametrize(
    "item",
    [
        "1 2 3 4 5 6 7 8 9 10 11 12 13",
        "Count 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11",
        "a b c d e f g h i j k l",
        "x = x = x = x = x = x",
    ],
)
def test_a_question_that_counts_or_repeats_itself_does_not_count_as_a_whole(tmp_path, item):
    was_removed, facts = removed(tmp_path, item, item)
    assert not was_removed
    assert facts["guarded_matches"] == 1


def test_a_page_that_repeats_a_text_endlessly_costs_bounded_work(tmp_path):
    item = "What is " + "1 + (2 - x) * " * 40 + "7?"
    assert not removed(tmp_path, item, "1 + 2 - x * " * 3000)[0]
    assert removed(tmp_path, item, "1 + 2 - x * " * 300 + item)[0]


@pytest.mark.parametrize("mode", ["lcs", "idf", "template"])
def test_report_modes_tell_two_equations_apart(tmp_path, mode):
    item = " and ".join(f"{number}(x+{number}y)=3{number}" for number in (31, 47, 59, 62, 83)) + ": solve these for x and y"
    path = tmp_path / "one.jsonl"
    path.write_bytes(orjson.dumps({"question": item}))
    shifted = item.replace("31", "71") if mode == "template" else item
    found = []
    for page in (shifted, shifted.replace("(", "").replace(")", "")):
        _, ledger = run_map(NAME, documents([page, "Something else."]), benchmarks=str(path), report=[mode])
        found.append(ledger.counters.facts.get(f"report {mode}", 0))
    assert found == [1, 0]


MATRIX = r"Find \(\begin{pmatrix} a & b + 3 \\ 17 & k \end{pmatrix}\) where the sum is odd"


@pytest.mark.parametrize(
    "disguised",
    [
        MATRIX.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),
        MATRIX.translate(str.maketrans("aeopcx", "аеорсх")),
        "\u200b".join(MATRIX),
        "\u00ad".join(MATRIX),
        MATRIX.translate({ord("a") + number: 0x1D41A + number for number in range(26)}),
    ],
    ids=["full width", "Cyrillic", "zero width", "soft hyphen", "bold"],
)
def test_a_matrix_in_disguise_has_the_same_signs(disguised):
    assert grams(disguised) == grams(MATRIX)
    assert signs_of(disguised).before.tolist() == signs_of(MATRIX).before.tolist()
    assert signs_of(MATRIX).before.tolist() != signs_of(MATRIX.replace(r"\\", "&")).before.tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"\lvert x - 3\rvert + \vert y\vert = 5", "|x - 3| + |y| = 5"),
        (r"\left\lvert x-3 \right\rvert^{2}=5", r"\left|x-3\right|^{2}=5"),
        (r"2 \mid n", "2 | n"),
        (r"\lVert x \rVert + 2", r"\| x \| + 2"),
        ("| 1 | \\|x - 3\\| + \\|y\\| = 5 |", "| 1 | |x - 3| + |y| = 5 |"),
        ("# a = 5, b\n# 3 and c", "# a = 5, b 3 and c"),
    ],
)
def test_bars_by_name_in_cells_and_marks_of_comments_are_what_they_mean(one, other):
    assert grams(one) == grams(other)
    assert signs_of(one).before[1:-1].tolist() == signs_of(other).before[1:-1].tolist()


@pytest.mark.parametrize(
    ("one", "other"), [(r"\|x\| + 2", "|x| + 2"), (r"\lVert x \rVert + 2", r"\lvert x \rvert + 2"), (r"2 \mid n", "2 n"), ("2 # 3", "2 3")]
)
def test_norms_and_operators_stay_signs(one, other):
    assert grams(one) == grams(other)
    assert signs_of(one).before.tolist() != signs_of(other).before.tolist()


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([r"\lvert", r"\Vert", r"\mid", r"\|", "|", "#", "\n", "-", "*", "_", ".5", "ab", "x", "é", "ﬁ", " ", "\\"]))
)
def test_marks_for_signs_change_no_grams(parts):
    text = "".join(parts)
    assert signs_of(text).ahead.size == len(grams(text))
