"""Batches from a mixture by position: global batch k is positions [k G, (k + 1) G), whatever the number of processes.

So the whole state of the data is one integer, and a run goes on at any data-parallel size with the same batches.
"""

# B micro-batch, S sequence

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.mixture.prefetch import Prefetch

Rows = tuple[NDArray[Any], NDArray[np.int16], list[NDArray[np.int64]], NDArray[np.bool_]]
"""Tokens (B, S + 1), source of each row, per row the positions at which a document begins, and which labels (B, S) count."""


class TrainingData(Protocol):
    """What the trainer asks of a mixture; `mixture.dataset.MixtureDataset` is one."""

    sequence_length: int
    fingerprint: str
    source_names: list[str]
    info: dict[str, Any]
    """Content of mixture.json; `stages` and, per source, `bytes_per_token` are used where they are there."""

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def batch(self, positions: Sequence[int] | NDArray[np.int64]) -> Rows:
        """Samples at some positions."""
        ...

    def holdout(self, source: str) -> NDArray[np.int64]:
        """Windows of a source that are in no sample."""
        ...

    def holdout_batch(self, source: str, windows: NDArray[np.int64]) -> Rows:
        """Samples of held-out windows."""
        ...


@dataclass(frozen=True)
class Batch:
    """A micro-batch on the host."""

    tokens_BS1: NDArray[np.int64]  # noqa: N815
    sources_B: NDArray[np.int64]  # noqa: N815
    document_starts: list[NDArray[np.int64]]
    is_target_BS: NDArray[np.bool_]  # noqa: N815
    """Labels that count in the loss: all, but for padding and the beginnings of pieces in packed samples."""


@dataclass(frozen=True)
class BatchPlan:
    """Which positions each step trains on. The last step may be short: no sample of the mixture is left out."""

    num_samples: int
    global_batch_samples: int

    @property
    def num_steps(self) -> int:
        """Steps of the run."""
        return -(-self.num_samples // self.global_batch_samples)

    def positions(self, step: int, rank: int = 0, world_size: int = 1) -> range:
        """Positions that process `rank` of `world_size` takes in a step (from 0).

        Ranks take neighbouring blocks in rank order, whose sizes differ by one sample at most.

        >>> [list(BatchPlan(10, 4).positions(2, rank, 2)) for rank in (0, 1)]
        [[8], [9]]
        """
        assert 0 <= rank < world_size, f"rank {rank} of {world_size}"
        start = step * self.global_batch_samples
        stop = min(start + self.global_batch_samples, self.num_samples)
        size = stop - start
        return range(start + size * rank // world_size, start + size * (rank + 1) // world_size)

    def micro_batches(self, step: int, micro_batch_samples: int, rank: int = 0, world_size: int = 1) -> list[range]:
        """The same positions in pieces of at most `micro_batch_samples`; as many pieces on every rank, so the last may be empty."""
        mine = self.positions(step, rank, world_size)
        most = -(-len(self.positions(step)) // world_size)  # the samples of the rank with most
        return [mine[start : start + micro_batch_samples] for start in range(0, most, micro_batch_samples)]


def plan_batches(num_samples: int, sequence_length: int, global_batch_samples: int, max_tokens: int | None) -> BatchPlan:
    """Cut the mixture, or its first `max_tokens`, into steps.

    Raises:
        ConfigError: nothing is left to train on.
    """
    if max_tokens is not None:
        num_samples = min(num_samples, max_tokens // sequence_length)
    if num_samples == 0:
        raise ConfigError(f"max_tokens {max_tokens} is less than one sample of {sequence_length} tokens; raise it")
    return BatchPlan(num_samples, global_batch_samples)


def make_batch(rows: Rows, vocab_size: int, where: str) -> Batch:
    """Widen the tokens to int64 and check them.

    Raises:
        DataError: a token id is outside the model's vocabulary.
    """
    tokens, sources, document_starts, is_target = rows
    if tokens.size and not 0 <= int(tokens.min()) <= int(tokens.max()) < vocab_size:
        row, column = np.argwhere((tokens < 0) | (tokens >= vocab_size))[0]
        raise DataError(
            f"{where}: row {row}, token {column}: id {tokens[row, column]} is outside the model's vocabulary of {vocab_size}; "
            "set model.vocab_size to that of the mixture's tokenizer"
        )
    return Batch(tokens.astype(np.int64), np.asarray(sources, dtype=np.int64), document_starts, is_target)


class Prefetcher:
    """Reads the coming micro-batches in a thread while the present one is computed; counts the seconds it was waited for.

    For an empty range of positions it gives one sample all the same: the process computes with weight 0 what its neighbours wait for.
    """

    def __init__(self, data: TrainingData, requests: Iterable[range], vocab_size: int) -> None:
        """Begin to read; `requests` are the positions of the coming micro-batches in order."""

        def read(positions: range) -> Batch:
            chosen = positions or range(first := min(positions.start, len(data) - 1), first + 1)
            rows = data.batch(np.arange(chosen.start, chosen.stop, dtype=np.int64))
            return make_batch(rows, vocab_size, f"mixture positions {positions.start}..{positions.stop - 1}")

        self._batches = Prefetch(read, requests)

    @property
    def waited_s(self) -> float:
        """Seconds that `next` waited."""
        return self._batches.waited_s

    def next(self) -> Batch:
        """The next micro-batch."""
        return next(self._batches)

    def close(self) -> None:
        """Stop reading."""
        self._batches.close()
