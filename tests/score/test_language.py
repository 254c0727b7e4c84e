"""score.language: formulas and code do not count, scripts and short texts come out right."""

from __future__ import annotations

import pyarrow as pa
import pytest

from mathcode_data.core.counters import Ledger
from mathcode_data.core.errors import DataError, SetupError
from mathcode_data.stages.score.language import Config, build, detect

LATEX = r"\(f(x) = \sum_{n \in \mathbb{N}} a_n x^n \text{ for all } x\) "


def table(*texts: str) -> pa.Table:
    return pa.table({"doc_id": [str(number) for number in range(len(texts))], "text": pa.array(texts, pa.large_string())})


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("设 \\(G\\) 是一个有限群，证明如下。", "zh"),
        ("证明如下", "zh"),
        ("例 3：求极限", "zh"),
        ("勾股定理", "zh"),
        ("求函数 \\(f(x)\\) 的 derivative", "zh"),
        ("関数を微分せよ。", "ja"),
        ("함수를 미분하여라", "ko"),
        ("Θεώρημα: το άθροισμα των γωνιών", "el"),
        ("Es sei \\(G\\) eine Gruppe und \\(H\\) eine Untergruppe, die den Normalteiler enthält und nicht auch von ihm ist. " * 8, "de"),
        ("The proof of the theorem is that it is left to the reader. " * 12, "en"),
    ],
)
def test_script_and_common_words_tell_the_language(text: str, language: str) -> None:
    assert detect(text)[0] == language


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Soit \\(G\\) un groupe fini et \\(H\\) un sous-groupe", "fr"),
        ("On suppose que \\(f\\) est continue sur \\([a,b]\\)", "fr"),
        ("Montrer que la suite converge", "fr"),
        ("Limites et continuité", "fr"),
        ("Résoudre l'équation", "fr"),
        ("Un faible taux d’emploi global peut signifier également qu’une trop faible part de la population occupe un emploi", "fr"),
        ("En el debate, también distó de las propuestas de candidatos de derecha y de izquierda", "es"),
        ("Calculer la dérivée de \\(f\\) en \\(0\\)", "fr"),
        ("Prove that the sequence converges", "en"),
        ("Пусть \\(G\\) конечная группа", "ru"),
    ],
)
def test_short_sentences_come_out_right(text: str, language: str) -> None:
    assert detect(text)[0] == language


def test_formulas_and_code_do_not_count() -> None:
    code = "```python\nfor the_item in and_that_is(of_the):\n    print('this is the end of it all and that is that')\n```\n"
    text = "证明这个定理。"
    assert detect(LATEX * 20 + "\n" + code + text) == ("zh", 1.0)


def test_a_document_without_prose_has_no_language_and_the_score_of_the_config() -> None:
    given = build(Config(unknown=0.25))(table(LATEX * 3, ""), Ledger("score.language"))
    assert given["language"].to_pylist() == ["", ""]
    assert given["score_language"].to_pylist() == [0.25, 0.25]


def test_score_is_that_of_the_wanted_languages_and_a_column_is_replaced() -> None:
    before = table("证明这个定理", "Θεώρημα: το άθροισμα").append_column("language", pa.array(["en", "en"]))
    given = build(Config(languages=("zh",)))(before, Ledger("score.language"))
    assert given["language"].to_pylist() == ["zh", "el"]
    assert given["score_language"].to_pylist() == [1.0, 0.0]
    assert given.column_names == ["doc_id", "text", "language", "score_language"]


def test_a_table_without_text_is_refused() -> None:
    with pytest.raises((SetupError, DataError), match="text"):
        build(Config())(pa.table({"content": ["x"]}), Ledger("score.language"))
