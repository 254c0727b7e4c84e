"""Rules against spaces of addresses without end: on the address itself, and on what a host keeps giving.

Calendar rule: an address that names a day, week, month or year and nothing else (`?month=5`, `/calendar/2024-05`, `/2024/05/`)
is a calendar page; a host gives so many of them and no more, and no year outside 1900..2100. `/2024/05/some-title` is none.

Novelty rule: of each stored page a simhash (64 bits over three-word shingles, Charikar 2002) is kept; if of the last 200 pages
of a host fewer than 2 % were new (more than 6 bits from all of the host's last 1,000), the host is demoted: one page a round,
after all others.
"""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

import numpy as np
import xxhash
from numpy.typing import NDArray

from mathcode_data.stages.crawl.limits import Limits

NEAR_BITS = 6
"""A page of 300 words of which ten change differs in about 5 of 64 bits; unrelated texts in 32 +- 4."""
SHINGLE_WORDS = 3
MAX_WORDS = 5_000
MAX_REMEMBERED = 1_000
"""Simhashes of a host that a page is compared with."""

DATE_KEY = re.compile(
    r"(?:year|month|day|date|week|yr|mon|mo|jahr|monat|tribe[-_]bar[-_]date|calendar|cal|eventdate|start_?date|end_?date)", re.I
)
DATE_VALUE = re.compile(r"-?[0-9]{1,8}(?:[-/._][0-9]{1,2}){0,2}")
DATE_PATH = re.compile(r"/[0-9]{4}(?:[-/][0-9]{1,2}){1,2}/?$")
CALENDAR_PATH = re.compile(r"/(?:calendar|kalender|calendrier|events?|agenda|schedule)(?:/[a-z]+){0,2}/[^/]*[0-9][^?]*$", re.I)
YEAR = re.compile(r"(?<![0-9])([0-9]{4,})(?![0-9])")
FIRST_YEAR, LAST_YEAR = 1900, 2100
WORD = re.compile(r"\w+")


def why_refused(url: str, depth: int, limits: Limits) -> str:
    """The reason to leave a canonical address alone, "" if it is fine.

    >>> why_refused("http://a.org/x/a/a/a", 1, Limits())
    'repeated_segment'
    """
    if len(url) > limits.max_url_characters:
        return "url_too_long"
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    if len(segments) > limits.max_segments:
        return "too_many_segments"
    if segments and Counter(segments).most_common(1)[0][1] > limits.max_repeats:
        return "repeated_segment"
    if parts.query and parts.query.count("&") + 1 > limits.max_parameters:
        return "too_many_parameters"
    if depth > limits.max_depth:
        return "too_deep"
    return "calendar" if is_calendar(url) and _is_far(parts.path + "?" + parts.query) else ""


def is_calendar(url: str) -> bool:
    """Whether an address looks like a page of a calendar.

    >>> [is_calendar(f"http://a.org/{path}") for path in ("?month=5&year=2031", "2024/05/", "2024/05/a-proof", "events/list/2031-01-02")]
    [True, True, False, True]
    """
    parts = urlsplit(url)
    for piece in parts.query.split("&"):
        name, _, value = piece.partition("=")
        if DATE_KEY.fullmatch(name) and DATE_VALUE.fullmatch(value):
            return True
    return bool(DATE_PATH.search(parts.path) or CALENDAR_PATH.search(parts.path))


def _is_far(text: str) -> bool:
    years = [int(found[:4]) for found in YEAR.findall(text) if len(found) in (4, 6, 8)]
    return any(not FIRST_YEAR <= year <= LAST_YEAR for year in years)


def simhash(text: str) -> int:
    """Fingerprint of a text: near-equal texts differ in few bits; as a signed 64-bit number, which SQLite and JSON take."""
    words = WORD.findall(text.lower())[:MAX_WORDS]
    shingles = {" ".join(words[i : i + SHINGLE_WORDS]) for i in range(max(1, len(words) - SHINGLE_WORDS + 1))}
    hashes = np.array([xxhash.xxh3_64_intdigest(shingle.encode("utf-8", "replace")) for shingle in sorted(shingles)], np.uint64)
    bits = np.unpackbits(hashes.view(np.uint8).reshape(-1, 8), axis=1).sum(axis=0, dtype=np.int64)
    packed = np.packbits(bits * 2 > len(hashes))
    return int(packed.view(np.int64)[0])


def is_new(fingerprint: int, known: NDArray[np.int64]) -> bool:
    """Whether a simhash is more than 6 bits away from all known ones."""
    if not len(known):
        return True
    differing = np.bitwise_count(np.bitwise_xor(known, np.int64(fingerprint)).view(np.uint64))
    return bool(differing.min() > NEAR_BITS)


def is_exhausted(window: str, limits: Limits) -> bool:
    """Whether a full window of pages (`1` new, `0` seen before) holds too few new ones."""
    return len(window) >= limits.novelty_window and window.count("1") < limits.min_new * len(window)
