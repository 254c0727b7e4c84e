"""A claim of Latin letters, which no bytes contradict, against what the bytes say; and Chinese under the name of the other Chinese."""

from __future__ import annotations

import pytest

from mathcode_data.stages.extract.charsets import best_candidate, fit, other_chinese, stands_in_runs
from mathcode_data.stages.extract.decode import decode

TEXTS = {
    "gb18030": "勾股定理的证明",
    "big5": "設函數在區間上連續。",
    "shift_jis": "関数の微分を求めよ",
    "euc-jp": "ピタゴラスの定理",
    "euc-kr": "함수를 미분하여라.",
    "cp1251": "Решите уравнение",
    "koi8-r": "Теорема о среднем значении",
    "iso-8859-7": "Το θεώρημα του Πυθαγόρα λέει ότι",
}
LATIN = [
    "Théorème : «\xa0À démontrer\xa0», où ça ?",
    "Übung: Größe, müßig, natürliche Zahlen",
    "¿Cómo? ¡Así! Año, función",
    "ÉTÉ À NOËL, ÉLÈVES DIPLÔMÉS",
    "ÀÁÂÃÄÅÆÇÈÉÊË in a table",
    "\xa0\xa0\xa0\xa0 é \xa0\xa0\xa0\xa0\xa0 à",
    "° ± ² ³ × ÷ £ §§ ····",
]


@pytest.mark.parametrize("encoding", TEXTS)
@pytest.mark.parametrize(
    ("header", "meta"), [("iso-8859-1", ""), ("windows-1252", "own"), ("ascii", ""), ("", "iso-8859-1"), ("iso-8859-15", "")]
)
@pytest.mark.parametrize("padding", ["", "plain words. " * 900])
def test_false_claim_of_latin_letters_is_passed_over(encoding: str, header: str, meta: str, padding: str) -> None:
    text = TEXTS[encoding]
    head = f"<meta charset={encoding if meta == 'own' else meta}>" if meta else ""
    found = decode(
        f"{head}<title>{text}</title>{padding}<p>{text}</p>".encode(encoding), content_type=f"text/html; charset={header}" * bool(header)
    )
    assert found.text.count(text) == 2


@pytest.mark.parametrize("text", LATIN)
@pytest.mark.parametrize("claim", ["iso-8859-1", "windows-1252"])
@pytest.mark.parametrize("padding", ["", "plain words. " * 900])
def test_latin_text_stays(text: str, claim: str, padding: str) -> None:
    content = f"<p>{padding}{text}</p>".encode("cp1252")
    assert text in decode(content, content_type=f"text/html; charset={claim}").text
    assert text in decode(f"<meta charset={claim}>".encode() + content).text


@pytest.mark.parametrize(("encoding", "claim"), [("big5", "gb2312"), ("big5", "gbk"), ("gb18030", "big5")])
def test_chinese_under_the_other_name_is_read(encoding: str, claim: str) -> None:
    text = TEXTS[encoding] * 2
    found = decode(f"<meta charset={claim}><p>{text}</p>".encode(encoding))
    assert text in found.text
    assert found.source == "detected"


CYRILLIC = {
    "russian": "Если функция непрерывна на отрезке, то она ограничена",
    "capitals": "ТЕОРЕМА О СРЕДНЕМ ЗНАЧЕНИИ ФУНКЦИИ НА ОТРЕЗКЕ",
    "bulgarian": "Ако функцията е непрекъсната в интервала, тя е ограничена",
    "serbian": "Ако jе функциjа непрекидна на интервалу, она jе ограничена",
}


@pytest.mark.parametrize("text", CYRILLIC.values(), ids=CYRILLIC)
@pytest.mark.parametrize("encoding", ["windows-1251", "koi8-r", "iso-8859-5", "cp866"])
@pytest.mark.parametrize("claim", ["windows-1251", "koi8-r", "iso-8859-5", "ibm866"])
def test_cyrillic_under_the_name_of_another_encoding_is_read(text: str, encoding: str, claim: str) -> None:
    assert text in decode(f"<meta charset={claim}><p>{text}</p>".encode(encoding)).text


FRENCH = "Considérons la limite où été et naïve égalité vérifiée, récurrence. L’élève a créé des théorèmes généralisés."


@pytest.mark.parametrize("encoding", ["mac_roman", "cp850"])
@pytest.mark.parametrize("claim", ["", "iso-8859-1"])
def test_french_of_old_machines_is_read(encoding: str, claim: str) -> None:
    text = FRENCH if encoding == "mac_roman" else FRENCH.replace("’", "'")
    assert text in decode(f"<meta charset={claim}><p>{text}</p>".encode(encoding)).text


@pytest.mark.parametrize("text", [FRENCH, "Šišmiš žije — koš “š” žena, naše škola, množina", "œuvre cœur sœur nœud vœu bœuf l’œil d’œuvre"])
@pytest.mark.parametrize("claim", ["", "windows-1252"])
def test_french_and_czech_of_windows_stay(text: str, claim: str) -> None:
    assert text in decode(f"<meta charset={claim}><p>{text}</p>".encode("cp1252")).text


def test_signs_of_an_encoding() -> None:
    chinese = TEXTS["gb18030"].encode("gb18030")
    assert stands_in_runs(chinese)
    assert not stands_in_runs("élève".encode("cp1252"))
    assert best_candidate(chinese) == "gb18030"
    assert fit(TEXTS["gb18030"]) > 0.5 > fit(chinese.decode("cp1252"))
    assert other_chinese(chinese, TEXTS["gb18030"], "gb18030") == ""
