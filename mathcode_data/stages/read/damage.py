"""What is said about a damaged input file: one line that names the file, the first place, the loss and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mathcode_data.core.counters import Ledger
from mathcode_data.core.errors import DataError
from mathcode_data.stages.read.record_page import NO_TYPE, NO_URL, WRONG_DIGEST
from mathcode_data.stages.read.records import NOT_A_RECORD
from mathcode_data.stages.read.salvage import Gap

OnDamage = Literal["report", "accept", "fail"]
DAMAGED_RECORDS = {
    "bad_length": "a record whose Content-Length cannot be true",
    "no_length": "a record without Content-Length",
    "header_too_large": "a record whose header does not end",
    NOT_A_RECORD: "bytes that are no WARC record",
    NO_TYPE: "a record without a WARC-Type that can be read",
    NO_URL: "a record without WARC-Target-URI",
    WRONG_DIGEST: "a record whose bytes do not have the digest that its header names",
}
"""Reasons of a drop that say that the archive is damaged: the standard demands what is wrong or missing, or bytes have changed. A type that
it does not know is none, for it allows others (ISO 28500, section 5.5), nor is a record that a writer marks as cut."""


class DamageReport:
    """Gathers the gaps of one file and reports them as one line."""

    def __init__(self, path: Path, name: str, on_damage: OnDamage) -> None:
        self._path = path
        self._name = name
        self._on_damage = on_damage
        self._gaps: list[Gap] = []
        self._salvaged_before = 0

    @property
    def has_gap(self) -> bool:
        """Whether a gap was met, so that records from here on count as salvaged."""
        return bool(self._gaps)

    def add_gap(self, gap: Gap, ledger: Ledger) -> None:
        """Count a gap.

        Raises:
            DataError: `on_damage` is `fail`.
        """
        if not self._gaps:
            self._salvaged_before = ledger.counters.facts["salvaged_records"]
        self._gaps.append(gap)
        ledger.count("gaps")
        ledger.count("lost_bytes", gap.lost_bytes)
        if self._on_damage == "fail":
            raise DataError(
                f"{self._path}: byte {gap.offset:,}: {gap.why}, {gap.lost_bytes:,} bytes lost; fetch the file again, "
                "or set `on_damage: report` to keep what is sound"
            )

    def report(self, ledger: Ledger) -> None:
        """Hand the line to the ledger, if there is damage to report."""
        if not self._gaps or self._on_damage != "report":
            return
        first = self._gaps[0]
        lost = sum(gap.lost_bytes for gap in self._gaps)
        salvaged = ledger.counters.facts["salvaged_records"] - self._salvaged_before
        places = f" in {len(self._gaps)} places" if len(self._gaps) > 1 else ""
        ledger.damaged(
            f"{self._name}: byte {first.offset:,}: {first.why}; {lost:,} bytes lost{places}, {salvaged:,} records read after "
            "it; fetch the file again, or set `on_damage: accept`"
        )
