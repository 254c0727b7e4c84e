"""What a site says about the use of its pages by machines: found, recorded with every page, and obeyed.

    Content-Signal: ai-train=no          robots.txt (of our group) or response header
    TDM-Reservation: 1                   response header, <meta name="tdm-reservation">, /.well-known/tdmrep.json (TDMRep, W3C)
    X-Robots-Tag: noai | noindex | none  response header, <meta name="robots">; noindex and noai keep a page out, nofollow its links

What stands nearer to the page wins for TDM: header, then page, then file. A file that cannot be read says nothing (it is
no robots.txt), and that is recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from mathcode_data.stages.contact import AGENT

TDMREP_PATH = "/.well-known/tdmrep.json"
REFUSING = ("ai-train",)
VALUED = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
"""Directives of X-Robots-Tag that have a colon of their own: no names of crawlers."""


@dataclass
class Signals:
    """Signals of one page and what follows from them."""

    found: dict[str, str] = field(default_factory=dict)
    """What was said, by where: for the record."""
    refusals: list[str] = field(default_factory=list)
    """Reasons not to store the page, the first one counts: `content_signal`, `tdm_reserved`, `noai`, `noindex`."""
    nofollow: bool = False


def content_signal_refuses(value: str) -> bool:
    """Whether a Content-Signal forbids training.

    >>> content_signal_refuses("search=yes, ai-train=no"), content_signal_refuses("ai-train=yes")
    (True, False)
    """
    pairs = [piece.partition("=") for piece in re.split(r"[,;\s]+", value.lower()) if piece]
    return any(name.strip() in REFUSING and said.strip() in ("no", "n", "0", "false") for name, _, said in pairs)


def read_tdmrep(body: bytes) -> list[tuple[str, bool]] | None:
    """Rules of a tdmrep.json as (location, is reserved); None if it cannot be read."""
    try:
        data = orjson.loads(body.lstrip(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None
    entries = data if isinstance(data, list) else [data]
    if not all(isinstance(entry, dict) for entry in entries):
        return None
    rules = []
    for entry in entries:
        location, reserved = entry.get("location"), entry.get("tdm-reservation")
        if isinstance(location, str):
            rules.append((location, str(reserved).strip().lower() in ("1", "1.0", "true")))
    return rules


def tdmrep_reserves(rules: Sequence[Sequence[Any]], url: str) -> bool:
    """Whether a tdmrep.json reserves an address: the longest location that matches decides, a reservation on a tie.

    >>> tdmrep_reserves([("/", True), ("/free/*", False)], "http://a.org/free/x")
    False
    """
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    matching = [(len(location), bool(reserved)) for location, reserved in rules if _matches(location, path)]
    return bool(matching) and max(matching)[1]


def _matches(location: str, path: str) -> bool:
    """A prefix with `*` for anything and `$` for the end; matched piece by piece, so in linear time."""
    is_anchored = location.endswith("$")
    pieces = location.removesuffix("$").split("*")
    if not path.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:]:
        at = path.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return not is_anchored or at == len(path) or (len(pieces) > 1 and path.endswith(pieces[-1]))


def robots_tag(values: Iterable[str]) -> set[str]:
    """Directives of X-Robots-Tag headers (or robots meta elements) that speak to us.

    >>> sorted(robots_tag(["otherbot: noindex", "noai, nofollow"]))
    ['noai', 'nofollow']
    """
    found: set[str] = set()
    for value in values:
        name, colon, rest = value.partition(":")
        name = name.strip().lower()
        if colon and name not in VALUED and "," not in name and " " not in name:
            if name not in (AGENT, "robots", "*"):
                continue
            value = rest
        found |= {piece.strip().lower() for piece in value.split(",")}
    return found


def header_signals(headers: Sequence[tuple[str, str]]) -> Signals:
    """Signals of response headers."""
    signals = Signals()
    for name, value in headers:
        lower = name.lower()
        if lower == "content-signal":
            signals.found["header content-signal"] = value[:200]
            if content_signal_refuses(value):
                signals.refusals.append("content_signal")
        elif lower == "tdm-reservation":
            signals.found["header tdm-reservation"] = value[:50]
    tags = [value for name, value in headers if name.lower() == "x-robots-tag"]
    _add_directives(signals, tags, "header x-robots-tag")
    return signals


def add_page_signals(signals: Signals, metas: Iterable[tuple[str, str]], *, is_reserved_by_file: bool) -> None:
    """Add what stands in the page, and settle TDM: header, then page, then file."""
    metas = list(metas)
    _add_directives(signals, [value for name, value in metas if name in ("robots", AGENT)], "meta robots")
    for name, value in metas:
        if name == "tdm-reservation":
            signals.found.setdefault("meta tdm-reservation", value[:50])
    said = signals.found.get("header tdm-reservation", signals.found.get("meta tdm-reservation"))
    if is_reserved_by_file:
        signals.found["tdmrep.json"] = "1"
    if said.strip() == "1" if said is not None else is_reserved_by_file:
        signals.refusals.insert(0, "tdm_reserved")


def _add_directives(signals: Signals, values: list[str], where: str) -> None:
    if not values:
        return
    signals.found[where] = ", ".join(values)[:200]
    said = robots_tag(values)
    signals.refusals += [name for name in ("noai", "noindex") if name in said]
    if "none" in said:
        signals.refusals.append("noindex")
    signals.nofollow = signals.nofollow or bool({"nofollow", "none"} & said)
