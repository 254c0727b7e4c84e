"""One normalisation for learning and scoring: one line, no label in it, formulas and scripts without spaces cut into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.score.classifier_text import classifier_line, plain_line

ANY_TEXT = st.text(st.characters(), max_size=60)  # all code points, lone surrogates among them


@given(ANY_TEXT)
def test_a_line_has_no_line_break_no_label_and_is_valid_utf8(text):
    for line in (classifier_line(text + "\n__label__math x"), plain_line(text + "\nx")):
        assert len(line.splitlines()) == 1
        assert line.encode("utf-8").decode("utf-8") == line
        assert "  " not in line
    assert not any(word.startswith("__label__") for word in classifier_line(text + " __label__math").split())


@given(ANY_TEXT)
def test_normalising_twice_changes_nothing(text):
    line = classifier_line(text, 10_000)
    assert classifier_line(line, 100_000) == line


@pytest.mark.parametrize(("text", "line"), [
    (r"Let \(\frac{a}{b} \le 3.14\)", r"let \ ( \frac { a } { b } \le 0 . 00 \ )"),
    ("证明 数学abc", "证 明 数 学 abc"),
    ("In 2024, 7 of 123456", "in 0000 , 0 of 0000"),
    ("a\r\n\tb\u3000c", "a b c"),
    ("e\u0301", "\u00e9"),
    ("x_1^{2}", "x _ 0 ^ { 0 }"),
    ("", ""), ("\n \x00", ""),
])  # fmt: skip
def test_examples(text, line):
    assert classifier_line(text) == line


def test_only_the_first_characters_count():
    assert classifier_line("a " * 100, 5) == "a a a"
    assert plain_line("ab cd", 3) == "ab"
