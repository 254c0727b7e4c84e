"""Decisions on domains and URL prefixes: JSON lines, written by hand or by `mathcode-data review`, read by the pipeline.

    {"decision": "accept", "prefix": "mathoverflow.net/questions/"}
    {"decision": "accept", "domain": "mathworld.example", "by": "Ann", "at": "2026-01-01T12:00:00Z", "note": "all of it"}
    {"decision": "reject", "prefix": "mathworld.example/shop/"}
    {"decision": "clear", "prefix": "mathoverflow.net/questions/"}

A later line on the same place wins; `clear` takes a decision back. For a page the narrowest place that was decided counts: a
prefix goes before a domain, a longer prefix before a shorter one, a sub-domain before its domain. A prefix is a host and
whole folders: `a.example/math` is `a.example/math/` and does not hold `a.example/mathematics/`. Scheme, port and `www.` do not
count. Empty lines and lines that begin with `#` are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mathcode_data.core.errors import DataError
from mathcode_data.stages.select.domains_address import Address, plain_host, split_path

DECISIONS = ("accept", "reject", "clear")
KEYS = {"decision", "domain", "prefix", "by", "at", "note"}
MAX_LINE_CHARACTERS = 20_000

Kind = Literal["domain", "prefix"]


class Place(NamedTuple):
    """What is decided on: a domain (`folders` is empty) or a host with folders of a path."""

    kind: Kind
    host: str
    folders: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As it stands in a decisions file."""
        return self.host if self.kind == "domain" else "/".join([self.host, *self.folders, ""])


class Decision(NamedTuple):
    """One line."""

    decision: str
    place: Place
    line: dict[str, Any]
    """The line as it was written."""


class Decided(NamedTuple):
    """What holds after all lines, by place."""

    places: dict[Place, str]

    def of(self, address: Address | None) -> str | None:
        """`accept`, `reject` or None for a page.

        >>> lines = [{"decision": "accept", "domain": "b.example"}, {"decision": "reject", "prefix": "b.example/x"}]
        >>> decided = decide(map(read_line, lines))
        >>> decided.of(Address("a.b.example", ())), decided.of(Address("b.example", ("x", "y"))), decided.of(Address("c.example", ()))
        ('accept', 'reject', None)
        """
        return next((self.places[place] for place in self.around(address)), None)

    def around(self, address: Address | None) -> Iterator[Place]:
        """The decided places that hold a page, the narrowest first."""
        if address is None or not self.places:
            return
        for depth in range(len(address.folders), -1, -1):
            place = Place("prefix", address.host, address.folders[:depth])
            if place in self.places:
                yield place
        labels = address.host.split(".")
        for first in range(len(labels)):
            place = Place("domain", ".".join(labels[first:]))
            if place in self.places:
                yield place


def parse_place(kind: Kind, text: str) -> Place:
    """Read a domain or a prefix as people write it.

    Raises:
        ValueError: it names no host, or a domain has a path.

    >>> str(parse_place("prefix", "https://www.a.example/math?x"))
    'a.example/math/'
    """
    bare = text.strip().partition("://")[2] or text.strip()
    bare = bare.split("?")[0].split("#")[0]
    name, slash, path = bare.partition("/")
    host = plain_host(name.rpartition("@")[2].split(":")[0])
    if host is None:
        raise ValueError(f"{text[:80]!r} names no host; write a {kind} as in {'example.org' if kind == 'domain' else 'example.org/math/'}")
    if kind == "domain":
        if path:
            raise ValueError(f"domain {text[:80]!r} has a path; write it as a prefix")
        return Place("domain", host)
    return Place("prefix", host, tuple(part for part in split_path(slash + path) if part))


def read_line(data: Any) -> Decision:
    """Check one line.

    Raises:
        ValueError: says what is wrong with it.
    """
    if not isinstance(data, dict):
        raise ValueError('is no object; write {"decision": "accept", "domain": "example.org"}')
    unknown = sorted(set(data) - KEYS)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; legal: {', '.join(sorted(KEYS))}")
    decision = data.get("decision")
    if decision not in DECISIONS:
        raise ValueError(f"decision {decision!r}; legal: {', '.join(DECISIONS)}")
    named: list[Kind] = [kind for kind in ("domain", "prefix") if kind in data]
    if len(named) != 1:
        raise ValueError(f"names {' and '.join(named) or 'no place'}; name either a domain or a prefix")
    wrong = next((key for key in KEYS & set(data) if not isinstance(data[key], str | None)), None)
    if wrong or not isinstance(data[named[0]], str):
        raise ValueError(f"{wrong or named[0]} is {data[wrong or named[0]]!r}, not a text")
    return Decision(decision, parse_place(named[0], data[named[0]]), data)


def read_decisions(path: Path) -> list[Decision]:
    """Read a file, line by line.

    Raises:
        DataError: names file and line, and what is wrong there; nothing is skipped.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); a decisions file is JSON lines in UTF-8") from error
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            if len(line) > MAX_LINE_CHARACTERS:
                raise ValueError(f"has {len(line):,} characters; at most {MAX_LINE_CHARACTERS:,}")
            found.append(read_line(json.loads(line)))
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}:{number}: {error}; mend or remove the line") from error
    return found


def decide(decisions: Iterable[Decision]) -> Decided:
    """What holds after all lines: the last on each place."""
    places: dict[Place, str] = {}
    for decision in decisions:
        places.pop(decision.place, None)
        if decision.decision != "clear":
            places[decision.place] = decision.decision
    return Decided(places)


def decide_files(paths: Sequence[Path]) -> Decided:
    """What holds after all lines of several files, in order."""
    return decide(decision for path in paths for decision in read_decisions(path))
