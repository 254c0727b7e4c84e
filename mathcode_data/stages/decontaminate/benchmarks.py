"""Reading benchmark items: which files, which fields are questions and which are answers.

Fails closed: a file that is missing, damaged, of an unknown kind or without usable text is an error, because "nothing
matched" must never mean "nothing was compared".
"""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from mathcode_data.core.errors import ConfigError, DataError

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

TEXT_SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json", ".json.gz", ".json.zst")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
DATA_SUFFIXES = (".csv", ".tsv", ".arrow", ".feather", ".xz", ".bz2", ".zip", ".tar", ".gz", ".zst", ".tgz", ".xlsx", ".pkl", ".db")
"""In a folder, what else looks like data is an error; a README is not."""
MAX_FILE_BYTES = 1 << 30
CALCULATION = re.compile(r"<<[^<>\n]*>>")
"""GSM8K's calculator notes, which copies on the web lack."""


@dataclass(frozen=True)
class BenchmarkText:
    """One text of an item. Items of one file are numbered by record; `file` and `record` name the place."""

    file: str
    record: int
    is_question: bool
    text: str


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


def read_benchmark(path: Path, question_fields: Iterable[str], answer_fields: Iterable[str]) -> Iterator[BenchmarkText]:
    """Read all texts of a benchmark file, record by record; names of fields match in any case.

    Raises:
        DataError: the file is damaged, has no record, or has a record which is no object.
    """
    questions, answers = {name.lower() for name in question_fields}, {name.lower() for name in answer_fields}
    number = -1
    for number, record in enumerate(_records(path)):
        if not isinstance(record, dict):
            raise DataError(f"{path}: record {number + 1} is a {type(record).__name__}; each must be an object with named fields")
        for name, value in record.items():
            if name.lower() in questions or name.lower() in answers:
                for text in _texts(value):
                    yield BenchmarkText(path.name, number, name.lower() in questions, text)
    if number < 0:
        raise DataError(f"{path}: no record; an empty benchmark would let all contamination through, get the file again")


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
        with path.open("rb") as raw:
            content = _decompressed(path, raw).read(MAX_FILE_BYTES + 1)
    except (OSError, EOFError, pa.ArrowException, zstandard.ZstdError) as error:
        raise DataError(f"{path}: benchmark file cannot be read ({' '.join(str(error).split())}); get it again") from error
    if len(content) > MAX_FILE_BYTES:
        raise DataError(f"{path}: more than {MAX_FILE_BYTES:,} bytes; this is no benchmark, check the path")
    yield from _parse(path, content)


def _decompressed(path: Path, raw: IO[bytes]) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=raw))
    if path.suffix.lower() == ".zst":
        return io.BufferedReader(zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw))
    return raw


def _parse(path: Path, content: bytes) -> Iterator[Any]:
    is_lines = ".jsonl" in path.name.lower()
    parts = content.splitlines() if is_lines else [content]
    for number, part in enumerate(parts, start=1):
        if not part.strip():
            continue
        try:
            value = json.loads(part.removeprefix(b"\xef\xbb\xbf"))  # orjson refuses the NaN that stands in copies of MMLU
        except (ValueError, RecursionError) as error:
            place = f"{path}:{number}" if is_lines else str(path)
            raise DataError(f"{place}: not JSON ({error}); get the benchmark file again") from error
        if is_lines or not isinstance(value, list):
            yield value
        else:
            yield from value
