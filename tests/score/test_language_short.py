"""Short sentences: nine languages by script, letters and function words, formulas or not."""

from __future__ import annotations

import pytest

from mathcode_data.stages.score.language import detect
from mathcode_data.stages.score.language_short import by_function_words, by_letters

SENTENCES = {
    "fr": [
        "On suppose que la suite est bornée.", "Calculer la longueur des côtés du rectangle.", r"Soit \(g\) une fonction dérivable.",
        "Montrer que tout entier pair est somme de deux entiers.", "Les droites sont parallèles.", "Trouver le reste de la division.",
        "On note n le nombre de points.", "La somme est nulle.", "Donner une condition nécessaire et suffisante.",
        "Tracer la courbe de la fonction.", "Il y a donc une infinité de solutions.", "En déduire la limite de la suite.",
    ],
    "es": [
        "Calcular la suma de los lados del triángulo.", r"Sea \(g\) una función derivable.", "Se supone que la sucesión está acotada.",
        "El resto de la división es cero.", "Las rectas son paralelas.", "Hallar el límite de la función.", "Hay infinitas soluciones.",
    ],
    "it": [
        "Calcolare la somma degli angoli del triangolo.", r"Sia \(g\) una funzione derivabile.",
        "Si suppone che la successione sia limitata.",
        "Il resto della divisione è zero.", "Le rette sono parallele.", "Trovare il limite della funzione.", "Ci sono infinite soluzioni.",
    ],
    "pt": [
        "Calcule a soma dos ângulos do triângulo.", r"Seja \(g\) uma função derivável.", "Suponha que a sequência seja limitada.",
        "O resto da divisão é zero.", "As retas são paralelas.", "Encontre o limite da função.", "Existem infinitas soluções.",
    ],
    "de": [
        "Berechne die Summe der Winkel im Dreieck.", r"Sei \(g\) eine differenzierbare Funktion.", "Die Folge ist beschränkt.",
        "Der Rest der Division ist null.", "Die Geraden sind parallel.", "Bestimme den Grenzwert der Funktion.",
        "Es gibt unendlich viele Lösungen.",
    ],
    "en": [
        "Compute the sum of the angles.", r"Let \(g\) be a differentiable function.", "The sequence is bounded.", "The remainder is zero.",
        "The lines are parallel.", "Find the limit of the function.", "There are infinitely many solutions.", "Prove it.",
    ],
    "zh": [r"证明 \(x>0\)。", "求极限。", r"解：\(x=1\)", "三角形的内角和", r"设 \(f\) 连续。"],
    "ja": [r"\(x>0\) を示せ。", "極限を求めよ。", "三角形の内角の和", "関数は連続である。"],
    "ru": [r"Докажите, что \(x>0\).", r"Пусть \(x>0\).", "Найдите предел.", "Ряд сходится.", "Сумма углов треугольника.", "Объём шара."],
}  # fmt: skip
SCRIPTS = {
    "ko": r"\(x>0\) 임을 보여라.", "ar": r"أثبت أن \(x>0\).", "fa": "حد را پیدا کنید.", "el": "Λύση.", "he": r"הוכח כי \(x>0\).",
    "th": "จงหาค่า", "uk": "Доведіть нерівність.", "bg": "Да се докаже, че редът е сходящ.", "be": "Знайдзіце лік і суму ўсіх.",
}  # fmt: skip


@pytest.mark.parametrize("language", SENTENCES)
def test_short_sentences_have_their_language(language: str) -> None:
    wrong = {text: found for text in SENTENCES[language] if (found := detect(text)[0]) != language}
    assert not wrong


@pytest.mark.parametrize("language", SCRIPTS)
def test_a_script_or_its_letters_decide(language: str) -> None:
    assert by_letters(SCRIPTS[language].replace(r"\(x>0\)", "")) == language
    assert detect(SCRIPTS[language]) == (language, 1.0)


@pytest.mark.parametrize("language", ["fr", "es", "it", "pt", "de", "en"])
def test_function_words_are_silent_rather_than_wrong(language: str) -> None:
    found = [by_function_words(text.replace(r"\(g\)", "")) for text in SENTENCES[language]]
    assert set(found) <= {language, ""}
    assert found.count(language) >= len(found) // 3


@pytest.mark.parametrize("text", ["", r"\(x^2\)", "x", "α", "α β", "sin cos", "1 2 3"])
def test_no_prose_has_no_language(text: str) -> None:
    assert detect(text) == ("", 0.0)


def test_a_name_in_another_script_changes_nothing() -> None:
    assert detect("The theorem was found by 王 in the last century.")[0] == "en"
    assert detect("La fonction Γ est définie sur les réels.")[0] == "fr"
