"""Batches out of a mixture: MixtureDataset beside megatron-core's BlendedDataset of GPTDatasets, on the same shards.

Both read the samples of positions 0, 1, 2, ... from files that lie in the page cache, so what is measured is work, not
the disk. Megatron's `dataset[i]` also makes labels, loss mask and position ids; its share that only reads the tokens is
a contender of its own. Both sides end with one array of tokens per batch.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from harness import Bench, Options, SkipError

SEQUENCE_LENGTH = 4096
BATCH_SAMPLES = 8
NUM_SAMPLES = 4000
WEIGHTS = {"code": 0.7, "math": 0.3}
VOCAB = 50_000
MEAN_DOCUMENT_TOKENS = 1_000


def write_shards(folder: Path, num_samples: int) -> dict[str, Path]:
    """One shard per source, with enough random tokens that nothing repeats."""
    from mathcode_data.shards.writer import ShardWriter

    generator = np.random.default_rng(0)
    prefixes = {}
    for name, weight in WEIGHTS.items():
        num_tokens = int(num_samples * weight * 1.1 + 2) * SEQUENCE_LENGTH
        lengths = generator.integers(1, 2 * MEAN_DOCUMENT_TOKENS, 2 * num_tokens // (2 * MEAN_DOCUMENT_TOKENS) + 1)
        prefixes[name] = folder / f"{name}-00000"
        with ShardWriter(prefixes[name], np.uint16) as writer:
            writer.add_many(generator.integers(1, VOCAB, int(lengths.sum()), dtype=np.uint16), lengths)
    return prefixes


def build_ours(folder: Path, prefixes: dict[str, Path], num_samples: int) -> Any:
    """A mixture of the shards, opened."""
    from mathcode_data.mixture.build import build_mixture
    from mathcode_data.mixture.dataset import MixtureDataset
    from mathcode_data.mixture.recipe import load_recipe
    from mathcode_data.mixture.sources import source_from_path

    sources = "".join(f"  {name}: {{shards: {path.name}}}\n" for name, path in prefixes.items())
    tokens = ", ".join(f"{name}: {int(num_samples * weight) * SEQUENCE_LENGTH}" for name, weight in WEIGHTS.items())
    path = folder / "mixture.yaml"
    path.write_text(
        f"name: bench\nseed: 1\nsequence_length: {SEQUENCE_LENGTH}\nsources:\n{sources}stages:\n  - {{name: mixed, tokens: {{{tokens}}}}}\n"
    )
    recipe, file = load_recipe(path)
    build_mixture(recipe, [source_from_path(name, prefix) for name, prefix in prefixes.items()], folder / "mixture", file=file)
    return MixtureDataset(folder / "mixture")


class Tokenizer:
    """What Megatron asks of one."""

    eod = 0
    pad = 0
    vocab_size = VOCAB
    unique_identifiers = {"class": "bench"}


def build_peer(prefixes: dict[str, Path], num_samples: int) -> Any:
    """Megatron's blend of the shards.

    Raises:
        SkipError: megatron-core or torch is absent.
    """
    try:
        from megatron.core.datasets.blended_megatron_dataset_builder import BlendedMegatronDatasetBuilder
        from megatron.core.datasets.gpt_dataset import GPTDataset, GPTDatasetConfig
    except ImportError as error:
        raise SkipError(f"the peer needs a package that is not installed: {error}") from error
    logging.getLogger("megatron").setLevel(logging.ERROR)
    config = GPTDatasetConfig(
        random_seed=1, sequence_length=SEQUENCE_LENGTH, blend=([str(path) for path in prefixes.values()], list(WEIGHTS.values())),
        split="100,0,0", path_to_cache=None, tokenizer=Tokenizer(), reset_position_ids=False, reset_attention_mask=False,
        eod_mask_loss=False, create_attention_mask=False, mmap_bin_files=True,
    )  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        return BlendedMegatronDatasetBuilder(GPTDataset, [num_samples, 0, 0], lambda: True, config).build()[0]


def run(options: Options) -> Bench:
    """Read all samples in batches."""
    num_samples = options.scaled(NUM_SAMPLES) // BATCH_SAMPLES * BATCH_SAMPLES or BATCH_SAMPLES
    prefixes = write_shards(options.scratch, num_samples)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = build_peer(prefixes, num_samples)
    ours = build_ours(options.scratch, prefixes, num_samples)
    num_samples = min(num_samples, len(ours), len(theirs)) // BATCH_SAMPLES * BATCH_SAMPLES
    starts = range(0, num_samples, BATCH_SAMPLES)

    def read_ours() -> dict[str, int]:
        return {"tokens": sum(ours.batch(range(start, start + BATCH_SAMPLES))[0].size for start in starts)}

    def read_tokens() -> dict[str, int]:
        total = 0
        for start in starts:
            rows = []
            for position in range(start, start + BATCH_SAMPLES):
                dataset = theirs.datasets[theirs.dataset_index[position]]
                rows.append(dataset._query_document_sample_shuffle_indices(theirs.dataset_sample_index[position])[0])
            total += np.stack(rows).size
        return {"tokens": total}

    def read_samples() -> dict[str, int]:
        total = 0
        for start in starts:
            rows = [theirs[position] for position in range(start, start + BATCH_SAMPLES)]
            total += np.stack([row["tokens"].numpy() for row in rows]).size
        return {"tokens": total}

    bench = Bench("loader", {"sequence_length": SEQUENCE_LENGTH, "samples": num_samples, "batch_samples": BATCH_SAMPLES,
                             "sources": len(WEIGHTS), "mean_document_tokens": MEAN_DOCUMENT_TOKENS})  # fmt: skip
    contenders = {"MixtureDataset.batch": read_ours, "megatron tokens alone": read_tokens, "megatron BlendedDataset[i]": read_samples}
    bench.facts = bench.race(contenders, "token", num_samples * SEQUENCE_LENGTH, repeats=options.repeats)
    return bench
