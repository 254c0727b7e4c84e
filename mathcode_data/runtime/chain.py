"""Stages at work inside a worker: built once per plan, called in a chain, and watched in what they give back.

Everything a stage does happens inside `working(spec)`, so that a failure names the stage that raised, wherever tables were
on their way when it did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from mathcode_data.core.config import RESOLVED
from mathcode_data.core.counters import Ledger
from mathcode_data.core.errors import ConfigError, DataError, SetupError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.core.stage import MapStage, Source, Split
from mathcode_data.runtime.plan import Plan, StageSpec

LASTING = ("doc_id", "text")
"""Columns that no stage may take away: every later stage, the counters and `explain` go by them."""

at_work: list[StageSpec] = []
"""Stages that were entered and not left; after a failure the last one raised it."""

_BUILT: dict[str, dict[str, Any]] = {}
"""Stages of the plan that this process works on, so that a model is loaded once for all its tasks. A new plan starts anew:
a result that a configuration names may have other bytes at the same path, and an old model would hold its memory."""


_told: list[Callable[[], None]] = []


@contextmanager
def tell_changes(listener: Callable[[], None]) -> Iterator[None]:
    """Call `listener` whenever `at_work` has changed."""
    _told.append(listener)
    try:
        yield
    finally:
        _told.remove(listener)


@contextmanager
def working(spec: StageSpec) -> Iterator[None]:
    """Note that a stage is at work; the note stays when it raises."""
    at_work.append(spec)
    for listener in _told:
        listener()
    yield
    at_work.pop()
    for listener in _told:
        listener()


def load_of_plan(spec: StageSpec) -> Any:
    """The plug-in of a stage of the plan.

    Raises:
        ConfigError: this worker has another version of it.
    """
    plugin = load_plugin(spec.name)
    if plugin.version != spec.version:
        raise ConfigError(f"stage {spec.name}: this worker has VERSION {plugin.version}, the plan {spec.version}; run the driver again")
    return plugin


def build_stage(spec: StageSpec, plan: Plan) -> Any:
    """The stage of a plan, rebuilt from its name and configuration."""
    if plan.fingerprint not in _BUILT:
        _BUILT.clear()
    stages = _BUILT.setdefault(plan.fingerprint, {})
    if spec.label not in stages:
        with working(spec):
            plugin = load_of_plan(spec)
            stages[spec.label] = plugin.build(plugin.config.model_validate(spec.config, context=RESOLVED))
    return stages[spec.label]


class Chain:
    """A chain of map stages over tables, with counters and seconds per stage."""

    def __init__(self, specs: list[StageSpec], plan: Plan) -> None:
        self.specs = specs
        self.stages: list[MapStage] = [build_stage(spec, plan) for spec in specs]
        self.ledgers = [Ledger(spec.label) for spec in specs]
        self.seconds = dict.fromkeys((spec.label for spec in specs), 0.0)
        self._schemas: list[pa.Schema] = []

    def __call__(self, table: pa.Table) -> pa.Table:
        """Send a table through, counted and timed.

        Raises:
            ConfigError: a stage gave back something that is no table of the columns it promised.
            MathcodeError: a stage lost rows.
        """
        for position, (spec, stage, ledger) in enumerate(zip(self.specs, self.stages, self.ledgers, strict=True)):
            if table.num_rows == 0:
                return table
            with working(spec):
                ledger.counters.read += table.num_rows
                start = time.perf_counter()
                given, table = table, stage(table, ledger)
                self.seconds[spec.label] += time.perf_counter() - start
                check_table(table, given.schema, spec)
                self._check_promise(table, position, spec)
                ledger.counters.kept += table.num_rows
                ledger.counters.check()
        return table

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Columns that come out, found by sending an empty table through; such a table is not counted.

        Raises:
            SetupError: a stage lacks something that has nothing to do with any row (a column, a model, a benchmark file).
        """
        table = schema.empty_table()
        self._schemas = []
        for spec, stage in zip(self.specs, self.stages, strict=True):
            with working(spec):
                given = table
                try:
                    table = stage(table, Ledger(spec.label))
                except DataError as error:
                    raise SetupError(str(error)) from error
                check_table(table, given.schema, spec)
            self._schemas.append(table.schema)
        return table.schema

    def _check_promise(self, table: pa.Table, position: int, spec: StageSpec) -> None:
        """What leaves the chain must have the columns that an empty table had; the shard was begun with them."""
        if position + 1 < len(self.specs) or not self._schemas or table.schema.equals(self._schemas[-1]):
            return
        promised, found = self._schemas[-1], table.schema
        differ = [name for name in dict.fromkeys([*promised.names, *found.names]) if _kinds(promised, name) != _kinds(found, name)]
        if not differ:
            raise ConfigError(f"stage {spec.label} gave back columns in the order {', '.join(found.names)}, not as for an empty table")
        raise ConfigError(
            f"stage {spec.label} gave back column {differ[0]!r} as {_kinds(found, differ[0]) or 'missing'}, for an empty table "
            f"{_kinds(promised, differ[0]) or 'without it'}; give every table back with the same columns and types, also an empty one"
        )


def _kinds(schema: pa.Schema, name: str) -> str:
    return ", ".join(f"{schema.field(position).type}" for position in schema.get_all_field_indices(name))


def check_table(table: object, given: pa.Schema, spec: StageSpec) -> None:
    """Refuse what a map stage may not give back.

    Raises:
        ConfigError: no table, or one without `doc_id` or `text` though it came with them.
    """
    if not isinstance(table, pa.Table):
        found = "None" if table is None else f"a {type(table).__name__}"
        raise ConfigError(f"stage {spec.label} gave back {found}; a map stage returns a pyarrow.Table (rows it drops go to ledger.drop)")
    lost = [name for name in LASTING if name in given.names and name not in table.schema.names]
    if lost:
        raise ConfigError(
            f"stage {spec.label} took the column {lost[0]!r} away (it gave back {', '.join(table.schema.names) or 'none'}); a map stage "
            "returns every column it was given, and its own"
        )


def read_split(source: Source, spec: StageSpec, split: Split, ledger: Ledger, limit: int | None) -> Iterator[pa.Table]:
    """Read a split: count what the source gives, and end after `limit` rows (what it saw beyond is accounted for as `limit`).

    Raises:
        ConfigError: the source gave something else than tables of its schema.
    """
    with working(spec):
        given: object = source.read(split, ledger)
        if not isinstance(given, Iterable):
            raise ConfigError(f"stage {spec.label}: read() gave back {type(given).__name__}; it yields pyarrow.Tables of its schema")
        tables = iter(given)
    while True:
        with working(spec):
            table = next(tables, None)
            if table is None:
                return
            if not isinstance(table, pa.Table) or not table.schema.equals(source.schema):
                found = f"columns {', '.join(table.schema.names)}" if isinstance(table, pa.Table) else f"a {type(table).__name__}"
                raise ConfigError(f"stage {spec.label}: read() yielded {found}; it yields pyarrow.Tables whose schema is its `schema`")
        room = table.num_rows if limit is None else max(0, limit - ledger.counters.kept)
        part = table.slice(0, room)
        ledger.counters.kept += part.num_rows
        yield part
        if limit is not None and ledger.counters.kept >= limit:
            unread = ledger.counters.read - ledger.counters.kept - ledger.counters.dropped.total()
            if unread:
                ledger.drop_unread("limit", unread)
            return


def timed(tables: Iterator[pa.Table], seconds: dict[str, float], label: str) -> Iterator[pa.Table]:
    """Pass tables on and add up the time that making them took."""
    seconds[label] = 0.0
    while True:
        start = time.perf_counter()
        table = next(tables, None)
        seconds[label] += time.perf_counter() - start
        if table is None:
            return
        yield table
