"""What differs between two results or two mixtures: causes first, then what it did to documents, budgets and the order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import read_result
from mathcode_data.inspect.diff_mixtures import mixture_effects, mixtures_text
from mathcode_data.inspect.diff_results import document_effects, results_text
from mathcode_data.inspect.kinds import Kind, identify
from mathcode_data.mixture.opened import read_mixture

IGNORED = ("self_hash", "made_by")

Rows = list[dict[str, Any]]


def diff(a: Path, b: Path) -> Rows:
    """Compare two results or two mixtures, key by key, and what they hold.

    Returns:
        One entry per difference, `{"key", "a", "b"}`, in the order of the keys; a value that one side lacks is None. Then the
        effects: of mixtures `order.first_difference` (sample, source, window) and `samples.in_common` (the share of each side's
        samples that the other draws too), of results `documents.only_here` and `documents.other_text` (count, examples).

    Raises:
        ConfigError: the two are not of one kind.
        DataError: one is not ours, or of another format.
        VerificationError: one was edited or damaged.
    """
    kind = _kind(a, b)
    left, right = _flatten(_read(a, kind)), _flatten(_read(b, kind))
    rows = [
        {"key": key, "a": left.get(key), "b": right.get(key)}
        for key in sorted(left.keys() | right.keys())
        if left.get(key) != right.get(key) and key.split(".")[0] not in IGNORED
    ]
    if not rows:
        return rows
    if kind == "result":
        return rows + document_effects(read_result(a), read_result(b))
    return rows + mixture_effects(read_mixture(a), read_mixture(b))


def diff_text(a: Path, b: Path, rows: Rows) -> str:
    """The same for people: side by side, long lists cut."""
    if not rows:
        return "no difference"
    names = (a.name, b.name) if a.name != b.name else (str(a), str(b))
    if _kind(a, b) == "mixture":
        return mixtures_text(read_mixture(a), read_mixture(b), names, rows)
    return results_text(read_result(a).manifest, read_result(b).manifest, names, rows)


def _kind(a: Path, b: Path) -> Kind:
    kinds = identify(a), identify(b)
    if kinds[0] != kinds[1] or kinds[0] not in ("result", "mixture"):
        raise ConfigError(f"{a} is a {kinds[0]}, {b} a {kinds[1]}; diff compares two results or two mixtures")
    return kinds[0]


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
