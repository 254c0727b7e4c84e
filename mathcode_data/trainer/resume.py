"""What makes a saved run the same run: its mixture and every setting that changes the result."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mathcode_data.core.errors import DataError, StaleOutputError
from mathcode_data.trainer.checkpoint import Checkpoint
from mathcode_data.trainer.config import TrainConfig
from mathcode_data.trainer.data import TrainingData
from mathcode_data.trainer.tensor_parallel import as_saved

FREE_FIELDS = frozenset({
    "mixture", "output", "device", "micro_batch_samples", "kernels", "checkpoint_every_steps", "keep_checkpoints",
    "damaged_checkpoint", "evaluate_every_steps", "evaluate_max_samples", "parallel", "compile", "tensorboard", "spike_guard",
    "max_skipped_steps", "continue_from", "deterministic",
})  # fmt: skip
"""Settings that may change between two parts of a run: where things lie and how they are computed, not what. The mixture counts
by its fingerprint, not by its path."""


def describe_data(data: TrainingData) -> dict[str, Any]:
    """What a checkpoint remembers of its mixture."""
    return {
        "fingerprint": data.fingerprint,
        "sequence_length": data.sequence_length,
        "num_samples": len(data),
        "sources": list(data.source_names),
        "made_of": _made_of(data.info),
    }


def _made_of(info: dict[str, Any]) -> dict[str, Any]:
    """What a mixture's fingerprint is made of, by name, so that a refusal can say what is another."""
    made: dict[str, Any] = {name: info[name] for name in ("seed", "packing", "blend", "rounding") if name in info}
    for source in info.get("sources", ()):
        facts = ("fingerprint", "num_tokens", "windows", "holdout", "tokenizer_sha256")
        made.setdefault("source", {})[source["name"]] = {name: source[name] for name in facts if name in source}
    for stage in info.get("stages", ()):
        parts = stage.get("sources", {})
        tokens = {name: part["tokens"] for name, part in parts.items() if isinstance(part, dict) and "tokens" in part}
        made.setdefault("stage", {})[stage.get("name", "")] = {"num_samples": stage.get("num_samples"), "tokens": tokens}
    return made


def _mixture_differences(found: Checkpoint, data: TrainingData) -> list[str]:
    """What differs between a checkpoint's mixture and this one; of old checkpoints less is known."""
    there, here = found.record["mixture"], describe_data(data)
    if there["fingerprint"] == here["fingerprint"] or "made_of" not in there:
        here.pop("made_of")
        there = {name: value for name, value in there.items() if name != "made_of"}
    return _differences(there, here)


def check_same_run(found: Checkpoint, config: TrainConfig, data: TrainingData) -> None:
    """Refuse to go on with another run.

    Raises:
        StaleOutputError: says what differs, there and here.
    """
    advice = "use another output folder (with continue_from to take weights and optimizer along), or put back what it was"
    differences = _mixture_differences(found, data)
    if differences:
        raise StaleOutputError(f"{found.folder}: trained on another mixture than {config.mixture}: {'; '.join(differences)}; {advice}")
    differences = _differences(_settings(found.record["config"]), _settings(config.model_dump(mode="json")))
    if differences:
        if any(line.startswith("max_tokens is ") for line in differences):
            advice = (
                "a run's max_tokens, where its schedule ends, is fixed at its beginning (set it large there, or leave it out): put it back"
            )
        raise StaleOutputError(
            f"{found.folder}: trained with other settings: {'; '.join(differences)}; {advice}; {_how_to_go_on(found, config, data)}"
        )


def _how_to_go_on(found: Checkpoint, config: TrainConfig, data: TrainingData) -> str:
    """How to train on behind the samples of a run: `continue_from` alone begins at its mixture's first sample."""
    consumed = int(found.record["position"])
    text = f"this run consumed {consumed:,} of the {len(data):,} samples of {config.mixture}, and continue_from alone would repeat them"
    if data.info.get("across_stages") == "repeat":
        return f"{text}; a mixture with across_stages: repeat cannot be gone on with behind them, one with disjoint can"
    return (
        f"{text}: to train on behind them, write the tokens that are still to come into the mixture file, run "
        f"`mathcode-data build-mixture MIXTURE.yaml --continue-from {config.mixture} --consumed {consumed} --output NEW`, and train "
        f"with mixture: NEW, another output folder and continue_from: {config.output}"
    )


def describe_change(found: Checkpoint, config: TrainConfig, data: TrainingData) -> list[str]:
    """What differs between a checkpoint's run and the run that goes on from it with another mixture or other settings."""
    lines = [f"mixture.{line}" for line in _mixture_differences(found, data)]
    lines += _differences(_settings(found.record["config"]), _settings(config.model_dump(mode="json")))
    if found.record["mixture"].get("fingerprint") == data.fingerprint and found.record["position"]:
        lines.append(f"the mixture is the same, and its first {found.record['position']:,} samples are trained on again")
    return lines


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in FREE_FIELDS}


def _differences(there: Any, here: Any, name: str = "") -> list[str]:
    """Leaves that differ, as "optimizer.peak_lr is 0.001 there, 0.002 here"."""
    if isinstance(there, dict) and isinstance(here, dict):
        keys = [*there, *(key for key in here if key not in there)]
        return [line for key in keys for line in _differences(there.get(key), here.get(key), f"{name}.{key}".lstrip("."))]
    return [] if there == here else [f"{name} is {there} there, {here} here"]


def load_weights(model: nn.Module, found: Checkpoint) -> None:
    """Set a model's parameters from a checkpoint.

    Raises:
        DataError: names or shapes are those of another model.
    """
    shapes = found.shapes("model")
    state = model.state_dict()
    for name in sorted(set(shapes) | set(state)):
        there = shapes.get(name)
        here = list(state[name].shape) if name in state else None
        if there != here:
            raise DataError(f"{found.folder}: {name} has shape {there} there, {here} in the configured model; use the checkpoint's model")
    found.load_into("model", as_saved(model, state))


def rng_tensors(device: torch.device) -> dict[str, Tensor]:
    """State of torch's generators. The model draws nothing after its initial weights; a kernel with dropout would."""
    tensors = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        tensors["cuda"] = torch.cuda.get_rng_state(device)
    return tensors


def load_rng(found: Checkpoint, device: torch.device) -> None:
    """Put the generators back where they were; a run that moves to a GPU keeps that GPU's seed."""
    tensors = found.tensors("rng")
    torch.set_rng_state(tensors["cpu"])
    if device.type == "cuda" and "cuda" in tensors:
        torch.cuda.set_rng_state(tensors["cuda"], device)
