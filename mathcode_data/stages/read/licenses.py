"""The licence of source files, as SPDX expressions: from licence files, notices at the head of files, and package metadata.

A licence file is recognised by clauses of the known licences (`licenses_texts.py`): words are compared without case,
punctuation and line ends, and a clause stands in a text if most of its runs of four words do, so re-wrapped, re-quoted
and slightly changed copies are found. The licence that stands first is that of the project; others in the same file are
those of parts it bundles. Where no text is found, short signs tell. "" means that nothing tells.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

from mathcode_data.stages.read.languages import language_of
from mathcode_data.stages.read.license_policy import LOWER, judge
from mathcode_data.stages.read.licenses_texts import CLASSIFIERS, SIGNS, TEXTS

LICENSE_FILES = re.compile(
    r"(?:un)?(?:licen[cs]e|copying)s?(?:[-._ ][a-z0-9+]+){0,4}|[a-z0-9]{2,12}[-_.](?:licen[cs]e|copying)(?:\.txt|\.md)?", re.IGNORECASE
)
METADATA_FILES = ("METADATA", "PKG-INFO")
RECORD_FILES = ("RECORD", "top_level.txt", "installed-files.txt")
"""Files beside the metadata which say what belongs to a distribution."""
INFO_FOLDERS = (".dist-info", ".egg-info")
DEBIAN_FILE = "debian/copyright"
MAX_LICENSE_BYTES = 1_000_000
NOTHING_SAID = "NOASSERTION"
"""SPDX's word for a licence that nobody can tell; no policy lets it in."""
GRAM = 4
SHORT = 10
"""Words of a clause that must stand as they are; of longer ones most runs must."""
MIN_COVERED = 0.85
MAX_HEAD_LINES = 80
MAX_HEAD = 6000

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)*")
_SPDX = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+() \t-]{1,200})")
_LEADER = re.compile(
    r"^[ \t]*(?:#+|//+!?|/\*+!?|\*+(?!/)|--+|;+|%+|!+|'|REM\b|dnl\b|\.\.|<!--|\(\*|\{-|\"\"\"|'''|<\?php|C\b)", re.IGNORECASE
)
_BLOCKS = (("/*", "*/"), ('"""', '"""'), ("'''", "'''"), ("<!--", "-->"), ("(*", "*)"), ("{-", "-}"))
_CHOICE = re.compile(
    r"\b(?:alternatively|either|at your option|dual[- ]licen[cs]ed|choice of licen[cs]e|or the (?:gpl|gnu|mit|bsd|apache))\b"
)


def is_license_file(name: str) -> bool:
    """Tell a licence file by its name.

    >>> [is_license_file(name) for name in ("LICENSE.txt", "LICENSE-MIT", "UNLICENSE", "MIT-LICENSE", "license.py")]
    [True, True, True, True, False]
    """
    base = name.rsplit("/", 1)[-1]
    return LICENSE_FILES.fullmatch(base) is not None and language_of(base) in (None, "Markdown", "reStructuredText", "HTML")


def tells_license(name: str) -> bool:
    """Whether a file of a tree, by its path, says under which licence the files beside and below it stand.

    >>> [tells_license(name) for name in ("src/COPYING", "x-1.0/debian/copyright", "x-1.dist-info/METADATA", "a.py")]
    [True, True, True, False]
    """
    return is_license_file(name) or f"/{name}".endswith(f"/{DEBIAN_FILE}") or is_metadata(name) or is_record(name)


def is_metadata(name: str) -> bool:
    """Whether it is the metadata file of a Python distribution."""
    parts = name.split("/")
    return parts[-1] in METADATA_FILES and (len(parts) <= 2 or parts[-2].endswith(INFO_FOLDERS))


def is_record(name: str) -> bool:
    """Whether it says which files belong to a Python distribution."""
    parts = name.split("/")
    return parts[-1] in RECORD_FILES and len(parts) > 1 and parts[-2].endswith(INFO_FOLDERS)


@functools.lru_cache(maxsize=512)
def recognise_license(text: str) -> str:
    """SPDX name of the licence of a licence file, "" if it is none of those known.

    >>> recognise_license("Permission is hereby granted, free of charge, ... without restriction, ...")
    'MIT'
    """
    words = _WORD.findall(_plain(text))
    joined = f" {' '.join(words)} "
    grams = {" ".join(words[at : at + GRAM]): at for at in range(len(words) - GRAM, -1, -1)}
    found = []
    for rank, licence in enumerate(TEXTS):
        places = [_place(clause, joined, grams) for clause in licence.clauses]
        if any(place is None for place in places) or any(f" {' '.join(_WORD.findall(_plain(no)))} " in joined for no in licence.without):
            continue
        found.append((min(place for place in places if place is not None), rank, licence.name))
    if found:
        return min(found)[2]
    signs = find_signs(text)
    return signs[0] if signs else _spdx(text)


def _plain(text: str) -> str:
    return text.lower().replace("/", " ").replace("_", " ")


def _place(clause: str, joined: str, grams: Mapping[str, int]) -> int | None:
    """Where a clause begins, in words; None if it does not stand there."""
    words = _WORD.findall(_plain(clause))
    if len(words) < SHORT:
        at = joined.find(f" {' '.join(words)} ")
        return joined.count(" ", 0, at + 1) - 1 if at >= 0 else None
    runs = [" ".join(words[at : at + GRAM]) for at in range(len(words) - GRAM + 1)]
    places = [grams[run] for run in runs if run in grams]
    return min(places) if len(places) >= MIN_COVERED * len(runs) else None


def find_signs(text: str) -> list[str]:
    """SPDX names whose signs stand in a text, in order of place.

    >>> find_signs("Licensed under the Apache License, Version 2.0 (the License)")
    ['Apache-2.0']
    """
    words = " ".join(text.lower().replace("\u2018", "'").replace("\u2019", "'").split())
    found: dict[int, str] = {}
    for name, phrases in SIGNS:
        if all(phrase in words for phrase in phrases):
            found.setdefault(words.find(phrases[0]), name)
    return list(dict.fromkeys(found[place] for place in sorted(found)))


def _spdx(text: str) -> str:
    match = _SPDX.search(text)
    return " ".join(match[1].split()) if match else ""


def header_license(text: str) -> str:
    """The licence that a source file names in the comment at its head; "" if it names none.

    A choice between several ("alternatively, ...") is joined by OR.

    >>> header_license("// SPDX-License-Identifier: MIT OR Apache-2.0\\nint a;\\n")
    'MIT OR Apache-2.0'
    >>> header_license("# under the terms of the GNU General Public License\\nx = 1\\n"), header_license("x = 'the MIT License'\\n")
    ('GPL-2.0', '')
    """
    head = text[:MAX_HEAD]
    if "SPDX-License-Identifier:" not in head and not re.search(r"licen[cs]e|permi(?:ssion|tted)|redistribution|as-is", head, re.I):
        return ""
    notice = _notice(head)
    tagged = _spdx(notice)
    if tagged:
        return tagged
    found = find_signs(notice)
    if len(found) > 1 and _CHOICE.search(notice.lower()):
        return " OR ".join(sorted(found))
    return found[0] if found else ""


def _notice(head: str) -> str:
    """The comments before the first line of code, without what marks them as comments."""
    kept, closing = [], ""
    for line in head.split("\n")[:MAX_HEAD_LINES]:
        stripped = line.strip()
        if not closing and stripped and not _LEADER.match(line):
            break
        kept.append(_LEADER.sub("", line))
        if not closing:
            opened = next(((begin, end) for begin, end in _BLOCKS if stripped.startswith(begin)), None)
            if opened and opened[1] not in stripped[len(opened[0]) :]:
                closing = opened[1]
        elif closing in stripped:
            closing = ""
    return "\n".join(kept)


def parse_metadata(text: str) -> dict[str, list[str]]:
    """Header fields of a METADATA or PKG-INFO file, names in lower case."""
    import email.parser

    message = email.parser.HeaderParser().parsestr(text)
    return {name.lower(): [str(value) for value in message.get_all(name) or []] for name in message}


def metadata_license(fields: Mapping[str, Sequence[str]]) -> str:
    """The licence of a Python distribution: License-Expression, else its classifiers, else a License field that is a name.

    Several classifiers do not say that one may choose, so all of them bind; one that we do not know makes the whole unknown.

    >>> metadata_license({"classifier": ["License :: OSI Approved :: MIT License"]}), metadata_license({"license": ["BSD-3-Clause"]})
    ('MIT', 'BSD-3-Clause')
    """
    expression = "".join(fields.get("license-expression", ())).strip()
    if expression:
        return expression
    names = [value.rsplit("::", 1)[-1].strip() for value in fields.get("classifier", ()) if value.startswith("License ::")]
    known = {CLASSIFIERS[name] for name in names if name in CLASSIFIERS}
    if known:
        others = [name for name in names if name not in CLASSIFIERS and name not in ("OSI Approved", "DFSG approved")]
        return " AND ".join(sorted(known | ({NOTHING_SAID} if others else set())))
    given = " ".join("".join(fields.get("license", ())).split())
    if judge(given, LOWER) != "unknown":
        return given
    return CLASSIFIERS.get(given) or CLASSIFIERS.get(f"{given} License") or (recognise_license(given) if given else "")


def debian_license(text: str) -> str:
    """The licence of `Files: *` in a machine-readable debian/copyright; "" in another one.

    >>> debian_license("Format: x\\n\\nFiles: *\\nCopyright: me\\nLicense: Expat\\n\\nFiles: debian/*\\nLicense: GPL-2+\\n")
    'MIT'
    """
    for stanza in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        fields = dict(re.findall(r"^(Files|License):[ \t]*(.*)$", stanza, re.M))
        if fields.get("Files", "").split() == ["*"] and "License" in fields:
            return _debian_name(fields["License"])
    return ""


def _debian_name(short: str) -> str:
    """Debian's short names as SPDX."""
    names = {"expat": "MIT", "zlib": "Zlib", "bsd-3-clause": "BSD-3-Clause", "bsd-2-clause": "BSD-2-Clause", "public-domain": "CC0-1.0"}
    parts = re.split(r"(\s+(?:and|or)\s+)", short.strip(), flags=re.I)
    words = []
    for part in parts:
        name = part.strip()
        if name.lower() in ("and", "or"):
            words.append(name.upper())
        else:
            later = re.fullmatch(r"((?:A|L)?GPL)-(\d(?:\.\d)?)(\+?)", name)
            words.append(
                f"{later[1]}-{later[2] if '.' in later[2] else later[2] + '.0'}{later[3]}" if later else names.get(name.lower(), name)
            )
    return " ".join(words)
