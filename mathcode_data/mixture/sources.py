"""A source as a build takes it: its shards, and what is known of where they come from."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import DataError, MathcodeError
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.manifest import Result
from mathcode_data.shards.fingerprint import fingerprint_shard
from mathcode_data.shards.format import bin_path
from mathcode_data.shards.resolve import resolve_shards, token_result


@dataclass(frozen=True)
class SourceInput:
    """The shards of one source of a recipe."""

    name: str
    prefixes: list[Path]
    """Shards of each path in name order; their order numbers the windows."""
    fingerprint: str
    """Of our result: that of its causes. Of foreign shards: that of their bytes."""
    tokenizer_sha256: str | None
    """Hash of the tokenizer that made the shards, None where nobody knows."""
    is_ours: bool
    """Whether the shards are a finished result of ours, with a manifest."""
    bytes_per_token: float | None = None
    """Mean bytes of text per token, where the result says so."""
    damage: tuple[str, ...] = ()
    """One line for each input that the result could read in part only, and for each shard that was set aside when it was made."""


def source_from_paths(name: str, paths: Sequence[Path], *, place: str = "") -> SourceInput:
    """A source of one path, or of several, whose shards then come in the order of the paths.

    Raises:
        DataError: no shards at a path, or not usable ones, or two paths made with different tokenizers.
    """
    parts = [source_from_path(name, path, place=place) for path in paths]
    if len(parts) == 1:
        return parts[0]
    seen: set[Path] = set()
    for prefix in (prefix for part in parts for prefix in part.prefixes):
        if prefix.resolve() in seen:
            raise DataError(f"{place}: source {name!r}: shard {prefix} is reached by two of its paths; name each shard once")
        seen.add(prefix.resolve())
    tokenizers = {part.tokenizer_sha256 for part in parts if part.tokenizer_sha256}
    if len(tokenizers) > 1:
        raise DataError(f"{place}: source {name!r}: its paths were made with {len(tokenizers)} different tokenizers; name paths of one")
    return SourceInput(
        name, [prefix for part in parts for prefix in part.prefixes], fingerprint([part.fingerprint for part in parts]),
        next(iter(tokenizers), None), is_ours=all(part.is_ours for part in parts),
        damage=tuple(line for part in parts for line in part.damage),
    )  # fmt: skip


def source_from_path(name: str, path: Path, *, place: str = "") -> SourceInput:
    """Look at what a path holds: a finished result of ours, or foreign shards (see `resolve_shards`).

    Args:
        name: the source's name in the recipe.
        path: a result folder, a folder of shards, a prefix, or a .bin or .idx file.
        place: where the recipe names it, for errors.

    Raises:
        DataError: no shards there, or not usable ones.
        VerificationError: the result's manifest was edited.
    """
    try:
        prefixes = resolve_shards(path)
        result = token_result(path) if path.is_dir() and prefixes[0].parent == path else None
        if result is None:
            return _of_bytes(name, path, prefixes)
    except MathcodeError as error:
        raise type(error)(f"{place}: source {name!r}: {error}" if place else f"source {name!r}: {error}") from error
    facts: dict[str, Any] = result.manifest.facts
    ratio = facts["text_bytes"] / facts["num_tokens"] if facts.get("text_bytes") and facts.get("num_tokens") else None
    return SourceInput(
        name, prefixes, result.fingerprint, facts.get("tokenizer_sha256"), is_ours=True, bytes_per_token=ratio, damage=_damage(path, result)
    )


def _of_bytes(name: str, path: Path, prefixes: list[Path]) -> SourceInput:
    """A source known by the bytes of its shards. Named one by one, shards of ours still tell their tokenizer and their damage."""
    found = fingerprint([fingerprint_shard(prefix) for prefix in prefixes])
    result = None if path.is_dir() else token_result(prefixes[0].parent)
    if result is None or bin_path(prefixes[0]).name not in {shard.name for shard in result.manifest.shards}:
        return SourceInput(name, prefixes, found, None, is_ours=False)
    tokenizer = result.manifest.facts.get("tokenizer_sha256")
    return SourceInput(name, prefixes, found, tokenizer, is_ours=False, damage=_damage(result.folder, result))


def _damage(path: Path, result: Result) -> tuple[str, ...]:
    aside = (f"{path}: set aside when it was made: {name}" for name in result.manifest.quarantined)
    return (*(f"{path}: {line}" for line in result.manifest.damage), *aside)


def tokenizer_hash(path: Path) -> str:
    """sha256 of a tokenizer file, of what is in it if it is gzipped: what results of the tokenize stage call their tokenizer.

    Raises:
        OSError: the file cannot be read, or it is not gzip although it begins so.
        EOFError: its gzip stream is cut off.
    """
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        digest = hashlib.sha256()
        with gzip.open(raw) if is_gzip else raw as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
