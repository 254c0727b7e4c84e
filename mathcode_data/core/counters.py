"""Counters of what a task read, kept and dropped, and why: read == kept + sum(dropped), checked for every stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mathcode_data.core.errors import MathcodeError
from mathcode_data.core.secrets import masked

MAX_UNREAD_NAMES = 200_000
"""Records of one task that never became a document and whose name is kept: 30 MB of memory at most; further ones are only counted."""
MAX_DROPPED_TEXTS = 20
"""Texts of dropped documents that are kept for each reason in each task, for people to look at."""

ADDRESS = ("doc_id", "url", "path")
"""Columns that say which document was dropped."""
EXPLAINING = ("twin", "repository", "contamination")
"""Columns that say why, beside scores (`score_*`): `twin` is the doc_id of the document that was kept in its place."""

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class StageCounters:
    """What one stage did with its documents."""

    stage: str
    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    """Other whole numbers worth adding up: formulas found, bytes lost, tokens, clusters."""

    def check(self) -> None:
        """Raise MathcodeError unless read == kept + sum(dropped)."""
        lost = self.read - self.kept - sum(self.dropped.values())
        if lost:
            raise MathcodeError(
                f"stage {self.stage}: read {self.read:,}, kept {self.kept:,}, dropped {dict(self.dropped)}: {lost:,} documents "
                "are unaccounted for; the stage must give every row back or hand it to ledger.drop"
            )

    def add(self, other: StageCounters) -> None:
        """Add the counts of another task of the same stage."""
        self.read += other.read
        self.kept += other.kept
        self.dropped.update(other.dropped)
        self.facts.update(other.facts)

    def to_json(self) -> dict[str, Any]:
        """Plain data, reasons and facts in alphabetical order."""
        return {
            "stage": self.stage,
            "read": self.read,
            "kept": self.kept,
            "dropped": dict(sorted(self.dropped.items())),
            "facts": dict(sorted(self.facts.items())),
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> StageCounters:
        """Read back what `to_json` wrote."""
        return StageCounters(data["stage"], data["read"], data["kept"], Counter(data["dropped"]), Counter(data["facts"]))


def add_up(parts: Iterable[list[StageCounters]]) -> list[StageCounters]:
    """Add the counters of many tasks, stage by stage (stages keep the order of the first task)."""
    total: dict[str, StageCounters] = {}
    for stages in parts:
        for stage in stages:
            total.setdefault(stage.stage, StageCounters(stage.stage)).add(stage)
    return list(total.values())


class Ledger:
    """What a stage hands its dropped documents to.

    One ledger serves one stage in one task. A map stage gives dropped rows to `drop`; reading and keeping are counted by
    the framework from the tables that go in and out. A source counts what it sees with `saw` and what never became a
    document with `drop_unread`.
    """

    def __init__(self, stage: str) -> None:
        """Start with nothing seen."""
        self.counters = StageCounters(stage)
        self._texts_kept: Counter[str] = Counter()
        self.dropped_rows: list[tuple[str, pa.Table]] = []
        self._unread: dict[str, list[tuple[str, str]]] = {}
        self._num_unread = 0
        self.damage: list[str] = []

    def saw(self, num_documents: int = 1) -> None:
        """Count records that a source met, whether they become documents or not."""
        self.counters.read += num_documents

    def drop(self, rows: pa.Table, reason: str) -> None:
        """Account for rows that the stage does not give back."""
        if rows.num_rows:
            self.counters.dropped[reason] += rows.num_rows
            self.dropped_rows.append((reason, self._trim(rows, reason)))

    def _trim(self, rows: pa.Table, reason: str) -> pa.Table:
        """Keep id, address and details of every dropped document, and the text of the first few of each reason."""
        import pyarrow as pa

        num_texts = max(0, min(rows.num_rows, MAX_DROPPED_TEXTS - self._texts_kept[reason]))
        self._texts_kept[reason] += num_texts
        texts = pa.nulls(rows.num_rows, pa.large_string())
        if num_texts and "text" in rows.column_names:
            shown = rows["text"].slice(0, num_texts).cast(pa.large_string()).combine_chunks()
            texts = pa.chunked_array([shown, texts.slice(num_texts)])
        columns = [rows[name] if name in rows.column_names else pa.nulls(rows.num_rows, pa.string()) for name in ADDRESS]
        return pa.table([*columns, _details(rows), texts], names=[*ADDRESS, "details", "text"])

    def drop_unread(self, reason: str, num_documents: int = 1, *, path: str = "", repository: str = "") -> None:
        """Account for records that a source met but that never became a row (an image, a 404, a line that is no JSON).

        Args:
            reason: a word in lower case.
            num_documents: how many.
            path: of the one record, where it has a name by which `explain` shall find it.
            repository: that the path lies in.
        """
        if num_documents:
            self.counters.dropped[reason] += num_documents
        if path and self._num_unread < MAX_UNREAD_NAMES:
            self._num_unread += 1
            self._unread.setdefault(reason, []).append((_as_text(path), _as_text(repository)))

    def dropped(self) -> Iterator[tuple[str, pa.Table]]:
        """Reason and rows of what was dropped: `doc_id, url, path, details, text`, null where unknown."""
        yield from self.dropped_rows
        import orjson
        import pyarrow as pa

        for reason, names in self._unread.items():
            details = [orjson.dumps({"repository": repository}).decode() if repository else None for _, repository in names]
            empty = pa.nulls(len(names), pa.string())
            columns = [pa.array([path for path, _ in names], pa.string()) if name == "path" else empty for name in ADDRESS]
            texts = pa.nulls(len(names), pa.large_string())
            yield reason, pa.table([*columns, pa.array(details, pa.string()), texts], names=[*ADDRESS, "details", "text"])

    def count(self, fact: str, number: int = 1) -> None:
        """Add to a fact that goes to the manifest."""
        self.counters.facts[fact] += int(number)

    def damaged(self, message: str) -> None:
        """Report an input that is damaged but was read as far as it goes: the run goes on and ends with exit code 3."""
        self.damage.append(masked(message))


def _as_text(name: str) -> str:
    """A name whose bytes are no UTF-8 comes with surrogates, which no file of ours can hold."""
    return name.encode("utf-8", "replace").decode()


def _details(rows: pa.Table) -> pa.Array:
    """What explains a drop, as a JSON object per row; null where nothing does."""
    import orjson
    import pyarrow as pa

    names = [name for name in rows.column_names if name in EXPLAINING or name.startswith("score_")]
    if not names:
        return pa.nulls(rows.num_rows, pa.string())
    found = [{name: value for name, value in row.items() if value is not None} for row in rows.select(names).to_pylist()]
    return pa.array([orjson.dumps(row).decode() if row else None for row in found], pa.string())
