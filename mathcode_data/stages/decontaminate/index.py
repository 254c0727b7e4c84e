"""The index of benchmark texts: built once, kept as a folder of arrays, mapped into memory by every worker.

It holds the texts with file, record and kind; the grams of all texts with their information; the runs of `ngram` grams of texts that are
long enough; and where the whole shorter texts begin (by their first 3, 4 and 5 grams). For report modes it holds runs of five
grams and runs in which every number is one slot besides.

The folder stands in the user's cache (`$XDG_CACHE_HOME/mathcode-data`, else `~/.cache/mathcode-data`) under a fingerprint of rules and
contents, so changed benchmarks or rules make another one; what cannot be written there is built in memory.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_data.core import text as core_text
from mathcode_data.core.arrays import is_whole_array
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.gram_scanner import gram_hashes_of, scan_grams
from mathcode_data.core.storage import fsync_folder, read_json, sha256_file, write_json
from mathcode_data.stages.decontaminate.benchmarks import BenchmarkText, Fields, benchmark_files, field_names, group_files, read_benchmark
from mathcode_data.stages.decontaminate.escapes import plain_text, without_escapes
from mathcode_data.stages.decontaminate.information import bits_of_grams
from mathcode_data.stages.decontaminate.parts import filter_of_parts
from mathcode_data.stages.decontaminate.runs import RunTable, keys_of, make_table

LAYOUT = "9"  # raised when an array of the index, or what stands in it, changes
BATCH_CHARACTERS = 1 << 22
IDF_NGRAM = 5
MAX_PREFIX = 5
GRAM_BYTES = 8
NO_BRACKETS = re.compile(r"[^\w()\[\]{}|]+")


@dataclass(frozen=True)
class Rules:
    """What is put in the index."""

    ngram: int
    min_ngram: int
    max_items: int
    short_texts: str
    with_idf: bool = False
    with_slots: bool = False


@dataclass(frozen=True)
class Texts:
    """All benchmark texts, one after the other."""

    grams: NDArray[np.uint64]
    bits: NDArray[np.uint8]
    """Information of each gram, in eighths of a bit."""
    first: NDArray[np.int64]
    """Where the grams of each text begin; shape (texts + 1,)."""
    file: NDArray[np.int32]
    record: NDArray[np.int64]
    is_question: NDArray[np.bool_]
    is_option: NDArray[np.bool_]
    is_form: NDArray[np.bool_]
    """Whether the same text stands in `max_items` items of its file."""
    raw: NDArray[np.uint8]
    raw_first: NDArray[np.int64]

    def text(self, number: int) -> str:
        """The text as the benchmark has it."""
        return self.raw[self.raw_first[number] : self.raw_first[number + 1]].tobytes().decode("utf-8", "replace")

    def plain(self, number: int) -> str:
        """The text as its grams were read, without escapes of strings."""
        return plain_text(self.text(number))

    def size(self, number: int) -> int:
        """How many grams it has."""
        return int(self.first[number + 1] - self.first[number])


@dataclass(frozen=True)
class BenchmarkIndex:
    """All benchmark texts, ready to be looked up."""

    rules: Rules
    names: list[str]
    texts: Texts
    runs: RunTable
    run_is_form: NDArray[np.bool_]
    """Whether a run stands in `max_items` items of one file."""
    shorts: dict[int, RunTable]
    """By length, the first grams of the whole texts shorter than `ngram`."""
    short_heads: NDArray[np.uint64]
    """A filter of the parts of the first `min_ngram` grams of all of these."""
    idf: RunTable | None
    slots: RunTable | None
    slot_grams: NDArray[np.uint64]
    """The grams with every number as one; empty without such a table."""


def open_index(paths: Iterable[str], wanted: Fields, rules: Rules, cache: Path | None = None) -> BenchmarkIndex:
    """Open the index of these benchmarks, building it first where there is none; only one process builds.

    Raises:
        ConfigError: a path is missing or of an unknown kind.
        DataError: a file is damaged or has no text of `min_ngram` grams or more in the named fields.
    """
    files = benchmark_files(paths)
    contents = [[str(path), sha256_file(path)] for path in files]
    versions = [LAYOUT, core_text.VERSION, asdict(rules), sorted(wanted.questions), sorted(wanted.answers)]
    name = fingerprint([*versions, contents])
    root = cache or cache_folder()
    folder = root / name
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "index.json").exists():
                save(build_index(files, wanted, rules), folder)
    except (PermissionError, OSError) as error:
        if isinstance(error, ConfigError | DataError):
            raise
        return build_index(files, wanted, rules)
    return load(folder)


def cache_folder() -> Path:
    """Where indexes are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mathcode-data" / "benchmarks"


def build_index(files: list[Path], wanted: Fields, rules: Rules) -> BenchmarkIndex:
    """Read the benchmark files and make the tables."""
    texts, slot_grams = _collect(files, wanted, rules)
    sizes = np.diff(texts.first)
    text_of = np.repeat(np.arange(sizes.size), sizes)
    runs = _runs_of(texts.grams, text_of, rules.ngram)
    is_looked_for = _short_texts(texts, rules.short_texts)
    shorts = {}
    starts = texts.first[:-1][(sizes < rules.ngram) & is_looked_for]
    heads = filter_of_parts(texts.grams, starts, rules.min_ngram)
    for length in range(rules.min_ngram, min(rules.ngram, max(MAX_PREFIX, rules.min_ngram) + 1)):
        is_last = length == min(rules.ngram - 1, max(MAX_PREFIX, rules.min_ngram))
        fits = (sizes < rules.ngram) & (sizes >= length) if is_last else sizes == length
        starts = texts.first[:-1][fits & is_looked_for]
        if starts.size:
            shorts[length] = make_table(keys_of(texts.grams, length)[starts], starts, np.zeros(0, np.uint64))
    return BenchmarkIndex(
        rules,
        [name for name, _ in group_files(files)],
        texts,
        runs,
        _runs_that_are_form(runs, texts, text_of, rules.max_items),
        shorts,
        heads,
        _runs_of(texts.grams, text_of, IDF_NGRAM) if rules.with_idf else None,
        _runs_of(slot_grams, text_of, rules.ngram) if rules.with_slots else None,
        slot_grams,
    )


def _short_texts(texts: Texts, wanted: str) -> NDArray[np.bool_]:
    """Which texts count if they are short."""
    if wanted in ("questions", "none"):
        return texts.is_question & (wanted != "none")
    return ~texts.is_option | (wanted == "all")


def _collect(files: list[Path], wanted: Fields, rules: Rules) -> tuple[Texts, NDArray[np.uint64]]:
    """Read all texts of `min_ngram` grams or more."""
    grams: list[NDArray[np.uint64]] = []
    slotted: list[NDArray[np.uint64]] = []
    bits: list[NDArray[np.uint8]] = []
    kept: list[tuple[int, int, bool, bool]] = []
    forms: list[bool] = []
    raw: list[bytes] = []
    sizes: list[int] = []
    for number, (_, paths) in enumerate(group_files(files)):
        contents: list[bytes] = []
        before = len(kept)
        for item, path in enumerate(paths):
            in_file = len(kept)
            for batch in _batches(read_benchmark(path, wanted)):
                column = pa.array([text.text.encode("utf-8", "replace").decode() for text in batch], pa.large_string())
                plain, _ = without_escapes(column)
                hashes, ends = gram_hashes_of(plain)
                with_slots = scan_grams(plain, number_slots=True).hashes.copy() if rules.with_slots else hashes
                for place, text in enumerate(batch):
                    start, end = ends[place], ends[place + 1]
                    if end - start < rules.min_ngram:
                        continue
                    grams.append(hashes[start:end])
                    slotted.append(with_slots[start:end])
                    bits.append(bits_of_grams(core_text.grams(plain[place].as_py())))
                    contents.append(hashes[start:end].tobytes())
                    record = text.record if len(paths) == 1 else (item << 32) + text.record
                    kept.append((number, record, text.is_question, text.is_option))
                    raw.append(column[place].as_py().encode())
                    sizes.append(int(end - start))
            if len(kept) == in_file:
                raise DataError(
                    f"{path}: no text of {rules.min_ngram} or more grams in the fields {', '.join([*wanted.questions, *wanted.answers])}; "
                    f"its fields are {', '.join(field_names(path))}: name the right ones with question_fields and answer_fields"
                )
        own = [(content, is_question, record) for content, (_, record, is_question, _) in zip(contents, kept[before:], strict=True)]
        items = Counter((content, is_question) for content, is_question, _ in dict.fromkeys(own))
        is_form = [items[content, is_question] >= rules.max_items for content, is_question, _ in own]
        forms += _forms_by_brackets(own, is_form, raw[before:], rules)
    columns = list(zip(*kept, strict=True))
    texts = Texts(
        np.concatenate(grams),
        np.concatenate(bits),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.array(columns[0], np.int32),
        np.array(columns[1], np.int64),
        np.array(columns[2], bool),
        np.array(columns[3], bool),
        np.array(forms, bool),
        np.frombuffer(b"".join(raw), np.uint8),
        np.concatenate([[0], np.cumsum([len(part) for part in raw])]).astype(np.int64),
    )
    return texts, np.concatenate(slotted) if rules.with_slots else np.zeros(0, np.uint64)


def _forms_by_brackets(own: list[tuple[bytes, bool, int]], is_form: list[bool], raw: list[bytes], rules: Rules) -> list[bool]:
    """Of short texts of a benchmark with the same grams, those are its form that have the same brackets as well."""
    signed: dict[int, tuple[str, bool]] = {}
    for place, (content, is_question, _) in enumerate(own):
        if is_form[place] and len(content) < rules.ngram * GRAM_BYTES:
            signed[place] = (NO_BRACKETS.sub(" ", core_text.normalise(raw[place].decode())), is_question)
    items = Counter(text for text, _ in dict.fromkeys((text, own[place][2]) for place, text in signed.items()))
    return [known and (place not in signed or items[signed[place]] >= rules.max_items) for place, known in enumerate(is_form)]


def _batches(texts: Iterable[BenchmarkText]) -> Iterator[list[BenchmarkText]]:
    batch: list[BenchmarkText] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text.text)
        if size > BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _runs_of(grams: NDArray[np.uint64], text_of: NDArray[np.int64], n: int) -> RunTable:
    keys = keys_of(grams, n)
    starts = np.flatnonzero(text_of[: keys.size] == text_of[n - 1 :])
    return make_table(keys[starts], starts, filter_of_parts(grams, starts, n))


def _runs_that_are_form(runs: RunTable, texts: Texts, text_of: NDArray[np.int64], max_items: int) -> NDArray[np.bool_]:
    """Which runs stand in many items of one file."""
    is_form = np.zeros(runs.keys.size, bool)
    if not runs.keys.size:
        return is_form
    run_of = np.repeat(np.arange(runs.keys.size), np.diff(runs.first))
    text = text_of[runs.places]
    file, record = texts.file[text], texts.record[text]
    order = np.lexsort((record, file, run_of))
    run_of, file, record = run_of[order], file[order], record[order]
    new_file = np.append(True, (run_of[1:] != run_of[:-1]) | (file[1:] != file[:-1]))
    new_item = np.append(True, new_file[1:] | (record[1:] != record[:-1]))
    starts = np.flatnonzero(new_file)
    is_form[run_of[starts[np.add.reduceat(new_item.astype(np.int64), starts) >= max_items]]] = True
    return is_form


def save(index: BenchmarkIndex, folder: Path) -> None:
    """Write the index as a folder, whole or not at all."""
    scratch = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        for part in fields(Texts):
            np.save(scratch / f"texts-{part.name}.npy", getattr(index.texts, part.name))
        np.save(scratch / "run_is_form.npy", index.run_is_form)
        np.save(scratch / "slot_grams.npy", index.slot_grams)
        np.save(scratch / "short_heads.npy", index.short_heads)
        for name, table in _tables(index).items():
            for column, values in table._asdict().items():
                np.save(scratch / f"{name}-{column}.npy", values)
        if cut := [path for path in scratch.glob("*.npy") if not is_whole_array(path)]:
            raise OSError(errno.EIO, "not all of the array got to the disk", str(cut[0]))
        write_json(scratch / "index.json", {"rules": asdict(index.rules), "names": index.names, "tables": sorted(_tables(index))})
        fsync_folder(scratch)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _tables(index: BenchmarkIndex) -> dict[str, RunTable]:
    tables = {"runs": index.runs, "idf": index.idf, "slots": index.slots} | {f"short{n}": table for n, table in index.shorts.items()}
    return {name: table for name, table in tables.items() if table is not None}


def load(folder: Path) -> BenchmarkIndex:
    """Map an index into memory; pages are read when they are touched and shared by all processes of a machine."""
    about = read_json(folder / "index.json")

    def array(name: str) -> NDArray[np.generic]:
        path = folder / f"{name}.npy"
        values = np.load(path, mmap_mode="r") if path.stat().st_size > 4096 else np.load(path)
        values = np.asarray(values)
        values.setflags(write=False)
        return values

    def table(name: str) -> RunTable:
        return RunTable(*(array(f"{name}-{column}") for column in RunTable._fields))  # type: ignore[arg-type]

    texts = Texts(**{part.name: array(f"texts-{part.name}") for part in fields(Texts)})  # type: ignore[arg-type]
    tables = {name: table(name) for name in about["tables"]}
    shorts = {int(name[5:]): tables[name] for name in sorted(tables) if name.startswith("short")}
    return BenchmarkIndex(
        Rules(**about["rules"]), about["names"], texts, tables["runs"], array("run_is_form"), shorts,  # type: ignore[arg-type]
        array("short_heads"), tables.get("idf"), tables.get("slots"), array("slot_grams"),  # type: ignore[arg-type]
    )  # fmt: skip
