"""Fingerprints: a result's name for its causes. Equal causes, equal fingerprint; anything else changes it.

A value without one stable form (a set, a float that is not finite, an object) raises: a permissive string fallback would
silently fork fingerprints between runs.
"""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.storage import naming_file, sha256_file, write_bytes

FINGERPRINT_BYTES = 16
SEAL = "sha256"
"""Key of a record's own hash in it."""
UNICODE_TABLES = "unicodedata"
"""Stands among the libraries of a stage that depends on the Unicode tables of Python itself."""


def version_with_libraries(version: str, libraries: Iterable[str]) -> str:
    """The version of a stage together with those of the libraries that decide its bytes.

    It is part of fingerprints, so another release of a library gives another result's name, and of plans, so a worker with
    another release than the driver's refuses to work. A library that is not installed counts as `absent`: a stage that needs
    it says so itself when it is built.

    Args:
        version: the stage's VERSION.
        libraries: names of distributions as pip knows them, or `unicodedata`.

    >>> version_with_libraries("3", ()), version_with_libraries("3", ["no-such-library"])
    ('3', '3 (no-such-library absent)')
    """
    found = [f"{name} {_library_version(name)}" for name in sorted(libraries)]
    return f"{version} ({', '.join(found)})" if found else version


def _library_version(name: str) -> str:
    if name == UNICODE_TABLES:
        return unicodedata.unidata_version
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def seal_of(record: dict[str, Any]) -> str:
    """sha256 of a record without its own seal, which small records carry so that a changed byte is noticed.

    >>> seal_of({"name": "a"}) == seal_of({"name": "a", SEAL: "0" * 64})
    True
    """
    return hashlib.sha256(canonical_json({key: value for key, value in record.items() if key != SEAL})).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Serialise to the one JSON form that fingerprints use: sorted keys, no white space, exact integers of any size.

    Raises:
        ConfigError: the value has no stable form; says where in the value.

    >>> canonical_json({"b": 1, "a": [1.0, None, True]})
    b'{"a":[1.0,null,true],"b":1}'
    """
    _refuse_unstable(value, "value")
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _refuse_unstable(value: Any, place: str) -> None:
    if value is None or isinstance(value, bool | int | str):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ConfigError(f"{place}: {value} cannot be part of a fingerprint; use a finite number")
        return
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse_unstable(item, f"{place}[{index}]")
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ConfigError(f"{place}: key {key!r} is {type(key).__name__}; keys must be text")
            _refuse_unstable(item, f"{place}.{key}")
        return
    raise ConfigError(f"{place}: {type(value).__name__} has no stable form for a fingerprint; use text, numbers, lists or maps")


def fingerprint(value: Any) -> str:
    """BLAKE2b-128 of the canonical JSON; 32 hexadecimal digits.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    return hashlib.blake2b(canonical_json(value), digest_size=FINGERPRINT_BYTES).hexdigest()


def file_identity(path: Path) -> list[int]:
    """Size, times and inode: what changes when somebody writes to a file."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


class FileHashes:
    """sha256 of input files, remembered by (path, size, mtime, ctime, inode) so that an unchanged terabyte is read once.

    The identity of an input is always its content: touching a file costs one more read, never a rebuild.
    """

    def __init__(self, cache: Path | None = None) -> None:
        """Read what an earlier run remembered; a damaged cache is started anew."""
        self._cache = cache
        self._known: dict[str, dict[str, Any]] = {}
        self._changed = False
        if cache is not None and cache.exists():
            try:
                with naming_file(cache):
                    known = orjson.loads(cache.read_bytes())
            except orjson.JSONDecodeError:
                known = {}  # only a cache: the hashes are computed again
            self._known = known if isinstance(known, dict) else {}

    def sha256(self, path: Path) -> str:
        """Hash of the file's content; 64 hexadecimal digits.

        Raises:
            DataError: the file is not there or cannot be read.
        """
        try:
            identity = file_identity(path)
            known = self._known.get(str(path))
            if isinstance(known, dict) and known.get("identity") == identity and "sha256" in known:
                return str(known["sha256"])
            digest = sha256_file(path)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror or error}); check the path and the rights") from error
        self._known[str(path)] = {"identity": identity, "sha256": digest}
        self._changed = True
        return digest

    def save(self) -> None:
        """Remember the hashes for the next run."""
        if self._cache is not None and self._changed:
            write_bytes(self._cache, orjson.dumps(self._known, option=orjson.OPT_SORT_KEYS))
            self._changed = False
