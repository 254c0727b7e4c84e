"""Language codes: what pages write and mean, and what their script and words say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.extract.language import page_language
from mathcode_data.stages.extract.language_codes import THREE_LETTERS, TWO_LETTERS, normal_code
from mathcode_data.stages.extract.latex import INVISIBLE_IN_TEXT

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


LONG = {
    "de": "Wir betrachten den Grenzwert der Folge. Für stetige Funktionen gilt die Gleichung, die wir nun für alle Zahlen beweisen. ",
    "fr": "Considérons la limite de la suite. Si la fonction est continue, les valeurs sont bornées et nous le démontrons pour tous. ",
    "es": "Consideremos el límite de la sucesión. Si la función es continua, los valores son acotados y lo demostramos para todos los. ",
    "en": "Let us consider the limit of the sequence. If the function is continuous, then the values of it are bounded and that is all. ",
    "it": "Consideriamo il limite della successione. Se la funzione non è continua, i valori che sono del tipo di una si dimostrano. ",
}


@pytest.mark.parametrize("written", LONG)
@pytest.mark.parametrize("declared", ["en", "de", "fr-FR", "id", "cs"])
def test_long_clear_text_counts_more_than_the_declaration(written: str, declared: str) -> None:
    assert page_language(declared, LONG[written] * 3) == written


def test_short_or_unclear_text_is_what_it_is_declared_to_be() -> None:
    assert page_language("en", LONG["de"][:60]) == "en"
    assert page_language("en", "Alpha Beta Gamma Delta 1. " * 40) == "en"
    assert (
        page_language("ca", "Considerem el límit de la successió. Si la funció és contínua, els valors són del tipus que es demostra. " * 4)
        == "ca"
    )
    assert (
        page_language("da", "Det er en sætning, som vi kan bevise for alle tal, og den er med i bogen, når det er muligt at se den. " * 4)
        == "da"
    )


@pytest.mark.parametrize("declared", ["", "zh", "ja", "ko", "ru"])
def test_names_in_latin_letters_are_no_language_of_another_script(declared: str) -> None:
    names = " ".join(f"xsltTrans{first}{second}Elem XSLT_PARSE_{first}{second}" for first in "ABCDE" for second in "xyzqwk")
    assert page_language(declared, names) not in {"zh", "ja", "ko", "ru", "th", "sv"}


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


def test_english_titles_and_code_in_a_german_page_leave_it_german() -> None:
    german = (
        "Sei G eine endliche Gruppe und H eine Untergruppe von G. Dann ist die Ordnung von H ein Teiler der Ordnung von G, denn die"
        " Nebenklassen zerlegen die Gruppe, und jede ist so groß wie H. Der Satz ist nach Lagrange benannt und steht in jedem Buch"
        " der Algebra. Wir zeigen, dass die Umkehrung nicht gilt, und geben ein Beispiel einer Gruppe, die das nicht erfüllt. "
    )
    books = "Artin, The theory of groups and of rings; Rotman, An introduction to the theory of groups and of their actions."
    code = "\n\n```python\n# the order of the group, and of the cosets, and of the rest\n```\n"
    assert page_language("en", german + books) == "de"
    assert page_language("en", german + code) == "de"


def test_the_beginning_of_a_long_page_confirms_its_language_only_where_it_is_written_in_it() -> None:
    german = "Die Ordnung der Untergruppe teilt die Ordnung der Gruppe, und das ist eine Folge der Zerlegung in Nebenklassen. " * 30
    english = "The order of the subgroup divides the order of the group, and this follows from the partition into cosets. " * 30
    assert len(german) > 2_400 < len(english)
    assert page_language("en", german) == "de"
    assert page_language("de", english) == "en"
    assert page_language("en", english + german) == "en"


def test_joiners_of_other_scripts_stay_in_a_text_and_go_between_latin_letters() -> None:
    for word in ("نمی\u200cتوانم", "ශ්\u200dරී", "👨\u200d👩\u200d👧"):
        assert INVISIBLE_IN_TEXT.sub("", word) == word
    assert INVISIBLE_IN_TEXT.sub("", "in\u200cvisible\u200b \u200dx") == "invisible x"
