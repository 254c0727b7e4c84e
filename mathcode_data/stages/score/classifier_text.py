r"""The one text normalisation of the fastText classifiers: used when a model is learned and when it scores.

In order: what fastText would take for a label (`__label__` and what follows it) goes, so that it has no effect; the first
`max_characters` characters; NFC; lower case; then words, one space between two:

- a LaTeX command is one word (`\frac`), so formulas stay visible to the classifier;
- a CJK character (ideograph, kana, hangul) is one word, because those scripts have no spaces;
- a run of letters is one word;
- a number is as many zeros as it has digits, four at most (`7` -> `0`, `2024` -> `0000`): how long it is matters, not which;
- any other visible character is one word (`{`, `^`, `=`, `_`), so a line holds no label and no line break;
- control characters and lone surrogates are dropped.

The scoring stage makes the same lines for many texts at once (`fasttext_lines`), eight times as fast as this definition.
"""

from __future__ import annotations

import re
import unicodedata

VERSION = "2"
"""Written into `model.json`; a model is only used with the normalisation it was learned with."""
MAX_CHARACTERS = 10_000

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
WORD = re.compile(rf"\\[a-z]+|[{CJK}]|[^\W\d_{CJK}]+|\d+|[^\s\x00-\x1f\x7f\ud800-\udfff]")
MAX_DIGITS = 4
LABEL_PREFIX = "__label__"
_LABEL = re.compile(rf"\s?{LABEL_PREFIX}\S*")


def without_labels(text: str) -> str:
    """The text as if its labels did not stand there.

    >>> without_labels("a __label__math b")
    'a b'
    """
    return _LABEL.sub("", text) if LABEL_PREFIX in text else text


def classifier_line(text: str, max_characters: int = MAX_CHARACTERS) -> str:
    r"""Turn a document into one line of words.

    >>> classifier_line("If \\(x^2 = 1024\\),\nthen 数学 __label__math!")
    'if \\ ( x ^ 0 = 0000 \\ ) , then 数 学'
    """
    words = WORD.findall(unicodedata.normalize("NFC", without_labels(text)[:max_characters]).lower())
    return " ".join("0" * min(len(word), MAX_DIGITS) if word[0].isdecimal() else word for word in words)


def plain_line(text: str, max_characters: int = MAX_CHARACTERS) -> str:
    r"""Only make a line of it, for models from elsewhere: white space of any kind becomes one space, lone surrogates go.

    >>> plain_line("One\r\nTWO ")
    'One TWO'
    """
    return " ".join(text[:max_characters].encode("utf-8", "ignore").decode("utf-8").split())
