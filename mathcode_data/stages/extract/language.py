"""The language of a page: what the page says, unless its script or, in a text of some length, its words say otherwise.

Themes declare English whatever is written in them, so of a long text the common words count more than the declaration;
a short or unclear one is what it is declared to be. Without a declaration: script, common words, detection.
"""

from __future__ import annotations

import re
from collections import Counter

from resiliparse.parse.lang import detect_fast

from mathcode_data.stages.extract.language_codes import AMBIGUOUS, normal_code
from mathcode_data.stages.extract.language_terms import by_terms
from mathcode_data.stages.extract.words import words
from mathcode_data.stages.score.language_short import by_letters

_SAMPLE_CHARACTERS = 4_000
_SHORT_SAMPLE = 300  # of a page of a few lines, whose small words say more than a model
_MAX_RANK = 1_200  # above it resiliparse's answers are usually false
_MAX_RANK_RARE = 800  # short texts with names and numbers look like a small language
_FENCED = re.compile(r"^`{3,}[^`\n]*\n.*?^`{3,}$", re.M | re.S)
_FORMULA = re.compile(r"\\\([^\n]{0,2000}?\\\)|\\\[[^\n]{0,4000}?\\\]|`[^`\n]{0,400}`|https?://\S{1,400}")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_HAN = re.compile("[\u3400-\u9fff]")
_KANA = re.compile("[\u3040-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7af]")
_WORD_CHARACTERS = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")
_NO_LETTERS = {code: " " for code in range(128) if not chr(code).isalpha()}
# Scripts of their own, and the languages written in them.
_SCRIPTS = (
    (re.compile("[\u0400-\u052f]"), words("ru uk be bg sr mk kk ky mn tg tt ba ce cv os sah uz")),
    (re.compile("[\u0370-\u03ff\u1f00-\u1fff]"), words("el")),
    (re.compile("[\u0590-\u05ff]"), words("he yi")),
    (re.compile("[\u0600-\u06ff]"), words("ar fa ur ps ug sd ku ckb azb pnb arz ks")),
    (re.compile("[\u0900-\u097f]"), words("hi mr ne sa bho mai")),
    (re.compile("[\u0e00-\u0e7f]"), words("th")),
    (re.compile("[\u10a0-\u10ff]"), words("ka")),
    (re.compile("[\u0530-\u058f]"), words("hy")),
    (re.compile("[\u0980-\u09ff]"), words("bn as")),
    (re.compile("[\u0b80-\u0bff]"), words("ta")),
)
_OTHER_SCRIPT = re.compile("[\u0370-\u10ff\u1f00-\u1fff]")  # all of the above: one look for the many pages without them
# Languages that stand in either script.
_TWO_SCRIPTS = words("sr uz kk az tg mn ku tt bs yi sd ks pa ms")
_OTHER_SCRIPTS = frozenset().union(*(known for _, known in _SCRIPTS))
# A page that claims one of these is looked at more closely, even one in Latin letters.
_DOUBTFUL = AMBIGUOUS | words("zh ja ko yue") | (_OTHER_SCRIPTS - _TWO_SCRIPTS)
_OWN_SCRIPT = (_OTHER_SCRIPTS - _TWO_SCRIPTS) | words("zh ja ko yue my km lo ml te kn gu si dv am ti bo dz or")
_LATIN_BYTES = bytes(set(range(256)) - set(range(0xCD, 0xE2)) - set(range(0xE3, 0xEE)))  # all but leads of U+0340-1FFF and U+3000-DFFF
_COMMON = {
    "en": words("the of and to is that for it with as are this by on be from which we"),
    "de": words("der die und das ist nicht mit ein eine den von zu auf für sich dem des auch"),
    "fr": words("le les et des est une dans que pour qui sur pas du avec sont par nous au"),
    "es": words("los las el una del que por con para es se su como más lo al"),
    "it": words("il di che una per con non sono della del gli le nel alla dei si"),
    "pt": words("os uma do da que para com não dos em são por mais ao as um pelo"),
    "nl": words("de het een van en dat niet op voor met zijn aan ook naar wordt deze"),
    "sv": words("och att det som en är på av för med inte till den har ett"),
    "pl": words("na się nie jest do to że jak przez oraz dla są"),
}
_LANGUAGES_OF = {word: [code for code, known in _COMMON.items() if word in known] for known in _COMMON.values() for word in known}
# Of these each page in the language has many, and hardly any other page; blanks around them are part of them.
_TELLING = {
    code: tuple(f" {word} " for word in known.split())
    for code, known in {
        "en": "the of and", "de": "der die und ist", "fr": "les des est une dans", "es": "los las el una", "it": "di che il della",
        "pt": "os uma do não em", "nl": "het een van en", "sv": "och att är för", "pl": "się nie jest w",
    }.items()
}  # fmt: skip
_EVERY = 250  # one of them in so many characters
_HEAD, _EVERY_SURELY = 1_200, 80  # so near each other in so many characters, no other language has to be asked
_NEAR = {
    "es": words("ca gl ast eu oc an ext"), "pt": words("gl"), "fr": words("oc wa br co ht ca"), "it": words("scn lmo vec co nap sc la rm"),
    "nl": words("af fy li"),
    "de": words("lb gsw nds bar dsb hsb"), "sv": words("da nb nn no is fo"), "pl": words("szl"), "en": words("sco"),
}  # fmt: skip
_LONG_SAMPLE, _MIN_WORDS = 250, 30
_LIST_SAMPLE, _MAX_LIST_SHARE = 1_000, 0.02
_TELLS_ENGLISH = re.compile(r"(?s)\b(?:the|The|of|and) .*?\b(?:the|of|and) .*?\b(?:the|of|and) ")
_MIN_COMMON_SHARE = 0.08
_MIN_LETTERS = 20


def page_language(declared: str, text: str) -> str:
    """An ISO 639 code of two letters (three where there are none of two), "" if unknown.

    >>> page_language("en-US", "Let G be a group."), page_language("", "设 G 是一个群，证明如下。"), page_language("ua", "")
    ('en', 'zh', 'uk')
    """
    sample = text[: 2 * _SAMPLE_CHARACTERS]
    code = normal_code(declared)
    if code not in _DOUBTFUL and _is_latin(sample):
        if code:
            return code if _agrees(code, sample) else _by_words(code, text) or code
        if _is_dense("en", sample[:_SAMPLE_CHARACTERS]):
            return "en"
    sample = _prose(sample)
    east_asian = by_script(sample)
    if east_asian:
        return code if code in ("zh", "ja", "ko", "yue") and not (code in ("zh", "yue") and east_asian != "zh") else east_asian
    if code in ("zh", "ja", "ko", "yue") and (_has_words(sample) or _num_letters(sample) >= _MIN_LETTERS):
        code = ""
    family = script_family(sample)
    fits = bool(code) and _fits(code, family, sample)
    if fits and code not in AMBIGUOUS:
        return code
    if fits and (not _has_words(sample) or str(detect_fast(sample)[0]) == code):
        return code
    if len(sample) <= _SHORT_SAMPLE:
        short = by_letters(sample) or by_terms(sample)
        if short:
            return short
    return _detect(sample, family) or (code if fits else "")


def _detect(sample: str, family: frozenset[str] | None) -> str:
    """The language by common words, then by resiliparse; "" where neither is sure."""
    if not _has_words(sample):
        return ""
    if family is None:
        common = by_common_words(sample)
        if common:
            return common
    detected, rank = detect_fast(sample)
    code = str(detected)
    if family is not None:
        if code in family and rank <= _MAX_RANK:
            return code
        return next(iter(family)) if len(family) == 1 else ""
    if code in _OWN_SCRIPT:  # in Latin letters: a list of names
        return ""
    if len(sample) >= _LIST_SAMPLE and code != "en" and sample.isascii() and _is_list(sample, code):
        if _TELLS_ENGLISH.search(sample):
            return "en"
        code = "" if code in _COMMON else code
    is_rare = code not in _COMMON
    return code if code != "unknown" and rank <= (_MAX_RANK_RARE if is_rare else _MAX_RANK) else ""


def _prose(sample: str) -> str:
    """The beginning of a text without code, formulas and addresses."""
    if "```" in sample:
        sample = _FENCED.sub(" ", sample)
    sample = sample[:_SAMPLE_CHARACTERS]
    return _FORMULA.sub(" ", sample) if "\\" in sample or "`" in sample or "://" in sample else sample


def _agrees(code: str, sample: str) -> bool:
    """True where a quick look finds the commonest words of the language that a page says it is in, or too little text to say."""
    if len(sample) < _LONG_SAMPLE:
        return True
    if code not in _TELLING:
        return False
    if _is_dense(code, sample[:_HEAD]) or _is_dense(code, sample[:_SAMPLE_CHARACTERS]):
        return True
    sample = _prose(sample)
    found = _count_telling(code, sample)
    if _EVERY * found < len(sample):
        return False
    return all(_count_telling(known, sample) <= found for known in _TELLING)  # titles of English books stand in German pages


def _is_dense(code: str, sample: str) -> bool:
    """True where these words stand so near each other that most of a long text is in the language."""
    return len(sample) >= _HEAD and _EVERY_SURELY * _count_telling(code, sample) >= len(sample)


def _count_telling(code: str, sample: str) -> int:
    return sum([sample.count(word) for word in _TELLING[code]])


def _by_words(code: str, text: str) -> str:
    """The language in which a long text is clearly written, whatever its page says; "" where it is not clear, or a near relative."""
    sample = _prose(text[: 2 * _SAMPLE_CHARACTERS])
    if len(sample) < _LONG_SAMPLE or len(sample.split()) < _MIN_WORDS:
        return ""
    found = by_common_words(sample)
    return found if found and code not in _NEAR[found] and str(detect_fast(sample)[0]) == found else ""


def _is_list(sample: str, code: str) -> bool:
    """True for an index of names and the like: hardly one of the commonest words of the language that it was taken for, or of English."""
    found = sample.lower().translate(_NO_LETTERS).split()
    known = _COMMON.get(code, _COMMON["en"])
    share = sum(word in known for word in found) / max(1, len(found))
    return share < _MAX_LIST_SHARE if code in _COMMON else share > _MAX_LIST_SHARE


def _has_words(sample: str) -> bool:
    return len(sample.split()) >= 5


def by_common_words(sample: str) -> str:
    """The language whose commonest words are at least a twelfth of the text, and twice as many as any other's."""
    sample = sample.lower()
    found = sample.translate(_NO_LETTERS).split() if sample.isascii() else _WORD.findall(sample)
    numbers = Counter(found)
    votes: Counter[str] = Counter()
    for word in _LANGUAGES_OF.keys() & numbers.keys():
        for code in _LANGUAGES_OF[word]:
            votes[code] += numbers[word]
    ranked = votes.most_common(2)
    if not ranked or ranked[0][1] < max(3, _MIN_COMMON_SHARE * len(found)):
        return ""
    return ranked[0][0] if len(ranked) == 1 or ranked[0][1] >= 2 * ranked[1][1] else ""


def script_family(sample: str) -> frozenset[str] | None:
    """The languages of the script that half of the letters belong to; None for Latin and unknown ones."""
    if sample.isascii() or 8 * len(_OTHER_SCRIPT.findall(sample)) < len(sample):
        return None
    letters = len(_WORD_CHARACTERS.findall(sample))
    for pattern, family in _SCRIPTS:
        if 2 * len(pattern.findall(sample)) > letters > 0:
            return family
    return None


def _fits(code: str, family: frozenset[str] | None, sample: str) -> bool:
    """False where a language is never written in the script of the text; a few letters say nothing."""
    fits = code in _TWO_SCRIPTS or code not in _OTHER_SCRIPTS if family is None else code in family
    return fits or _num_letters(sample) < _MIN_LETTERS


def _num_letters(sample: str) -> int:
    return sum(map(str.isalpha, sample[:400]))


def _is_latin(sample: str) -> bool:
    """True if no character is of another script or East Asian, by the first bytes of characters in UTF-8; false says nothing."""
    return sample.isascii() or not sample.encode("utf-8", "surrogatepass").translate(None, _LATIN_BYTES)


def by_script(sample: str) -> str:
    """Chinese, Japanese or Korean if their letters are a fifth of all (one of theirs says as much as a word)."""
    if sample.isascii() or _EAST_ASIAN.search(sample) is None:
        return ""
    han, kana, hangul = (len(pattern.findall(sample)) for pattern in (_HAN, _KANA, _HANGUL))
    letters = len(_WORD_CHARACTERS.findall(sample))
    if han + kana + hangul < 3 or 5 * (han + kana + hangul) < letters:
        return ""
    if hangul > han + kana:
        return "ko"
    return "ja" if kana * 20 > han else "zh"
