"""Check a finished mixture: hashes, counts, and every law of its order. Each problem is one line with file and place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.blocks import whole_record
from mathcode_data.core.errors import DataError, MathcodeError, VerificationError
from mathcode_data.core.storage import read_json, sha256_file, to_json
from mathcode_data.mixture.index_files import MIXTURE_NAME, SOURCES_NAME, WINDOWS_NAME, open_index
from mathcode_data.mixture.opened import changed_index_files, check_shard, is_virtual, read_mixture, shard_prefix
from mathcode_data.mixture.order import BLOCK_ROWS, all_rows, lattice_rows
from mathcode_data.mixture.packed import packing_problems
from mathcode_data.mixture.plan import Plan
from mathcode_data.mixture.verify_laws import check_continues, check_epochs, check_replays
from mathcode_data.shards.damage import where_changed
from mathcode_data.shards.format import bin_path, idx_path
from mathcode_data.shards.reader import TokenShard

SAMPLED_BLOCKS = 64
SAMPLED_ROWS = 4096
PLACES_STEP = 7
"""Of so many rows of a block one is computed alone; a step above 1 makes them no block."""
MAX_PROBLEMS = 20
"""Of one kind; a damaged file gives as many as it has rows."""


def verify_mixture(folder: Path, *, full: bool = False) -> list[str]:
    """Check a mixture.

    Always: `mixture.json` itself, hashes and headers of the index files, the counts of every stage, 64 blocks of rows
    against the closed form, sizes, `.idx` and sampled blocks of every shard. Full: every row, that every epoch holds each
    training window once and no held-out one, and every byte of the shards whose hash is known. Full needs one byte of
    memory per window.

    Returns:
        One line per problem that names file and place; empty if all is well.
    """
    try:
        info = read_mixture(folder)
        plan = Plan(info)
        problems = _check_form(folder)
    except (DataError, VerificationError) as error:
        return [str(error) + whole_record(folder / MIXTURE_NAME)]
    if problems:
        return problems  # nothing else in the file can be relied on
    problems += _check_shards(folder, info, full)
    problems += check_continues(folder, info)
    problems += changed_index_files(folder, info)
    if is_virtual(info):
        problems += list(_check_places(folder, plan))[:MAX_PROBLEMS]
    else:
        try:
            index = (open_index(folder, SOURCES_NAME, plan.num_samples), open_index(folder, WINDOWS_NAME, plan.num_samples))
        except DataError as error:
            return list(dict.fromkeys([*problems, str(error)]))
        problems += _check_counts(folder, plan, index[0])
        problems += list(_check_order(folder, plan, index, full))[:MAX_PROBLEMS]
    if full and not problems and plan.packing == "best_fit":
        prefixes = [shard_prefix(folder, shard) for source in info["sources"] for shard in source["shards"]]
        problems += packing_problems(folder, info, prefixes)
    if full and not problems:
        problems += list(chain(check_epochs(folder, plan), check_replays(folder, plan)))[:MAX_PROBLEMS]
    return problems


def _check_form(folder: Path) -> list[str]:
    path = folder / MIXTURE_NAME
    problems = []
    if path.read_bytes() != to_json(read_json(path)):
        problems.append(f"{path}: not in the form that a build writes (sorted, indented); it was edited, build the mixture again")
    return problems


def _check_shards(folder: Path, info: dict[str, Any], full: bool) -> list[str]:
    problems = []
    for source in info["sources"]:
        prefixes = [shard_prefix(folder, shard) for shard in source["shards"]]
        missing = [files[0] for files in map(missing_files, prefixes) if files]
        if missing:
            problems.append(_say_missing(source["name"], missing, len(prefixes)))
        for shard, prefix in zip(source["shards"], prefixes, strict=True):
            if missing_files(prefix):
                continue
            try:
                check_shard(folder, source["name"], shard)
                TokenShard(prefix).close()
            except MathcodeError as error:
                problems.append(f"{error}{_place_in_shard(prefix, shard)}")
                continue
            if full and shard["bin_sha256"] is not None and sha256_file(bin_path(prefix)) != shard["bin_sha256"]:
                place = bin_path(Path(os.path.normpath(prefix)))
                problems.append(
                    f"{place}: sha256 differs from that of the build{where_changed(place)}; put the shard back, or make it again and "
                    "then the mixture"
                )
    return problems


def missing_files(prefix: Path) -> list[Path]:
    """Files of a shard, `.bin` and `.idx`, that are not there; one that may not be looked at is not missing."""
    plain = Path(os.path.normpath(prefix))
    return [path for path in (bin_path(plain), idx_path(plain)) if _is_missing(path)]


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _say_missing(source: str, missing: list[Path], num_shards: int) -> str:
    """One line for a source: as a rule its folder was moved, and all of its shards with it."""
    first = f"{missing[0]}: missing" if len(missing) == 1 else f"{missing[0]}: missing, the first of {len(missing):,} such shards"
    return (
        f"{first}; source {source!r} has {num_shards:,} shard{'' if num_shards == 1 else 's'}; were they moved or removed? put them back "
        "at their old place beside the mixture, or build the mixture again from where they lie"
    )


def _place_in_shard(prefix: Path, shard: dict[str, Any]) -> str:
    """Which bytes of a shard were changed, where its result has block hashes and its sizes are those of the build."""
    plain = Path(os.path.normpath(prefix))
    parts = []
    for path, expected in ((bin_path(plain), shard["bin_bytes"]), (idx_path(plain), shard["idx_bytes"])):
        if path.is_file() and path.stat().st_size == expected and (where := where_changed(path)):
            parts.append(f"; {path}{where}")
    return "".join(parts)


def _check_counts(folder: Path, plan: Plan, sources: NDArray[np.int16]) -> list[str]:
    """Counts of every stage are its quotas."""
    problems = []
    for stage in plan.stages:
        counts = np.zeros(len(plan.sources), dtype=np.int64)
        end = stage.first_sample + stage.num_samples
        for low in range(stage.first_sample, end, BLOCK_ROWS):
            rows = np.asarray(sources[low : min(low + BLOCK_ROWS, end)])
            bad = np.flatnonzero((rows < 0) | (rows >= counts.size))
            if bad.size:
                problems.append(f"{folder / SOURCES_NAME}: sample {low + int(bad[0]):,}: source {rows[bad[0]]} of {counts.size}")
                break
            counts += np.bincount(rows, minlength=counts.size)
        else:
            problems += [
                f"{folder / SOURCES_NAME}: stage {stage.name!r}: {int(count):,} samples of {source.name!r}, its quota is {quota:,}"
                for source, count, quota in zip(plan.sources, counts, stage.num_by_source, strict=True)
                if count != quota
            ]
    return problems


def _check_order(folder: Path, plan: Plan, index: tuple[NDArray[np.int16], NDArray[np.int64]], full: bool) -> Iterator[str]:
    """Rows equal the closed form: all of them, or blocks from first to last. Megatron's order has none and is made again."""
    for first, (sources, entries) in _all(plan) if full or plan.blend == "megatron" else _sampled(plan):
        span = slice(first, first + sources.size)
        for name, found, expected in ((SOURCES_NAME, index[0][span], sources), (WINDOWS_NAME, index[1][span], entries)):
            for row in np.flatnonzero(found != expected)[:MAX_PROBLEMS].tolist():
                yield f"{folder / name}: sample {first + row:,}: {int(found[row]):,}, the mixture's order gives {int(expected[row]):,}"


def _check_places(folder: Path, plan: Plan) -> Iterator[str]:
    """A virtual mixture has no rows to compare: what is computed for a block is what is computed for each of its positions."""
    for first, (sources, windows) in _sampled(plan):
        positions = np.arange(first, first + sources.size)[::-PLACES_STEP]
        for position, source, window in zip(positions.tolist(), *(column.tolist() for column in plan.entries(positions)), strict=True):
            row = position - first
            if (source, window) != (int(sources[row]), int(windows[row])):
                yield f"{folder / MIXTURE_NAME}: sample {position:,}: computed as {(source, window)} alone, not in a block: a bug of ours"


def _all(plan: Plan) -> Iterator[tuple[int, tuple[NDArray[np.int16], NDArray[np.int64]]]]:
    first = 0
    for rows in all_rows(plan):
        yield first, rows
        first += rows[0].size


def _sampled(plan: Plan) -> Iterator[tuple[int, tuple[NDArray[np.int16], NDArray[np.int64]]]]:
    for number, stage in enumerate(plan.stages):
        last = max(stage.num_samples - SAMPLED_ROWS, 0)
        starts = {last * block // (SAMPLED_BLOCKS - 1) for block in range(SAMPLED_BLOCKS)}
        if stage.num_samples <= SAMPLED_BLOCKS * SAMPLED_ROWS:
            starts = set(range(0, stage.num_samples, SAMPLED_ROWS))
        for start in sorted(starts):
            rows = lattice_rows(plan, number, start, min(start + SAMPLED_ROWS, stage.num_samples))
            yield stage.first_sample + start, rows
