"""Fill-in-the-middle: cut a document in prefix, middle and suffix at two random places, and put the middle last.

    PSM   <prefix> prefix <suffix> suffix <middle> middle        DeepSeek-Coder, at a rate of 0.5
    SPM   <prefix> <suffix> suffix <middle> prefix middle        Bavarian et al. 2022, variant 2; `spm_share` of those

Which documents, in which way and where they are cut follows from `seed` and `doc_id` alone: the same on every machine, for any
sharding and order. Cuts fall between characters, or between lines. It works on whole documents, so it belongs after everything
that compares or cuts texts, and before `tokenize`, which makes one sequence of each document. Packing never reorders a
document, but cuts one that is longer than a training sample: `best_fit` only then, `concat` at every sample's end. Of a document
that was cut, the piece without sentinels reads as plain code and the one with the middle lacks what it should follow from; keep
documents short (`max_document_bytes` of `arrange.repository`) or leave long ones alone (`max_characters`).

The sentinels do not become text, where a document could forge them: `text` holds the three parts in their new order, and the
column `special_tokens` says where each sentinel belongs. `tokenize` puts their ids there, and refuses to begin with a tokenizer that
lacks them. Special tokens that stood in the document already move with the text around them, and so do the spans of `files`.

Facts: `fim_psm`, `fim_spm`, `fim_too_short`, `fim_too_long`, `fim_excluded`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from mathcode_data.core.config import Share
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import require_columns
from mathcode_data.core.errors import DataError, SetupError
from mathcode_data.core.stage import StageConfig
from mathcode_data.stages.arrange.marks import FILE_TYPE, FILES, MARK_TYPE, SPECIAL_TOKENS, FileSpan, Mark, set_column
from mathcode_data.stages.arrange.sentinels import PRESETS, Sentinels
from mathcode_data.stages.ids import id_words
from mathcode_data.stages.select.rank import keyed_hashes

VERSION = "1"
WORD = 1 << 64


class Config(StageConfig):
    """How many documents, how they are arranged, and what the sentinels are called."""

    rate: Share = 0.5
    """Share of the documents that are arranged."""
    spm_share: Share = 0.0
    """Share of those that are arranged as suffix, prefix, middle (SPM); the others as prefix, suffix, middle (PSM)."""
    cut: Literal["characters", "lines"] = "characters"
    """Where the cuts fall: between any two characters, or only where a line begins."""
    min_characters: int = Field(default=16, ge=2)
    """Shorter documents stay as they are."""
    max_characters: int | None = Field(default=None, ge=2)
    """Longer documents stay as they are; null: none is too long."""
    exclude_column: str | None = None
    """A column of true and false: documents where it is true stay as they are."""
    sentinels: Literal["deepseek-coder", "starcoder", "qwen2.5-coder"] = "deepseek-coder"
    """Whose names the special tokens have; `tokenize` checks that its tokenizer has them."""
    prefix_token: str | None = Field(default=None, min_length=1)
    """Special token before the prefix, with `suffix_token` and `middle_token` in the place of `sentinels`; null: of `sentinels`."""
    suffix_token: str | None = Field(default=None, min_length=1)
    """Special token before the suffix."""
    middle_token: str | None = Field(default=None, min_length=1)
    """Special token before the middle."""
    seed: int = Field(default=1, ge=0, lt=WORD)
    """Seed of all choices."""

    @model_validator(mode="after")
    def _names_all_or_none(self) -> Config:
        own = (self.prefix_token, self.suffix_token, self.middle_token)
        if any(own) and (not all(own) or len(set(own)) < len(own)):
            raise ValueError("prefix_token, suffix_token and middle_token go together and differ; give all three, or sentinels alone")
        return self

    @property
    def names(self) -> Sentinels:
        """The three special tokens."""
        if self.prefix_token and self.suffix_token and self.middle_token:
            return Sentinels(self.prefix_token, self.suffix_token, self.middle_token)
        return PRESETS[self.sentinels]


def build(config: Config) -> Fim:
    """Make the stage."""
    return Fim(config)


class Fim:
    """Rearranges some documents."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._num_parts = (_cutoff(config.rate), _cutoff(config.spm_share))

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Give back all rows, some rearranged."""
        require_columns(table.schema, {"doc_id": pa.string(), "text": pa.large_string()}, "arrange.fim")
        ids_N2 = id_words(table["doc_id"], "arrange.fim")
        chosen_N, spm_N, one_N, two_N = (
            keyed_hashes(ids_N2, self.config.seed, purpose).tolist() for purpose in ("fim", "spm", "first cut", "second cut")
        )
        excluded_N = self._excluded(table)
        texts = table["text"].to_pylist()
        marks: list[list[Mark]] = _lists(table, SPECIAL_TOKENS, MARK_TYPE)
        files: list[list[FileSpan]] | None = _lists(table, FILES, FILE_TYPE) if FILES in table.column_names else None
        for row in range(table.num_rows):
            if chosen_N[row] >= self._num_parts[0]:
                continue
            if excluded_N[row]:
                ledger.count("fim_excluded")
                continue
            size, longest = len(texts[row] or ""), self.config.max_characters
            if size < self.config.min_characters or (longest is not None and size > longest):
                ledger.count("fim_too_short" if size < self.config.min_characters else "fim_too_long")
                continue
            cuts = self._cuts(texts[row], one_N[row], two_N[row])
            is_spm = spm_N[row] < self._num_parts[1]
            ledger.count("fim_spm" if is_spm else "fim_psm")
            here = files[row] if files is not None else []
            texts[row], marks[row], spans = rearranged(texts[row], cuts, self.config.names, marks[row], here, is_spm=is_spm)
            if files is not None:
                files[row] = spans
        table = set_column(table, "text", texts, pa.large_string())
        table = set_column(table, SPECIAL_TOKENS, marks, MARK_TYPE)
        return table if files is None else set_column(table, FILES, files, FILE_TYPE)

    def _excluded(self, table: pa.Table) -> list[bool]:
        column = self.config.exclude_column
        if column is None:
            return [False] * table.num_rows
        if column not in table.column_names or table.schema.field(column).type != pa.bool_():
            found = ", ".join(f"{field.name} ({field.type})" for field in table.schema)
            raise SetupError(f"arrange.fim: exclude_column {column!r} must be a column of true and false; columns: {found}")
        return [bool(value) for value in pc.fill_null(table[column], False).to_pylist()]

    def _cuts(self, text: str, one: int, two: int) -> tuple[int, int]:
        """Two different places in a text, every pair alike."""
        if self.config.cut == "characters":
            return _pair(len(text) + 1, one, two)
        places = [0, *(place + 1 for place, sign in enumerate(text) if sign == "\n")]
        if places[-1] != len(text):
            places.append(len(text))
        first, last = _pair(len(places), one, two)
        return places[first], places[last]


def _cutoff(share: float) -> int:
    return int(share * WORD)


def _pair(num_places: int, one: int, two: int) -> tuple[int, int]:
    """Two different numbers below `num_places`, ascending, from two random words."""
    first = one * num_places >> 64
    second = two * (num_places - 1) >> 64
    second += second >= first
    return min(first, second), max(first, second)


def _lists(table: pa.Table, name: str, kind: pa.DataType) -> list[list[Any]]:
    if name not in table.column_names:
        return [[] for _ in range(table.num_rows)]
    require_columns(table.schema, {name: kind}, "arrange.fim")
    return [list(value or []) for value in table[name].to_pylist()]


def rearranged(
    text: str, cuts: tuple[int, int], names: Sentinels, marks: Sequence[Mark], files: Sequence[FileSpan], *, is_spm: bool = False
) -> tuple[str, list[Mark], list[FileSpan]]:
    """Put the middle of a text last.

    Args:
        text: the document.
        cuts: where the middle begins and ends, in characters.
        names: the sentinels.
        marks: special tokens of the document.
        files: spans of its files.
        is_spm: the suffix first.

    Returns:
        The new text, special tokens and spans.

    >>> rearranged("abcdef", (2, 3), Sentinels("P", "S", "M"), [], [])[:2]
    ('abdefc', [{'at': 0, 'token': 'P'}, {'at': 2, 'token': 'S'}, {'at': 5, 'token': 'M'}])
    >>> rearranged("abcdef", (2, 3), Sentinels("P", "S", "M"), [], [], is_spm=True)[:2]
    ('defabc', [{'at': 0, 'token': 'P'}, {'at': 0, 'token': 'S'}, {'at': 3, 'token': 'M'}])
    """
    pieces = [text[: cuts[0]], text[cuts[0] : cuts[1]], text[cuts[1] :]]
    edges = [0, *np.cumsum([len(piece.encode()) for piece in pieces]).tolist()]
    if marks and not 0 <= min(mark["at"] for mark in marks) <= max(mark["at"] for mark in marks) <= edges[3]:
        raise DataError(
            f"arrange.fim: document {text[:40]!r}: a special token stands outside of its {edges[3]:,} bytes; mend the stage before"
        )
    order: list[tuple[tuple[str, ...], int]] = [((names.prefix,), 0), ((names.suffix,), 2), ((names.middle,), 1)]
    if is_spm:
        order = [((names.prefix, names.suffix), 2), ((names.middle,), 0), ((), 1)]
    moved: list[Mark] = []
    spans: list[FileSpan] = []
    position = 0
    for tokens, piece in order:
        low, high = list(pairwise(edges))[piece]
        moved += [{"at": position, "token": token} for token in tokens]
        # a token at a cut stands before what follows it; one at the end of the text goes with the suffix
        here = [mark for mark in marks if low <= mark["at"] < high or (piece == 2 and mark["at"] == high)]
        moved += [{"at": mark["at"] - low + position, "token": mark["token"]} for mark in here]
        for file in files:
            start, end = max(file["start"], low), min(file["end"], high)
            if start < end:
                spans.append({**file, "start": start - low + position, "end": end - low + position})
        position += high - low
    return "".join(pieces[piece] for _, piece in order), moved, spans
