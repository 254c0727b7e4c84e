"""Train one run to the end of its stage, then measure it; what is there already is kept, a killed run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from mathcode_data.core.errors import StaleOutputError
from mathcode_data.core.storage import write_json
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.study.answering import answer_items
from mathcode_data.study.fork import fork_run, read_trained
from mathcode_data.study.heldout import heldout_losses
from mathcode_data.study.jobs import MEASURES_NAME, TRAINED_NAME, Job
from mathcode_data.trainer.checkpoint import newest_checkpoint, open_checkpoint
from mathcode_data.trainer.config import TrainConfig
from mathcode_data.trainer.kernels.registry import load_kernels
from mathcode_data.trainer.loop import DTYPES, resolve_device, train
from mathcode_data.trainer.metrics import MetricsLog
from mathcode_data.trainer.model import LanguageModel, build_model
from mathcode_data.trainer.resume import load_weights

Report = Callable[[dict[str, Any]], None]


def is_done(job: Job) -> bool:
    """Whether a run is trained and measured."""
    folder = Path(job.folder)
    return read_trained(folder, TRAINED_NAME, job.key) is not None and read_trained(folder, MEASURES_NAME, job.measuring.key) is not None


def run_job(job: Job, report: Report | None = None) -> None:
    """Train and measure.

    Raises:
        InterruptedRunError: a signal came; all is saved.
        VerificationError: the loss is not finite, or a checkpoint is damaged.
    """
    with threads(job.threads):
        if read_trained(Path(job.folder), TRAINED_NAME, job.key) is None:
            _train(job, report)
        if read_trained(Path(job.folder), MEASURES_NAME, job.measuring.key) is None:
            _measure(job)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads of torch; sums of other numbers of threads differ in the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def training_config(job: Job) -> TrainConfig:
    """The whole configuration of a run."""
    found = None
    if job.base_folder is not None:
        base = newest_checkpoint(Path(job.base_folder) / "checkpoints", use_previous=False)
        if base is None:
            raise StaleOutputError(f"{job.base_folder}: the base has no checkpoint; remove that folder and run the study again")
        found = str(base.folder)
    return TrainConfig.model_validate(job.training | {"initial_checkpoint": found})


def _train(job: Job, report: Report | None) -> None:
    config = training_config(job)
    newest = newest_checkpoint(job.checkpoints, use_previous=False)
    if newest is None and job.parent_folder is not None:
        fork_run(Path(job.parent_folder), config, job.start_step)
        newest = newest_checkpoint(job.checkpoints, use_previous=False)
    step = int(newest.record["step"]) if newest is not None else 0
    summary = train(config, report=report, stop_after_steps=job.end_step - step)
    write_json(Path(job.folder) / TRAINED_NAME, {
        "key": job.key, "label": job.label, "model": job.model, "seed": job.seed, "steps": job.end_step - job.start_step,
        "step": job.end_step, "tokens_per_s": summary["tokens_per_s"], "device": summary["device"], "torch": summary["torch"],
        "num_parameters": summary["num_parameters"], "kernels": summary["kernels"], "checkpoint": Path(summary["checkpoint"]).name,
    })  # fmt: skip


def _measure(job: Job) -> None:
    config = training_config(job)
    device = resolve_device(config.device)
    model = load_model(job, config, device)
    with MixtureDataset(config.mixture) as data:
        heldout = heldout_losses(
            model, data, max_windows=job.measuring.heldout_windows, micro_batch_samples=config.micro_batch_samples,
            document_masks=config.document_masks, device=device,
        )  # fmt: skip
    result: dict[str, Any] = {"key": job.measuring.key, "run": job.key, "heldout": heldout, "curve": curve(Path(job.folder), job)}
    result["problems"] = answer_items(model, job.measuring) if job.measuring.items else None
    write_json(Path(job.folder) / MEASURES_NAME, result)


def load_model(job: Job, config: TrainConfig, device: torch.device) -> LanguageModel:
    """The model at the end of a run."""
    found = newest_checkpoint(job.checkpoints, use_previous=False)
    if found is None or int(found.record["step"]) != job.end_step:
        raise StaleOutputError(f"{job.folder}: has no checkpoint of step {job.end_step}; remove that folder and run the study again")
    kernels = load_kernels(config.kernels, device)
    model = build_model(config.model, kernels, dtype=DTYPES[config.dtype], device=device, seed=config.seed)
    load_weights(model, open_checkpoint(found.folder))
    return model


def curve(folder: Path, job: Job) -> list[dict[str, Any]]:
    """Held-out losses through the run's stage, from its first step's state to its last."""
    points = [
        {"step": record["step"], "tokens": record["tokens"], "held_out": record["held_out"]}
        for record in MetricsLog(folder / "metrics.jsonl").read()
        if record["kind"] == "evaluation" and job.start_step <= record["step"] <= job.end_step
    ]
    return list({point["step"]: point for point in points}.values())
