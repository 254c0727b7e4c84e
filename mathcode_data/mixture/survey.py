"""Open the shards of all sources: what they hold, and whether they can be mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.storage import sha256_file
from mathcode_data.core.yaml_file import YamlFile
from mathcode_data.mixture.cutting import concat_totals
from mathcode_data.mixture.draws import holdout_windows
from mathcode_data.mixture.packed import PackingTotals, pack_shard
from mathcode_data.mixture.recipe import Recipe, place_of
from mathcode_data.mixture.sources import SourceInput, tokenizer_hash
from mathcode_data.mixture.windows import count_windows
from mathcode_data.shards.fingerprint import NUM_BLOCKS, fingerprint_shard
from mathcode_data.shards.format import bin_path
from mathcode_data.shards.index import read_index
from mathcode_data.shards.resolve import token_result

READ_ALL_BYTES = 1 << 30
"""Foreign sources up to this size together are hashed whole (about a second), in the order of the file; more only if asked for."""


def survey(
    recipe: Recipe, sources: Sequence[SourceInput], *, file: YamlFile | None, read_all: bool
) -> tuple[list[dict[str, Any]], str | None, list[str]]:
    """Describe every source for `mixture.json`, in the recipe's order.

    Returns:
        One entry per source (paths of shards still absolute), the tokenizer's sha256 where it is known, and notices that
        say what could not be checked.

    Raises:
        ConfigError: the inputs are not those of the recipe, share a shard, or are from different tokenizers.
        DataError: a shard is damaged, or of another token type than the others of its source.
    """
    by_name = {source.name: source for source in sources}
    if len(by_name) != len(sources) or set(by_name) != set(recipe.sources):
        raise ConfigError(
            f"sources {sorted(source.name for source in sources)} are given, the recipe names {sorted(recipe.sources)}; "
            "give each source of the recipe once"
        )
    ordered = [by_name[name] for name in recipe.sources]
    notices = _check_overlap(recipe, ordered, file)
    tokenizer = _check_tokenizers(recipe, ordered, file)
    entries = []
    spare_bytes = READ_ALL_BYTES
    for source in ordered:
        entry = _describe(recipe, source)
        spare_bytes -= _add_whole_hashes(source, entry["shards"], None if read_all else spare_bytes)
        entries.append(entry)
        if not source.is_ours:
            notices.append(_foreign_notice(source, entry))
    types = sorted({entry["token_dtype"] for entry in entries if entry["token_dtype"]})
    if len(types) > 1:
        notices.append(f"sources hold tokens of different types ({', '.join(types)}); batches have the smallest that holds them all")
    return entries, tokenizer, notices if recipe.allow_overlap else notices + _copies(entries)


def _copies(entries: list[dict[str, Any]]) -> list[str]:
    """Shards with the same bytes under two names: not refused, for small ones may be equal by chance."""
    seen: dict[tuple[str, str | None], str] = {}
    copies = []
    for entry in entries:
        for shard in entry["shards"]:
            name = f"{Path(shard['path']).name} of source {entry['name']!r}"
            first = seen.setdefault((shard["fingerprint"], shard["bin_sha256"]), name)
            if first != name:
                copies.append(f"shard {name} has the same content as {first}")
    more = f" (and {len(copies) - 1} more such shards)" if len(copies) > 1 else ""
    return [f"{copies[0]}{more}: if these are copies, their tokens are drawn twice"] if copies else []


def _describe(recipe: Recipe, source: SourceInput) -> dict[str, Any]:
    asked = recipe.sources[source.name]
    shards: list[dict[str, Any]] = []
    dtypes: list[str] = []
    totals = PackingTotals()
    for prefix in source.prefixes:
        index = read_index(prefix)
        if not index.is_contiguous:
            raise DataError(
                f"{prefix}.idx: source {source.name!r}: its sequences leave gaps or overlap in the .bin, "
                "so windows would hold tokens of no document; write the shard again, one sequence after the other"
            )
        dtypes.append(index.dtype.name)
        if dtypes[0] != index.dtype.name:
            raise DataError(
                f"{prefix}.idx: {index.dtype.name} tokens, {source.prefixes[0].name} has {dtypes[0]}; one source is of one tokenizer"
            )
        windows = count_windows(index.num_tokens, recipe.sequence_length)
        if recipe.packing == "best_fit":
            packed = pack_shard(index, recipe.sequence_length).totals
            windows = packed.num_samples
        else:
            packed = concat_totals(index, recipe.sequence_length)
        totals += packed
        shards.append({
            "path": str(prefix), "num_tokens": index.num_tokens, "windows": windows,
            "bin_bytes": index.bin_bytes, "idx_bytes": index.idx_bytes, "fingerprint": fingerprint_shard(prefix),
        })  # fmt: skip
    windows = sum(shard["windows"] for shard in shards)
    held_out = holdout_windows(asked.holdout, windows)
    entry = {
        "name": source.name, "fingerprint": source.fingerprint, "is_ours": source.is_ours, "tokenizer_sha256": source.tokenizer_sha256,
        "token_dtype": dtypes[0] if dtypes else None,
        "num_tokens": sum(shard["num_tokens"] for shard in shards), "windows": windows, "holdout": asked.holdout,
        "holdout_windows": held_out, "training_windows": windows - held_out, "max_epochs": asked.max_epochs, "shards": shards,
    }  # fmt: skip
    entry["packing"] = asdict(totals)
    if source.bytes_per_token is not None:
        entry["bytes_per_token"] = source.bytes_per_token
    return entry


def _add_whole_hashes(source: SourceInput, shards: list[dict[str, Any]], spare_bytes: int | None) -> int:
    """Set `bin_sha256`: by reading if `spare_bytes` suffice or are None, else from the manifest of our result, else to None.

    Returns:
        Bytes that were read.

    Raises:
        DataError: a shard of ours is not what its manifest says.
    """
    known: dict[Path, str] = {}
    for folder in dict.fromkeys(prefix.parent for prefix in source.prefixes) if source.is_ours else ():
        result = token_result(folder)
        if result is not None:
            known |= {folder / shard.name: shard.sha256 for shard in result.manifest.shards}
    num_bytes = sum(shard["bin_bytes"] for shard in shards)
    is_read = spare_bytes is None or num_bytes <= spare_bytes
    for shard in shards:
        path = bin_path(Path(shard["path"]))
        shard["bin_sha256"] = sha256_file(path) if is_read else known.get(path)
        if is_read and known.get(path, shard["bin_sha256"]) != shard["bin_sha256"]:
            raise DataError(
                f"{path}: sha256 differs from the manifest beside it: the bytes were changed after the result was finished; remove "
                f"{path.parent} and run its pipeline again"
            )
    return num_bytes if is_read else 0


def _check_overlap(recipe: Recipe, sources: Sequence[SourceInput], file: YamlFile | None) -> list[str]:
    """Find shards that are reached twice, by whatever path or link."""
    owners: dict[tuple[int, int], tuple[str, Path]] = {}
    notices = []
    for source in sources:
        for prefix in source.prefixes:
            try:
                status = bin_path(prefix).stat()
            except OSError as error:
                raise DataError(f"{bin_path(prefix)}: cannot be read ({error.strerror or error}); check the path") from error
            owner, first = owners.setdefault((status.st_dev, status.st_ino), (source.name, prefix))
            if (owner, first) == (source.name, prefix):
                continue
            if not recipe.allow_overlap:
                where = place_of(file, ("sources", source.name))
                same = "" if prefix == first else f" (the same file as {first})"
                raise ConfigError(
                    f"{where}: sources {owner!r} and {source.name!r} share the shard {prefix}{same}, so "
                    "its tokens would count twice; take it out of one, or set allow_overlap: true"
                )
            notices.append(f"sources {owner!r} and {source.name!r} share the shard {prefix.name}; its tokens can be drawn by both")
    return notices


def _check_tokenizers(recipe: Recipe, sources: Sequence[SourceInput], file: YamlFile | None) -> str | None:
    """All sources that know their tokenizer, and the recipe's tokenizer file, must agree."""
    known: str | None = None
    whose = ""
    if recipe.tokenizer is not None:
        try:
            known = tokenizer_hash(recipe.tokenizer)
        except (OSError, EOFError) as error:
            where = place_of(file, ("tokenizer",))
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(f"{where}: {recipe.tokenizer}: cannot be read ({reason}); check the path") from error
        whose = f"the recipe names {recipe.tokenizer.name}, sha256"
    for source in sources:
        found = source.tokenizer_sha256
        if found is None:
            continue
        if known is None:
            known, whose = found, f"source {source.name!r} was made with the one of sha256"
        elif found != known:
            raise ConfigError(
                f"{place_of(file, ('sources', source.name))}: source {source.name!r} was made with the tokenizer of sha256 "
                f"{found[:12]}..., {whose} {known[:12]}...; ids of two tokenizers cannot be mixed, tokenize one source again"
            )
    return known


def _foreign_notice(source: SourceInput, entry: dict[str, Any]) -> str:
    if source.tokenizer_sha256 is None:
        text = (
            f"source {source.name!r}: foreign shards without a manifest of ours: not checked which tokenizer made them and whether "
            "every id fits it"
        )
    else:
        text = f"source {source.name!r}: single shards of a result; name its folder, so that the result's own hashes count"
    if any(shard["bin_sha256"] is None for shard in entry["shards"]):
        text += f"; of each .bin only its size and {NUM_BLOCKS} blocks were read, so `verify` cannot find a change between those"
    return text
