"""The language of a page: what the page says, unless its script says otherwise; then script, then detection."""

from __future__ import annotations

import re

from resiliparse.parse.lang import detect_fast

_SAMPLE_CHARACTERS = 4_000
_MAX_RANK = 1_200  # above it resiliparse's answers are usually false
_FORMULA = re.compile(r"\\\([^\n]{0,2000}?\\\)|\\\[[^\n]{0,4000}?\\\]|`[^`\n]{0,400}`")
_TAG = re.compile(r"[a-z]{2,3}")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_HAN = re.compile("[\u3400-\u9fff]")
_KANA = re.compile("[\u3040-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7af]")
_WORD_CHARACTERS = re.compile(r"[^\W\d_]")


def page_language(declared: str, text: str) -> str:
    """A two- or three-letter code in lower case, "" if unknown.

    >>> page_language("en-US", "Let G be a group."), page_language("", "设 G 是一个群，证明如下。")
    ('en', 'zh')
    """
    sample = _FORMULA.sub(" ", text[:_SAMPLE_CHARACTERS])
    by_script = _by_script(sample)
    match = _TAG.match(declared.strip().lower())
    code = match[0] if match else ""
    if by_script:
        return code if code in ("zh", "ja", "ko") and not (code == "zh" and by_script != "zh") else by_script
    if code and code not in ("zh", "ja", "ko", "und", "mul", "zxx"):
        return code
    if len(sample.split()) < 5:
        return ""
    detected, rank = detect_fast(sample)
    return str(detected) if detected != "unknown" and rank <= _MAX_RANK else ""


def _by_script(sample: str) -> str:
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
