"""Build a mixture: plan it, write its index in blocks unless it is virtual, and `mixture.json` last."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mathcode_data.core.blocks import BLOCKS_NAME, pack_blocks
from mathcode_data.core.errors import ConfigError, DataError, MathcodeError, ResourceError
from mathcode_data.core.manifest import made_by, self_hash
from mathcode_data.core.storage import (
    TEMPORARY_PREFIX,
    atomic_writer,
    free_space,
    naming_full_disk,
    read_json,
    remove_tree,
    sha256_bytes,
    sha256_file,
    to_json,
)
from mathcode_data.core.yaml_file import YamlFile
from mathcode_data.mixture.continuing import Parent
from mathcode_data.mixture.index_files import DTYPES, MIXTURE_NAME, SOURCES_NAME, WINDOWS_NAME, NpyWriter, WrittenFile
from mathcode_data.mixture.opened import shard_prefix
from mathcode_data.mixture.order import all_rows
from mathcode_data.mixture.packed import PackingTotals, pack_shard, packing_files
from mathcode_data.mixture.plan import Plan
from mathcode_data.mixture.planning import plan_mixture
from mathcode_data.mixture.publish import COMMIT_NAME, NAMES, remove_left, remove_stages, replacing, stage_for, take_place
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import SourceInput
from mathcode_data.shards.index import read_index

__all__ = ["SourceInput", "build_mixture"]


def build_mixture(
    recipe: Recipe,
    sources: Sequence[SourceInput],
    output: Path,
    *,
    file: YamlFile | None = None,
    force: bool = False,
    read_all: bool = False,
    parent: Parent | None = None,
    origin: dict[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Build a mixture in a folder, or leave it as it is if it is this very mixture and whole.

    Memory is a few megabytes per core, whatever the number of samples. The caller holds the folder's lock.

    Args:
        recipe: from `load_recipe`.
        sources: one for each source of the recipe.
        output: folder of the mixture; made if need be.
        file: the recipe's file, for the places in errors.
        force: build even if nothing changed.
        read_all: see `plan_mixture`.
        parent: the mixture that this one continues; it stays as it is.
        origin: how the mixture was asked for (file, overrides ...), kept under `made_by` for whoever builds it again.
        progress: called with (samples written, samples in all) after every block.

    Returns:
        The object of `mixture.json`, and `folder`.

    Raises:
        ConfigError: the recipe cannot be met, or the folder holds something else; nothing is written.
        DataError: a shard is damaged.
        ResourceError: the disk is full; what was in the folder before stays.
    """
    info = plan_mixture(recipe, sources, file=file, read_all=read_all, parent=parent)
    _check_output(output, sources)
    base = output.resolve()
    if parent is not None:
        if base == parent.folder.resolve():
            raise ConfigError(f"{output}: the mixture that is continued, which stays as it is; name another folder with --output")
        info["continues"] = parent.ledger | {"path": os.path.relpath(parent.folder.resolve(), base)}
    for source in info["sources"]:
        for shard in source["shards"]:
            # relative paths let folder and shards move together
            shard["path"] = os.path.relpath(shard["path"], base)
    found = None if force else _reusable(output, info)
    if found is None:
        if recipe.index == "written":
            _check_room(output, info["num_samples"])
        found = _write_files(output, info, made_by() | ({"origin": origin} if origin else {}), progress)
    with naming_full_disk(output):
        remove_left(output)
    return found | {"folder": str(output)}


def _check_output(output: Path, sources: Sequence[SourceInput]) -> None:
    if output.exists() and not output.is_dir():
        raise ConfigError(f"{output}: a file; a mixture is a folder, name another output")
    names = {path.name for path in output.iterdir()} if output.is_dir() else set()
    left_by_us = any(name.startswith(TEMPORARY_PREFIX) and name.endswith(tuple(NAMES)) for name in names)
    # Megatron's caches bear the names of the index files too, so the names alone make no folder ours
    known = NAMES if left_by_us else frozenset()
    foreign = sorted(name for name in names - known if not name.startswith((".lock", TEMPORARY_PREFIX)))
    if foreign and not _is_ours(output / MIXTURE_NAME):
        more = ", ..." if len(foreign) > 1 else ""
        raise ConfigError(f"{output}: not empty ({foreign[0]}{more}) and no mixture of ours; name another output folder")
    ours = {prefix.parent.resolve(): source for source in sources if source.is_ours for prefix in source.prefixes}
    for folder, source in ours.items():
        if output.resolve().is_relative_to(folder):
            raise ConfigError(
                f"{output}: lies in {folder}, the result of source {source.name!r}, which holds nothing else; name another output folder"
            )


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        data = read_json(path)
    except DataError:
        return False
    return isinstance(data, dict) and data.get("kind") == "mixture"


def _reusable(output: Path, planned: dict[str, Any]) -> dict[str, Any] | None:
    """What stands in the folder, if it is the planned mixture and its files are whole."""
    path = output / MIXTURE_NAME
    if not _is_ours(path):
        return None
    found: dict[str, Any] = read_json(path)
    if found.get("self_hash") != self_hash(found) or any(found.get(key) != value for key, value in planned.items()):
        return None
    for name, record in found["files"].items():
        file = output / name
        if not file.is_file() or file.stat().st_size != record["bytes"] or sha256_file(file) != record["sha256"]:
            return None
    return found


def _check_room(output: Path, num_samples: int) -> None:
    need = num_samples * sum(dtype.itemsize for dtype in DTYPES.values())
    folder = output
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if shutil.disk_usage(folder).free < need:
        raise ResourceError(
            f"{output}: the index of {num_samples:,} samples takes {need / 1e6:,.0f} MB ({free_space(output)}); "
            "make room or name another output"
        )


def _write_files(output: Path, info: dict[str, Any], maker: dict[str, Any], progress: Callable[[int, int], None] | None) -> dict[str, Any]:
    """Write `mixture.json`, and the packing and the index where the mixture has them; gives what stands in `mixture.json`.

    An earlier mixture in the folder stays whole until all bytes are on the disk: then names change, and nothing more. Where
    even that fails, the earlier names come back.
    """
    with naming_full_disk(output):
        output.mkdir(parents=True, exist_ok=True)
        for path in output.glob(f"{TEMPORARY_PREFIX}*"):
            if path.name != COMMIT_NAME:
                path.unlink(missing_ok=True)  # of a build that was killed
        remove_stages(output)
        stage = stage_for(output)
    if stage == output:
        with replacing(output) as set_aside:
            return _write_into(output, output, info, maker, progress, set_aside)
    try:
        found = _write_into(stage, output, info, maker, progress, lambda: None)
        with naming_full_disk(output):
            take_place(stage, output)
    except BaseException:
        with contextlib.suppress(OSError):  # the error on its way says more; the next build tries this again
            remove_tree(stage)
        raise
    return found


def _write_into(
    folder: Path,
    output: Path,
    info: dict[str, Any],
    maker: dict[str, Any],
    progress: Callable[[int, int], None] | None,
    set_aside: Callable[[], None],
) -> dict[str, Any]:
    """Write the files of the mixture `output` into a folder; `set_aside` is called when all bytes are on the disk, before names change."""
    written: dict[str, WrittenFile] = {}
    with ExitStack() as stack:
        mixture_file = stack.enter_context(atomic_writer(folder / MIXTURE_NAME))  # entered first: it gets its name last
        if info["packing"] == "best_fit":
            totals = sum((PackingTotals(**source["packing"]) for source in info["sources"]), PackingTotals())
            prefixes = [shard_prefix(output, shard) for source in info["sources"] for shard in source["shards"]]
            packed = (pack_shard(read_index(prefix), info["sequence_length"]) for prefix in prefixes)
            written |= stack.enter_context(packing_files(folder, packed, totals))
        if info["index"] == "written":
            written |= stack.enter_context(_index_files(folder, Plan(info), progress))
        records = {name: part.record for name, part in written.items()}
        if written:
            content = pack_blocks({name: part.blocks for name, part in written.items()})
            blocks_file = stack.enter_context(atomic_writer(folder / BLOCKS_NAME))
            blocks_file.write(content)
            blocks_file.flush()
            os.fsync(blocks_file.fileno())
            records[BLOCKS_NAME] = {"bytes": len(content), "sha256": sha256_bytes(content)}
        info = info | {"files": records, "made_by": maker}
        found = info | {"self_hash": self_hash(info)}
        mixture_file.write(to_json(found))
        mixture_file.flush()
        os.fsync(mixture_file.fileno())
        with naming_full_disk(output):
            set_aside()
    return found


@contextlib.contextmanager
def _index_files(output: Path, plan: Plan, progress: Callable[[int, int], None] | None) -> Iterator[dict[str, WrittenFile]]:
    """Write both index files; they get their names when the block ends."""
    total = plan.num_samples
    with atomic_writer(output / SOURCES_NAME) as sources_file, atomic_writer(output / WINDOWS_NAME) as windows_file:
        sources, windows = NpyWriter(sources_file, SOURCES_NAME, total), NpyWriter(windows_file, WINDOWS_NAME, total)
        done = 0
        for source_rows, window_rows in all_rows(plan):
            sources.append(source_rows)
            windows.append(window_rows)
            done += source_rows.size
            if progress is not None:
                progress(done, total)
        if done != total:
            raise MathcodeError(f"{output}: {done:,} rows made, {total:,} planned: a bug of ours, please report it")
        for written in (sources_file, windows_file):
            written.flush()
            os.fsync(written.fileno())  # a full disk shows here at the latest, with the old mixture still whole
        yield {SOURCES_NAME: sources.finish(), WINDOWS_NAME: windows.finish()}
