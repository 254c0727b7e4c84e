"""Read a finished mixture's `mixture.json`, and make sure that its shards are still the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathcode_data.core.errors import DataError, StaleOutputError, VerificationError
from mathcode_data.core.manifest import self_hash
from mathcode_data.core.storage import read_json, sha256_file
from mathcode_data.mixture.index_files import DTYPES, MIXTURE_NAME
from mathcode_data.mixture.planning import FORMAT
from mathcode_data.shards.fingerprint import fingerprint_shard
from mathcode_data.shards.format import bin_path, idx_path


def read_mixture(folder: Path) -> dict[str, Any]:
    """The object of `mixture.json`.

    Raises:
        DataError: no finished mixture there, or one of another format.
        VerificationError: the file was edited or damaged.
    """
    path = folder / MIXTURE_NAME
    if not path.is_file():
        raise DataError(f"{folder}: no {MIXTURE_NAME}: not a finished mixture; run build-mixture, or check the path")
    data = read_json(path)
    if not isinstance(data, dict) or data.get("kind") != "mixture" or data.get("format") != FORMAT:
        found = f"format {data.get('format')!r}" if isinstance(data, dict) else type(data).__name__
        raise DataError(f"{path}: {found}, this version reads format {FORMAT} of a mixture; build it again")
    if data.get("self_hash") != self_hash(data):
        raise VerificationError(f"{path}: does not hash to its own self_hash; it was edited or damaged, build the mixture again")
    return data


def changed_index_files(folder: Path, info: dict[str, Any]) -> list[str]:
    """One line for each index file whose bytes are not those of the build; reads them whole (one to two seconds per GB)."""
    return [
        f"{folder / name}: sha256 differs from {MIXTURE_NAME}; the bytes were changed after the build, build the mixture again"
        for name in DTYPES
        if sha256_file(folder / name) != info["files"][name]["sha256"]
    ]


def shard_prefix(folder: Path, shard: dict[str, Any]) -> Path:
    """Path of a shard; those in `mixture.json` are relative to the mixture's folder."""
    return folder.resolve() / str(shard["path"])


def check_shard(folder: Path, source: str, shard: dict[str, Any]) -> None:
    """Check that a shard is still the one that the mixture was built from: sizes, whole `.idx`, sample of the `.bin`.

    Raises:
        StaleOutputError: names the shard, and what differs.
    """
    prefix = shard_prefix(folder, shard)
    advice = f"the mixture {folder} was built from other bytes of source {source!r}; put the shard back, or build the mixture again"
    for path, expected in ((bin_path(prefix), shard["bin_bytes"]), (idx_path(prefix), shard["idx_bytes"])):
        try:
            found = path.stat().st_size
        except OSError as error:
            raise StaleOutputError(f"{path}: cannot be read ({error.strerror or error}); {advice}") from error
        if found != expected:
            raise StaleOutputError(f"{path}: {found:,} bytes, {expected:,} when the mixture was built; {advice}")
    if fingerprint_shard(prefix) != shard["fingerprint"]:
        raise StaleOutputError(f"{prefix}: the content changed since the mixture was built (.idx, or blocks of the .bin); {advice}")
