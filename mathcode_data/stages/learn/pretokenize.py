r"""DeepSeek-LLM's pre-tokenisation, once as its six steps and once as one equivalent split that runs many times faster.

The six steps cut a text, one after the other, at: line ends; optional white space and cased letters; optional white space
and punctuation; white space at the end of a piece; CJK; single digits. Then bytes are mapped to letters (ByteLevel).

`single_split` finds the same cuts in one pass. It was derived from what the steps do to each class of characters (the
punctuation class holds the ASCII and full-width letters, the CJK class holds every character of U+0800..U+9FA5, so Greek
with breathings, wide spaces, curly quotes and Indic digits are in two classes at once). Characters fall into 14 classes.
Compared with the six steps, in Oniguruma and in PCRE2, no difference on: every code point in eight contexts; all strings
of up to five classes; random strings of 6 to 40. Tests repeat a part of that, and more texts.

What was tried for speed, in fastokens 0.3.5 on Python source, one thread: the six steps 5 MB/s; one split and the step for
digits after it 17 MB/s; one split with the digits in it 25 MB/s (fastokens has a short way for one split and ByteLevel);
the same with the frequent pieces first and every run of white space looked at once 28 to 35 MB/s (this file). A bare
pattern for ASCII reaches no more, so what is left is the cost of a call per piece; Hugging Face's library does 1 to 1.4 MB/s.
White space before a rare sign is quadratic in the six steps (40,000 spaces: 25 s) and linear here.
"""

from __future__ import annotations

import functools
import re
from typing import Any

LINE_ENDS = "a d"
# cased letters, in the code points that DeepSeek's expression names
LETTERS = (
    "41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f 386 388-38a 38c 38e-3a1 3a3-3f5 "
    "3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba 1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 "
    "1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4 1fc6-1fcc "
    "1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113 2115 2119-211d 2124 2126 2128 212a-212d "
    "212f-2134 2139 213c-213f 2145-2149 214e 2183 2184 2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2 2cf3 a640-a66d a680-a69b "
    "a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ff41-ff5a 10400-1044f 104b0-104d3 104d8-104fb "
    "10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943"
)
PUNCTUATION = "21-2f 3a-7e ff01-ff0f ff1a-ff5e 2018-201f 3000-3002"
CJK = "4e00-9fa5 800-4e00 ac00-d7ff"
NARROW_SPACES = "9 b c 20 85 a0"
WIDE_SPACES = "1680 2000-200a 2028 2029 202f 205f"  # white space that the CJK class holds as well
IDEOGRAPHIC_SPACE = 0x3000  # white space, punctuation and CJK at once

# what Rust's char::is_numeric holds (Unicode 17), which is what the step Digits cuts out
DIGITS_CLASS = (
    "30-39 b2-b3 b9 bc-be 660-669 6f0-6f9 7c0-7c9 966-96f 9e6-9ef 9f4-9f9 a66-a6f ae6-aef b66-b6f b72-b77 be6-bf2 c66-c6f "
    "c78-c7e ce6-cef d58-d5e d66-d78 de6-def e50-e59 ed0-ed9 f20-f33 1040-1049 1090-1099 1369-137c 16ee-16f0 17e0-17e9 "
    "17f0-17f9 1810-1819 1946-194f 19d0-19da 1a80-1a89 1a90-1a99 1b50-1b59 1bb0-1bb9 1c40-1c49 1c50-1c59 2070 2074-2079 "
    "2080-2089 2150-2182 2185-2189 2460-249b 24ea-24ff 2776-2793 2cfd 3007 3021-3029 3038-303a 3192-3195 3220-3229 3248-324f "
    "3251-325f 3280-3289 32b1-32bf a620-a629 a6e6-a6ef a830-a835 a8d0-a8d9 a900-a909 a9d0-a9d9 a9f0-a9f9 aa50-aa59 abf0-abf9 "
    "ff10-ff19 10107-10133 10140-10178 1018a-1018b 102e1-102fb 10320-10323 10341 1034a 103d1-103d5 104a0-104a9 10858-1085f "
    "10879-1087f 108a7-108af 108fb-108ff 10916-1091b 109bc-109bd 109c0-109cf 109d2-109ff 10a40-10a48 10a7d-10a7e 10a9d-10a9f "
    "10aeb-10aef 10b58-10b5f 10b78-10b7f 10ba9-10baf 10cfa-10cff 10d30-10d39 10d40-10d49 10e60-10e7e 10f1d-10f26 10f51-10f54 "
    "10fc5-10fcb 11052-1106f 110f0-110f9 11136-1113f 111d0-111d9 111e1-111f4 112f0-112f9 11450-11459 114d0-114d9 11650-11659 "
    "116c0-116c9 116d0-116e3 11730-1173b 118e0-118f2 11950-11959 11bf0-11bf9 11c50-11c6c 11d50-11d59 11da0-11da9 11de0-11de9 "
    "11f50-11f59 11fc0-11fd4 12400-1246e 16130-16139 16a60-16a69 16ac0-16ac9 16b50-16b59 16b5b-16b61 16d70-16d79 16e80-16e96 "
    "16ff4-16ff6 1ccf0-1ccf9 1d2c0-1d2d3 1d2e0-1d2f3 1d360-1d378 1d7ce-1d7ff 1e140-1e149 1e2f0-1e2f9 1e4f0-1e4f9 1e5f1-1e5fa "
    "1e8c7-1e8cf 1e950-1e959 1ec71-1ecab 1ecad-1ecaf 1ecb1-1ecb4 1ed01-1ed2d 1ed2f-1ed3d 1f100-1f10c 1fbf0-1fbf9"
)

BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
DIGITS = {"type": "Digits", "individual_digits": True}
ESCAPED = "[]\\^-&~"
CLASS = re.compile(r"(\\s\?)?\[(?!\^)((?:\\.|[^\]\\])+)\](\+?)")
MEMBER = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t"}


def _ranges(text: str) -> list[tuple[int, int]]:
    """Read "41-5a b5" as [(0x41, 0x5a), (0xb5, 0xb5)]."""
    pairs = [word.partition("-") for word in text.split()]
    return [(int(first, 16), int(last or first, 16)) for first, _, last in pairs]


def class_points(text: str) -> frozenset[int]:
    """Read one of the classes above as code points."""
    return frozenset(point for first, last in _ranges(text) for point in range(first, last + 1))


def _split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def _as_written(text: str) -> str:
    """Members of a character class in the order given, one sign for one code point, as in DeepSeek's file."""
    return "".join(chr(first) if first == last else f"{chr(first)}-{chr(last)}" for first, last in _ranges(text))


@functools.cache
def _six_steps() -> tuple[dict[str, Any], ...]:
    return (
        _split("[\r\n]"),
        _split(rf"\s?[{_as_written(LETTERS)}]+"),
        _split(rf"\s?[{_as_written(PUNCTUATION)}]+"),
        _split(r"\s+$"),
        _split(f"[{_as_written(CJK)}]+"),
        DIGITS,
        BYTE_LEVEL,
    )


def six_steps() -> dict[str, Any]:
    """The pre-tokenizer as it stands in a `tokenizer.json` of DeepSeek-LLM."""
    return {"type": "Sequence", "pretokenizers": [dict(step) for step in _six_steps()]}


def single_split() -> dict[str, Any]:
    """A pre-tokenizer with the same cuts as `six_steps`."""
    return {"type": "Sequence", "pretokenizers": [_split(_single_pattern()), dict(BYTE_LEVEL)]}


def is_six_steps(pre_tokenizer: Any) -> bool:
    """Tell whether a pre-tokenizer of a `tokenizer.json` does what `six_steps` does, however its classes are written.

    >>> is_six_steps(six_steps()), is_six_steps(single_split()), is_six_steps(None)
    (True, False, False)
    """
    found, wanted = _steps(pre_tokenizer), _steps(six_steps())
    return found is not None and found == wanted


def _steps(pre_tokenizer: Any) -> list[Any] | None:
    """What the steps do: a prefix, code points and a suffix for a split; None for steps of another kind."""
    if not isinstance(pre_tokenizer, dict) or pre_tokenizer.get("type") != "Sequence":
        return None
    steps: list[Any] = []
    for step in pre_tokenizer.get("pretokenizers", ()):
        kind = step.get("type")
        if kind == "Split" and "Regex" in step["pattern"] and step.get("behavior") == "Isolated" and step.get("invert") is False:
            steps.append(_read_class(step["pattern"]["Regex"]))
        elif kind == "Digits" and step.get("individual_digits") is True:
            steps.append("Digits")
        elif kind == "ByteLevel" and step.get("add_prefix_space") is False and step.get("use_regex") is False:
            steps.append("ByteLevel")
        else:
            return None
    return steps


def _read_class(pattern: str) -> tuple[str, frozenset[int], str] | str:
    r"""Read `\s?[A-Za-z]+` as what stands before the class, its code points, what stands behind it; else as it is."""
    found = CLASS.fullmatch(pattern)
    members = MEMBER.findall(found[2]) if found else []
    if found is None or any(sign[0] == "\\" and sign[1].isalnum() and sign not in ESCAPES for member in members for sign in member if sign):
        return pattern
    points: set[int] = set()
    for first, last in members:
        low, high = (ESCAPES.get(sign, sign[-1]) for sign in (first, last or first))
        points.update(range(ord(low), ord(high) + 1))
    return found[1], frozenset(points), found[3]


def _members(points: frozenset[int]) -> str:
    """Members of a character class, neighbours joined to ranges."""
    ranges: list[list[int]] = []
    for point in sorted(points):
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])

    def sign(point: int) -> str:
        return ("\\" if chr(point) in ESCAPED else "") + chr(point)

    return "".join(sign(first) if first == last else f"{sign(first)}-{sign(last)}" for first, last in ranges)


@functools.cache
def _single_pattern() -> str:
    """Build the expression from classes that share no character.

    A piece begins at a letter or a punctuation mark and takes one white space before it along, if the classes allow; what
    lies between is cut into CJK, digits, white space at its end, and the rest. Repeats are possessive (`++`) where nothing
    can be won by giving back. Branches that more than one could match stand in the order that decides; the others are
    sorted by how often code needs them.
    """
    letters, punctuation, cjk, digits = class_points(LETTERS), class_points(PUNCTUATION), class_points(CJK), class_points(DIGITS_CLASS)
    narrow, wide, ideographic = class_points(NARROW_SPACES), class_points(WIDE_SPACES), frozenset([IDEOGRAPHIC_SPACE])
    known = letters | punctuation | cjk | digits | narrow | wide | class_points(LINE_ENDS)
    s, w, u, digit = _members(narrow), _members(wide), chr(IDEOGRAPHIC_SPACE), _members(digits)
    any_letter, marked, in_cjk = _members(letters), _members(letters & punctuation), _members(letters & cjk)
    bare = _members(letters - punctuation - cjk)
    mark, wide_mark = _members(punctuation - letters - cjk), _members((punctuation & cjk) - ideographic)
    other_cjk = _members(cjk - wide - letters - punctuation - digits)
    rest = f"[^{_members(known)}]"
    free_u = f"{u}(?![{any_letter}])"  # one before a letter belongs to the letter's piece
    begins_piece = f"(?:[{any_letter}{mark}{wide_mark}]|{free_u})"
    # white space before these is not the end of what lies between; looked for once behind a piece, so that time stays linear
    goes_on = f"(?=[{s}{w}]*+(?:[{other_cjk}{digit}]|{rest}))"
    return "|".join(
        [
            f"[{s}]?+(?:[{marked}]++|[{mark}]++|[{bare}]++)",
            "[\r\n]",
            f"[{s}]+(?=[{s}]{begins_piece})",
            f"[{digit}]",
            f"[{s}]++(?!{begins_piece}|{rest})",
            f"[{w}]?[{in_cjk}]++",
            f"[{w}]?(?:[{wide_mark}]|{free_u})++(?=[{mark}])",
            f"[{w}]?(?:[{wide_mark}]|{free_u})*[{wide_mark}]",
            f"[{w}]?(?:{free_u})++",
            u,
            f"[{w}]*+[{other_cjk}]++(?:[{w}]++[{other_cjk}]++)*+(?:[{w}]++{goes_on})?",
            f"(?:[{s}]*+{rest})++(?:[{s}]++{goes_on})?",
            f"[{w}]+(?=[{w}]{begins_piece})",
            f"[{w}]++(?!{begins_piece})",
            f"[{w}]",
            f"[{s}]",
        ]
    )
