"""Learning rates as a pure function of the tokens trained so far, exact to the token."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.trainer.config import Cosine, MultiStep, Schedule, WarmupStableDecay


def lr_factor(schedule: Schedule, *, tokens: int, batch_tokens: int, total_tokens: int) -> float:
    """Learning rate as a factor of the peak, for the step that begins after `tokens` of `total_tokens`.

    Shares are compared as exact fractions: the drop at 0.8 of 1,000 tokens takes effect in the step that begins at token 800.

    >>> schedule = MultiStep(kind="multi_step", warmup_steps=2)
    >>> [lr_factor(schedule, tokens=t, batch_tokens=10, total_tokens=1000) for t in (0, 10, 799, 800, 900)]
    [0.5, 1.0, 1.0, 0.316, 0.1]
    """
    warmup_tokens = schedule.warmup_steps * batch_tokens
    if tokens < warmup_tokens:
        return min(1.0, (tokens + batch_tokens) / warmup_tokens)
    if isinstance(schedule, MultiStep):
        passed = [factor for share, factor in schedule.drops if tokens >= _exact(share) * total_tokens]
        return passed[-1] if passed else 1.0
    if isinstance(schedule, Cosine):
        progress = (tokens - warmup_tokens) / max(1, total_tokens - warmup_tokens)
        return schedule.final_factor + (1 - schedule.final_factor) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    decay_tokens = _exact(schedule.decay_share) * total_tokens
    decay_start = total_tokens - decay_tokens
    if tokens < decay_start:
        return 1.0
    progress = min(1.0, float((tokens - decay_start) / decay_tokens)) if decay_tokens else 1.0
    return 1 - (1 - schedule.final_factor) * (progress if schedule.decay_shape == "linear" else math.sqrt(progress))


def _exact(share: float) -> Fraction:
    """The share as it was written: 0.8 is 4/5, not the nearest binary number."""
    return Fraction(repr(share))


class LearningRates:
    """The schedule of a whole run: one course, or several where it restarts."""

    def __init__(
        self,
        schedule: Schedule,
        peak_lr: float,
        *,
        batch_tokens: int,
        total_tokens: int,
        sequence_length: int,
        stages: Sequence[dict[str, Any]],
    ) -> None:
        """Lay the courses out.

        Args:
            schedule: its shape.
            peak_lr: the rate after warm-up.
            batch_tokens: tokens of a full step.
            total_tokens: tokens of the run.
            sequence_length: turns the stages' samples into tokens.
            stages: the mixture's stages, each with `first_sample`.

        Raises:
            ConfigError: a restart lies outside the run, or a warm-up takes a whole course.
        """
        self.schedule = schedule
        self.peak_lr = peak_lr
        self.batch_tokens = batch_tokens
        if schedule.restart_at == "stages":
            restarts = [int(stage["first_sample"]) * sequence_length for stage in stages]
            restarts = [tokens for tokens in restarts if 0 < tokens < total_tokens]
        else:
            restarts = [*schedule.restart_at]
            wrong = [tokens for tokens in restarts if not 0 < tokens < total_tokens]
            if wrong:
                raise ConfigError(f"schedule.restart_at: {wrong[0]:,} tokens is not inside the run of {total_tokens:,} tokens")
        self.edges = [0, *sorted(set(restarts)), total_tokens]
        shortest = min(end - start for start, end in itertools.pairwise(self.edges))
        if schedule.warmup_steps * batch_tokens >= shortest:
            raise ConfigError(
                f"schedule.warmup_steps: {schedule.warmup_steps} steps of {batch_tokens:,} tokens take the whole course of "
                f"{shortest:,} tokens; use fewer than {-(-shortest // batch_tokens)} (2-5 % of the steps is usual)"
            )

    def at(self, tokens: int) -> float:
        """Learning rate of the step that begins after `tokens` tokens of the run."""
        course = min(bisect.bisect_right(self.edges, tokens) - 1, len(self.edges) - 2)
        start, end = self.edges[course], self.edges[course + 1]
        return self.peak_lr * lr_factor(self.schedule, tokens=tokens - start, batch_tokens=self.batch_tokens, total_tokens=end - start)


__all__ = ["Cosine", "LearningRates", "MultiStep", "WarmupStableDecay", "lr_factor"]
