"""The text of `plan` for a mixture: budgets, epochs, cost, and what speaks against it."""

from __future__ import annotations

from typing import Any

from mathcode_data.inspect.tables import human_bytes, mixture_table, plan_text, table


def planned_text(data: dict[str, Any]) -> str:
    """What a build of a mixture file would give; `data` is that of `mathcode_data.build.plan`."""
    mixture, estimate = data["mixture"], data["estimate"]
    parts = [plan_text({"kind": "pipeline", "results": data["results"]})] if data["results"] else []
    parts.append(f"{mixture_table(mixture)}\n{changes_text(mixture)}rounding: {mixture['rounding']}")
    stocks = {source["name"]: source for source in mixture["sources"]}
    rows = [
        [source["name"], source["tokens"], source["unique_tokens"], source["epochs"], stocks[source["name"]]["num_tokens"],
         stocks[source["name"]]["max_epochs"], "assumed" if stocks[source["name"]]["is_assumed"] else ""]
        for source in estimate["sources"]
    ]  # fmt: skip
    has_replays = any(stage.get("replay") for stage in mixture["stages"])
    parts.append(
        table(
            [
                "source",
                "tokens in all",
                "unique tokens",
                "epochs with replays" if has_replays else "epochs",
                "tokens there",
                "max epochs",
                "",
            ],
            rows,
        )
    )
    parts.append(_cost(mixture, estimate))
    notes = [f"note: {line}" for line in mixture["notices"]] + [f"warning: {line}" for line in estimate["warnings"]]
    return "\n\n".join([*parts, *(["\n".join(notes)] if notes else [])])


def changes_text(mixture: dict[str, Any]) -> str:
    """What a table of counts does not show: replays, and weights that change over a stage; one line each.

    >>> stage = {"name": "b", "anneal": {"weights": {"code": 1}, "final_weights": {"math": 1}, "steps": None}}
    >>> changes_text({"sequence_length": 8, "stages": [stage]})
    'stage b: weights go from code 1 to math 1, linearly\\n'
    """
    lines = []
    for stage in mixture["stages"]:
        for replay in stage.get("replay", ()):
            parts = ", ".join(f"{name} {count:,}" for name, count in replay["sources"].items())
            tokens = replay["num_samples"] * mixture["sequence_length"]
            lines.append(f"stage {stage['name']}: {tokens:,} of its tokens replay stage {replay['stage']} (samples: {parts})")
        if anneal := stage.get("anneal"):
            start, end = (", ".join(f"{name} {weight}" for name, weight in anneal[key].items()) for key in ("weights", "final_weights"))
            way = "linearly" if anneal["steps"] is None else f"in {anneal['steps']} steps"
            lines.append(f"stage {stage['name']}: weights go from {start} to {end}, {way}")
    return "".join(f"{line}\n" for line in lines)


def _cost(mixture: dict[str, Any], estimate: dict[str, Any]) -> str:
    lines = [f"{mixture['num_tokens']:,} tokens in {mixture['num_samples']:,} samples of {mixture['sequence_length']:,}"]
    if estimate["steps"] is not None:
        lines.append(f"{estimate['steps']:,} steps")
    index = "virtual, nothing is written" if mixture["index"] == "virtual" else human_bytes(estimate["index_bytes"])
    shards = "not known" if estimate["shard_bytes"] is None else human_bytes(estimate["shard_bytes"])
    lines.append(f"index {index}; shards {shards}")
    if estimate["gpu_days"] is not None:
        days = "" if estimate["days"] is None else f", {estimate['days']:,.1f} days"
        lines.append(f"{estimate['gpu_days']:,.1f} GPU-days{days}")
    return "\n".join(lines)
