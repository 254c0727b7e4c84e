"""The index of a mixture: build-mixture beside what megatron-core does for the same samples, both written to disk.

550 B tokens in windows of 4096 are 134 M samples of three sources. Ours: plan, order, windows, hashes, three files.
Megatron: per source the shuffled document index, sample index and shuffle index, then the blend; its C++ and numpy calls
as GPTDataset and BlendedDataset make them, each saved with numpy.save. Documents have 8,192 tokens there, which is kind to
Megatron: its document index grows with their number, ours has none. The shards are sparse files of zeros.

The same for 64 sources of unequal size, where Megatron's blend weighs all of them for each sample. A third benchmark races the
order alone, in memory, for 2 to 128 sources.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from harness import Bench, Options, SkipError

SEQUENCE_LENGTH = 4096
NUM_SAMPLES = 134_277_343
SHARES = {"code": 0.6, "math": 0.3, "text": 0.1}
DOCUMENT_TOKENS = 8192
SEQUENCE_TOKENS = 1 << 30
SHARD_SEQUENCES = 8
MANY_SOURCES = 64
ORDER_SAMPLES = 10_000_000
ORDER_SOURCES = (2, 16, 128)


def write_sparse_source(folder: Path, name: str, num_tokens: int) -> Path:
    """Shards of so many zeros that take no room on the disk."""
    from mathcode_data.shards.format import HEADER, MAGIC, TOKEN_CODES, VERSION, bin_path, idx_path

    folder.mkdir(parents=True)
    number = 0
    while num_tokens > 0:
        lengths = []
        while num_tokens > 0 and len(lengths) < SHARD_SEQUENCES:
            lengths.append(min(SEQUENCE_TOKENS, num_tokens))
            num_tokens -= lengths[-1]
        prefix = folder / f"{name}-{number:05d}"
        sizes = np.array(lengths, dtype=np.int64) * 2
        with bin_path(prefix).open("wb") as file:
            file.truncate(int(sizes.sum()))
        with idx_path(prefix).open("wb") as file:
            file.write(HEADER.pack(MAGIC, VERSION, TOKEN_CODES["uint16"], len(lengths), len(lengths) + 1))
            for array in (np.array(lengths, "<i4"), (np.cumsum(sizes) - sizes).astype("<i8"), np.arange(len(lengths) + 1, dtype="<i8")):
                file.write(array.tobytes())
        number += 1
    return folder


class Ours:
    """build-mixture of the sparse shards."""

    def __init__(self, folder: Path, counts: dict[str, int]) -> None:
        from mathcode_data.mixture.recipe import Recipe

        self.folder = folder
        for name, count in counts.items():
            write_sparse_source(folder / name, name, (count + count // 100) * SEQUENCE_LENGTH + 1)
        self.recipe = Recipe.model_validate({
            "name": "bench", "seed": 1, "sequence_length": SEQUENCE_LENGTH,
            "sources": {name: {"shards": str(folder / name)} for name in counts},
            "stages": [{"name": "mixed", "tokens": {name: count * SEQUENCE_LENGTH for name, count in counts.items()}}],
        })  # fmt: skip

    def build(self) -> dict[str, int]:
        """The whole command, shards looked at included."""
        from mathcode_data.mixture.build import build_mixture
        from mathcode_data.mixture.sources import source_from_path

        shutil.rmtree(self.folder / "mixture", ignore_errors=True)
        sources = [source_from_path(name, self.folder / name) for name in self.recipe.sources]
        info = build_mixture(self.recipe, sources, self.folder / "mixture")
        return {"samples": info["num_samples"], "bytes": sum(file.stat().st_size for file in (self.folder / "mixture").iterdir())}


class Megatron:
    """The calls of GPTDataset and BlendedDataset (reference/formats.md, sections 2 and 3)."""

    def __init__(self, folder: Path, counts: dict[str, int], helpers: Any) -> None:
        self.folder, self.counts, self.helpers = folder / "megatron", counts, helpers

    def build(self) -> dict[str, int]:
        """Three indices per source, then the blend."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        for name, count in self.counts.items():
            self._index_source(name, count)
        total = sum(self.counts.values())
        sources, entries = np.zeros(total, np.int16), np.zeros(total, np.int64)
        weights = np.array([count / total for count in self.counts.values()])
        self.helpers.build_blending_indices(sources, entries, weights, len(weights), total, False)
        np.save(self.folder / "dataset_index.npy", sources)
        np.save(self.folder / "dataset_sample_index.npy", entries)
        return {"samples": total, "bytes": sum(file.stat().st_size for file in self.folder.iterdir())}

    def _index_source(self, name: str, count: int) -> None:
        generator = np.random.RandomState(1234)
        sizes = np.full((count * SEQUENCE_LENGTH + 1) // DOCUMENT_TOKENS + 1, DOCUMENT_TOKENS, dtype=np.int32)
        documents = np.arange(sizes.size, dtype=np.int32)
        generator.shuffle(documents)
        np.save(self.folder / f"{name}-document_index.npy", documents)
        index = self.helpers.build_sample_idx_int32(sizes, documents, SEQUENCE_LENGTH, 1, int(sizes.size) * DOCUMENT_TOKENS, True, 1)
        np.save(self.folder / f"{name}-sample_index.npy", index)
        shuffled = np.arange(index.shape[0] - 1, dtype=np.uint32)
        generator.shuffle(shuffled)
        np.save(self.folder / f"{name}-shuffle_index.npy", shuffled)


def megatron_helpers() -> Any:
    """megatron-core's C++ index code.

    Raises:
        SkipError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from megatron.core.datasets import helpers_cpp
    except ImportError as error:
        raise SkipError(f"the peer needs a package that is not installed: {error}") from error
    return helpers_cpp


def many_shares() -> dict[str, float]:
    """Shares of 64 sources, the largest some twenty times the smallest."""
    parts = np.random.default_rng(0).random(MANY_SOURCES) + 0.05
    return {f"source-{number:02d}": float(part / parts.sum()) for number, part in enumerate(parts)}


def race_builds(options: Options, helpers: Any, name: str, shares: dict[str, float]) -> Bench:
    """Whole builds."""
    total = options.scaled(NUM_SAMPLES)
    counts = {source: int(total * share) for source, share in shares.items()}
    folder = options.scratch / name
    shutil.rmtree(folder, ignore_errors=True)
    ours, theirs = Ours(folder, counts), Megatron(folder, counts, helpers)
    bench = Bench(name, {"samples": sum(counts.values()), "sequence_length": SEQUENCE_LENGTH, "sources": len(counts)})
    labels = "mathcode-data build-mixture", "megatron-core index and blend"
    given = bench.race({labels[0]: ours.build, labels[1]: theirs.build}, "samples", sum(counts.values()), repeats=options.repeats)
    bench.facts = {f"bytes written by {label}": given[label]["bytes"] for label in labels}
    return bench


def race_orders(options: Options, helpers: Any) -> Bench:
    """The order alone, for several numbers of sources."""
    from mathcode_data.mixture.lattice import rows
    from mathcode_data.mixture.order import BLOCK_ROWS, WARM_UP_BYTES

    total = options.scaled(ORDER_SAMPLES)
    np.empty(WARM_UP_BYTES, dtype=np.uint8)  # as all_rows does
    bench = Bench("mixture_order", {"samples": total, "sources": list(ORDER_SOURCES)})
    for num_sources in ORDER_SOURCES:
        shares = np.random.default_rng(0).random(num_sources) + 0.05
        quotas = [max(int(share * total / shares.sum()), 1) for share in shares]
        size = sum(quotas)

        def ours(quotas: list[int] = quotas, size: int = size) -> int:
            return sum(rows(quotas, first, min(first + BLOCK_ROWS, size))[0].size for first in range(0, size, BLOCK_ROWS))

        def theirs(quotas: list[int] = quotas, size: int = size) -> int:
            sources, entries = np.zeros(size, np.int16), np.zeros(size, np.int64)
            helpers.build_exhaustive_blending_indices(sources, entries, np.array(quotas, np.int64), len(quotas))
            return size

        contenders: dict[str, Callable[[], int]] = {
            f"mathcode-data lattice, {num_sources} sources": ours, f"megatron-core greedy, {num_sources} sources": theirs,
        }  # fmt: skip
        bench.race(contenders, "samples", size, repeats=options.repeats)
    return bench


def run(options: Options) -> list[Bench]:
    """Both benchmarks."""
    helpers = megatron_helpers()
    return [
        race_builds(options, helpers, "mixture", SHARES), race_builds(options, helpers, "mixture_64_sources", many_shares()),
        race_orders(options, helpers),
    ]  # fmt: skip
