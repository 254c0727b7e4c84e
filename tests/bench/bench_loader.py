"""Batches out of a mixture: MixtureDataset beside megatron-core's BlendedDataset of GPTDatasets, on the same shards.

Ours is read from a mixture with index files, from the same one without (`index: virtual`), by byte ranges of a file:// URL
through the block cache (warm, as the page cache is), and, like the peer, in a PyTorch DataLoader of two forked workers, where
both pay for starting them and for handing tensors over. Both read the samples of positions 0, 1, 2, ... from files that lie in
the page cache, so what is measured is work, not the disk. Megatron's `dataset[i]` also makes labels, loss mask and position
ids; its share that only reads the tokens is a contender of its own. Both sides end with one array of tokens per batch.
The shards are a result of ours, so ours compares blocks with their hashes as by default (`sampled`: each MiB once); without
that, and with every block at its first touch, it runs as contenders of their own.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from functools import partial
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
NUM_WORKERS = 2
REMOTE_CACHE_BYTES = 1 << 30


def write_shards(folder: Path, num_samples: int) -> dict[str, Path]:
    """One shard per source, a result of ours each, with enough random tokens that nothing repeats."""
    from mathcode_data.shards.writer import ShardWriter

    generator = np.random.default_rng(0)
    prefixes = {}
    for name, weight in WEIGHTS.items():
        num_tokens = int(num_samples * weight * 1.1 + 2) * SEQUENCE_LENGTH
        lengths = generator.integers(1, 2 * MEAN_DOCUMENT_TOKENS, 2 * num_tokens // (2 * MEAN_DOCUMENT_TOKENS) + 1)
        prefixes[name] = folder / name / f"{name}-00000"
        prefixes[name].parent.mkdir()
        with ShardWriter(prefixes[name], np.uint16) as writer:
            writer.add_many(generator.integers(1, VOCAB, int(lengths.sum()), dtype=np.uint16), lengths)
        make_result(prefixes[name].parent)
    return prefixes


def make_result(folder: Path) -> None:
    """Let the shards be a result of ours, so that block hashes are there to be checked."""
    from mathcode_data.core.blocks import BLOCKS_NAME, hash_file, pack_blocks
    from mathcode_data.core.manifest import Manifest, Shard, write_manifest
    from mathcode_data.core.storage import sha256_bytes

    found = {path.name: (path.stat().st_size, *hash_file(path)) for path in sorted(folder.iterdir())}
    content = pack_blocks({name: blocks for name, (_, _, blocks) in found.items()})
    (folder / BLOCKS_NAME).write_bytes(content)
    record = {"name": BLOCKS_NAME, "bytes": len(content), "sha256": sha256_bytes(content)}
    shards = [Shard(name, size, sha256) for name, (size, sha256, _) in found.items()]
    write_manifest(folder, Manifest("tokens", [], "f" * 32, [], shards, [], {"tokenizer_sha256": "a" * 64}, block_hashes=record))


def build_ours(folder: Path, prefixes: dict[str, Path], num_samples: int, index: str = "written") -> Any:
    """A mixture of the shards, opened."""
    from mathcode_data.mixture.build import build_mixture
    from mathcode_data.mixture.dataset import MixtureDataset
    from mathcode_data.mixture.recipe import load_recipe
    from mathcode_data.mixture.sources import source_from_path

    sources = "".join(f"  {name}: {{shards: {path.parent.name}}}\n" for name, path in prefixes.items())
    tokens = ", ".join(f"{name}: {int(num_samples * weight) * SEQUENCE_LENGTH}" for name, weight in WEIGHTS.items())
    path = folder / "mixture.yaml"
    path.write_text(
        f"name: bench\nseed: 1\nindex: {index}\nsequence_length: {SEQUENCE_LENGTH}\nsources:\n{sources}"
        f"stages:\n  - {{name: mixed, tokens: {{{tokens}}}}}\n"
    )
    recipe, file = load_recipe(path)
    output = folder / f"mixture-{index}"
    build_mixture(recipe, [source_from_path(name, prefix.parent) for name, prefix in prefixes.items()], output, file=file)
    return MixtureDataset(output)


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


def open_remote(folder: Path) -> Any:
    """The same mixture behind a file:// URL, its blocks in the cache after the warm-up; None without fsspec."""
    from mathcode_data.core.errors import ConfigError
    from mathcode_data.mixture.dataset import MixtureDataset

    try:
        return MixtureDataset(f"file://{folder}", cache_bytes=REMOTE_CACHE_BYTES)
    except ConfigError:
        return None


def read_batches(dataset: Any, starts: range) -> dict[str, int]:
    """All samples by `MixtureDataset.batch`."""
    return {"tokens": sum(dataset.batch(range(start, start + BATCH_SAMPLES))[0].size for start in starts)}


def read_fresh(folder: Path, starts: range) -> dict[str, int]:
    """All samples by a dataset that was just opened, so that each block is at its first touch."""
    from mathcode_data.mixture.dataset import MixtureDataset

    with MixtureDataset(folder, check_shards=False, check_index=False, check_blocks="full") as dataset:
        return read_batches(dataset, starts)


def read_loader(dataset: Any, num_samples: int, **options: Any) -> dict[str, int]:
    """All samples by a DataLoader; `input_ids` or `tokens` are counted."""
    from torch.utils.data import DataLoader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loader = DataLoader(dataset, num_workers=NUM_WORKERS, multiprocessing_context="fork", **options)
        total = sum(batch["labels"].numel() for batch in loader)
    assert total == num_samples * SEQUENCE_LENGTH, f"{total} labels of {num_samples} samples"
    return {"tokens": total}


def run(options: Options) -> Bench:
    """Read all samples in batches."""
    import torch

    from mathcode_data.mixture.collate import collate
    from mathcode_data.mixture.dataset import MixtureDataset
    from mathcode_data.mixture.elastic import ElasticBatches

    num_samples = options.scaled(NUM_SAMPLES) // BATCH_SAMPLES * BATCH_SAMPLES or BATCH_SAMPLES
    prefixes = write_shards(options.scratch, num_samples)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = build_peer(prefixes, num_samples)
    ours = build_ours(options.scratch, prefixes, num_samples)
    virtual = build_ours(options.scratch, prefixes, num_samples, "virtual")
    unchecked = MixtureDataset(ours.folder, check_blocks="off")
    remote = open_remote(options.scratch / "mixture-virtual")
    num_samples = min(num_samples, len(ours), len(theirs)) // BATCH_SAMPLES * BATCH_SAMPLES
    starts = range(0, num_samples, BATCH_SAMPLES)

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
                             "sources": len(WEIGHTS), "mean_document_tokens": MEAN_DOCUMENT_TOKENS, "workers": NUM_WORKERS})  # fmt: skip
    contenders = {
        "MixtureDataset.batch": lambda: read_batches(ours, starts),
        "megatron tokens alone": read_tokens,
        "megatron BlendedDataset[i]": read_samples,
        "MixtureDataset.batch, index: virtual": lambda: read_batches(virtual, starts),
        "MixtureDataset.batch, check_blocks: off": lambda: read_batches(unchecked, starts),
        "MixtureDataset.batch, check_blocks: full": lambda: read_fresh(ours.folder, starts),
    }
    if remote is not None:
        contenders["MixtureDataset.batch, file:// and block cache"] = lambda: read_batches(remote, starts)
    bench.facts = bench.race(contenders, "token", num_samples * SEQUENCE_LENGTH, repeats=options.repeats)
    batches = ElasticBatches(num_samples, BATCH_SAMPLES)
    loaders = {
        "DataLoader of MixtureDataset": lambda: read_loader(
            ours, num_samples, batch_sampler=batches, collate_fn=partial(collate, convert=torch.from_numpy)
        ),
        "DataLoader of megatron BlendedDataset": lambda: read_loader(theirs, num_samples, batch_sampler=batches),
    }
    bench.facts |= bench.race(loaders, "token", num_samples * SEQUENCE_LENGTH, repeats=options.repeats)
    return bench
