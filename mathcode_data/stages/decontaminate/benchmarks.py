"""Reading benchmark items: which files, which fields are questions and which are answers.

Fails closed: a file that is missing, damaged, of an unknown kind or without usable text is an error, because "nothing
matched" must never mean "nothing was compared".
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.stages.read.lines import read_whole

QUESTION_FIELDS = (
    "question", "problem", "prompt", "text", "input", "instruction", "query", "passage", "context", "goal", "informal_statement",
    "formal_statement", "description",
)  # fmt: skip
"""Names under which benchmarks keep what is asked (GSM8K, MATH, HumanEval, MBPP, BBH, MMLU, AGIEval, miniF2F, CMATH ...)."""
ANSWER_FIELDS = (
    "answer", "answers", "solution", "solutions", "canonical_solution", "rationale", "proof", "informal_proof", "options", "choices",
    "target", "targets", "golden", "output", "response", "completion", "reference", "code", "test", "test_list", "challenge_test_list",
)  # fmt: skip
"""Names under which they keep what is to be answered."""
OPTION_FIELDS = frozenset({"options", "choices"})
"""Fields of answers that hold all that may be chosen from; a short one alone (`both statements are true`) is no answer."""

PLAIN_SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".lean", ".thy")
SUFFIXES = (*(plain + packed for plain in PLAIN_SUFFIXES for packed in ("", ".gz", ".zst")), ".parquet")
DATA_SUFFIXES = (".arrow", ".feather", ".xz", ".bz2", ".zip", ".tar", ".gz", ".zst", ".tgz", ".xlsx", ".pkl", ".db")
"""In a folder, what else looks like data is an error; a README is not."""
LISTS = ("examples", "data", "rows", "items", "questions", "problems", "instances", "test")
"""Under one of these names a JSON object keeps its items (BBH: `examples`)."""
MANY_FILES = 20
"""A folder with more .json or .csv files than this is one benchmark of an item or subject a file (MATH, MMLU)."""
CSV_FIELDS = {2: ("question", "answer"), 6: ("question", "choices", "choices", "choices", "choices", "answer")}
"""Columns of tables without a heading: MGSM's pairs, MMLU's question, four choices and letter."""
MAX_CELL_CHARACTERS = 1 << 24
THEOREM = re.compile(r"^[ \t]*(?=(?:theorem|lemma)\b)", re.MULTILINE)
"""Where an item of a Lean or Isabelle file begins (miniF2F)."""
MAX_FILE_BYTES = 1 << 32
CALCULATION = re.compile(r"<<[^<>\n]*>>")
"""GSM8K's calculator notes, which copies on the web lack."""


@dataclass(frozen=True)
class Fields:
    """Names of fields that are read; `a.b` is field b of the object in field a."""

    questions: tuple[str, ...] = QUESTION_FIELDS
    answers: tuple[str, ...] = ANSWER_FIELDS


@dataclass(frozen=True)
class BenchmarkText:
    """One text of an item. Items of one file are numbered by record; `file` and `record` name the place."""

    file: str
    record: int
    is_question: bool
    text: str
    is_option: bool = False
    """Whether it is one of the answers to choose from."""


def benchmark_files(paths: Iterable[str]) -> list[Path]:
    """Find the files: those named, and all of the known kinds under the folders named.

    Raises:
        ConfigError: a path does not exist, is of an unknown kind, or a folder holds nothing to read or data that cannot be read.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise ConfigError(f"{path}: no such benchmark file; without it contamination would go unseen, check the path")
        files += _files_in(path) if path.is_dir() else [_known(path)]
    return sorted(set(files))


def _files_in(folder: Path) -> list[Path]:
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    files = [_known(path) for path in found if path.name.lower().endswith((*SUFFIXES, *DATA_SUFFIXES))]
    if not files:
        raise ConfigError(f"{folder}: no benchmark file in this folder; it needs at least one {', '.join(SUFFIXES)}")
    return files


def _known(path: Path) -> Path:
    if not path.name.lower().endswith(SUFFIXES):
        raise ConfigError(f"{path}: not a kind of benchmark file that can be read; convert it to one of {', '.join(SUFFIXES)}")
    return path


def group_files(files: list[Path]) -> list[tuple[str, list[Path]]]:
    """Gather the files of each benchmark under its name: each file its own, but a folder of many files is one."""
    is_part = {path: path.name.lower().endswith((".json", ".csv")) for path in files}
    by_folder = Counter(path.parent for path in files if is_part[path])
    groups: dict[Path, list[Path]] = {}
    for path in files:
        groups.setdefault(path.parent if is_part[path] and by_folder[path.parent] > MANY_FILES else path, []).append(path)
    names = Counter(path.name for path in groups)
    return [(f"{path.parent.name}/{path.name}" if names[path.name] > 1 else path.name, found) for path, found in groups.items()]


def read_benchmark(path: Path, wanted: Fields) -> Iterator[BenchmarkText]:
    """Read all texts of a benchmark file, record by record; names of fields match in any case.

    Raises:
        DataError: the file is damaged, has no record, or has a record which is no object.
    """
    kinds = {name.lower(): False for name in wanted.answers} | {name.lower(): True for name in wanted.questions}
    number = -1
    for number, record in enumerate(_records(path)):
        if not isinstance(record, dict):
            raise DataError(f"{path}: record {number + 1} is a {type(record).__name__}; each must be an object with named fields")
        for name, value in _named(record):
            if name.lower() in kinds:
                is_option = name.rpartition(".")[2].lower() in OPTION_FIELDS
                for text in _texts(value):
                    yield BenchmarkText(path.name, number, kinds[name.lower()], text, is_option)
    if number < 0:
        raise DataError(f"{path}: no record; an empty benchmark would let all contamination through, get the file again")


def _named(record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        yield name, value
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", part) for inner, part in value.items())


def field_names(path: Path) -> list[str]:
    """Names of the fields of the first record, for error messages."""
    return [str(name) for record in _records(path) if isinstance(record, dict) for name in record][:30]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if "<<" in value and (without := CALCULATION.sub("", value)) != value:
            yield without
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)


def _records(path: Path) -> Iterator[Any]:
    try:
        if path.name.lower().endswith(".parquet"):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches():
                    yield from batch.to_pylist()
            return
        content = read_whole(path, MAX_FILE_BYTES)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: benchmark file cannot be read ({' '.join(str(error).split())}); get it again") from error
    if len(content) > MAX_FILE_BYTES:
        raise DataError(f"{path}: more than {MAX_FILE_BYTES:,} bytes; this is no benchmark, check the path")
    yield from _parse(path, content)


def _parse(path: Path, content: bytes) -> Iterator[Any]:
    name = path.name.lower().removesuffix(".gz").removesuffix(".zst")
    if name.endswith((".csv", ".tsv")):
        yield from _table(path, _decoded(path, content), "\t" if name.endswith(".tsv") else ",")
    elif name.endswith((".lean", ".thy")):
        yield from _theorems(_decoded(path, content))
    elif name.endswith(".jsonl") or _is_lines(content):
        for number, line in enumerate(content.splitlines(), start=1):
            if line.strip():
                yield _unwrapped(_json(f"{path}:{number}", line))
    elif content.strip():
        yield from _items(_json(str(path), content))


def _is_lines(content: bytes) -> bool:
    """Whether a .json file has an object a line, as many have."""
    lines = content.strip().split(b"\n", 2)
    return len(lines) > 1 and all(line.strip().startswith(b"{") and line.strip().endswith(b"}") for line in lines[:2])


def _json(place: str, content: bytes) -> Any:
    try:
        return json.loads(content.removeprefix(b"\xef\xbb\xbf"))  # orjson refuses the NaN that stands in copies of MMLU
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: not JSON ({error}); get the benchmark file again") from error


def _items(value: Any) -> Iterator[Any]:
    """Items of a JSON document: a list, an object with a list of objects in it, or one object."""
    if isinstance(value, dict):
        for name in LISTS:
            inner = value.get(name)
            if isinstance(inner, list) and inner and isinstance(inner[0], dict):
                value = inner
                break
    yield from map(_unwrapped, value) if isinstance(value, list) else [value]


def _unwrapped(record: Any) -> Any:
    """The row that the dataset viewer's answers wrap."""
    return record["row"] if isinstance(record, dict) and isinstance(record.get("row"), dict) else record


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error}); get the benchmark file again or convert it") from error


def _table(path: Path, content: str, delimiter: str) -> Iterator[dict[str, Any]]:
    """Rows of a table: with a heading if its first row names fields, else by the number of columns."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    known = {*QUESTION_FIELDS, *ANSWER_FIELDS}
    try:
        rows = [row for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{path}: not a table ({error}); get the benchmark file again") from error
    if not rows:
        return
    names: Sequence[str] = rows[0]
    if not any(name.strip().lower() in known for name in names) and len(names) in CSV_FIELDS and _has_no_heading(rows):
        names = CSV_FIELDS[len(names)]
    else:
        rows = rows[1:]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise DataError(f"{path}: row {number} has {len(row)} columns, the first has {len(names)}; get the benchmark file again")
        record: dict[str, Any] = {}
        for name, cell in zip(names, row, strict=True):
            record.setdefault(name.strip(), []).append(cell)
        yield record


def _has_no_heading(rows: Sequence[Sequence[str]]) -> bool:
    """MMLU's last column is a letter in every row; a pair's question is a sentence in the first row too."""
    return rows[0][-1].strip() in "ABCD" if len(rows[0]) == 6 else " " in rows[0][0].strip() or len(rows[0][0]) > 30


def _theorems(content: str) -> Iterator[dict[str, str]]:
    starts = [found.end() for found in THEOREM.finditer(content)]
    for start, end in itertools.pairwise([*starts, len(content)]):
        yield {"formal_statement": content[start:end].strip()}
