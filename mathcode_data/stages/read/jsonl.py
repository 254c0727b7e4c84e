"""Documents out of JSON lines (`.jsonl`, `.jsonl.gz`, `.jsonl.zst`): one split per file.

Strict where a lenient parser would lose or change something in silence: a duplicate key, NaN, an integer beyond 64 bits,
and text after the value make a line bad. Bad lines are dropped under a reason; the number of the first one is reported
and ends the run with exit code 3, unless `bad_lines` is `accept`. Decompression is streamed and bounded.

Text is changed on its way in: `\\r\\n` becomes `\\n`; NUL characters and a byte order mark at the
beginning are removed; Unicode is brought to NFC (never NFKC); lone surrogates and, up to 1 % of a line, bytes that are no
UTF-8 become U+FFFD. A document whose text is empty or white space alone is dropped as `empty`, which is no bad line.

A document is identified by its text, together with `id_key` or else its URL: where its line stands does not matter, and
equal ids mean equal documents. A file without a line is counted (`empty_files`), an input without one is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from mathcode_data.core.config import ByteCount, InputPaths, StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import TEXT_SCHEMA
from mathcode_data.core.errors import DataError
from mathcode_data.core.stage import Split
from mathcode_data.stages.read.batches import RowBatch
from mathcode_data.stages.read.emptiness import require_records
from mathcode_data.stages.read.files import by_suffix, count_skipped, list_inputs, one_split_each
from mathcode_data.stages.read.identity import foreign_id
from mathcode_data.stages.read.lines import LongLine, ReadDamage, read_lines
from mathcode_data.stages.read.text import clean_text, decode_utf8

VERSION = "4"
LIBRARIES = ("unicodedata", "zstandard")
MAX_INTEGER_DIGITS = 20


class Config(StageConfig):
    """Which files, and which keys hold what."""

    paths: InputPaths = ()
    """JSON lines files, folders of them, or patterns."""
    source: str = Field(default="jsonl", min_length=1)
    """Name of the source in the documents."""
    text_key: str = "text"
    """Key of the text; a line without it, or with something else than text in it, is bad. NUL is removed, CRLF becomes LF, NFC."""
    id_key: str | None = None
    """Key of an identity, text or an integer; part of `doc_id`, which it need not make unique."""
    url_key: str | None = None
    """Key of the URL."""
    max_line_bytes: ByteCount = Field(default=100_000_000, gt=0)
    """Longer lines are dropped as `line_too_long` before they are parsed."""
    bad_lines: Literal["report", "accept"] = "report"
    """Report the first bad line of a file and end with exit code 3, or only count bad lines. A text of white space is none."""


class _BadLineError(Exception):
    """A line that becomes no document; the message is the reason."""


class JsonlSource:
    """Reads documents from JSON lines."""

    schema = TEXT_SCHEMA

    def __init__(self, config: Config) -> None:
        self._config = config
        self._decoder = json.JSONDecoder(object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant, parse_int=_parse_integer)

    def splits(self) -> list[Split]:
        """One split per file.

        Raises:
            ConfigError: there is no file, or no line in any of them.
        """
        wanted = by_suffix(".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson", ".ndjson.gz", ".ndjson.zst")
        splits = one_split_each(list_inputs(self._config.paths, wanted, "JSON lines files (*.jsonl, *.jsonl.gz, *.jsonl.zst)"))
        require_records(splits, self._holds_line, "line of JSON")
        return splits

    def _holds_line(self, path: Path) -> bool:
        try:
            lines = read_lines(path, self._config.max_line_bytes)
            return any(not isinstance(line, bytes) or line.strip() for _, line in lines)
        except DataError:
            return True  # a file that cannot be read is not an empty one

    def read(self, split: Split, ledger: Ledger) -> Iterator[pa.Table]:
        """Read one file; what follows a place that does not decompress is lost, counted and reported."""
        count_skipped(split.options, ledger)
        batch = RowBatch(self.schema)
        first_bad = ""
        num_bad = num_lines = 0
        for number, line in read_lines(Path(split.files[0]), self._config.max_line_bytes):
            if isinstance(line, ReadDamage):
                num_lines += 1
                ledger.count("damaged_files")
                ledger.count("lost_bytes", line.lost_bytes)
                if self._config.bad_lines == "report":
                    ledger.damaged(f"{split.names[0]}: after line {number:,}, at {line}; fetch the file again, or set `bad_lines: accept`")
                continue
            if isinstance(line, bytes) and not line.strip():
                ledger.count("blank_lines")
                continue
            ledger.saw()
            num_lines += 1
            try:
                row = self._row(line, ledger)
            except _BadLineError as error:
                ledger.drop_unread(str(error))
                first_bad = first_bad or f"line {number:,}: {error}"
                num_bad += 1
                continue
            if row is None:
                ledger.drop_unread("empty")
                continue
            batch.add(row, len(row["text"]))
            yield from batch.full()
        yield from batch.rest()
        if not num_lines:
            ledger.count("empty_files")
        if first_bad and self._config.bad_lines == "report":
            ledger.damaged(f"{split.names[0]}: {first_bad} ({num_bad:,} bad lines dropped); mend the file, or set `bad_lines: accept`")

    def _row(self, line: bytes | LongLine, ledger: Ledger) -> dict[str, Any] | None:
        """The document of a line, or None if its text is empty."""
        config = self._config
        if isinstance(line, LongLine):
            raise _BadLineError("line_too_long")
        decoded = decode_utf8(line)
        if decoded is None:
            raise _BadLineError("not_utf8")
        value = self._parse(decoded[0].removeprefix("\ufeff"))
        text = value.get(config.text_key)
        if not isinstance(text, str):
            raise _BadLineError("text_missing" if config.text_key not in value else f"text_is_{_kind(text)}")
        text, num_surrogates = clean_text(text)
        if not text.strip():
            return None
        for fact, number in (("bytes_replaced", decoded[1]), ("surrogates_replaced", num_surrogates)):
            if number:
                ledger.count(fact, number)
        url = value.get(config.url_key) if config.url_key else None
        url = clean_text(url)[0] if isinstance(url, str) else ""
        given = value.get(config.id_key) if config.id_key else None
        if config.id_key and (isinstance(given, bool) or not isinstance(given, str | int)):
            raise _BadLineError("id_missing" if given is None else f"id_is_{_kind(given)}")
        return {"doc_id": foreign_id(config.source, given, url, text), "source": config.source, "url": url, "text": text}

    def _parse(self, line: str) -> dict[str, Any]:
        try:
            value = self._decoder.decode(line)
        except json.JSONDecodeError as error:
            raise _BadLineError("trailing_garbage" if error.msg == "Extra data" else "not_json") from error
        except RecursionError as error:
            raise _BadLineError("nested_too_deep") from error
        if not isinstance(value, dict):
            raise _BadLineError("not_an_object")
        return value


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _BadLineError("duplicate_key")
    return value


def _refuse_constant(name: str) -> float:
    raise _BadLineError("nan" if name == "NaN" else "infinity")


def _parse_integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS or not -(2**63) <= int(digits) < 2**64:
        raise _BadLineError("integer_too_large")
    return int(digits)


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}
    return names.get(type(value), "other")


def build(config: Config) -> JsonlSource:
    """Build the source; reads nothing yet."""
    return JsonlSource(config)
