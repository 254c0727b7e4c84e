"""The training run: start or resume, step, measure, save; ends exactly at the mixture's last sample.

Every token of the run has the same weight: a step's gradient is the sum over its tokens divided by the tokens of a full step, so
a short last step counts for less, not a few tokens for more. Batches, rates and weights are functions of the position, so a run
that was stopped at any step goes on as if it had not been; on a CPU with the same number of threads, to the bit.
"""

# B micro-batch, S sequence

from __future__ import annotations

import logging
import math
import os
import time
from pathlib import Path
from typing import Any

import torch

from mathcode_data import __version__
from mathcode_data.core.errors import ConfigError, InterruptedRunError, VerificationError
from mathcode_data.core.interrupt import Interrupt
from mathcode_data.core.lock import locked
from mathcode_data.core.storage import write_json
from mathcode_data.trainer.checkpoint import newest_checkpoint, open_checkpoint, save_checkpoint
from mathcode_data.trainer.config import TrainConfig
from mathcode_data.trainer.data import Prefetcher, TrainingData, plan_batches
from mathcode_data.trainer.evaluate import evaluate, forward
from mathcode_data.trainer.kernels.registry import load_kernels
from mathcode_data.trainer.metrics import MetricsLog, Report, loss_per_source, summarise
from mathcode_data.trainer.model import build_model
from mathcode_data.trainer.optimizer import build_optimizer, clip_gradients, load_optimizer_tensors, optimizer_tensors, set_lr
from mathcode_data.trainer.resume import check_same_run, describe_data, load_rng, load_weights, rng_tensors
from mathcode_data.trainer.schedule import LearningRates
from mathcode_data.trainer.size import flops_per_token, num_parameters

logger = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def train(
    config: TrainConfig,
    *,
    report: Report | None = None,
    stop_after_steps: int | None = None,
    data: TrainingData | None = None,
) -> dict[str, Any]:
    """Train, or go on with the run that is in the output folder.

    Args:
        config: the whole of what the run is.
        report: given every record that goes to metrics.jsonl (`kind`: start, step, evaluation).
        stop_after_steps: save and return after so many steps of this call; the schedule is that of the whole run.
        data: the mixture, where it is open already; None opens `config.mixture`.

    Returns:
        The content of summary.json: finished, steps, num_steps, tokens, first_loss, last_loss, loss_per_source (mean over the last
        tenth of the steps), held_out, tokens_per_s, loader_wait_s, flops_per_s, num_parameters, kernels, device, dtype, checkpoint.

    Raises:
        StaleOutputError: the output folder holds a run of another mixture or with other settings; says what differs.
        InterruptedRunError: SIGTERM or SIGINT came; all is saved.
        VerificationError: the loss or a gradient is not finite, or the newest checkpoint is damaged.
        LockedError: another process trains in the output folder.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError(f"WORLD_SIZE is {os.environ['WORLD_SIZE']}: this version trains in one process; start it without torchrun")
    device = resolve_device(config.device)
    if data is None:
        data = _open_mixture(config.mixture)
    with locked(config.output), torch.random.fork_rng(devices=[torch.cuda.current_device()] if device.type == "cuda" else []):
        run = TrainingRun(config, data, device, report)
        run.start()
        with Interrupt() as interrupts:
            run.train_steps(interrupts, stop_after_steps)
        return run.summary()


def resolve_device(name: str) -> torch.device:
    """Find the device of a configuration.

    Raises:
        ConfigError: a GPU is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: cuda is asked for, but torch finds no GPU; write cpu or auto, or install a CUDA build of torch")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def _open_mixture(folder: Path) -> TrainingData:
    from mathcode_data.mixture.dataset import MixtureDataset

    return MixtureDataset(folder)


class TrainingRun:
    """State of a run: model, optimizer, step and position."""

    def __init__(self, config: TrainConfig, data: TrainingData, device: torch.device, report: Report | None) -> None:
        """Build everything at step 0; `start` then loads what is saved."""
        self.config, self.data, self.device = config, data, device
        sequence = data.sequence_length
        try:
            batch_samples = config.batch_samples(sequence)
        except ValueError as error:
            raise ConfigError(f"{config.mixture}: {error}") from error
        self.plan = plan_batches(len(data), sequence, batch_samples, config.max_tokens)
        self.batch_tokens = batch_samples * sequence
        self.stages: list[dict[str, Any]] = list(data.info.get("stages", []))
        self.rates = LearningRates(
            config.schedule, config.optimizer.peak_lr, batch_tokens=self.batch_tokens, sequence_length=sequence,
            total_tokens=self.plan.num_samples * sequence, stages=self.stages,
        )  # fmt: skip
        self.kernels = load_kernels(config.kernels, device)
        torch.manual_seed(config.seed)
        self.model = build_model(config.model, self.kernels, dtype=DTYPES[config.dtype], device=device, seed=config.seed)
        self.optimizer = build_optimizer(self.model, config.optimizer)
        self.metrics = MetricsLog(config.output / "metrics.jsonl", report)
        self.checkpoints = config.output / "checkpoints"
        self.step = 0
        self.saved: Path | None = None
        self.saved_step = -1

    @property
    def position(self) -> int:
        """Samples trained so far."""
        return min(self.step * self.plan.global_batch_samples, self.plan.num_samples)

    def start(self) -> None:
        """Load the newest checkpoint, or the weights to begin with."""
        found = newest_checkpoint(self.checkpoints, use_previous=self.config.damaged_checkpoint == "use_previous")
        if found is None:
            if self.config.initial_checkpoint is not None:
                load_weights(self.model, open_checkpoint(self.config.initial_checkpoint))
            self.metrics.clear()
        else:
            check_same_run(found, self.config, self.data)
            load_weights(self.model, found)
            load_optimizer_tensors(self.model, self.optimizer, found.tensors("optimizer"))
            load_rng(found, self.device)
            self.step = self.saved_step = int(found.record["step"])
            self.saved = found.folder
            self.metrics.trim(self.step)
            if found.record["kernels"] != self.kernels.names:
                logger.warning("kernels were %s, now %s: losses agree only up to rounding", found.record["kernels"], self.kernels.names)
        if self.step < self.plan.num_steps:
            self.metrics.write({"kind": "start", "step": self.step, **self._facts()})
        if found is None and self.config.evaluate_every_steps is not None:
            self._evaluate()

    def train_steps(self, interrupts: Interrupt, stop_after_steps: int | None) -> None:
        """Train to the end, to the limit or to a signal, then save."""
        end = self.plan.num_steps
        if stop_after_steps is not None:
            end = min(end, self.step + stop_after_steps)
        micro = self.config.micro_batch_samples
        requests = (positions for step in range(self.step, end) for positions in self.plan.micro_batches(step, micro))
        prefetcher = Prefetcher(self.data, requests, self.config.model.vocab_size)
        try:
            while self.step < end and interrupts.received is None:
                before = self.position
                record = self._train_step(prefetcher, interrupts)
                if record is None:
                    break
                self.metrics.write(record)
                self._evaluate_if_due(before)
                every = self.config.checkpoint_every_steps
                if every is not None and self.step % every == 0:
                    self.save()
        finally:
            prefetcher.close()
        self.save()
        if interrupts.received is not None and self.step < self.plan.num_steps:
            raise InterruptedRunError(
                f"{interrupts.received} after step {self.step} of {self.plan.num_steps}; saved as {self.saved}; run it again to go on"
            )

    def _train_step(self, prefetcher: Prefetcher, interrupts: Interrupt) -> dict[str, Any] | None:
        """One optimizer step. None if a signal came in its midst: then nothing has changed."""
        started, waited_before = time.perf_counter(), prefetcher.waited_s
        lr = self.rates.at(self.position * self.data.sequence_length)
        set_lr(self.optimizer, lr)
        names = self.data.source_names
        sums = torch.zeros(len(names), dtype=torch.float64, device=self.device)
        tokens = [0] * len(names)
        for _ in self.plan.micro_batches(self.step, self.config.micro_batch_samples):
            if interrupts.received is not None:
                self.optimizer.zero_grad(set_to_none=True)
                return None
            batch = prefetcher.next()
            loss, nll_BS = forward(
                self.model, batch.tokens_BS1, batch.document_starts, self.config.document_masks, self.device,
                token_weight=1.0 / self.batch_tokens,
            )  # fmt: skip
            loss.backward()  # type: ignore[no-untyped-call]
            sums.index_add_(0, torch.from_numpy(batch.sources_B).to(self.device), nll_BS.double().sum(1))
            for source in batch.sources_B.tolist():
                tokens[source] += self.data.sequence_length
        norm = float(clip_gradients(self.model, self.config.optimizer.clip_norm))
        source_sums = sums.tolist()
        mean_loss = math.fsum(source_sums) / sum(tokens)
        if not (math.isfinite(mean_loss) and math.isfinite(norm)):
            self._stop_not_finite(mean_loss, norm, lr, loss_per_source(source_sums, tokens, names))
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        seconds = time.perf_counter() - started
        return {
            "kind": "step", "step": self.step, "tokens": self.position * self.data.sequence_length, "loss": mean_loss,
            "loss_per_source": loss_per_source(source_sums, tokens, names),
            "tokens_per_source": {name: count for name, count in zip(names, tokens, strict=True) if count},
            "lr": lr, "grad_norm": norm, "seconds": seconds, "tokens_per_s": sum(tokens) / seconds,
            "loader_wait_s": prefetcher.waited_s - waited_before,
        }  # fmt: skip

    def _stop_not_finite(self, loss: float, norm: float, lr: float, per_source: dict[str, float]) -> None:
        positions = self.plan.positions(self.step)
        path = self.config.output / "not_finite.json"
        write_json(path, {
            "step": self.step + 1, "first_position": positions.start, "last_position": positions.stop - 1, "loss": repr(loss),
            "grad_norm": repr(norm), "lr": lr, "loss_per_source": {name: repr(value) for name, value in per_source.items()},
        })  # fmt: skip
        raise VerificationError(
            f"step {self.step + 1}: loss {loss}, gradient norm {norm}; not finite, the step was not taken. Mixture positions "
            f"{positions.start}..{positions.stop - 1} are named in {path}; last checkpoint: {self.saved or 'none'}; "
            "look at those samples, or lower optimizer.peak_lr in a new output folder"
        )

    def _evaluate_if_due(self, before: int) -> None:
        """Measure held-out losses at the end, at the ends of stages and every so many steps."""
        every = self.config.evaluate_every_steps
        edges = [int(stage["first_sample"]) for stage in self.stages]
        due = self.step == self.plan.num_steps or (every is not None and self.step % every == 0)
        if due or any(before < edge <= self.position for edge in edges):
            self._evaluate()

    def _evaluate(self) -> None:
        held_out = evaluate(
            self.model, self.data, micro_batch_samples=self.config.micro_batch_samples, device=self.device,
            max_samples=self.config.evaluate_max_samples, document_masks=self.config.document_masks,
        )  # fmt: skip
        tokens = self.position * self.data.sequence_length
        self.metrics.write({"kind": "evaluation", "step": self.step, "tokens": tokens, "held_out": held_out})

    def save(self) -> None:
        """Write a checkpoint, unless this step has one."""
        if self.saved_step == self.step:
            return
        record = {
            "step": self.step, "position": self.position, "tokens": self.position * self.data.sequence_length,
            "mixture": describe_data(self.data), "config": self.config.model_dump(mode="json"), "kernels": self.kernels.names,
            "versions": {"mathcode-data": __version__, "torch": torch.__version__},
        }  # fmt: skip
        groups = {
            "model": self.model.state_dict(),
            "optimizer": optimizer_tensors(self.model, self.optimizer),
            "rng": rng_tensors(self.device),
        }
        self.saved = save_checkpoint(self.checkpoints, record, groups, keep=self.config.keep_checkpoints)
        self.saved_step = self.step

    def summary(self) -> dict[str, Any]:
        """Sum the run up from its metrics and write summary.json."""
        facts = self._facts()
        found = summarise(self.metrics)
        flops = flops_per_token(self.config.model, self.data.sequence_length, causal=True)
        speed = found["tokens_per_s"]
        result = {
            "finished": self.step == self.plan.num_steps, **facts, **found, "checkpoint": str(self.saved),
            "flops_per_s": speed * flops if speed is not None else None,
        }  # fmt: skip
        write_json(self.config.output / "summary.json", result)
        return result

    def _facts(self) -> dict[str, Any]:
        return {
            "num_steps": self.plan.num_steps, "num_parameters": num_parameters(self.config.model), "kernels": self.kernels.names,
            "device": self.device.type, "dtype": self.config.dtype, "mixture_fingerprint": self.data.fingerprint,
            "torch": torch.__version__, "num_threads": torch.get_num_threads(),
        }  # fmt: skip
