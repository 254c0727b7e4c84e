"""The training run: start or resume, step, measure, save; ends exactly at the mixture's last sample.

Every token of the run has the same weight: a step's gradient is the sum over its tokens divided by the tokens of a full step, so
a short last step counts for less, not a few tokens for more. Batches, rates and weights are functions of the position, so a run
that was stopped at any step goes on as if it had not been; on a CPU with the same number of threads and processes, to the bit.
"""

# B micro-batch, S sequence

from __future__ import annotations

import logging
import math
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mathcode_data import __version__
from mathcode_data.core.errors import ConfigError, InterruptedRunError
from mathcode_data.core.interrupt import Interrupt
from mathcode_data.core.lock import locked
from mathcode_data.core.storage import write_json
from mathcode_data.trainer.checkpoint import Checkpoint, Saving, begin_save, find_checkpoint, newest_checkpoint, open_checkpoint
from mathcode_data.trainer.config import TrainConfig
from mathcode_data.trainer.data import Prefetcher, TrainingData, plan_batches
from mathcode_data.trainer.device import DTYPES, deterministic, resolve_device
from mathcode_data.trainer.evaluate import evaluate, forward
from mathcode_data.trainer.guard import Guard, report_fault
from mathcode_data.trainer.kernels.registry import load_kernels
from mathcode_data.trainer.metrics import Board, MetricsLog, Report, loss_per_source, summarise
from mathcode_data.trainer.mixture_tokenizer import check_vocabulary
from mathcode_data.trainer.model import build_model
from mathcode_data.trainer.optimizer import build_optimizer, clip_gradients, load_optimizer, optimizer_tensors, set_lr
from mathcode_data.trainer.parallel import Replica, World, connected, shard
from mathcode_data.trainer.resume import check_same_run, describe_change, describe_data, load_rng, load_weights, rng_tensors
from mathcode_data.trainer.schedule import LearningRates
from mathcode_data.trainer.size import flops_per_token, num_parameters
from mathcode_data.trainer.speed import measured_gemm_flops, paper_flops, peak_memory_bytes, utilisation
from mathcode_data.trainer.tensor_parallel import as_saved, check_divisible, divide

__all__ = ["DTYPES", "TrainingRun", "resolve_device", "train"]

logger = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    *,
    report: Report | None = None,
    stop_after_steps: int | None = None,
    data: TrainingData | None = None,
) -> dict[str, Any]:
    """Train, or go on with the run that is in the output folder; under torchrun, in all its processes together.

    Args:
        config: the whole of what the run is.
        report: given every record that goes to metrics.jsonl (`kind`: start, step, evaluation).
        stop_after_steps: save and return after so many steps of this call; the schedule is that of the whole run.
        data: the mixture, where it is open already; None opens `config.mixture`.

    Returns:
        The content of summary.json: finished, steps, num_steps, tokens, first_loss, last_loss, loss_per_source (mean over the last
        tenth of the steps), held_out, tokens_per_s, loader_wait_s, loader_wait_share, flops_per_s, mfu_palm, mfu_causal,
        gemm_flops_per_s, memory_bytes, num_parameters, num_processes, kernels, device, dtype, checkpoint.

    Raises:
        ConfigError: the model's vocabulary is smaller than that of the sources' tokenizer.
        StaleOutputError: the output folder holds a run of another mixture or with other settings; says what differs.
        InterruptedRunError: SIGTERM or SIGINT came; all is saved.
        VerificationError: the loss or a gradient is not finite, or the loss stands out; or the newest checkpoint is damaged.
        LockedError: another process trains in the output folder.
    """
    device = resolve_device(config.device)
    if data is None:
        data = _open_mixture(config.mixture)
    check_vocabulary(config.mixture, data.info, config.model.vocab_size)
    with ExitStack() as stack:
        world = stack.enter_context(connected(device, config.parallel.tensor))
        if world.is_first:
            stack.enter_context(locked(config.output))
        stack.enter_context(torch.random.fork_rng(devices=[torch.cuda.current_device()] if device.type == "cuda" else []))
        stack.enter_context(deterministic(config.deterministic))
        run = TrainingRun(config, data, device, report, world)
        stack.callback(run.metrics.close)
        run.start()
        with Interrupt() as interrupts:
            run.train_steps(interrupts, stop_after_steps)
        return run.summary()


def _open_mixture(folder: Path) -> TrainingData:
    from mathcode_data.mixture.dataset import MixtureDataset

    return MixtureDataset(folder)


def of_source_KB(sources_B: NDArray[np.int64], num_sources: int) -> Tensor:  # noqa: N802
    """1 where a row is of a source, in float64: summing by a product is the same every time, adding by index on a GPU is not."""
    return torch.from_numpy((np.arange(num_sources)[:, None] == sources_B).astype(np.float64))


class TrainingRun:
    """State of a run: model, optimizer, step and position."""

    def __init__(
        self,
        config: TrainConfig,
        data: TrainingData,
        device: torch.device,
        report: Report | None,
        world: World = World(),  # noqa: B008
    ) -> None:
        """Build everything at step 0; `start` then loads what is saved."""
        self.config, self.data, self.device, self.world = config, data, device, world
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
        self.kernels = load_kernels(config.kernels, device, DTYPES[config.dtype])
        torch.manual_seed(config.seed)
        self.model = build_model(
            config.model, self.kernels, dtype=DTYPES[config.dtype], device=device, seed=config.seed, z_loss=config.z_loss
        )  # fmt: skip
        if world.mesh is not None:
            check_divisible(config.model, sequence, world.tensor, config.kernels.linear_cross_entropy)
            divide(self.model, world.mesh["tensor"])
            self.kernels = self.model.kernels
        if config.compile:
            for layer in self.model.model.layers:
                layer.compile(dynamic=False)
        shard(self.model, world, config.parallel.data)
        self.optimizer = build_optimizer(self.model, config.optimizer)
        board = Board(config.output / "tensorboard") if config.tensorboard and world.is_first else None
        self.metrics = MetricsLog(config.output / "metrics.jsonl", report, board)
        self.guard = Guard(config.spike_guard, (int(stage["first_sample"]) for stage in self.stages), config.max_skipped_steps)
        self.peak, self.gemm = paper_flops(device), measured_gemm_flops(device)
        self.checkpoints = config.output / "checkpoints"
        self.step = 0
        self.saved: Path | None = None
        self.saved_step = -1
        self.saving: Saving | None = None

    @property
    def position(self) -> int:
        """Samples trained so far."""
        return min(self.step * self.plan.global_batch_samples, self.plan.num_samples)

    def start(self) -> None:
        """Load the newest checkpoint, or the weights to begin with."""
        found = self._newest()
        if found is None:
            self._begin()
        else:
            check_same_run(found, self.config, self.data)
            load_weights(self.model, found)
            load_optimizer(self.model, self.optimizer, found)
            load_rng(found, self.device)
            self.step = self.saved_step = int(found.record["step"])
            self.saved = found.folder
            self.guard.recent.extend(found.record["recent_losses"])
            self.guard.skipped_steps = int(found.record.get("skipped_steps", 0))
            if self.world.is_first:
                self.metrics.trim(self.step)
            if found.record["kernels"] != self.kernels.names:
                logger.warning("kernels were %s, now %s: losses agree only up to rounding", found.record["kernels"], self.kernels.names)
        self.replica = Replica(self.model, self.world, self.config.parallel.data)
        if self.step < self.plan.num_steps:
            self._write({"kind": "start", "step": self.step, **self._facts()})
            self.replica.warm_up(self.data.sequence_length)
        if found is None and self.config.evaluate_every_steps is not None:
            self._evaluate()

    def _newest(self) -> Checkpoint | None:
        """The newest checkpoint, checked by the first process."""
        found = None
        if self.world.is_first:
            found = newest_checkpoint(self.checkpoints, use_previous=self.config.damaged_checkpoint == "use_previous")
        folder = self.world.from_first(None if found is None else found.folder)
        return found if found is not None or folder is None else open_checkpoint(folder, check_files=False)

    def _begin(self) -> None:
        """Begin at the first sample, with new weights or those of another run."""
        if self.config.initial_checkpoint is not None:
            load_weights(self.model, find_checkpoint(self.config.initial_checkpoint))
        if self.config.continue_from is not None:
            found = find_checkpoint(self.config.continue_from)
            load_weights(self.model, found)
            load_optimizer(self.model, self.optimizer, found)
            load_rng(found, self.device)
            logger.warning("going on from %s; what differs: %s", found.folder, "; ".join(describe_change(found, self.config, self.data)))
        if self.world.is_first:
            self.metrics.clear()

    def _write(self, record: dict[str, Any]) -> None:
        if self.world.is_first:
            self.metrics.write(record)

    def train_steps(self, interrupts: Interrupt, stop_after_steps: int | None) -> None:
        """Train to the end, to the limit or to a signal, then save."""
        end = self.plan.num_steps
        if stop_after_steps is not None:
            end = min(end, self.step + stop_after_steps)
        micro = self.config.micro_batch_samples
        share, shares = self.world.share, self.world.num_shares
        requests = (positions for step in range(self.step, end) for positions in self.plan.micro_batches(step, micro, share, shares))
        prefetcher = Prefetcher(self.data, requests, self.config.model.vocab_size)
        stopped = False
        try:
            while self.step < end and not stopped:
                before = self.position
                record, stopped = self._train_step(prefetcher, interrupts)
                if record is None:
                    break
                self._write(record)
                self._evaluate_if_due(before)
                every = self.config.checkpoint_every_steps
                if every is not None and self.step % every == 0:
                    self.save()
                stopped = stopped or (self.world.size == 1 and interrupts.received is not None)
        finally:
            prefetcher.close()
            self.finish_saving()
        self.save()
        self.finish_saving()
        if stopped and self.step < self.plan.num_steps:
            name = interrupts.received or "a signal to another process"
            raise InterruptedRunError(
                f"{name} after step {self.step} of {self.plan.num_steps}; saved as {self.saved}; run it again to go on"
            )

    def _train_step(self, prefetcher: Prefetcher, interrupts: Interrupt) -> tuple[dict[str, Any] | None, bool]:
        """One optimizer step, and whether a signal came to any process.

        No record if it came in the midst of a step of the only process: then nothing has changed. Several processes must agree, so
        they finish the step.
        """
        started, waited_before = time.perf_counter(), prefetcher.waited_s
        lr = self.rates.at(self.position * self.data.sequence_length)
        set_lr(self.optimizer, lr)
        names = self.data.source_names
        # loss per source, tokens per source, signals: one sum over the processes gives all
        sums = torch.zeros(2 * len(names) + 1, dtype=torch.float64, device=self.device)
        pieces = self.plan.micro_batches(self.step, self.config.micro_batch_samples, self.world.share, self.world.num_shares)
        for number, positions in enumerate(pieces):
            if self.world.size == 1 and interrupts.received is not None:
                self.optimizer.zero_grad(set_to_none=True)
                return None, True
            batch = prefetcher.next()
            weight = self.replica.gradient_scale / self.batch_tokens if positions else 0.0
            with self.replica.accumulating(number < len(pieces) - 1):
                loss, nll_BS = forward(
                    self.replica.module, self.kernels, batch, self.config.document_masks, self.device, token_weight=weight
                )  # fmt: skip
                loss.backward()  # type: ignore[no-untyped-call]
            if positions and self.world.reports:
                sums[: len(names)] += of_source_KB(batch.sources_B, len(names)).to(self.device) @ nll_BS.double().sum(1)
                sums[len(names) : -1] += torch.from_numpy(np.bincount(batch.sources_B, batch.is_target_BS.sum(1), len(names))).to(
                    self.device
                )
        sums[-1] = float(interrupts.received is not None)
        norm = float(clip_gradients(self.model, self.config.optimizer.clip_norm))
        *found, signals = self.world.sum(sums).tolist()
        source_sums, tokens = found[: len(names)], [int(count) for count in found[len(names) :]]
        mean_loss = math.fsum(source_sums) / max(1, sum(tokens))
        record: dict[str, Any] = {
            "kind": "step", "step": self.step + 1, "tokens": 0, "loss": mean_loss,
            "loss_per_source": loss_per_source(source_sums, tokens, names),
            "tokens_per_source": {name: count for name, count in zip(names, tokens, strict=True) if count},
            "lr": lr, "grad_norm": norm,
        }  # fmt: skip
        fault = self._fault(record)
        if fault is not None:
            return self._skip(record, fault), signals > 0
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        before = self.position
        self.step += 1
        self.guard.passed(mean_loss, before, self.position)
        seconds = time.perf_counter() - started
        speed = sum(tokens) / seconds
        record |= {
            "tokens": self.position * self.data.sequence_length, "seconds": seconds, "tokens_per_s": speed,
            "loader_wait_s": prefetcher.waited_s - waited_before, "memory_bytes": peak_memory_bytes(self.device),
            **utilisation(speed, self.config.model, self.data.sequence_length, self.peak, self.world.size),
        }  # fmt: skip
        return record, signals > 0

    def _fault(self, record: dict[str, Any]) -> str | None:
        """Why the step, which is not taken yet, is to be skipped; None: it is good.

        Raises:
            VerificationError: no step may be skipped any more; says what was found and where the batch was saved.
        """
        fault = self.guard.fault(record["loss"], record["grad_norm"])
        if fault is None or self.guard.skips(fault):
            return fault
        self.finish_saving()
        positions = self.plan.positions(self.step)
        facts = {key: record[key] for key in ("step", "loss", "grad_norm", "lr", "loss_per_source")}
        facts["skipped_steps"] = self.guard.skipped_steps
        raise report_fault(self.config.output, fault, facts, positions, self.data, self.saved, writes=self.world.is_first)

    def _skip(self, record: dict[str, Any], fault: str) -> dict[str, Any]:
        """Leave the step's samples out and go on behind them; gives the record of it."""
        self.optimizer.zero_grad(set_to_none=True)
        positions = self.plan.positions(self.step)
        self.step += 1
        logger.warning(
            "step %d: loss %s, gradient norm %s: %s, skipped (%d of at most %d); mixture positions %d..%d",
            self.step, record["loss"], record["grad_norm"], fault, self.guard.skipped_steps, self.guard.max_skipped_steps,
            positions.start, positions.stop - 1,
        )  # fmt: skip
        return {
            "kind": "skipped", "step": self.step, "fault": fault, "loss": repr(record["loss"]), "grad_norm": repr(record["grad_norm"]),
            "first_position": positions.start, "last_position": positions.stop - 1, "skipped_steps": self.guard.skipped_steps,
        }  # fmt: skip

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
            max_samples=self.config.evaluate_max_samples, document_masks=self.config.document_masks, world=self.world,
        )  # fmt: skip
        tokens = self.position * self.data.sequence_length
        self._write({"kind": "evaluation", "step": self.step, "tokens": tokens, "held_out": held_out})

    def finish_saving(self) -> None:
        """Wait for the checkpoint that is being written."""
        saving, self.saving = self.saving, None
        if saving is not None:
            self.saved = saving.wait()

    def save(self) -> None:
        """Begin to write a checkpoint, unless this step has one; the one before it is finished first."""
        if self.saved_step == self.step:
            return
        self.finish_saving()
        record = {
            "step": self.step, "position": self.position, "tokens": self.position * self.data.sequence_length,
            "mixture": describe_data(self.data), "config": self.config.model_dump(mode="json"), "kernels": self.kernels.names,
            "recent_losses": list(self.guard.recent), "skipped_steps": self.guard.skipped_steps, "num_processes": self.world.size,
            "versions": {"mathcode-data": __version__, "torch": torch.__version__},
        }  # fmt: skip
        groups = {
            "model": as_saved(self.model, self.model.state_dict()),
            "optimizer": as_saved(self.model, optimizer_tensors(self.model, self.optimizer)),
            "rng": rng_tensors(self.device),
        }
        self.saving = begin_save(
            self.checkpoints, record, groups, keep=self.config.keep_checkpoints, process_group=self.world.save_group
        )  # fmt: skip
        self.saved_step = self.step

    def summary(self) -> dict[str, Any]:
        """Sum the run up from its metrics and write summary.json."""
        facts = self._facts()
        self.world.from_first(None)  # its last record is written
        found = summarise(self.metrics)
        flops = flops_per_token(self.config.model, self.data.sequence_length, causal=True)
        speed = found["tokens_per_s"]
        used = utilisation(speed or 0.0, self.config.model, self.data.sequence_length, self.peak, self.world.size)
        result = {
            "finished": self.step == self.plan.num_steps, **facts, **found, "checkpoint": str(self.saved),
            "flops_per_s": speed * flops if speed is not None else None, "memory_bytes": peak_memory_bytes(self.device), **used,
        }  # fmt: skip
        if self.world.is_first:
            write_json(self.config.output / "summary.json", result)
        return result

    def _facts(self) -> dict[str, Any]:
        return {
            "num_steps": self.plan.num_steps, "num_parameters": num_parameters(self.config.model), "kernels": self.kernels.names,
            "device": self.device.type, "dtype": self.config.dtype, "mixture_fingerprint": self.data.fingerprint,
            "torch": torch.__version__, "num_threads": torch.get_num_threads(), "num_processes": self.world.size,
            "paper_flops_per_s": self.peak, "gemm_flops_per_s": self.gemm,
        }  # fmt: skip
