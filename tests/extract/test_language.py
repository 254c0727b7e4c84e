"""Language codes: what pages write and mean, and what their script and words say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.extract.language import page_language
from mathcode_data.stages.extract.language_codes import THREE_LETTERS, TWO_LETTERS, normal_code

ENGLISH = "Let G be a group and H be a subgroup of it. Then the order of H divides the order of G."


@pytest.mark.parametrize(
    ("tag", "code"),
    [("ua", "uk"), ("cn", "zh"), ("jp", "ja"), ("cz", "cs"), ("dk", "da"), ("gr", "el"), ("iw", "he"), ("in", "id"), ("sp", "es"),
     ("vn", "vi"), ("us", "en"), ("en-GB", "en"), ("zh_CN", "zh"), ("ZH-Hant-TW", "zh"), ("deu", "de"), ("ger", "de"), ("English", "en"),
     ("pt-BR", "pt"), ("x-default", ""), ("und", ""), ("lan", ""), ("{{lang}}", ""), ("", "")],
)  # fmt: skip
def test_tag_becomes_the_code_that_was_meant(tag: str, code: str) -> None:
    assert normal_code(tag) == code


@given(st.text(max_size=12), st.sampled_from(["", ENGLISH, "Пусть группа конечна, тогда порядок делит.", "设群的阶为有限数。"]))
def test_every_answer_is_a_code_of_the_standard(declared: str, text: str) -> None:
    assert page_language(declared, text) in TWO_LETTERS | THREE_LETTERS | {""}


@pytest.mark.parametrize(
    ("declared", "text", "code"),
    [
        ("en", "Пусть группа конечна, тогда порядок подгруппы делит порядок группы, и это всё.", "ru"),
        ("uk", ENGLISH, "en"),
        ("se", "Detta är en text som är på svenska och den har inte mycket matematik i sig.", "sv"),
        ("", ENGLISH, "en"),
        (
            "",
            "Soit G un groupe fini et H un sous-groupe. Alors l'ordre de H divise celui de G, et les classes sont égales.",
            "fr",
        ),
        ("", "```python\nfor i in range(3):\n    print(i, file=out)\n```\n\n设函数在区间上连续。", "zh"),
        ("sr", "Neka je grupa konačna, tada red podgrupe deli red grupe.", "sr"),
    ],
)
def test_script_and_words_correct_what_the_page_claims(declared: str, text: str, code: str) -> None:
    assert page_language(declared, text) == code


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Théorème des accroissements finis", "fr"),
        ("Soit n un entier naturel.", "fr"),
        ("Résoudre l'équation différentielle.", "fr"),
        ("Démonstration du lemme", "fr"),
        ("Exercice 3. Étudier la fonction.", "fr"),
        ("Sia n un numero naturale.", "it"),
        ("Teorema del valor medio", "es"),
        ("Exercício 3. Estudar a função.", "pt"),
        ("Eigenschaften der Primzahlen", "de"),
        ("Zij n een natuurlijk getal.", "nl"),
        ("Solve the differential equation.", "en"),
        ("sin cos", ""),
    ],
)
def test_a_title_or_a_task_is_enough(text: str, language: str) -> None:
    assert page_language("", text) == language
