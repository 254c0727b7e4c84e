"""What a fastText model file says about itself, read without fastText: labels, sizes, and whether the file is whole.

fastText loads a cut file without a word and then answers 0.50001 with any label; here the sizes in the file are added up and
compared with the file's length. Layout of version 12 (facebookresearch/fastText, src/fasttext.cc, args.cc, dictionary.cc,
densematrix.cc, quantmatrix.cc, productquantizer.cc), all little-endian:

    i32 magic, i32 version | 12 x i32, f64 arguments | i32 entries, words, labels; i64 tokens, pruned
    per entry: text, NUL, i64 count, i8 kind (0 word, 1 label) | pruned x (i32, i32)
    u8 is_quantised, matrix | u8 is_output_quantised, matrix
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

from mathcode_data.core.errors import DataError

MAGIC = 793712314
VERSION = 12
ARGUMENTS = struct.Struct("<12id")
DICTIONARY = struct.Struct("<3i2q")
MODEL_SUPERVISED = 3
LOSS_SOFTMAX = 3
LABEL_PREFIX = b"__label__"
CENTROIDS = 256
KIND_LABEL = 1


@dataclass(frozen=True)
class ModelFacts:
    """What stands in the head of a model file."""

    labels: tuple[str, ...]
    """Without the prefix `__label__`, the most frequent first."""
    dim: int
    num_words: int
    bucket: int
    word_ngrams: int
    loss: int
    """fastText's number of it: 1 hs, 2 ns, 3 softmax, 4 ova."""
    max_subword: int
    """Longest subword; 0 for whole words only."""
    num_pruned: int
    """Negative: all rows are there."""
    is_quantised: bool
    entries_at: int
    """Where the first entry of the dictionary begins, as a byte offset."""
    matrices_at: int
    """Where the input matrix begins, as a byte offset."""

    @property
    def is_plain(self) -> bool:
        """Whether a score is the softmax of the mean of rows of whole words and n-grams, all of them there as they were learned."""
        whole = self.max_subword == 0 and self.num_pruned < 0 and not self.is_quantised
        return whole and self.loss == LOSS_SOFTMAX and len(self.labels) > 1


class _Reader:
    def __init__(self, buffer: mmap.mmap, path: Path) -> None:
        self.buffer, self.path, self.at = buffer, path, 0

    def take(self, layout: struct.Struct) -> tuple[int, ...]:
        if self.at + layout.size > len(self.buffer):
            raise DataError(f"{self.path}: ends at byte {len(self.buffer):,}, in the middle of its head; the model is cut, get it again")
        values = layout.unpack_from(self.buffer, self.at)
        self.at += layout.size
        return values

    def skip(self, num_bytes: int, what: str) -> None:
        if num_bytes < 0 or self.at + num_bytes > len(self.buffer):
            raise DataError(
                f"{self.path}: {len(self.buffer):,} bytes, but its {what} alone ends at byte {self.at + num_bytes:,}; "
                "the model is cut or damaged, get it again"
            )
        self.at += num_bytes


_TWO = struct.Struct("<2i")
_FLAG = struct.Struct("<B")
_SHAPE = struct.Struct("<2q")
_QUANTISED = struct.Struct("<B2qi")
_QUANTISER = struct.Struct("<4i")


def read_model_facts(path: Path) -> ModelFacts:
    """Read the head of a supervised fastText model and check that the file is as long as its parts.

    Raises:
        DataError: no fastText model, another version, not supervised, without labels, cut or with bytes behind its end.
    """
    if path.stat().st_size < _TWO.size:
        raise DataError(f"{path}: {path.stat().st_size} bytes; a fastText model is longer, get it again")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
        reader = _Reader(buffer, path)
        magic, version = reader.take(_TWO)
        if (magic, version) != (MAGIC, VERSION):
            raise DataError(f"{path}: begins with {magic}, {version}; a fastText model begins with {MAGIC}, {VERSION}; another format")
        dim, _, _, _, _, word_ngrams, loss, kind, bucket, _, max_subword, *_ = reader.take(ARGUMENTS)
        if kind != MODEL_SUPERVISED:
            raise DataError(f"{path}: a model of kind {kind}, needs {MODEL_SUPERVISED} (supervised); word vectors cannot classify")
        labels, num_words, num_pruned, entries_at = _dictionary(reader)
        matrices_at = reader.at
        is_quantised = buffer[matrices_at : matrices_at + 1] != b"\0"
        for part in ("input matrix", "output matrix"):
            _matrix(reader, part)
        if reader.at != len(buffer):
            raise DataError(f"{path}: {len(buffer):,} bytes, but its parts end at byte {reader.at:,}; the model is damaged, get it again")
    return ModelFacts(
        labels, dim, num_words, bucket, word_ngrams, loss, max_subword, num_pruned, is_quantised, entries_at, matrices_at
    )  # fmt: skip


def _dictionary(reader: _Reader) -> tuple[tuple[str, ...], int, int, int]:
    num_entries, num_words, num_labels, _, num_pruned = reader.take(DICTIONARY)
    if num_labels < 1 or num_words < 0 or num_entries != num_words + num_labels:
        raise DataError(f"{reader.path}: {num_entries} entries for {num_words} words and {num_labels} labels; the model is damaged")
    labels, entries_at = [], reader.at
    for _ in range(num_entries):
        end = reader.buffer.find(b"\0", reader.at)
        start = reader.at
        reader.skip(end + 1 - start if end >= 0 else -1, "dictionary")
        reader.skip(9, "dictionary")
        if reader.buffer[reader.at - 1] == KIND_LABEL:
            labels.append(reader.buffer[start:end].removeprefix(LABEL_PREFIX).decode("utf-8", "replace"))
    if len(labels) != num_labels:
        raise DataError(f"{reader.path}: {len(labels)} labels in the dictionary, {num_labels} announced; the model is damaged")
    reader.skip(8 * max(0, num_pruned), "list of pruned words")
    return tuple(labels), num_words, num_pruned, entries_at


def _matrix(reader: _Reader, part: str) -> None:
    (is_quantised,) = reader.take(_FLAG)
    if not is_quantised:
        rows, columns = reader.take(_SHAPE)
        reader.skip(4 * rows * columns if min(rows, columns) >= 0 else -1, part)
        return
    has_norms, rows, _, num_codes = reader.take(_QUANTISED)
    reader.skip(num_codes, part)
    _quantiser(reader, part)
    if has_norms:
        reader.skip(rows, part)
        _quantiser(reader, part)


def _quantiser(reader: _Reader, part: str) -> None:
    dim, *_ = reader.take(_QUANTISER)
    reader.skip(4 * dim * CENTROIDS, part)
