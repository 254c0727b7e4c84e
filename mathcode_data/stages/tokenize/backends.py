"""Choose a back end and prove it: Hugging Face's library is the truth, and another one is used only where the ids agree.

The proof is made once per tokenizer, on `probe_texts` and on the first documents of the corpus, id by id. Then every task
compares a share of its documents (`encode`).
"""

# N texts, T tokens of all of them

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from mathcode_data.core.errors import ConfigError, DataError, is_panic
from mathcode_data.stages.tokenize.encoder import Encoder, HuggingFaceEncoder, Ids, with_special
from mathcode_data.stages.tokenize.probe_texts import probe_texts

AUTO: Final = "auto"
TRUTH = "hf"
FASTEST_FIRST = ("fastokens", "gigatoken")
SHOWN_IDS = 6


def make_encoder(backend: str, content: str, truth: HuggingFaceEncoder) -> Encoder:
    """Make the encoder of a back end.

    Raises:
        ConfigError: it is not installed.
        DataError: it cannot represent this tokenizer.
    """
    if backend == "fastokens":
        from mathcode_data.stages.tokenize.fastokens import FastokensEncoder

        return FastokensEncoder(content, truth)
    if backend == "gigatoken":
        from mathcode_data.stages.tokenize.gigatoken import GigatokenEncoder

        return GigatokenEncoder(content, truth)
    assert backend == TRUTH, f"unknown back end {backend!r}"
    return truth


def load_truth(path: Path, control: tuple[str, ...] = ()) -> HuggingFaceEncoder:
    """Load a tokenizer once per process; see `load_encoder`."""
    return _load_truth(path, path.stat().st_mtime_ns, control)


def load_encoder(path: Path, backend: str, control: tuple[str, ...] = ()) -> tuple[HuggingFaceEncoder, Encoder]:
    """Load a tokenizer and a back end once per process.

    Args:
        path: a `tokenizer.json`.
        backend: what encodes.
        control: added tokens that count as special whatever the file says.

    Returns:
        The truth, and the back end that is used (the same one for `hf`).

    Raises:
        ConfigError, DataError: as `make_encoder`.
    """
    return _load(path, path.stat().st_mtime_ns, backend, control)


@functools.lru_cache(maxsize=2)
def _load_truth(path: Path, _changed: int, control: tuple[str, ...]) -> HuggingFaceEncoder:
    return HuggingFaceEncoder(with_special(path.read_text(encoding="utf-8"), control))


@functools.lru_cache(maxsize=2)
def _load(path: Path, changed: int, backend: str, control: tuple[str, ...]) -> tuple[HuggingFaceEncoder, Encoder]:
    truth = _load_truth(path, changed, control)
    return truth, make_encoder(backend, with_special(path.read_text(encoding="utf-8"), control), truth)


@dataclass(frozen=True)
class Choice:
    """The back end that is used, and why others are not."""

    backend: str
    version: str
    refused: dict[str, str]


def choose_backend(
    path: Path, asked: str, texts: Sequence[str], doc_ids: Sequence[str], where: str, control: tuple[str, ...] = ()
) -> Choice:
    """Take the back end asked for, which must be there and agree; for `auto` the fastest that is there and agrees.

    Args:
        path: a `tokenizer.json` that was loaded in a child process before.
        asked: a back end, or `auto`.
        texts: first documents of the corpus; they are compared behind `probe_texts`.
        doc_ids: their names.
        where: for messages.
        control: added tokens that count as special.

    Raises:
        ConfigError: the back end asked for is not installed.
        DataError: it cannot represent the tokenizer, or gives other ids.
    """
    truth = load_truth(path, control)
    probes = probe_texts(truth.added_tokens)
    names = [*(f"probe text {number}" for number in range(len(probes))), *(f"document {doc_id}" for doc_id in doc_ids)]
    all_texts = [*probes, *texts]
    expected = truth.encode(all_texts) if asked != TRUTH else None
    refused: dict[str, str] = {}
    for backend in FASTEST_FIRST if asked == AUTO else (asked,):
        if expected is None or backend == TRUTH:
            continue
        try:
            encoder = _guarded(load_encoder, path, backend, control)[1]
            _guarded(compare, truth, encoder, all_texts, names, where, expected)
        except (ConfigError, DataError) as error:
            if asked != AUTO:
                raise
            refused[backend] = str(error)
            continue
        return Choice(backend, encoder.name, refused)
    return Choice(TRUTH, truth.name, refused)


def _guarded(function: Any, *arguments: Any) -> Any:
    """Call into a native library; a panic in there is a DataError."""
    try:
        return function(*arguments)
    except BaseException as error:
        if not is_panic(error):
            raise
        raise DataError(f"tokenize: the library failed on this tokenizer ({error}); set backend: hf") from error


def compare(
    truth: Encoder,
    other: Encoder,
    texts: Sequence[str],
    names: Sequence[str],
    where: str,
    expected: tuple[Ids, Any] | None = None,
) -> int:
    """Make sure that two back ends agree.

    Args:
        truth: the one that is right.
        other: the one that is tried.
        texts: what both encode.
        names: of the texts, for the message.
        where: for the message.
        expected: what `truth` gives, if that is known.

    Returns:
        The number of tokens compared.

    Raises:
        DataError: they give different ids; names the first such text.
    """
    ids_T, lengths_N = expected or truth.encode(texts)
    found_T, found_N = other.encode(texts)
    if not np.array_equal(ids_T, found_T) or not np.array_equal(lengths_N, found_N):
        right, wrong = (np.split(ids, np.cumsum(lengths)[:-1]) for ids, lengths in ((ids_T, lengths_N), (found_T, found_N)))
        for one, two, name, text in zip(right, wrong, names, texts, strict=True):
            if not np.array_equal(one, two):
                raise difference(one, two, truth, other, f"{where}: {name} {text[:40]!r}")
    return int(ids_T.size)


def difference(right: Ids, wrong: Ids, truth: Encoder, other: Encoder, where: str) -> DataError:
    """The error for a text that a back end encodes otherwise than Hugging Face."""
    size = min(right.size, wrong.size)
    unlike = np.flatnonzero(right[:size] != wrong[:size])
    at = int(unlike[0]) if unlike.size else size
    stretch = slice(at, at + SHOWN_IDS)
    return DataError(
        f"{where}: token {at}: {other.name} gives {wrong[stretch].tolist()}, {truth.name} gives {right[stretch].tolist()}; "
        "this back end is not exact for this tokenizer: set backend: hf"
    )
