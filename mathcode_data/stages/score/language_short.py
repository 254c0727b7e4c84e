"""The language of a short text: its script decides where it can, then letters that one language has, then function words.

A sentence with formulas taken out has a dozen letters, on which statistics of letters guess. But a script says Chinese, Korean,
Arabic or Greek with two of them, and a sentence in a European language seldom lacks an article or a preposition.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from mathcode_data.stages.extract.words import words
from mathcode_data.stages.score.language_terms import ENDINGS, MIN_ENDING_WORD, TERMS

_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")
_HAN, _KANA, _HANGUL = re.compile("[\u3400-\u9fff\uf900-\ufaff]"), re.compile("[\u3040-\u30ff]"), re.compile("[\u1100-\u11ff\uac00-\ud7af]")
_CYRILLIC, _ARABIC = re.compile("[\u0400-\u052f]"), re.compile("[\u0600-\u06ff]")
# One language each, or one of them by far; at least so many letters, because a lone letter of Greek or Hebrew is mathematics.
_OWN = (
    (re.compile("[\u0370-\u03ff\u1f00-\u1fff]"), "el", re.compile("[\u0370-\u03ff\u1f00-\u1fff]{3}")),
    (re.compile("[\u0590-\u05ff]"), "he", re.compile("[\u0590-\u05ff]{2}")),
    (re.compile("[\u0e00-\u0e7f]"), "th", re.compile("[\u0e00-\u0e7f]{2}")),
    (re.compile("[\u10a0-\u10ff]"), "ka", re.compile("[\u10a0-\u10ff]{2}")),
    (re.compile("[\u0530-\u058f]"), "hy", re.compile("[\u0530-\u058f]{2}")),
    (re.compile("[\u0b80-\u0bff]"), "ta", re.compile("[\u0b80-\u0bff]{2}")),
)
MIN_LETTERS = 3
"""Of Cyrillic or Arabic."""
SHORT_LETTERS = 120
"""Longer texts in a script of several languages are for a model."""
_BULGARIAN = re.compile("ъ[^еёюя\\W]|\\b(?:са|се|че|ще|със|това|който|която)\\b", re.I)  # Russian has ъ before soft vowels only

_FUNCTION_WORDS = {
    "en": words("the of and to is that for it with as are this by on be from which we an a in if then let not has have all there such or"),
    "de": words("der die das und ist nicht mit ein eine den von zu auf für sich dem des auch dass sei es gibt einen einer im in so wenn"),
    "fr": words("le la les et des est une un dans que pour qui sur pas du avec par nous au aux de on si il soit tout toute en ne ce cette"),
    "es": words("el la los las un una de del que por con para es se su como más lo al en y si no sea sean hay todo toda este esta son"),
    "it": words("il lo la i gli le di che una un per con non sono del della dello dei delle nel nella alla al è e si sia se ogni in da"),
    "pt": words("o a os as um uma do da dos das que para com não em no na por mais ao é e se seja são todo toda de isto entre"),
    "nl": words("de het een van en dat niet op voor met zijn aan ook naar wordt deze is in als er te"),
    "sv": words("och att det som en ett är på av för med inte till den har om i"),
    "da": words("og at det som en et er på af for med ikke til den har hvis i"),
    "pl": words("na się nie jest do to że jak przez oraz dla są w z i o jeśli"),
    "ca": words("el la els les un una de del dels que per amb és es en i no si al als sigui hi ha més"),
    "ro": words("și să la un o de este nu cu care pe din sunt în al ai că se fie dacă"),
    "cs": words("a je se na že v do pro to s z jsou není o i který"),
    "hu": words("a az és hogy egy nem is ha van meg ki"),
}
_LETTERS = {
    "fr": "œçùûêîëà", "es": "ñ¿¡áóíú", "pt": "ãõçâêáóú", "de": "ßäöü", "it": "òàìù", "sv": "åäö", "da": "æøå", "pl": "ąęłńśźżć",
    "ca": "çòàïŀ", "ro": "ășțâî", "cs": "řěůčšž", "hu": "őűáó",
}  # fmt: skip
_ELISION = re.compile(r"\b(?:l|d|qu|n|s|j|c|m|t|lorsqu|puisqu)['’](?=[^\W\d_])", re.I)


def _inverted(known: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Languages of every word or letter."""
    return {item: [code for code, items in known.items() if item in items] for items in known.values() for item in items}


_LANGUAGES_OF, _LANGUAGES_WITH = _inverted(_FUNCTION_WORDS), _inverted(_LETTERS)
_VOCABULARY = _inverted({code: frozenset(known) | TERMS.get(code, frozenset()) for code, known in _FUNCTION_WORDS.items()})
_ENDING_LANGUAGES = _inverted(ENDINGS)
_ENDING_LENGTHS = sorted({len(ending) for ending in _ENDING_LANGUAGES}, reverse=True)
_BY_ENDING = 0.7
_MIN_VOTES = 1.4
_LEAD = 2.0
_MIN_KNOWN = 0.75
_MIN_SHARE = 0.12


def by_letters(sample: str) -> str:
    """The language that the script of most letters, or single letters of it, decide; "" where they do not.

    >>> by_letters("证明 。"), by_letters("Пусть"), by_letters("Нехай і"), by_letters("Let x")
    ('zh', 'ru', 'uk', '')
    """
    if sample.isascii():
        return ""
    num_letters = len(_LETTER.findall(sample))
    han, kana, hangul = (len(pattern.findall(sample)) for pattern in (_HAN, _KANA, _HANGUL))
    east_asian = han + kana + hangul
    if 2 * east_asian > num_letters or (east_asian >= 3 and 5 * east_asian >= num_letters):
        return "ko" if hangul > han + kana else "ja" if kana * 20 > han else "zh"
    for pattern, code, word in _OWN:
        if 2 * len(pattern.findall(sample)) > num_letters and word.search(sample):
            return code
    for pattern, decide in ((_CYRILLIC, _cyrillic), (_ARABIC, _arabic)):
        number = len(pattern.findall(sample))
        if 2 * number > num_letters and MIN_LETTERS <= number <= SHORT_LETTERS:
            return decide(sample.lower())
    return ""


def _cyrillic(sample: str) -> str:
    """Russian unless letters or words of another language stand there; "" for those of several languages."""
    if re.search("[әғқңөұүһҷӣӯѓќѕӈҳ]", sample):
        return ""
    if "ў" in sample:
        return "be"
    if re.search("[ђћџ]", sample):
        return "sr"
    if "ј" in sample or "љ" in sample or "њ" in sample:
        return ""
    if re.search("[іїєґ]", sample):
        return "uk"
    return "bg" if not re.search("[ыэё]", sample) and _BULGARIAN.search(sample) else "ru"


def _arabic(sample: str) -> str:
    """Arabic unless letters that it lacks stand there; "" for those of several languages."""
    if re.search("[ٹڈڑےںہۇۆۈېڵێڕټډړښځڅ]", sample):
        return ""
    return "fa" if re.search("[پچژگکی]", sample) else "ar"


def by_function_words(sample: str, *, terms: bool = False) -> str:
    """The language of Latin letters whose function words and letters stand there, "" where no language has twice the votes of others.

    A word or letter that several languages have counts for each of them by its share. With `terms`, words and endings of
    mathematics vote too: titles are told by them, but of pieces of running text the model knows more.

    >>> by_function_words("Calculer la somme des angles du triangle."), by_function_words("sin cos")
    ('fr', '')
    >>> by_function_words("Démonstration du lemme", terms=True)
    'fr'
    """
    sample = sample.lower()
    found = _WORD.findall(sample)
    votes: defaultdict[str, float] = defaultdict(float)
    known: defaultdict[str, int] = defaultdict(int)
    for word in found:
        weight = 1.0
        codes = (_VOCABULARY if terms else _LANGUAGES_OF).get(word, [])
        if terms and not codes and len(word) >= MIN_ENDING_WORD:
            codes, weight = _by_ending(word), _BY_ENDING
        for code in codes:
            votes[code] += weight / len(codes)
            known[code] += 1
    if not sample.isascii():
        for letter in _LANGUAGES_WITH.keys() & set(sample):
            for code in _LANGUAGES_WITH[letter]:
                votes[code] += 1 / len(_LANGUAGES_WITH[letter])
    if _ELISION.search(sample):
        for code in ("fr", "it", "ca"):
            votes[code] += 1 / 3
    ranked = sorted(votes.items(), key=lambda pair: -pair[1])[:2]
    if not ranked or ranked[0][1] < max(_MIN_VOTES, _MIN_SHARE * len(found)):
        return ""
    if len(ranked) == 1 or ranked[0][1] >= _LEAD * ranked[1][1]:
        return ranked[0][0]
    if not terms:
        return ""
    most = sorted(known.items(), key=lambda pair: -pair[1])[:2]  # near neighbours share words, but seldom all of a sentence
    is_whole = len(most) == 2 and most[0][0] == ranked[0][0] and most[0][1] >= _MIN_KNOWN * len(found) and most[0][1] > most[1][1]
    return ranked[0][0] if is_whole and ranked[0][1] > ranked[1][1] else ""


def _by_ending(word: str) -> list[str]:
    """The languages of the longest ending that is known."""
    return next((codes for size in _ENDING_LENGTHS if (codes := _ENDING_LANGUAGES.get(word[-size:]))), [])


def has_function_word(sample: str, code: str) -> bool:
    """Whether one of the language's function words stands there.

    >>> has_function_word("Prove it.", "en"), has_function_word("sin cos", "ca")
    (True, False)
    """
    return any(code in _LANGUAGES_OF.get(word, ()) for word in _WORD.findall(sample.lower()))
