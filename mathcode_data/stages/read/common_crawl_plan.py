"""From selected records to splits and byte ranges: sorted by file and offset, so that neighbours come in one request.

The plan depends on the selected rows alone, never on the order or the number of index files. A record in it is four things:
offset, length, digest and a hash of its URL, by which it is known again when it arrives.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import pyarrow as pa

from mathcode_data.core.stage import Split

URL_KEY_BYTES = 8
DIGEST = re.compile(r"[A-Z2-7]{32}|[0-9a-fA-F]{40}")
NAME_PART = re.compile(r"[^/\\\0]{1,255}")
MAX_OFFSET = 1 << 50


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A record of a WARC file, as the index gives it."""

    offset: int
    length: int
    digest: str
    """SHA-1 as in the index, "" if it does not say."""
    url_key: str
    """Of its URL; where several rows of the index name the record, the keys of all with a space between, for one of them is right."""

    @property
    def stop(self) -> int:
        """Offset of the byte behind it."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Range:
    """A request: bytes of a WARC file, and the records in them."""

    file: str
    start: int
    stop: int
    places: tuple[Place, ...]


def url_key(url: str) -> str:
    """By what a URL is known again; writers differ in brackets and in spaces.

    >>> url_key("<https://a.org/b c>") == url_key("https://a.org/b%20c")
    True
    """
    return hashlib.blake2b(url.strip("<> ").replace(" ", "%20").encode("utf-8", "surrogatepass"), digest_size=URL_KEY_BYTES).hexdigest()


def is_safe_name(name: str) -> bool:
    """Whether a name can only mean a file below its base.

    >>> is_safe_name("crawl-data/a/b.warc.gz"), is_safe_name("../b"), is_safe_name("/etc/passwd"), is_safe_name("https://a.org/b")
    (True, False, False, False)
    """
    parts = name.split("/")
    return len(name) <= 1024 and all(NAME_PART.fullmatch(part) and part not in (".", "..") for part in parts) and ":" not in parts[0]


def make_splits(rows: pa.Table, max_record_bytes: int, split_records: int, split_bytes: int) -> tuple[list[Split], dict[str, int]]:
    """Cut the selected rows into splits. Returns them with what was left out, by reason.

    Args:
        rows: columns warc_filename, warc_record_offset, warc_record_length, content_digest, url.
        max_record_bytes: longer ones are left out as `too_large`.
        split_records: records of a split at most.
        split_bytes: compressed bytes of a split at most, unless one record has more.
    """
    skipped: Counter[str] = Counter()
    splits: list[Split] = []
    files: list[list[Any]] = []
    num_records, num_bytes = 0, 0
    for name, place in _in_order(rows, max_record_bytes, skipped):
        if files and (num_records >= split_records or num_bytes + place.length > split_bytes):
            splits.append(_split(files, num_records, num_bytes))
            files, num_records, num_bytes = [], 0, 0
        if not files or files[-1][0] != name:
            files.append([name, []])
        files[-1][1].append([place.offset, place.length, place.digest, place.url_key])
        num_records += 1
        num_bytes += place.length
    if files:
        splits.append(_split(files, num_records, num_bytes))
    return splits, dict(sorted(skipped.items()))


def _split(files: list[list[Any]], num_records: int, num_bytes: int) -> Split:
    return Split((), (), {"name": files[0][0], "records": num_records, "bytes": num_bytes, "files": files})


def _in_order(rows: pa.Table, max_record_bytes: int, skipped: Counter[str]) -> Iterator[tuple[str, Place]]:
    """Usable rows by file and offset, each record once."""
    columns = [rows[name].to_pylist() for name in ("warc_filename", "warc_record_offset", "warc_record_length", "content_digest", "url")]
    usable = []
    for name, offset, length, digest, url in zip(*columns, strict=True):
        if not name or offset is None or not length or not url or not 0 <= offset < MAX_OFFSET or length < 0 or not is_safe_name(name):
            skipped["bad_index_row"] += 1
        elif length > max_record_bytes:
            skipped["too_large"] += 1
        else:
            plain = (digest or "").removeprefix("sha1:")
            usable.append((name, Place(offset, length, plain if DIGEST.fullmatch(plain) else "", url_key(url))))
    usable.sort()
    for (name, _), group in groupby(usable, key=lambda row: (row[0], row[1].offset)):
        places = [place for _, place in group]
        if len(places) > 1:
            skipped["listed_twice"] += len(places) - 1
        keys = sorted({place.url_key for place in places if place.length == places[0].length})
        yield name, replace(places[0], url_key=" ".join(keys))


def places_of(split: Split) -> Iterator[tuple[str, list[Place]]]:
    """Files of a split, each with its records by offset."""
    for name, places in split.options["files"]:
        yield name, [Place(*place) for place in places]


def join_ranges(file: str, places: Sequence[Place], max_gap_bytes: int, max_range_bytes: int) -> Iterator[Range]:
    """Join neighbours of one file: two whose gap is at most `max_gap_bytes`, in ranges of at most `max_range_bytes`.

    Args:
        file: their file.
        places: records by offset.
        max_gap_bytes: unasked bytes between two records that cost less than a request of their own; -1 joins nothing.
        max_range_bytes: most bytes of a range, unless one record has more.

    >>> places = [Place(0, 10, "", "a"), Place(12, 10, "", "b"), Place(90, 10, "", "c")]
    >>> [(r.start, r.stop, len(r.places)) for r in join_ranges("f", places, 5, 1000)]
    [(0, 22, 2), (90, 100, 1)]
    """
    group: list[Place] = []
    stop = 0
    for place in places:
        if group and (place.offset - stop > max_gap_bytes or max(stop, place.stop) - group[0].offset > max_range_bytes):
            yield Range(file, group[0].offset, stop, tuple(group))
            group, stop = [], 0
        group.append(place)
        stop = max(stop, place.stop)
    if group:
        yield Range(file, group[0].offset, stop, tuple(group))
