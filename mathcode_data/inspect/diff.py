"""What differs between two manifests or two mixtures: causes first, then effects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import read_result
from mathcode_data.inspect.kinds import Kind, identify
from mathcode_data.mixture.opened import read_mixture

IGNORED = ("self_hash", "made_by")


def diff(a: Path, b: Path) -> list[dict[str, Any]]:
    """Compare two results or two mixtures, key by key.

    Returns:
        One entry per difference, `{"key", "a", "b"}`, in the order of the keys; a value that one side lacks is None.

    Raises:
        ConfigError: the two are not of one kind.
        DataError: one is not ours, or of another format.
        VerificationError: one was edited or damaged.
    """
    kinds = identify(a), identify(b)
    if kinds[0] != kinds[1] or kinds[0] not in ("result", "mixture"):
        raise ConfigError(f"{a} is a {kinds[0]}, {b} a {kinds[1]}; diff compares two results or two mixtures")
    left, right = _flatten(_read(a, kinds[0])), _flatten(_read(b, kinds[1]))
    return [
        {"key": key, "a": left.get(key), "b": right.get(key)}
        for key in sorted(left.keys() | right.keys())
        if left.get(key) != right.get(key) and key.split(".")[0] not in IGNORED
    ]


def _read(folder: Path, kind: Kind) -> dict[str, Any]:
    return read_result(folder).manifest.to_json() if kind == "result" else read_mixture(folder)


def _flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list):
        names = [str(item["name"]) if isinstance(item, dict) and "name" in item else str(i) for i, item in enumerate(value)]
        items = [
            (name if names.count(name) == 1 else f"{name}[{i}]", item) for i, (name, item) in enumerate(zip(names, value, strict=True))
        ]
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in items:
        flat |= _flatten(item, f"{prefix}.{key}" if prefix else key)
    return flat
