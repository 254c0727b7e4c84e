"""Score source code: does it parse, how much of it is comment, how much documentation. `score.code` adds columns and drops nothing.

- `score_code_syntax`: 1.0 for a file that parses and for what is not judged (other languages, files beyond the parser's limits), 0.5
  for Python 2, 0.0 for a Python file with an error; `select.threshold: {column: score_code_syntax, min: 0.5}` drops the last.
- `score_code_comments`: share of the characters that stand in comments.
- `score_code_documentation`: share in docstrings and in comments that documentation tools read. Docstrings are no comments.
- `syntax`: the verdict in a word: `ok`, `python2`, `error`, `too_large`, `too_deep`, or `not_checked`.

BigCode kept files with comments and docstrings between 1 % and 80 %: `score_code_comments` plus `score_code_documentation`, in most
languages the first alone. Markdown, JSON and notebooks have none (0.0).

Scores are of single files, so this stands before `arrange.repository`.
"""

from __future__ import annotations

import pyarrow as pa
from pydantic import Field

from mathcode_data.core.config import StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import require_columns
from mathcode_data.stages.score.code_comments import count_comments
from mathcode_data.stages.score.code_syntax import parse_python

VERSION = "1"
LIBRARIES = ("unicodedata",)
PARSED = frozenset({"Python"})
SCORES = {"ok": 1.0, "not_checked": 1.0, "too_large": 1.0, "too_deep": 1.0, "python2": 0.5, "error": 0.0}
NAMES = ("score_code_syntax", "score_code_comments", "score_code_documentation")


class Config(StageConfig):
    """What is measured."""

    max_measured: int = Field(default=1_000_000, gt=0)
    """Characters of a document in which comments are counted; syntax is judged of all, up to 2 million."""


def measure(text: str, language: str, max_measured: int) -> tuple[str, float, float]:
    """Verdict on the syntax, share of comments, share of documentation.

    >>> measure("# why\\nx = 1\\n", "Python", 1000)
    ('ok', 0.4166666666666667, 0.0)
    """
    verdict, documented = parse_python(text) if language in PARSED else ("not_checked", 0)
    shown = text[:max_measured]
    found = count_comments(shown, language)
    if not shown or found is None:
        return verdict, 0.0, 0.0
    comments, of_comments = found
    return verdict, comments / len(shown), min(1.0, of_comments / len(shown) + documented / len(text))


class _CodeScore:
    def __init__(self, config: Config) -> None:
        self.config = config

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Measure every document of a table."""
        require_columns(table.schema, {"text": pa.large_string(), "language": pa.string()}, "score.code")
        rows = zip(table["text"].to_pylist(), table["language"].to_pylist(), strict=True)
        found = [measure(text or "", language or "", self.config.max_measured) for text, language in rows]
        for verdict, *_ in found:
            ledger.count(f"syntax_{verdict}")
        columns = [[SCORES[verdict] for verdict, *_ in found], [row[1] for row in found], [row[2] for row in found]]
        for name, values in zip(NAMES, columns, strict=True):
            table = _with_column(table, name, pa.array(values, pa.float64()))
        return _with_column(table, "syntax", pa.array([verdict for verdict, *_ in found], pa.string()))


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    position = table.schema.get_field_index(name)
    if position >= 0:
        return table.set_column(position, pa.field(name, values.type), values)
    return table.append_column(pa.field(name, values.type), values)


def build(config: Config) -> _CodeScore:
    """Make the stage."""
    return _CodeScore(config)
