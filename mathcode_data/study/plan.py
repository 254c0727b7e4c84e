"""From a study to its runs: every arm is one mixture, built whole; every stage of it is one run; equal beginnings are one run.

Why sharing is exact. A mixture's order is closed form: the rows of a stage hang on the seed, the sources and that stage's quotas, not on
what comes after. The learning rate restarts with every stage, and stages are whole optimizer steps. So the first stages of two arms that
agree are the same steps on the same batches at the same rates, and the state after them (weights, optimizer, generators) is the state
that each arm would have reached alone, to the bit. `fork` checks the rows and rates again before a run goes on from another's state.

Arms go on from the base in data too: their mixtures continue the base's, so no window that the base saw is drawn again before a
source's epoch is over, and all arms hold out the same windows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.continuing import Parent, read_parent
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.sources import SourceInput, source_from_paths, tokenizer_hash
from mathcode_data.study.config import BASE, StudyConfig
from mathcode_data.study.jobs import Job, Measuring
from mathcode_data.study.problem_shards import ProblemShards, make_problem_shards
from mathcode_data.study.recipes import arm_recipe, problem_source, source_names

logger = logging.getLogger(__name__)

VERSION = "1"
"""Raised when the same job would give other weights."""
MEASURE_VERSION = "1"
"""Raised when the same weights would give other measures."""
KEY_LETTERS = 10

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """All runs of a study."""

    jobs: dict[str, Job]
    """By key; a run stands behind those that it needs."""
    chains: dict[tuple[str, int, str], tuple[str, ...]]
    """(model, seed, arm) -> the runs of its stages, in order."""
    arms: dict[str, list[dict[str, Any]]]
    """Arm -> its stages as in mixture.json (of the first seed): name, tokens, sources."""
    problems: ProblemShards | None


def plan_study(config: StudyConfig, shards: dict[str, list[Path]]) -> Plan:
    """Make the word problems and the mixtures, and lay out the runs; nothing is trained.

    Args:
        config: the study.
        shards: shards of every source under `sources`; pipelines were brought up to date by the caller.

    Raises:
        ConfigError: an arm cannot be met; names its file.
        DataError: shards are damaged.
    """
    problems = _make_problems(config)
    inputs = _source_inputs(config, shards, problems)
    paths = {name: [Path(prefix) for prefix in found.prefixes] for name, found in inputs.items()}
    arms = [BASE, *(name for name in config.arms if name != BASE)]
    built = {seed: _build_mixtures(config, seed, arms, paths, inputs) for seed in config.seeds}
    infos = {arm: built[config.seeds[0]][arm] for arm in arms}
    shortest = min(stage["num_samples"] for info in infos.values() for stage in info["stages"]) // config.training.global_batch_samples
    warmup = min(max(1, round(config.training.warmup_share * shortest)), shortest - 1)
    plan = Plan({}, {}, {arm: infos[arm]["stages"] for arm in config.arms}, problems)
    for model in config.models:
        for seed in config.seeds:
            for arm in arms:
                _add_chain(plan, config, model, seed, arm, built[seed][arm], warmup)
    return plan


def _make_problems(config: StudyConfig) -> ProblemShards | None:
    if config.problems is None:
        return None
    assert config.tokenizer is not None, "the configuration asks for it"
    if not config.tokenizer.is_file():
        raise ConfigError(f"tokenizer: {config.tokenizer}: no such file; name the tokenizer.json that the shards were made with")
    largest = max(model.vocab_size for model in config.models.values())
    dtype = np.dtype(np.uint16 if largest <= 1 << 16 else np.int32)
    return make_problem_shards(config.problems, config.tokenizer, config.output / "problems", dtype)


def _source_inputs(config: StudyConfig, shards: dict[str, list[Path]], problems: ProblemShards | None) -> dict[str, SourceInput]:
    found = {name: source_from_paths(name, shards[name]) for name in config.sources}
    if problems is not None and config.tokenizer is not None and config.problems is not None:
        digest = tokenizer_hash(config.tokenizer)
        for name, source in found.items():
            if source.tokenizer_sha256 not in (None, digest):
                raise ConfigError(
                    f"sources.{name}: its shards were made with another tokenizer than {config.tokenizer} (sha256 "
                    f"{source.tokenizer_sha256}, not {digest}); name theirs, or tokenize again"
                )
        for part in config.problems.mix_into.values():
            name = problem_source(part.form)
            made = source_from_paths(name, [problems.shards(part.form)])
            found[name] = replace(made, tokenizer_sha256=digest, bytes_per_token=problems.bytes_per_token[part.form])
    return {name: found[name] for name in source_names(config)}


def _build_mixtures(
    config: StudyConfig, seed: int, arms: list[str], paths: dict[str, list[Path]], inputs: dict[str, SourceInput]
) -> dict[str, dict[str, Any]]:
    """Build every arm's mixture for a seed; the base's first, since the others continue it."""
    root = config.output / "mixtures" / f"seed-{seed}"
    parent: Parent | None = None
    found: dict[str, dict[str, Any]] = {}
    for arm in arms:
        try:
            recipe = arm_recipe(config, arm, seed, paths)
            found[arm] = build_mixture(recipe, list(inputs.values()), root / arm, parent=parent)
        except ConfigError as error:
            raise ConfigError(f"arm {arm!r} ({config.arms[arm].mixture}): {error}") from error
        if arm == BASE:
            parent = read_parent(root / arm, found[arm], found[arm]["num_samples"])
    _check_same_heldout(root, arms)
    return found


def _check_same_heldout(root: Path, arms: list[str]) -> None:
    """All arms are measured on the same windows, or differences between them mean nothing."""
    first: dict[str, Any] | None = None
    for arm in arms:
        with MixtureDataset(root / arm, check_shards=False, check_index=False) as data:
            windows = {name: data.holdout(name).tolist() for name in data.source_names}
        first = first or windows
        if windows != first:
            raise ConfigError(f"{root / arm}: holds out other windows than {root / arms[0]}; a bug of ours, please report it")


def _add_chain(plan: Plan, config: StudyConfig, model: str, seed: int, arm: str, info: dict[str, Any], warmup: int) -> None:
    """Add the runs of an arm that are not there yet."""
    base = plan.chains[model, seed, BASE][-1] if arm != BASE else None
    chain: list[str] = []
    batch = config.training.global_batch_samples
    sources = [
        [source["name"], source["holdout_windows"], [shard["fingerprint"] for shard in source["shards"]]] for source in info["sources"]
    ]
    for number, stage in enumerate(info["stages"]):
        training = _training(config, model, seed, info, stage, warmup)
        first, end = int(stage["first_sample"]), int(stage["first_sample"] + stage["num_samples"])
        assert (first % batch, end % batch) == (0, 0), f"stage {stage['name']!r} is no whole number of steps"
        decides = {name: value for name, value in training.items() if name not in ("mixture", "output", "device", "checkpoint_every_steps")}
        key = fingerprint({
            "version": VERSION, "before": chain, "base": base, "seed": seed, "threads": config.training.threads, "training": decides,
            "stage": stage, "sources": sources, "sequence_length": info["sequence_length"],
        })  # fmt: skip
        chain.append(key)
        if key in plan.jobs:
            continue
        label = arm if len(info["stages"]) == 1 else f"{arm}.{stage['name']}"
        folder = config.output / "runs" / model / f"seed-{seed}" / f"{label}-{key[:KEY_LETTERS]}"
        before = plan.jobs[chain[-2]] if len(chain) > 1 else None
        plan.jobs[key] = Job(
            key=key, label=label, model=model, seed=seed, folder=str(folder), mixture=training["mixture"], stage=number,
            start_step=first // batch, end_step=end // batch,
            parent=before.key if before else None, parent_folder=before.folder if before else None,
            base=base, base_folder=plan.jobs[base].folder if base else None,
            training=training | {"output": str(folder)}, threads=config.training.threads, measuring=_measuring(config, plan.problems, key),
        )  # fmt: skip
    plan.chains[model, seed, arm] = tuple(chain)


def _training(config: StudyConfig, model: str, seed: int, info: dict[str, Any], stage: dict[str, Any], warmup: int) -> dict[str, Any]:
    settings = config.training
    num_steps = stage["num_samples"] // settings.global_batch_samples
    return {
        "mixture": info["folder"], "model": config.models[model].model_dump(mode="json"),
        "optimizer": settings.optimizer.model_dump(mode="json"),
        "schedule": {"kind": settings.schedule, "warmup_steps": warmup, "restart_at": "stages"},
        "global_batch_samples": settings.global_batch_samples, "micro_batch_samples": settings.micro_batch_samples,
        "document_masks": settings.document_masks, "dtype": settings.dtype, "device": settings.device, "seed": seed,
        "checkpoint_every_steps": settings.checkpoint_every_steps, "keep_checkpoints": 1,
        "evaluate_every_steps": max(1, num_steps // settings.evaluations), "evaluate_max_samples": settings.evaluate_max_samples,
    }  # fmt: skip


def _measuring(config: StudyConfig, problems: ProblemShards | None, key: str) -> Measuring:
    settings = config.problems
    mark = fingerprint({
        "version": MEASURE_VERSION, "run": key, "windows": config.heldout_windows,
        "problems": [problems.fingerprint, settings.max_new_tokens] if problems and settings else None,
    })  # fmt: skip
    return Measuring(
        key=mark, heldout_windows=config.heldout_windows, items=str(problems.items) if problems else None,
        tokenizer=str(config.tokenizer) if problems else None, eos_id=problems.eos_id if problems else 0,
        max_new_tokens=settings.max_new_tokens if settings else 0, batch=settings.batch if settings else 0,
    )  # fmt: skip
