"""Manifests and results: a result is a folder that is complete when its `manifest.json` exists.

The manifest names the causes (stages with version and config, inputs with their fingerprints) and the effects (shards with
size and sha256, counters). It is sorted, hashes itself, and is written last.
"""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, NotRequired

import orjson
from typing_extensions import TypedDict

from mathcode_data import __version__
from mathcode_data.core.blocks import BLOCKS_NAME, FileBlocks, unpack_blocks
from mathcode_data.core.counters import StageCounters
from mathcode_data.core.errors import DataError, VerificationError
from mathcode_data.core.fingerprint import canonical_json
from mathcode_data.core.record_shape import Count, Sha256, check_record
from mathcode_data.core.storage import read_json, sha256_bytes, sha256_file, write_json

MANIFEST_NAME = "manifest.json"
FORMAT = 1
NAMED_PACKAGES = ("numpy", "pyarrow", "tokenizers", "fasttext-numpy2-wheel", "selectolax", "resiliparse", "xxhash")
MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True)
class Shard:
    """One file of a result. `rows` counts documents (0 where that has no meaning), `tokens` token ids."""

    name: str
    bytes: int
    sha256: str
    rows: int = 0
    tokens: int = 0


class ShardShape(TypedDict):
    """A shard in a manifest or a done record."""

    name: str
    bytes: Count
    sha256: Sha256
    rows: Count
    tokens: Count


class _InputShape(TypedDict):
    name: str
    fingerprint: str


class CountersShape(TypedDict):
    """Counters of a stage in a manifest or a done record."""

    stage: str
    read: Count
    kept: Count
    dropped: dict[str, Count]
    facts: dict[str, int]


class _BlocksShape(TypedDict):
    name: str
    bytes: Count
    sha256: Sha256


class _ManifestShape(TypedDict):
    kind: str
    stages: list[dict[str, Any]]
    fingerprint: str
    inputs: list[_InputShape]
    shards: list[ShardShape]
    counters: list[CountersShape]
    facts: dict[str, Any]
    damage: list[str]
    quarantined: list[str]
    made_by: dict[str, str]
    block_hashes: NotRequired[_BlocksShape | None]


@dataclass(frozen=True)
class InputRecord:
    """What a result was made from: a name for people and the fingerprint that counts."""

    name: str
    fingerprint: str


@dataclass(frozen=True)
class Manifest:
    """Causes and effects of a result. `facts` holds what the kind of result needs (tokenizer hash, number of tokens)."""

    kind: str
    stages: list[dict[str, Any]]
    fingerprint: str
    inputs: list[InputRecord]
    shards: list[Shard]
    counters: list[StageCounters]
    facts: dict[str, Any] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    made_by: dict[str, str] = field(default_factory=dict)
    block_hashes: dict[str, Any] | None = None
    """Name, bytes and sha256 of the file of block hashes (core/blocks.py); results made before there were any have none."""

    def to_json(self) -> dict[str, Any]:
        """Plain data with the hash of itself."""
        data = asdict(self) | {"counters": [stage.to_json() for stage in self.counters], "format": FORMAT}
        return data | {"self_hash": self_hash(data)}

    @property
    def num_rows(self) -> int:
        """Documents in all shards (tables beside them and samples of dropped documents not counted)."""
        beginning, ending = {"documents": ("documents-", ""), "tokens": ("", ".bin")}.get(self.kind, ("", ""))
        return sum(shard.rows for shard in self.shards if shard.name.startswith(beginning) and shard.name.endswith(ending))

    @property
    def num_tokens(self) -> int:
        """Tokens in all shards."""
        return sum(shard.tokens for shard in self.shards if shard.name.endswith(".bin"))


def self_hash(data: dict[str, Any]) -> str:
    """Hash of a manifest without its own hash."""
    return hashlib.sha256(canonical_json({key: value for key, value in data.items() if key != "self_hash"})).hexdigest()


@dataclass(frozen=True)
class Result:
    """A finished result: its folder and what its manifest says."""

    folder: Path
    manifest: Manifest

    @property
    def fingerprint(self) -> str:
        """The name of the result's causes."""
        return self.manifest.fingerprint

    def paths(self, prefix: str = "", suffix: str = "") -> list[Path]:
        """Paths of the shards whose names begin and end so, in name order."""
        return [
            self.folder / shard.name
            for shard in sorted(self.manifest.shards, key=lambda shard: shard.name)
            if shard.name.startswith(prefix) and shard.name.endswith(suffix)
        ]

    def document_shards(self) -> list[Path]:
        """The Parquet shards that hold documents (not those that hold samples of dropped ones)."""
        return self.paths("documents-", ".parquet")


def check_file_name(name: str, where: str) -> str:
    """Accept a plain file name that stays inside its folder.

    Raises:
        DataError: the name is absolute, climbs out, is hidden, too long or holds control characters.
    """
    bad = not name or name.startswith(".") or len(name) > MAX_NAME_CHARACTERS or any(c in name for c in "/\\\0") or not name.isprintable()
    if bad or name.split(".")[0].upper() in {"CON", "PRN", "AUX", "NUL"}:
        raise DataError(f"{where}: shard name {name[:80]!r} is no plain file name; the manifest is damaged or hostile")
    return name


def read_result(folder: Path, *, check_self: bool = True) -> Result:
    """Open a finished result.

    Raises:
        DataError: the folder has no manifest (the result is unfinished or not ours), or names outside the folder.
        VerificationError: the manifest was edited or damaged.
    """
    path = folder / MANIFEST_NAME
    if not path.exists():
        raise DataError(f"{folder}: no {MANIFEST_NAME}: not a finished result of ours; run its pipeline, or check the path")
    data = read_json(path)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = data.get("format") if isinstance(data, dict) else type(data).__name__
        raise DataError(f"{path}: manifest format {found!r}, this version reads {FORMAT}")
    if check_self and data.get("self_hash") != self_hash(data):
        raise VerificationError(f"{path}: the manifest does not hash to its own self_hash; it was edited, run the pipeline again")
    check_record(data, _ManifestShape, path, "not what a run writes; remove the folder and run again")
    return Result(folder, _from_json(data, path))


def _from_json(data: dict[str, Any], path: Path) -> Manifest:
    shards = [Shard(**{name: shard[name] for name in ShardShape.__annotations__}) for shard in data["shards"]]
    for shard in shards:
        check_file_name(shard.name, str(path))
        if (path.parent / shard.name).is_symlink():
            raise DataError(f"{path}: shard {shard.name!r} is a symbolic link; results hold plain files")
    blocks = data.get("block_hashes")
    if blocks is not None and blocks["name"] != BLOCKS_NAME:
        raise DataError(f"{path}: block hashes in {blocks['name']!r}, they stand in {BLOCKS_NAME}; the manifest is damaged or hostile")
    return Manifest(
        kind=data["kind"],
        stages=data["stages"],
        fingerprint=data["fingerprint"],
        inputs=[InputRecord(record["name"], record["fingerprint"]) for record in data["inputs"]],
        shards=shards,
        counters=[StageCounters.from_json(stage) for stage in data["counters"]],
        facts=data["facts"],
        damage=data["damage"],
        quarantined=data["quarantined"],
        made_by=data["made_by"],
        block_hashes=data.get("block_hashes"),
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json`; from then on the result is complete."""
    write_json(folder / MANIFEST_NAME, manifest.to_json())


def parse_manifest(content: bytes, where: object) -> dict[str, Any]:
    """The object of a manifest of ours, unless another program's `manifest.json` stands there: then an empty one.

    Raises:
        DataError: no JSON.
        VerificationError: edited or damaged.
    """
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON ({error}); the manifest is damaged: run `verify`") from error
    if not isinstance(data, dict) or "self_hash" not in data:
        return {}
    if data["self_hash"] != self_hash(data):
        raise VerificationError(f"{where}: the manifest does not hash to its own self_hash; it was edited or damaged: run `verify`")
    return data


def check_shards(result: Result, *, full: bool) -> Iterable[str]:
    """Yield one line for each shard that is missing, has another size or (full) another sha256, with the file named."""
    for shard in result.manifest.shards:
        path = result.folder / shard.name
        if not path.exists():
            yield f"{path}: missing"
        elif path.stat().st_size != shard.bytes:
            yield f"{path}: {path.stat().st_size:,} bytes, the manifest says {shard.bytes:,}"
        elif full and sha256_file(path) != shard.sha256:
            yield f"{path}: sha256 differs from the manifest; the bytes were changed after the result was finished"
    yield from _check_block_hashes(result, full=full)


def _check_block_hashes(result: Result, *, full: bool) -> Iterable[str]:
    record = result.manifest.block_hashes
    if record is None:
        return
    path = result.folder / record["name"]
    if not path.exists():
        yield f"{path}: missing"
    elif path.stat().st_size != record["bytes"]:
        yield f"{path}: {path.stat().st_size:,} bytes, the manifest says {record['bytes']:,}"
    elif full and sha256_file(path) != record["sha256"]:
        yield f"{path}: sha256 differs from the manifest; the bytes were changed after the result was finished"


def read_block_hashes(result: Result) -> dict[str, FileBlocks]:
    """The block hashes of each file of a result, empty for one that has none.

    Raises:
        VerificationError: the table is not that of the manifest.
        DataError: it cannot be read.
    """
    record = result.manifest.block_hashes
    return {} if record is None else load_block_hashes(result.folder / record["name"], record)


def load_block_hashes(path: Any, record: dict[str, Any]) -> dict[str, FileBlocks]:
    """Read a table of block hashes and compare it with what a manifest or `mixture.json` says of it.

    Args:
        path: a Path, or what reads as one (a file behind a URL).
        record: its `bytes` and `sha256`.

    Raises:
        VerificationError: another table.
        DataError: it cannot be read.
    """
    try:
        content: bytes = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or error}); the block hashes of the folder are gone, restore it"
        ) from error
    if sha256_bytes(content) != record["sha256"]:
        raise VerificationError(
            f"{path}: sha256 differs from the record of the folder; the block hashes were changed after they were made: run `mathcode-data "
            f"verify --full {path.parent}`"
        )
    return unpack_blocks(content, path)


@functools.cache
def made_by() -> dict[str, str]:
    """Versions, commit and host that a result is made by."""
    versions = {name: _version(name) for name in NAMED_PACKAGES}
    return {
        "mathcode_data": __version__,  # not that of the installation's metadata, which an editable one keeps from its first day
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "host": platform.node(),
        **versions,
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """Commit of a source checkout ("" for an installed package), with + if files differ from it."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
