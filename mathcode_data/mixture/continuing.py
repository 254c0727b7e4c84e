"""Change a mixture while it is trained on: what of it was consumed, so that the next one never draws that again.

`continues` in `mixture.json` is a ledger: for each source that this mixture or any before it drew from, how many draws are
consumed, in what windows. A source of the new mixture goes on with the draw after those, in the same permutations, so seed,
sequence_length, shards and holdout of a source must be the same. Sources may come, go and come again, and budgets, weights and
stages may change; `max_epochs` counts the draws of all. The ledger names the stages and what they drew, so that the new
mixture may replay them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.yaml_file import YamlFile
from mathcode_data.mixture.index_files import SOURCES_NAME, open_index
from mathcode_data.mixture.plan import Plan
from mathcode_data.mixture.recipe import Recipe, place_of

COUNT_ROWS = 1 << 22


@dataclass(frozen=True)
class Parent:
    """A mixture of which some samples were consumed."""

    folder: Path
    info: dict[str, Any]
    """Content of its mixture.json."""
    ledger: dict[str, Any]
    """What becomes `continues` of a mixture that goes on from here; see `read_parent`."""

    def draws(self, source: str) -> int:
        """Draws of a source that were consumed, by this mixture or one before it."""
        return int(self.ledger["sources"].get(source, {"draws": 0})["draws"])

    def seen(self, names: list[str]) -> dict[str, list[int]]:
        """Samples of each stage that was drawn from, by number of the given sources."""
        found: dict[str, list[int]] = {}
        for part in self.ledger["seen"]:
            if part["source"] in names:
                counts = found.setdefault(part["stage"], [0] * len(names))
                counts[names.index(part["source"])] += part["stop"] - part["first"]
        return found


def read_parent(folder: Path, info: dict[str, Any], consumed: int) -> Parent:
    """The ledger after so many samples of a mixture.

    Args:
        folder: of the mixture.
        info: content of its mixture.json.
        consumed: samples that were trained on, from its first one.

    Raises:
        ConfigError: more than it has, or a mixture whose stages begin anew.
    """
    plan = Plan(info)
    if not 0 <= consumed <= plan.num_samples:
        raise ConfigError(
            f"--consumed {consumed:,}: {folder} has {plan.num_samples:,} samples; give the number that was "
            f"trained on, 0..{plan.num_samples:,}"
        )
    if not plan.is_disjoint:
        raise ConfigError(
            f"{folder}: made with `across_stages: repeat`, so that each stage draws in an order of its own and no later one can keep clear "
            "of what was consumed; only a mixture with `across_stages: disjoint` can be continued"
        )
    return Parent(folder, info, _ledger(plan, info, consumed, _drawn(plan, folder, consumed)))


def _drawn(plan: Plan, folder: Path, consumed: int) -> list[list[int]]:
    """Draws of each stream of each stage. Megatron's order has no closed form, and is counted in the index."""
    if plan.blend == "lattice":
        return plan.drawn_before(consumed)
    index = open_index(folder, SOURCES_NAME, plan.num_samples)
    found = []
    for stage in plan.stages:
        counts = np.zeros(len(plan.sources), dtype=np.int64)
        end = min(stage.first_sample + stage.num_samples, consumed)
        for low in range(stage.first_sample, end, COUNT_ROWS):
            counts += np.bincount(index[low : min(low + COUNT_ROWS, end)], minlength=counts.size)
        found.append(counts.tolist())
    return found


def _ledger(plan: Plan, info: dict[str, Any], consumed: int, drawn: list[list[int]]) -> dict[str, Any]:
    before = info.get("continues") or {"sources": {}, "seen": [], "replayed": [], "samples_in_all": 0}
    sources = {name: dict(entry) for name, entry in before["sources"].items()}
    for entry, first in zip(info["sources"], plan.first_draws, strict=True):
        sources[entry["name"]] = identity_of(entry) | {"draws": first}
    seen = [dict(part) for part in before["seen"]]
    replayed = {(part["stage"], part["source"]): dict(part) for part in before["replayed"]}
    for stage, counts in zip(plan.stages, drawn, strict=True):
        for source, (first, count) in enumerate(zip(stage.first_draws, counts, strict=False)):
            name = plan.sources[source].name
            sources[name]["draws"] += count
            if count:
                seen.append({"stage": stage.name, "source": name, "first": first, "stop": first + count})
        for stream, count in zip(stage.replays, counts[len(plan.sources) :], strict=True):
            name = plan.sources[stream.source].name
            if count:
                part = {"stage": stream.stage, "source": name, "size": stream.draws.num_training, "draws": stream.first_draw + count}
                replayed[stream.stage, name] = part
    return {
        "mixture": str(info["name"]), "fingerprint": info["fingerprint"], "consumed": consumed,
        "samples_in_all": before["samples_in_all"] + consumed, "sources": sources, "seen": seen, "replayed": list(replayed.values()),
    }  # fmt: skip


def identity_of(entry: dict[str, Any]) -> dict[str, Any]:
    """What must not change of a source that goes on: its windows and which are held out. `entry` is one of `sources` in mixture.json."""
    content = fingerprint([[shard["fingerprint"], shard["num_tokens"]] for shard in entry["shards"]])
    return {"content": content, "windows": entry["windows"], "holdout_windows": entry["holdout_windows"],
            "shards": _contents(entry)}  # fmt: skip


def check_continues(recipe: Recipe, entries: list[dict[str, Any]], parent: Parent, file: YamlFile | None) -> list[str]:
    """Refuse a change that would move the windows of what was consumed.

    Returns:
        Notices: sources that are new, and sources that are no longer drawn from.

    Raises:
        ConfigError: seed, sequence_length, shards or holdout of a source are others; says what to do.
    """
    for key, there in (("seed", parent.info["seed"]), ("sequence_length", parent.info["sequence_length"])):
        if getattr(recipe, key) != there:
            raise ConfigError(
                f"{place_of(file, (key,))}: {key} {getattr(recipe, key):,}, and {parent.folder}, which is continued, has {there:,}; its "
                f"windows and their order hang on that: write {key}: {there}"
            )
    for key in ("across_stages", "packing"):
        there = parent.info.get(key, "concat") if key == "packing" else "disjoint"
        if getattr(recipe, key) != there:
            raise ConfigError(
                f"{place_of(file, (key,))}: `{key}: {getattr(recipe, key)}` cannot go on from {parent.folder}: what was consumed would be "
                f"drawn again; write {key}: {there}"
            )
    theirs = {entry["name"]: entry for entry in parent.info["sources"]}
    for entry in entries:
        known = parent.ledger["sources"].get(entry["name"])
        if known is not None:
            _check_source(entry, known, theirs.get(entry["name"]), parent, file)
    _check_renamed(entries, parent, file)
    names = {entry["name"] for entry in entries}
    new = [f"source {name!r} is new: {parent.folder.name} did not draw from it" for name in names - parent.ledger["sources"].keys()]
    gone = [f"source {name!r} of {parent.folder.name} is no longer drawn from" for name in theirs.keys() - names]
    return sorted(new) + sorted(gone)


def _check_renamed(entries: list[dict[str, Any]], parent: Parent, file: YamlFile | None) -> None:
    """A source under a new name would draw the same shards from the beginning, held-out windows included."""
    owners = {content: name for name, known in parent.ledger["sources"].items() for content in known["shards"]}
    for entry in entries:
        if entry["name"] in parent.ledger["sources"]:
            continue
        owner = next((owners[content] for content in _contents(entry) if content in owners), None)
        if owner is not None:
            raise ConfigError(
                f"{place_of(file, ('sources', entry['name']))}: source {entry['name']!r} has shards of {owner!r} in "
                f"{parent.folder}, which is continued; what was consumed would be drawn again: call it {owner!r}, or take them out"
            )


def _contents(entry: dict[str, Any]) -> list[str]:
    return [shard["fingerprint"] for shard in entry["shards"]]


def _check_source(
    entry: dict[str, Any], known: dict[str, Any], there: dict[str, Any] | None, parent: Parent, file: YamlFile | None
) -> None:
    here = identity_of(entry)
    if here == {key: known[key] for key in here}:
        return
    name = entry["name"]
    where = place_of(file, ("sources", name))
    if here["content"] != known["content"]:
        raise ConfigError(
            f"{where}: source {name!r} has other shards than in {parent.folder}, which is continued{_first_difference(entry, there)}; "
            "its windows would be others than those that were consumed. Put the shards back, and add new shards as a source of their own"
        )
    share = f"write holdout: {there['holdout']:g}" if there else "write the holdout that it had"
    raise ConfigError(
        f"{where}: source {name!r} holds out {here['holdout_windows']:,} windows, {known['holdout_windows']:,} in {parent.folder}, which "
        f"is continued; windows that were trained on would be held out, or the order be another: {share}"
    )


def _first_difference(entry: dict[str, Any], there: dict[str, Any] | None) -> str:
    if there is None:
        return ""
    if len(entry["shards"]) != len(there["shards"]):
        return f" ({len(entry['shards']):,} now, {len(there['shards']):,} then)"
    for shard, other in zip(entry["shards"], there["shards"], strict=True):
        if (shard["fingerprint"], shard["num_tokens"]) != (other["fingerprint"], other["num_tokens"]):
            return f" (the first that differs is {shard['path']})"
    return ""
