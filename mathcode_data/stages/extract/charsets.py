"""Is text what its declared encoding says? A single byte of Latin always decodes, so a false claim of it fails nowhere.

Two signs: in Latin text letters beyond ASCII stand alone or in pairs, in a double-byte or Cyrillic encoding nearly all of them stand in
runs; and text in its own encoding is made of the frequent characters of a language, misread text of rare ones.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from math import log

LATIN = frozenset(
    ["cp1252", "iso8859-1", "iso8859-15", "iso-8859-15", "latin-1", "cp1250", "iso8859-2", "iso-8859-2", "cp1254", "iso-8859-9"]
)
CHINESE = frozenset(["gb18030", "big5hkscs"])
CANDIDATES = ("gb18030", "big5hkscs", "cp932", "euc-jp", "cp949", "cp1251", "koi8-r")
CYRILLIC = ("cp1251", "koi8-r", "koi8-u", "iso8859-5", "cp866")
OLD_LATIN = ("mac_roman", "cp850")
_PER_MILLE = dict(zip(
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєјљњћђ",
    (110, 84, 80, 73, 67, 63, 55, 47, 45, 44, 35, 32, 30, 28, 26, 20, 19, 17, 17, 16, 16, 14, 12, 10, 9, 7, 6, 5, 4,
     3, 3, 2, 1, 9, 3, 3, 9, 3, 3, 3, 2),
    strict=True,
))  # fmt: skip
_RARE, _MIN_GAIN, _MIN_LETTERS = 0.2, 0.4, 30
_NO_SIGNS = dict.fromkeys(map(ord, "\u00a0«»„“”–—№…·•°‘’©"))
_INSIDE_WORD = re.compile(rb"(?<=[a-z])[\x80-\x91\x93-\x95\x98-\xff](?=[a-z])")  # but for apostrophes and dashes
_USUAL_LETTER = re.compile(rb"[\x9a\x9c\x9e\xc0-\xce\xd0-\xd4\xd6-\xff]")  # of cp1252 and its kin; not MacRoman's oe and apostrophe
_ACCENTED = frozenset("éèêëàâäáãåçîïíìôöóòõûüúùñœæøßÿ’ﬁﬂ")
_MIN_INSIDE = 6
SURE = 0.5
"""A text that has half of the frequent characters to be expected is in its own encoding."""
_RUN = re.compile(rb"[\x80-\xff]{4,}")
_ASCII = bytes(range(128))
_MIN_BYTES = 8
_SAMPLE = 4_000
_FEW = 6
_BEYOND = re.compile(r"[^\x00-\x7f\u2010-\u2027\u3000-\u3002\uff01-\uff1f\u00a0]")
_CHINESE = frozenset(
    "的一是不了在人有我他这中大来上个国到说们为子和你地出也时年得就那要下以生会自着去之过家学对可里后小么心多天而能好都然没日于起"
    "还发成事只作当想看文无开用主行方又如前所本见经面公同三已从动两长知样现分将外但些与高意进把法此实回二理点明其种全工者向部"
    "正名定问力机给等几最间新便位因重被四第相次使教再平真信少关并内加化由代产入先五水体别处总比性通目表原应期常何更反合做系计或"
    "利受果及解各任至物记边共接它特直题建度统字交让认算论义科元术结指非每连条变联言往该近决保运必完深即求量空技程语基满式识极令"
    "取设始容研像改形际则首单据导若观究组造离微积函数证集域称群环线角圆根式矩阵项值限导续"
    "這來個國說們為時會過學對後麼還發當無開經動兩長樣現實點種問機給間關並內產體處總應計記邊題統讓認論義術結連條變聯決運滿識極設"
    "際則單據導觀組離證數積稱環線圓陣項續從將進與"
)
_OTHERS = (
    (0.5, frozenset(map(chr, (*range(0x3041, 0x3094), *range(0x30A1, 0x30FD))))),
    (0.5, frozenset("이다는을를에의가고하은로도서지기한사대인자리어그나정수것해시라아만보여주제들원부있일식과적점면함분구성합명미각")),
    (0.8, frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяіїєў")),
    (0.8, frozenset("αβγδεζηθικλμνξοπρστυφχψωάέήίόύώς")),
    (0.9, frozenset(map(chr, (*range(0x05D0, 0x05EB), *range(0x0621, 0x0653), *range(0x0E01, 0x0E5C))))),
)


def stands_in_runs(content: bytes) -> bool:
    """True where most of the bytes beyond ASCII stand in runs, as no Latin text has them.

    >>> stands_in_runs("定理证明如下".encode("gbk")), stands_in_runs("à côté, créée, été, déjà, élève".encode("cp1252"))
    (True, False)
    """
    beyond = len(content.translate(None, _ASCII))
    if beyond < _MIN_BYTES:
        return False
    runs = sum(len(run) for run in _RUN.findall(content) if len(set(run)) > 2 and not _is_table(run))  # rows of blanks are Latin, too
    return 2 * runs >= beyond


def _is_table(run: bytes) -> bool:
    """True for a list of characters in the order of their codes, as a page about them has it."""
    return 2 * sum(1 for first, second in pairwise(run) if second - first == 1) >= len(run) - 1


def fit(text: str) -> float:
    """How far the characters beyond ASCII are the frequent ones of a language; about 1 for text in its own encoding."""
    letters = _BEYOND.findall(text[: 50 * _SAMPLE])[:_SAMPLE]
    if not letters:
        return 0.0
    shares = [(0.35, sum(1 for letter in letters if letter in _CHINESE))]
    shares += [(expected, sum(1 for letter in letters if letter in known)) for expected, known in _OTHERS]
    return max(number / len(letters) / expected for expected, number in shares)


def other_chinese(content: bytes, text: str, name: str) -> str:
    """The other encoding of Chinese where a text hardly has a frequent character as it is declared; "" where all is well."""
    if name not in CHINESE or len(_BEYOND.findall(text[: 50 * _SAMPLE])) < _FEW:
        return ""
    as_declared = fit(text)
    if as_declared >= SURE:
        return ""
    other = next(iter(CHINESE - {name}))
    found = _fit_as(content, other)
    return other if found >= SURE and found > 2 * as_declared else ""


def other_cyrillic(content: bytes, name: str) -> str:
    """The encoding of Cyrillic in which bytes have the letters that are frequent, where they do not as it is declared; "" if all is well.

    Each of these encodings has a letter for nearly each byte, so a false claim fails nowhere.

    >>> other_cyrillic("Если функция непрерывна, то она ограничена".encode("koi8-r"), "cp1251")
    'koi8-r'
    """
    if name not in CYRILLIC:
        return ""
    likelihood = {other: _likelihood(content, other) for other in CYRILLIC}
    best = max(CYRILLIC, key=lambda other: likelihood[other])
    return best if likelihood[best] > likelihood[name] + _MIN_GAIN else ""


def _likelihood(content: bytes, name: str) -> float:
    """The mean logarithm of the frequencies of the characters beyond ASCII, as letters of languages in Cyrillic; 0 for too few."""
    letters = content[: 50 * _SAMPLE].translate(None, _ASCII)[:_SAMPLE].decode(name, "replace").translate(_NO_SIGNS).lower()
    if len(letters) < _MIN_LETTERS:
        return 0.0
    return sum(number * log(_PER_MILLE.get(letter, _RARE)) for letter, number in Counter(letters).items()) / len(letters)


def other_latin(content: bytes) -> str:
    """An old encoding of Latin letters where signs of the usual one would stand inside words; "" if all is well.

    >>> other_latin("la vérité, créée à côté des élèves, répétée".encode("mac_roman"))
    'mac_roman'
    """
    inside = b"".join(_INSIDE_WORD.findall(content[: 50 * _SAMPLE]))
    usual = len(_USUAL_LETTER.findall(inside))
    if len(inside) - usual < _MIN_INSIDE or len(inside) < 4 * usual:
        return ""
    found = {name: sum(map(_ACCENTED.__contains__, inside.decode(name, "replace"))) for name in OLD_LATIN}
    best = max(OLD_LATIN, key=lambda name: found[name])
    return best if 10 * found[best] >= 9 * len(inside) else ""


def best_candidate(content: bytes) -> str:
    """The encoding in which bytes read as a language, "" if there is none."""
    fits = {name: _fit_as(content, name) for name in CANDIDATES}
    best = max(CANDIDATES, key=lambda name: fits[name])
    return best if fits[best] >= SURE else ""


def _fit_as(content: bytes, name: str) -> float:
    """As `fit`, of bytes in an encoding; each character that cannot be read counts against it."""
    text = content.decode(name, "replace")
    return fit(text) if 50 * text.count("\ufffd") <= len(_BEYOND.findall(text)) else 0.0
