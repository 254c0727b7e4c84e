"""Which licences may enter: SPDX expressions judged by a list of names.

`A OR B` is allowed if one of them is, `A AND B` if both are; `A WITH exception` is judged as `A`, and `A-or-later`, `A+` and
`A-only` as `A`. A text that is no expression is an unknown licence.

The permissive list holds licences of the Blue Oak Council's list at the levels model to bronze that occur in practice, and
dedications to the public domain. Weak copyleft (MPL, LGPL, EPL) is copyleft.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from mathcode_data.stages.extract.words import words

PERMISSIVE = words(
    "0BSD AFL-3.0 Apache-1.1 Apache-2.0 Artistic-2.0 BlueOak-1.0.0 BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent"
    " BSD-3-Clause BSD-3-Clause-Clear BSD-3-Clause-LBNL BSD-4-Clause BSD-Source-Code BSL-1.0 bzip2-1.0.6 CC-BY-4.0 CC0-1.0"
    " CNRI-Python curl DFS-2016 ECL-2.0 FTL HPND HPND-sell-variant ICU IJG ISC Libpng libpng-2.0 libtiff MIT MIT-0 MIT-CMU"
    " MIT-Modern-Variant MS-PL MulanPSL-2.0 NCSA NTP OLDAP-2.8 OpenSSL PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 Ruby SGI-B-2.0"
    " TCL Unicode- Unicode-3.0 Unlicense UPL-1.0 Vim W3C WTFPL X11 Zlib zlib-acknowledgement ZPL-2.1"
)
COPYLEFT = re.compile(
    r"(?:A|L)?GPL-|GFDL-|MPL-|EPL-|CDDL-|EUPL-|OSL-|CPL-|CECILL-|SSPL-|CC-BY-(?:NC|ND|SA)|BUSL-|Elastic-|MS-RL|QPL-|Sleepycat|NPL-|IPL-|JSON\Z"
    r"|Artistic-1|LicenseRef-prop",
    re.I,
)
"""Licences that bind derived works, or that do not let everybody do everything."""

Verdict = Literal["allowed", "not_listed", "copyleft", "unknown"]
"""`not_listed`: a permissive licence that is not among those that the configuration names."""

_WORD = re.compile(r"\(|\)|[A-Za-z0-9][A-Za-z0-9.+:-]*")
_LATER = re.compile(r"(?:-or-later|-only|\+)\Z", re.I)
LOWER = frozenset(name.lower() for name in PERMISSIVE)
MAX_WORDS = 200


def judge(expression: str, allowed: frozenset[str]) -> Verdict:
    """Judge an SPDX expression.

    Args:
        expression: as "MIT", "Apache-2.0 OR GPL-2.0-only", "".
        allowed: SPDX names in lower case.

    >>> [judge(text, LOWER) for text in ("MIT", "GPL-2.0+ OR (MIT AND ISC)", "MIT AND LGPL-2.1", "see file", "")]
    ['allowed', 'allowed', 'copyleft', 'unknown', 'unknown']
    """
    parts = _WORD.findall(expression)
    if not parts or len(parts) > MAX_WORDS or "".join(parts) != re.sub(r"\s+", "", expression):
        return "unknown"
    try:
        verdict, rest = _alternatives(parts, lambda name: _judge_name(name, allowed))
    except (IndexError, RecursionError):
        return "unknown"
    return verdict if not rest else "unknown"


def _judge_name(name: str, allowed: frozenset[str]) -> Verdict:
    plain = _LATER.sub("", name)
    if name.lower() in allowed or plain.lower() in allowed:
        return "allowed"
    if COPYLEFT.match(plain):
        return "copyleft"
    return "not_listed" if plain.lower() in LOWER else "unknown"


RANK: dict[Verdict, int] = {"allowed": 0, "not_listed": 1, "copyleft": 2, "unknown": 3}


def _alternatives(parts: list[str], verdict_of: Callable[[str], Verdict]) -> tuple[Verdict, list[str]]:
    """`A OR B`: the best of them. Returns what is left of the words too."""
    found, rest = _together(parts, verdict_of)
    while rest and rest[0].upper() == "OR":
        other, rest = _together(rest[1:], verdict_of)
        found = min(found, other, key=RANK.__getitem__)
    return found, rest


def _together(parts: list[str], verdict_of: Callable[[str], Verdict]) -> tuple[Verdict, list[str]]:
    """`A AND B`: copyleft if one is, else the worst of them."""
    found, rest = _single(parts, verdict_of)
    while rest and rest[0].upper() == "AND":
        other, rest = _single(rest[1:], verdict_of)
        found = "copyleft" if "copyleft" in (found, other) else max(found, other, key=RANK.__getitem__)
    return found, rest


def _single(parts: list[str], verdict_of: Callable[[str], Verdict]) -> tuple[Verdict, list[str]]:
    if parts[0] == "(":
        found, rest = _alternatives(parts[1:], verdict_of)
        if rest[0] != ")":
            return "unknown", ["?"]
        return found, rest[1:]
    if parts[0] == ")" or parts[0].upper() in ("AND", "OR", "WITH"):
        return "unknown", ["?"]
    found, rest = verdict_of(parts[0]), parts[1:]
    if len(rest) >= 2 and rest[0].upper() == "WITH":
        rest = rest[2:]
    return found, rest
