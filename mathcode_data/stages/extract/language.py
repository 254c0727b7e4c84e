"""The language of a page: what the page says, unless its script says otherwise; then script, common words, detection."""

from __future__ import annotations

import re
from collections import Counter

from resiliparse.parse.lang import detect_fast

from mathcode_data.stages.extract.language_codes import AMBIGUOUS, normal_code
from mathcode_data.stages.extract.words import words
from mathcode_data.stages.score.language_short import by_function_words, by_letters

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
_MIN_COMMON_SHARE = 0.08
_MIN_LETTERS = 20


def page_language(declared: str, text: str) -> str:
    """An ISO 639 code of two letters (three where there are none of two), "" if unknown.

    >>> page_language("en-US", "Let G be a group."), page_language("", "设 G 是一个群，证明如下。"), page_language("ua", "")
    ('en', 'zh', 'uk')
    """
    sample = text[: 2 * _SAMPLE_CHARACTERS]
    code = normal_code(declared)
    if code and code not in _DOUBTFUL and _is_latin(sample):
        return code
    if "```" in sample:
        sample = _FENCED.sub(" ", sample)
    sample = sample[:_SAMPLE_CHARACTERS]
    if "\\" in sample or "`" in sample or "://" in sample:
        sample = _FORMULA.sub(" ", sample)
    east_asian = by_script(sample)
    if east_asian:
        return code if code in ("zh", "ja", "ko", "yue") and not (code in ("zh", "yue") and east_asian != "zh") else east_asian
    if code in ("zh", "ja", "ko", "yue") and _has_words(sample):
        code = ""
    family = script_family(sample)
    fits = bool(code) and _fits(code, family, sample)
    if fits and code not in AMBIGUOUS:
        return code
    if fits and (not _has_words(sample) or str(detect_fast(sample)[0]) == code):
        return code
    if len(sample) <= _SHORT_SAMPLE:
        short = by_letters(sample) or by_function_words(sample, terms=True)
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
    is_rare = code not in _COMMON
    return code if code != "unknown" and rank <= (_MAX_RANK_RARE if is_rare else _MAX_RANK) else ""


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
    return fits or sum(map(str.isalpha, sample[:400])) < _MIN_LETTERS


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
