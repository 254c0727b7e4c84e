"""Find the one file that a configuration names by a ResultRef: a file of a finished result, or a single file."""

from __future__ import annotations

from pathlib import Path

from mathcode_data.core.config import ResultRef
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.manifest import read_result
from mathcode_data.core.storage import sha256_file


def find_file(ref: ResultRef, name: str, *, needs_hash: bool, where: str) -> tuple[Path, str]:
    """Return the file and its sha256, which was compared with the manifest's or with `ref.sha256`.

    Args:
        ref: with `path` set; the driver has resolved stages and pipelines.
        name: what the file is called in a result of ours.
        needs_hash: refuse a single file without `sha256` beside it (its bytes are run by native code).

    Raises:
        ConfigError: the reference is not resolved, or lacks the hash.
        DataError: the result lacks the file, or the bytes are not those that were promised.
    """
    if ref.path is None:
        raise ConfigError(f"{where}: {ref.model_dump(exclude_none=True)} is not resolved to a folder; run the stage through a pipeline")
    path = Path(ref.path)
    if path.is_dir():
        result = read_result(path)
        shard = next((shard for shard in result.manifest.shards if shard.name == name), None)
        if shard is None:
            raise DataError(f"{where}: {path} is a {result.manifest.kind} result without {name}; name a result that holds one")
        path, expected = path / name, shard.sha256
    elif not path.exists():
        raise DataError(f"{where}: {path}: no such file or folder; check the path, it is relative to the YAML file")
    else:
        expected = ref.sha256 or ""
        if needs_hash and not expected:
            raise ConfigError(f"{where}: {path} needs its hash beside it: {{path: {path.name}, sha256: {sha256_file(path)}}}")
    try:
        found = sha256_file(path)
    except OSError as error:
        raise DataError(f"{where}: {path}: cannot be read ({error.strerror}); check the rights, or run its pipeline again") from error
    if expected and found != expected:
        raise DataError(f"{where}: {path} has sha256 {found}, promised is {expected}; it was cut, damaged or replaced")
    return path, found
