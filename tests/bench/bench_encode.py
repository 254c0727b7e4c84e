"""Texts to ids in memory, one thread, no files: each back end of `tokenize` beside Hugging Face's library, with the same ids.

GPT-2's tokenizer and DeepSeek-LLM's, whose six pre-tokenization steps run as one split (stages/learn/pretokenize.py).
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from harness import Bench, Options, SkipError

NUM_BYTES = 4_000_000
BATCH = 64
BACK_ENDS = ("fastokens", "gigatoken", "hf")


def run(options: Options) -> list[Bench]:
    """Race the back ends that are installed and represent the tokenizer."""
    os.environ |= {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    from bench_tokenize import python_texts

    texts = python_texts(options.scaled(NUM_BYTES))
    num_bytes = sum(len(text.encode()) for text in texts)
    folder = options.shared() / "tokenizers"
    benches = []
    for name in ("gpt-2", "deepseek-llm"):
        packed = next(folder.glob(f"{name}*.json.gz"), None)
        if packed is None:
            raise SkipError(f"no tokenizer {name} in the folder of real data")
        path = options.scratch / f"{name}.json"
        path.write_bytes(gzip.decompress(packed.read_bytes()))
        bench = Bench(f"encode_{name.replace('-', '_')}", {"text_bytes": num_bytes, "documents": len(texts), "threads": 1})
        given = bench.race(encoders(path, texts), "byte", num_bytes, repeats=options.repeats)
        first, *others = given.values()
        assert all(np.array_equal(first, other) for other in others), f"{name}: the back ends give other ids"
        bench.facts = {"tokens": int(first.size), "back ends": sorted(given)}
        benches.append(bench)
    return benches


def encoders(path: Path, texts: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """The back ends by name."""
    from mathcode_data.core.errors import MathcodeError
    from mathcode_data.stages.tokenize.backends import load_encoder

    found = {}
    for name in BACK_ENDS:
        try:
            _, encoder = load_encoder(path, name)
        except MathcodeError:
            continue  # not installed, or it knows no such tokenizer
        found[encoder.name] = lambda encoder=encoder: np.concatenate(
            [encoder.encode(texts[start : start + BATCH])[0] for start in range(0, len(texts), BATCH)]
        )
    return found
