"""Keep documents whose score lies in a range: `select.threshold`."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from mathcode_data.core.counters import Ledger
from mathcode_data.core.errors import DataError, SetupError
from mathcode_data.core.stage import StageConfig

VERSION = "1"


class Config(StageConfig):
    """Bounds of one column; both belong to the range."""

    column: str
    """Column of numbers to compare, as `score_math`."""
    min: float | None = Field(default=None, allow_inf_nan=False)
    """Drop documents below (reason `below_min`); null: no lower bound."""
    max: float | None = Field(default=None, allow_inf_nan=False)
    """Drop documents above (reason `above_max`); null: no upper bound."""

    @model_validator(mode="after")
    def _has_a_range(self) -> Config:
        if self.min is None and self.max is None:
            raise ValueError("a threshold needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}: no document can pass")
        return self


def numbers(table: pa.Table, column: str, where: str) -> pa.ChunkedArray:
    """Take a column as float64.

    Raises:
        SetupError: there is no such column, or it holds no numbers.
        DataError: a value is null, NaN or infinite (a score that was never made, or overflowed, must not decide anything).
    """
    if column not in table.column_names:
        found = ", ".join(table.column_names)
        raise SetupError(f"{where}: no column {column!r} (columns: {found}); put the score stage that adds it before")
    values = table[column]
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        raise SetupError(f"{where}: column {column!r} is {values.type}; a selection compares numbers")
    values = values.cast(pa.float64(), safe=False)
    bad = pc.invert(pc.fill_null(pc.is_finite(values), False))
    if pc.any(bad).as_py():
        row = pc.index(bad, True).as_py()
        doc_id = table["doc_id"][row].as_py() if "doc_id" in table.column_names else "?"
        raise DataError(
            f"{where}: document {doc_id}: {column} is {values[row].as_py()}; the stage that scores must give every document a finite number"
        )
    return values


class _Threshold:
    def __init__(self, config: Config) -> None:
        self.config = config

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Give back the rows inside the range."""
        values = numbers(table, self.config.column, "select.threshold")
        keep = pa.chunked_array([pa.repeat(True, table.num_rows)]) if table.num_rows else pa.chunked_array([], pa.bool_())
        for bound, outside, reason in ((self.config.min, pc.less, "below_min"), (self.config.max, pc.greater, "above_max")):
            if bound is not None:
                is_out = outside(values, bound)
                ledger.drop(table.filter(is_out), reason)
                keep = pc.and_(keep, pc.invert(is_out))
        return table.filter(keep)


def build(config: Config) -> _Threshold:
    """Make the stage."""
    return _Threshold(config)
