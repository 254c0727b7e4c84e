"""A virtual mixture: 64 sources, 550 B and 15 T tokens; how long it takes to open, to find one position, and to find many.

The peer is the same mixture written out, where there is one to write: opening hashes its index files, a position is a look into
them. For 15 T tokens (3.7e9 samples) an index would take 37 GB, so there is none. Shards are sparse files of zeros.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bench_mixture import MANY_SOURCES, SEQUENCE_LENGTH, many_shares, write_sparse_source
from harness import Bench, Options

POSITIONS = 2000
TOKENS = {"550 B": 550_000_000_000, "15 T": 15_000_000_000_000}
EPOCHS_OF = 10**11
"""Tokens that the sparse shards hold; the budgets are epochs of those."""


def build(folder: Path, name: str, num_tokens: int, index: str) -> Path:
    """Build a mixture of all sources in one stage."""
    from mathcode_data.mixture.build import build_mixture
    from mathcode_data.mixture.recipe import Recipe
    from mathcode_data.mixture.sources import source_from_path

    shares = many_shares()
    recipe = Recipe.model_validate({
        "name": name, "seed": 1, "sequence_length": SEQUENCE_LENGTH, "index": index,
        "sources": {source: {"shards": str(folder / source), "max_epochs": 1000} for source in shares},
        "stages": [{"name": "mixed", "tokens": {source: int(num_tokens * share) for source, share in shares.items()}}],
    })  # fmt: skip
    output = folder / f"mixture-{name}"
    build_mixture(recipe, [source_from_path(source, folder / source) for source in shares], output)
    return output


def run(options: Options) -> list[Bench]:
    """Opening, single positions and scattered batches of positions."""
    from mathcode_data.mixture.dataset import MixtureDataset

    folder = options.scratch / "virtual"
    shutil.rmtree(folder, ignore_errors=True)
    for source, share in many_shares().items():
        write_sparse_source(folder / source, source, int(EPOCHS_OF * share))
    made = {f"virtual, {name} tokens": build(folder, name.replace(" ", ""), tokens, "virtual") for name, tokens in TOKENS.items()}
    first = next(iter(TOKENS))
    made[f"written, {first} tokens"] = build(folder, "written", options.scaled(TOKENS[first]), "written")
    opening = Bench("virtual_open", {"sources": MANY_SOURCES, "sequence_length": SEQUENCE_LENGTH})
    opening.race({label: lambda path=path: MixtureDataset(path) for label, path in made.items()}, "openings", 1, repeats=options.repeats)
    benches = [opening]
    for name, few in (("virtual_positions", True), ("virtual_batches", False)):
        bench = Bench(name, {"sources": MANY_SOURCES, "positions": POSITIONS, "at_once": 1 if few else POSITIONS})
        bench.race(
            {label: look_up(MixtureDataset(path, check_shards=False, check_index=False), few) for label, path in made.items()},
            "positions", POSITIONS, repeats=options.repeats,
        )  # fmt: skip
        benches.append(bench)
    shutil.rmtree(folder)
    return benches


def look_up(dataset: Any, one_by_one: bool) -> Callable[[], None]:
    """Find source and window of scattered positions, as reading does before it reads."""
    positions = np.random.default_rng(0).integers(0, len(dataset), POSITIONS)
    alone = [positions[n : n + 1] for n in range(POSITIONS)] if one_by_one else [positions]

    def find() -> None:
        for some in alone:
            dataset._entries.of(some)

    return find
