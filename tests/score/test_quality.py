"""score.quality: LaTeX, code and Chinese are not punished; repetition and signs are."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from mathcode_data.core.counters import Ledger
from mathcode_data.stages.score.quality import NAMES, Config, Measures, build, measure, quality

PROSE = (
    "Let us prove that the sum of the first odd numbers is a square. We argue by induction on the number of terms, and the"
    " first case is clear. For the next case we add one more odd number to both sides and see that the claim holds again."
)
LATEX = r"\[\sum_{k=1}^{n} (2k-1) = n^2 \text{ for } n \in \mathbb{N}\] and \(\left\{a_n\right\}_{n<5}\) with $|x| < \epsilon$. "
NAMES_OF_SHARES = [name for name in NAMES if name not in ("length", "word_length")]


def test_formulas_move_no_measure_of_prose() -> None:
    plain, with_formulas = measure(PROSE), measure(PROSE + "\n\n" + LATEX)
    assert with_formulas.symbols == pytest.approx(plain.symbols, abs=0.01)
    assert with_formulas.word_length == pytest.approx(plain.word_length, abs=0.3)
    assert with_formulas.formula_density > 0.2
    assert quality(with_formulas, Config()) == 1.0


def test_a_page_of_formulas_alone_obeys_every_rule_but_repetition() -> None:
    page = "\n\n".join(rf"\[\frac{{a_{{{n}}}}}{{b}} \leq \{{ x \mid x^{{{n}}} = 1 \}}\]" for n in range(30))
    assert measure(page).symbols == 0.0
    assert quality(measure(page), Config()) == 1.0


def test_two_letters_over_a_table_of_formulas_are_no_words_that_are_too_short() -> None:
    table = "| n | a |\n|---|---|\n" + "".join(f"| \\({n}\\) | \\(a_{{{n}}} = {n * n + 1}\\) |\n" for n in range(40))
    assert quality(measure(table), Config()) == 1.0
    assert quality(measure("x y z w v u " * 3 + table), Config()) < 1.0, "from five words on they are asked for"


def test_code_is_no_symbol_soup() -> None:
    code = "\n\n```c\n" + "int f(int *a) { return a[0] > 1 ? *a : ~a[1]; } /* <>{}[]#@ */\n" * 3 + "```\n"
    assert measure(PROSE + code).symbols < 0.02


def test_chinese_is_measured_by_characters() -> None:
    text = "设数列的前项和为正整数，我们用归纳法证明这个结论。当项数为一时结论是显然的，在一般的情况下，我们把下一个奇数加到等式的两边。"
    measures = measure(text * 3)
    assert measures.word_length == 5.0
    assert measures.stop_words > 0.03
    assert quality(measure(text * 2 + PROSE), Config()) == 1.0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Buy the best now\n" * 30, "duplicate_lines"),
        ("Buy the best now, here\n\n" * 30, "duplicate_paragraphs"),
        ("one two three four five six " * 40, "duplicate_ngrams"),
        ("# ### @@ <> {} [] ... ~~ ** word " * 20, "symbols"),
    ],
)
def test_junk_is_seen(text: str, name: str) -> None:
    assert getattr(measure(text), name) > 0.3
    assert getattr(measure(text), name) > getattr(measure(PROSE), name)
    assert quality(measure(text), Config()) < 1.0


def test_duplicate_shares_by_hand() -> None:
    assert measure("aa\nbb\naa").duplicate_lines == pytest.approx(2 / 6)
    assert measure("aa\n\nbb\n\naa").duplicate_paragraphs == pytest.approx(2 / 6)
    assert measure("a b c d e a b c d e").duplicate_ngrams == pytest.approx(1 / 6)


@settings(max_examples=60, deadline=None)
@examples(st.text(max_size=300))
def test_every_share_lies_between_zero_and_one_for_any_text(text: str) -> None:
    measures = measure(text)
    assert all(0.0 <= getattr(measures, name) <= 1.0 for name in NAMES_OF_SHARES)
    assert measures.length == len(text)
    assert 0.0 <= quality(measures, Config()) <= 1.0


def test_stage_adds_a_column_for_every_measure_also_to_no_rows() -> None:
    table = pa.table({"doc_id": ["a", "b"], "text": pa.array([PROSE, ""], pa.large_string())})
    expected = ["doc_id", "text", *(f"score_{name}" for name in NAMES), "score_quality"]
    for part in (table, table.slice(0, 0)):
        given = build(Config())(part, Ledger("score.quality"))
        assert given.column_names == expected
        assert given.num_rows == part.num_rows


def test_short_document_has_a_defined_score() -> None:
    assert measure("") == Measures(0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0)
    assert quality(measure(""), Config()) == pytest.approx(6 / 7)


def test_limits_come_from_the_config() -> None:
    measures = measure(PROSE)
    assert quality(measures, Config()) == 1.0
    assert quality(measures, Config(min_length=10_000)) == pytest.approx(6 / 7)


@pytest.mark.parametrize("text", ["设数列的前项和为正整数，我们用归纳法证明。", "Пусть задана последовательность чисел и её предел."])
def test_a_page_that_was_read_with_a_wrong_encoding_is_full_of_signs(text: str) -> None:
    wrong = text.encode().decode("cp1252", "replace")
    assert measure(text * 9).symbols < 0.01
    assert measure(wrong * 9).symbols > 0.3


def test_accents_and_typography_are_no_wrong_encoding() -> None:
    text = "On a dit à\u00a0: «\u00a0été\u00a0», l’école – née” … Größe, „Straße“, años¿ ünÿ. "
    assert measure(text * 5).symbols < 0.03
