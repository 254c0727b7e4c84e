"""The language of a short text: its script decides where it can, then letters that one language has, then function words.

A sentence with formulas taken out has a dozen letters, on which statistics of letters guess. But a script says Chinese, Korean,
Arabic or Greek with two of them, and a sentence in a European language seldom lacks an article or a preposition.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from mathcode_data.stages.extract.words import words

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

FUNCTION_WORDS = {
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


def languages_by(known: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Languages of every word or letter."""
    return {item: [code for code, items in known.items() if item in items] for items in known.values() for item in items}


_LANGUAGES_OF, _LANGUAGES_WITH = languages_by(FUNCTION_WORDS), languages_by(_LETTERS)
_MIN_VOTES = 1.4
_LEAD = 2.0
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


class Votes(NamedTuple):
    """What the words and letters of a short text say."""

    num_words: int
    ranked: list[tuple[str, float]]
    """The two languages with the most votes."""
    known: dict[str, int]
    """By language, how many of the words it has."""

    @property
    def is_enough(self) -> bool:
        """Whether the first language has votes for a share of the words that chance would not give."""
        return bool(self.ranked) and self.ranked[0][1] >= max(_MIN_VOTES, _MIN_SHARE * self.num_words)

    @property
    def winner(self) -> str:
        """The language with twice the votes of any other, else ""."""
        is_clear = self.is_enough and (len(self.ranked) == 1 or self.ranked[0][1] >= _LEAD * self.ranked[1][1])
        return self.ranked[0][0] if is_clear else ""


def count_votes(sample: str, languages_of: Callable[[str], tuple[list[str], float]]) -> Votes:
    """The votes of the words, by the languages of each and its weight, and of the letters; what several share counts by its share."""
    sample = sample.lower()
    found = _WORD.findall(sample)
    votes: defaultdict[str, float] = defaultdict(float)
    known: defaultdict[str, int] = defaultdict(int)
    for word in found:
        codes, weight = languages_of(word)
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
    return Votes(len(found), sorted(votes.items(), key=lambda pair: -pair[1])[:2], known)


def by_function_words(sample: str) -> str:
    """The language of Latin letters whose function words and letters stand there, "" where no language has twice the votes of others.

    >>> by_function_words("Calculer la somme des angles du triangle."), by_function_words("sin cos")
    ('fr', '')
    """
    return count_votes(sample, lambda word: (_LANGUAGES_OF.get(word, []), 1.0)).winner


def has_function_word(sample: str, code: str) -> bool:
    """Whether one of the language's function words stands there.

    >>> has_function_word("Prove it.", "en"), has_function_word("sin cos", "ca")
    (True, False)
    """
    return any(code in _LANGUAGES_OF.get(word, ()) for word in _WORD.findall(sample.lower()))
