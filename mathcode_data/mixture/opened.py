"""Read a finished mixture's `mixture.json`, and make sure that its shards are still the same."""

from __future__ import annotations

import posixpath
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, overload

import orjson

from mathcode_data.core.errors import DataError, StaleOutputError, VerificationError
from mathcode_data.core.manifest import self_hash
from mathcode_data.core.storage import read_json, sha256_file
from mathcode_data.mixture.damage import where_changed
from mathcode_data.mixture.index_files import MIXTURE_NAME
from mathcode_data.mixture.info_shape import check_info
from mathcode_data.mixture.planning import FORMAT
from mathcode_data.shards.fingerprint import fingerprint_shard
from mathcode_data.shards.format import bin_path, idx_path
from mathcode_data.shards.remote import SEPARATOR, Place, RemotePath, file_size

REMOTE_CHECKS = 16
"""Shards behind a URL that are checked side by side; each costs some twenty round trips."""


def read_mixture(folder: Place) -> dict[str, Any]:
    """The object of `mixture.json`.

    Raises:
        DataError: no finished mixture there, or one of another format, or numbers that contradict each other.
        VerificationError: the file was edited or damaged.
    """
    path = folder / MIXTURE_NAME
    if not path.is_file():
        raise DataError(f"{folder}: no {MIXTURE_NAME}: not a finished mixture; run build-mixture, or check the path")
    data = _parse(path) if isinstance(path, RemotePath) else read_json(path)
    if not isinstance(data, dict) or data.get("kind") != "mixture" or data.get("format") != FORMAT:
        found = f"format {data.get('format')!r}" if isinstance(data, dict) else type(data).__name__
        raise DataError(f"{path}: {found}, this version reads format {FORMAT} of a mixture; build it again")
    if data.get("self_hash") != self_hash(data):
        raise VerificationError(f"{path}: does not hash to its own self_hash; it was edited or damaged, build the mixture again")
    check_info(data, path)
    return data


def _parse(path: RemotePath) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}: not JSON ({error}); the file is damaged, upload the mixture again") from error


def is_virtual(info: dict[str, Any]) -> bool:
    """Whether the mixture has no index files, and positions are computed."""
    return bool(info.get("index", "written") == "virtual")


def changed_index_files(folder: Place, info: dict[str, Any]) -> list[str]:
    """One line for each file whose bytes are not those of the build; reads them whole (one to two seconds per GB)."""
    problems = []
    for name, record in info["files"].items():
        path = folder / name
        try:
            if sha256_file(path) != record["sha256"]:
                where = "" if isinstance(folder, RemotePath) else where_changed(folder, info, name)
                problems.append(
                    f"{path}: sha256 differs from {MIXTURE_NAME}{where}; the bytes were changed after the build, build the mixture again"
                )
        except OSError as error:
            problems.append(f"{path}: cannot be read ({error.strerror or error}); build the mixture again")
    return problems


@overload
def shard_prefix(folder: Path, shard: dict[str, Any]) -> Path: ...
@overload
def shard_prefix(folder: Place, shard: dict[str, Any]) -> Place: ...
def shard_prefix(folder: Place, shard: dict[str, Any]) -> Place:
    """Path of a shard; those in `mixture.json` are relative to the mixture's folder."""
    path = str(shard["path"])
    if isinstance(folder, RemotePath):
        if posixpath.isabs(path):
            raise DataError(f"{folder}: shard {path} lies on another machine's disk; put shards and mixture below one URL and build there")
        return RemotePath(path, folder.options) if SEPARATOR in path else folder / path
    return folder.resolve() / path


def plain(path: Place) -> Place:
    """The path without `..`, for people; a URL has none."""
    return path if isinstance(path, RemotePath) else Path(posixpath.normpath(path))


def check_shard(folder: Place, source: str, shard: dict[str, Any]) -> None:
    """Check that a shard is still the one that the mixture was built from: sizes, whole `.idx`, sample of the `.bin`.

    Raises:
        StaleOutputError: names the shard, and what differs.
    """
    prefix = shard_prefix(folder, shard)
    advice = f"the mixture {folder} needs this shard of source {source!r} as it was; put it back, or build the mixture again"
    prefix = plain(prefix)
    for path, expected in ((bin_path(prefix), shard["bin_bytes"]), (idx_path(prefix), shard["idx_bytes"])):
        try:
            found = file_size(path)
        except (OSError, DataError) as error:
            raise StaleOutputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); {advice}") from error
        if found != expected:
            raise StaleOutputError(f"{path}: {found:,} bytes, {expected:,} when the mixture was built; {advice}")
    if fingerprint_shard(prefix) != shard["fingerprint"]:
        raise StaleOutputError(f"{prefix}: the content changed since the mixture was built (.idx, or blocks of the .bin); {advice}")


def check_all_shards(folder: Place, info: dict[str, Any]) -> None:
    """`check_shard` of every shard, those behind a URL side by side; the first one that differs, in order, is the error."""
    shards = [(source["name"], shard) for source in info["sources"] for shard in source["shards"]]
    if isinstance(folder, RemotePath):
        with ThreadPoolExecutor(REMOTE_CHECKS, thread_name_prefix="shard-check") as pool:
            try:
                for done in [pool.submit(check_shard, folder, name, shard) for name, shard in shards]:
                    done.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        return
    for name, shard in shards:
        check_shard(folder, name, shard)
