"""Training on the CPU: tokens per second of the trainer's own loop on a mixture on the disk, and the share of time it waits for data.

The model is the preset dsm-0.5m on one thread, as in the study; its batches come through the trainer's reading thread from a mixture
with document boundaries. A contender without the trainer, the same shape as a plain PyTorch model by transformers, is measured beside it
where that package is there. `loader_wait_share` is to stay under 0.01.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import Bench, Options

SEQUENCE_LENGTH = 256
BATCH_SAMPLES = 32
VOCAB = 4096
STEPS = 6
WEIGHTS = {"code": 0.6, "math": 0.4}


def build(folder: Path, num_samples: int) -> Path:
    """A mixture of random tokens in documents of about 200."""
    from mathcode_data.mixture.build import build_mixture
    from mathcode_data.mixture.recipe import load_recipe
    from mathcode_data.mixture.sources import source_from_path
    from mathcode_data.shards.writer import ShardWriter

    generator = np.random.default_rng(0)
    for name in WEIGHTS:
        lengths = generator.integers(1, 400, 2 * num_samples * SEQUENCE_LENGTH // 200 + 2)
        with ShardWriter(folder / f"{name}-00000", np.uint16) as writer:
            writer.add_many(generator.integers(0, VOCAB, int(lengths.sum()), dtype=np.uint16), lengths)
    sources = "".join(f"  {name}: {{shards: {name}-00000}}\n" for name in WEIGHTS)
    tokens = ", ".join(f"{name}: {int(num_samples * weight) * SEQUENCE_LENGTH}" for name, weight in WEIGHTS.items())
    path = folder / "mixture.yaml"
    path.write_text(
        f"name: bench\nseed: 1\nsequence_length: {SEQUENCE_LENGTH}\nsources:\n{sources}stages:\n  - {{name: mixed, tokens: {{{tokens}}}}}\n"
    )
    recipe, file = load_recipe(path)
    build_mixture(recipe, [source_from_path(name, folder / f"{name}-00000") for name in WEIGHTS], folder / "mixture", file=file)
    return folder / "mixture"


def train_ours(mixture: Path, output: Path, steps: int, **values: Any) -> list[dict[str, Any]]:
    """The records of a run's steps."""
    from mathcode_data.trainer.config import TrainConfig
    from mathcode_data.trainer.loop import train

    config = TrainConfig.model_validate({
        "mixture": str(mixture), "output": str(output), "model": {"preset": "dsm-0.5m", "vocab_size": VOCAB}, "device": "cpu",
        "global_batch_samples": BATCH_SAMPLES, "micro_batch_samples": BATCH_SAMPLES,
        "schedule": {"kind": "cosine", "warmup_steps": 1}, **values,
    })  # fmt: skip
    records: list[dict[str, Any]] = []
    train(config, report=records.append, stop_after_steps=steps)
    return [record for record in records if record["kind"] == "step"]


def train_plain(steps: int) -> list[float]:
    """Seconds of the steps of transformers' model of the same shape, with AdamW and clipping."""
    import torch
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=VOCAB, hidden_size=96, intermediate_size=256, num_hidden_layers=4, num_attention_heads=3, use_cache=False,
        tie_word_embeddings=False, max_position_embeddings=SEQUENCE_LENGTH, attn_implementation="sdpa",
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    rows = torch.randint(0, VOCAB, (BATCH_SAMPLES, SEQUENCE_LENGTH))
    seconds = []
    for _ in range(steps):
        started = time.perf_counter()
        model(input_ids=rows, labels=rows).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - started)
    return seconds


def run(options: Options) -> Bench:
    """Measure."""
    import torch

    torch.set_num_threads(1)
    steps = max(3, options.scaled(STEPS))
    bench = Bench("train_cpu", {
        "model": "dsm-0.5m", "vocab_size": VOCAB, "sequence_length": SEQUENCE_LENGTH, "batch_samples": BATCH_SAMPLES, "threads": 1,
        "steps": steps,
    })  # fmt: skip
    folder = options.scratch / "train_cpu"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mixture = build(folder, BATCH_SAMPLES * (steps + 2))
    tokens = BATCH_SAMPLES * SEQUENCE_LENGTH
    shares = {}
    for label, values in (("ours", {}), ("ours, document masks", {"document_masks": True})):
        records = train_ours(mixture, folder / label.replace(", ", "-").replace(" ", "-"), steps, **values)[1:]
        bench.add(label, [record["seconds"] for record in records], "tokens", tokens)
        shares[label] = sum(record["loader_wait_s"] for record in records) / sum(record["seconds"] for record in records)
    try:
        bench.add("transformers", train_plain(steps)[1:], "tokens", tokens)
        bench.comparisons.append(("ours", "transformers"))
    except ImportError as error:
        bench.facts["transformers"] = f"not measured: {error}"
    bench.facts["loader_wait_share"] = shares
    shutil.rmtree(folder, ignore_errors=True)
    return bench
