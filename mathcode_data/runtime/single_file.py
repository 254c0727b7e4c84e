"""A single file from elsewhere (a model, a tokenizer) taken as a result: it counts by its content."""

from __future__ import annotations

from pathlib import Path

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.manifest import Manifest, Result, Shard
from mathcode_data.core.storage import sha256_file

NEEDS_HASH = {".bin", ".ftz"}
"""A model runs native code on its bytes, so it is only loaded under a hash that the user wrote down."""


def file_result(path: Path, sha256: str | None, place: str) -> Result:
    """Take a file as a result whose folder is the file itself.

    Raises:
        ConfigError: the sha256 differs, or is missing where it is required.
    """
    found = sha256_file(path)
    if sha256 is None and path.suffix in NEEDS_HASH:
        raise ConfigError(f"{place}: {path.name} is a model file and needs its hash beside it: {{path: {path.name}, sha256: {found}}}")
    if sha256 is not None and sha256 != found:
        raise ConfigError(f"{place}: {path} has sha256 {found}, the configuration says {sha256}; it is another file")
    shard = Shard(path.name, path.stat().st_size, found)
    return Result(path, Manifest("file", [], fingerprint({"file": found}), [], [shard], []))
