"""Local archive files as a source: one split, one task, one shard per file; damage counted and reported, never passed over.

What a record becomes is the subclass's affair (`read.warc`, `read.wet`); how a file is walked, salvaged and accounted for is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from mathcode_data.core.counters import Ledger
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.stage import Split
from mathcode_data.stages.read.batches import RowBatch
from mathcode_data.stages.read.damage import DAMAGED_RECORDS, DamageReport, OnDamage
from mathcode_data.stages.read.files import by_suffix, count_skipped, list_inputs, one_split_each
from mathcode_data.stages.read.http_payload import PayloadError
from mathcode_data.stages.read.record_page import DropError
from mathcode_data.stages.read.records import NOT_A_RECORD, BadRecord, Record
from mathcode_data.stages.read.salvage import Gap, walk_archive


class ArchiveFiles:
    """Reads documents from archive files; a subclass says in `_row` what a record becomes."""

    schema: pa.Schema
    suffixes: tuple[str, ...]
    """Names of files that are taken in folders."""
    what: str
    """Names the kind of file in errors."""

    def __init__(self, paths: Sequence[str], max_block_bytes: int, on_damage: OnDamage) -> None:
        self._paths = paths
        self._max_block_bytes = max_block_bytes
        self._on_damage: OnDamage = on_damage

    def splits(self) -> list[Split]:
        """One split per file.

        Raises:
            ConfigError: nothing was named to read, or none of it is an archive.
        """
        if not self._paths:
            raise ConfigError(
                f"paths: there are none, so there is nothing to read; give {self.what} in `paths`, or, after a stage that makes such "
                "files (crawl.focused), `from:` with the id of that stage"
            )
        return one_split_each(list_inputs(self._paths, by_suffix(*self.suffixes), self.what))

    def read(self, split: Split, ledger: Ledger) -> Iterator[pa.Table]:
        """Read one file.

        Raises:
            DataError: the file holds no WARC record, or is damaged and `on_damage` is `fail`.
        """
        count_skipped(split.options, ledger)
        path, name = Path(split.files[0]), split.names[0]
        damage = DamageReport(path, name, self._on_damage)
        batch = RowBatch(self.schema)
        num_records = 0
        for piece in walk_archive(path, self._max_block_bytes):
            if isinstance(piece, Gap):
                damage.add_gap(piece, ledger)
            elif isinstance(piece, BadRecord):
                ledger.saw()
                ledger.drop_unread(piece.reason)
                num_records += piece.reason != NOT_A_RECORD
                if piece.reason in DAMAGED_RECORDS:
                    damage.add_gap(Gap(piece.offset, piece.lost_bytes, DAMAGED_RECORDS[piece.reason], piece.lost_bytes), ledger)
                else:
                    ledger.count("lost_bytes", piece.lost_bytes)
            elif isinstance(piece, Record):
                ledger.saw()
                num_records += 1
                if damage.has_gap:
                    ledger.count("salvaged_records")
                try:
                    batch.add(self._row(piece, name, ledger), len(piece.block or b""))
                except (DropError, PayloadError) as error:
                    ledger.drop_unread(str(error))
                    if str(error) in DAMAGED_RECORDS:
                        lost = piece.length or len(piece.block or b"")
                        damage.add_gap(Gap(piece.offset, lost, DAMAGED_RECORDS[str(error)], lost), ledger)
            yield from batch.full()
        if not num_records:
            raise DataError(f"{path}: holds no WARC record: {describe_file(path)}; fetch it again or take it out of `paths`")
        yield from batch.rest()
        damage.report(ledger)

    def _row(self, record: Record, name: str, ledger: Ledger) -> dict[str, Any]:
        """Turn a record into a row of `schema`.

        Raises:
            DropError, PayloadError: it becomes none; the message is the reason.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what a record of {name} becomes; define _row")


def describe_file(path: Path) -> str:
    """Say what a file that is no WARC looks like."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        return "the file is empty"
    if head.startswith(b"filedesc:"):
        return "it is an ARC file, the older format (`warcio recompress` converts it)"
    if head[:2] in (b"\x1f\x8b", b"\x28\xb5"):
        return "it is compressed, but holds something else or is damaged from its first member on"
    if head.startswith(b"WARC/"):
        return "it begins like one, but no record in it has a header and a length that can be true"
    return f"its first bytes are {head!r}"
