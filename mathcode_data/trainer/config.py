"""The training file: which mixture, which model, how it is optimised, where the run is kept.

```yaml
mixture: ../results/one-stage          # a folder made by build-mixture
output: ../runs/one-stage
model: dsm-1.3b                        # or {preset: dsm-2m, vocab_size: 8192}, or all numbers of a ModelConfig
optimizer: {peak_lr: 5.3e-4}
schedule: {kind: multi_step}           # DeepSeek's; or cosine, wsd
global_batch_samples: 1024
micro_batch_samples: 8
dtype: bfloat16
```
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from mathcode_data.core.config import Share, StageConfig, TokenCount, nearest, parse_config, resolve_path
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.object_store import bring, is_store_url
from mathcode_data.core.yaml_file import load_yaml
from mathcode_data.trainer.presets import PRESETS


def _resolve(value: Any, info: ValidationInfo) -> Any:
    if value is None:
        return None
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError(f"{value!r} is no path; write a path, relative to the file it stands in")
    if is_store_url(value):
        if info.field_name != "mixture":
            raise ValueError(f"{value!r}: an object store holds results and mixtures; name a folder of this machine")
        return bring(resolve_path(str(value), info))
    return resolve_path(str(value), info)


FilePath = Annotated[Path, BeforeValidator(_resolve)]
"""A path, relative to the YAML file it stands in."""


class ModelConfig(StageConfig):
    """Shape of a DeepSeek-LLM (Llama) model. A preset's name stands for all its numbers; keys beside `preset` replace some."""

    vocab_size: int = Field(ge=2)
    """Rows of the embedding and of the head; token ids must be below it."""
    hidden_size: int = Field(ge=2)
    """Width of the residual stream."""
    num_layers: int = Field(ge=1)
    """Transformer blocks."""
    num_heads: int = Field(ge=1)
    """Query heads; hidden_size / num_heads is the size of a head and must be even."""
    num_kv_heads: int = Field(ge=1)
    """Key and value heads, a divisor of num_heads; left out, it equals num_heads (plain multi-head attention)."""
    ffn_size: int = Field(ge=1)
    """Width inside the SwiGLU layer."""
    rope_theta: float = Field(default=10_000.0, gt=1.0)
    """Base of the rotary embedding's wave lengths."""
    norm_epsilon: float = Field(default=1e-6, gt=0.0)
    """Added to the mean square inside RMSNorm."""
    init_std: float = Field(default=0.02, gt=0.0)
    """Standard deviation of all initial matrices."""

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"preset": value}
        if not isinstance(value, dict):
            return value
        value = dict(value)
        preset = value.pop("preset", None)
        if preset is not None:
            if preset not in PRESETS:
                raise ValueError(f"no model preset {preset!r}{nearest(str(preset), PRESETS)}")
            value = {**PRESETS[preset], **value}
        if "num_kv_heads" not in value and "num_heads" in value:
            value["num_kv_heads"] = value["num_heads"]
        return value

    @model_validator(mode="after")
    def _check(self) -> ModelConfig:
        if self.hidden_size % (2 * self.num_heads):
            raise ValueError(f"hidden_size {self.hidden_size} must be an even multiple of num_heads {self.num_heads}: RoPE turns pairs")
        if self.num_heads % self.num_kv_heads:
            raise ValueError(f"num_kv_heads {self.num_kv_heads} must divide num_heads {self.num_heads}")
        return self

    @property
    def head_size(self) -> int:
        """Width of one head."""
        return self.hidden_size // self.num_heads


class OptimizerConfig(StageConfig):
    """AdamW with decoupled weight decay on matrices (not on norm weights) and clipping by the global norm."""

    peak_lr: float = Field(default=5.3e-4, gt=0.0)
    """Learning rate after warm-up; DeepSeekMath's 1.3B models used 5.3e-4, models of a few million like 3e-3."""
    beta1: float = Field(default=0.9, ge=0.0, lt=1.0)
    """Decay of the mean of the gradients."""
    beta2: float = Field(default=0.95, ge=0.0, lt=1.0)
    """Decay of the mean of their squares."""
    epsilon: float = Field(default=1e-8, gt=0.0)
    """Added to the root of the mean square before dividing by it."""
    weight_decay: float = Field(default=0.1, ge=0.0)
    """Share of a matrix, times the learning rate, that is taken off in every step."""
    clip_norm: float | None = Field(default=1.0, gt=0.0)
    """Gradients are scaled down to this global norm; null: never."""


class _Schedule(StageConfig):
    warmup_steps: int = Field(default=2000, ge=0)
    """Steps from 0 to the peak, in a straight line; step k of W trains at k / W of the peak."""
    restart_at: Literal["stages"] | tuple[TokenCount, ...] = ()
    """Tokens at which the whole schedule, warm-up included, begins anew; "stages": at every stage of the mixture."""


class MultiStep(_Schedule):
    """Constant after warm-up, with drops at shares of the tokens (DeepSeek LLM)."""

    kind: Literal["multi_step"]
    """Names this schedule."""
    drops: tuple[tuple[Share, Share], ...] = ((0.8, 0.316), (0.9, 0.1))
    """Pairs of (share of the tokens, factor of the peak from there on), shares rising."""

    @model_validator(mode="after")
    def _rising(self) -> MultiStep:
        shares = [share for share, _ in self.drops]
        if any(later <= earlier for earlier, later in itertools.pairwise(shares)):
            raise ValueError(f"drops must be at rising shares of the tokens, found {shares}")
        return self


class Cosine(_Schedule):
    """Half a cosine from the peak, after warm-up, to `final_factor` of it at the last token."""

    kind: Literal["cosine"]
    """Names this schedule."""
    final_factor: Share = 0.1
    """Learning rate at the last token, as a share of the peak."""


class WarmupStableDecay(_Schedule):
    """Constant after warm-up, then down over the last `decay_share` of the tokens."""

    kind: Literal["wsd"]
    """Names this schedule."""
    decay_share: Share = 0.2
    """Share of all tokens that the decay takes."""
    final_factor: Share = 0.0
    """Learning rate at the last token, as a share of the peak."""
    decay_shape: Literal["linear", "sqrt"] = "linear"
    """sqrt: 1 - sqrt(progress), steeper at first (arXiv 2405.18392 found it better than a line)."""


Schedule = Annotated[MultiStep | Cosine | WarmupStableDecay, Field(discriminator="kind")]


class KernelChoices(StageConfig):
    """Which file of `trainer/kernels/<op>/` computes each operation: a name, or auto for the fastest one that can run."""

    rms_norm: str = "auto"
    """RMSNorm, with the addition of the residual."""
    rope: str = "auto"
    """Rotary embedding of queries and keys."""
    swiglu: str = "auto"
    """SwiGLU, the gated activation."""
    linear_cross_entropy: str = "auto"
    """Output head and loss in one."""
    attention: str = "auto"
    """Causal attention."""


class SpikeGuard(StageConfig):
    """Stop before a step whose loss stands out from those before it; it begins anew where a stage of the mixture begins."""

    window_steps: int = Field(default=100, ge=2)
    """Steps whose losses make the mean and the standard deviation; the guard sleeps until it has seen so many."""
    max_deviations: float = Field(default=8.0, gt=0.0)
    """Standard deviations above the mean that are let through."""


class Parallel(StageConfig):
    """How several processes (torchrun) share the work; one process needs none of it. A name alone stands for `data`."""

    data: Literal["ddp", "fsdp"] = "ddp"
    """Processes with different samples. ddp: each has the whole model, fastest where it fits. fsdp: each has a part of weights,
    gradients and optimizer (FSDP2)."""
    tensor: int = Field(default=1, ge=1)
    """Neighbouring processes that share the samples and divide every matrix, by heads, feed-forward width and vocabulary, and the
    sequence between them; a divisor of the number of processes. For models too large for one GPU; 1: none."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"data": value} if isinstance(value, str) else value


class TrainConfig(StageConfig):
    """One training run."""

    mixture: FilePath
    """Folder of a built mixture."""
    output: FilePath
    """Folder of the run: checkpoints/, metrics.jsonl, summary.json. A run that is there already goes on."""
    model: ModelConfig
    """A preset's name, `{preset: name, key: value}`, or all numbers."""
    optimizer: OptimizerConfig = OptimizerConfig()
    """AdamW."""
    schedule: Schedule = MultiStep(kind="multi_step")
    """The learning rate over the tokens: {kind: multi_step}, {kind: cosine} or {kind: wsd}, with the keys of that kind."""
    global_batch_samples: int | None = Field(default=None, ge=1)
    """Samples per optimizer step over all processes."""
    global_batch_tokens: TokenCount | None = None
    """The same in tokens; rounded down to whole samples. Give one of the two."""
    micro_batch_samples: int = Field(default=8, ge=1)
    """Samples computed at a time; changes speed and memory, not the result (beyond rounding)."""
    max_tokens: TokenCount | None = None
    """Train on the first so many tokens of the mixture, rounded down to whole samples; null: on all. Schedules end there."""
    document_masks: bool = False
    """Forbid attention across document edges. DeepSeek trained without."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Precision of matrix products and of the residual stream; weights, gradients and optimizer stay float32."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: a GPU if there is one."""
    seed: int = Field(default=17, ge=0, lt=2**63)
    """Seed of the initial weights."""
    initial_checkpoint: FilePath | None = None
    """A checkpoint folder of another run whose weights this run begins with (its optimizer and position are not taken)."""
    continue_from: FilePath | None = None
    """A checkpoint of a run on another mixture whose weights and optimizer this run goes on with, from its own mixture's first
    sample and with its own schedule; what differs is logged. Also `--continue-from`."""
    parallel: Parallel = Parallel()
    """How several processes share the work: ddp, fsdp, or {data: ddp or fsdp, tensor: N}."""
    compile: bool = False
    """Compile each layer with torch.compile; takes a minute at the start, changes results by rounding."""
    deterministic: bool = False
    """The same bits again on the same GPU, by slower backward passes of attention. A CPU gives the same bits without."""
    z_loss: float = Field(default=0.0, ge=0.0)
    """Weight of the squared logarithm of the softmax's sum, which keeps logits from drifting (PaLM: 1e-4); 0: off. Reported losses are
    without it."""
    spike_guard: SpikeGuard | None = None
    """Stop before a step with an outstanding loss, {} for the usual values; null: only a loss that is not finite stops the run."""
    max_skipped_steps: int = Field(default=0, ge=0)
    """Steps with a loss or gradient that is not finite which a run leaves out, each named in metrics.jsonl; the next one stops it."""
    tensorboard: bool = False
    """Write the metrics for TensorBoard too, to output/tensorboard; needs the package tensorboard."""
    checkpoint_every_steps: int | None = Field(default=None, ge=1)
    """Save so often; null: only at the end and when interrupted."""
    keep_checkpoints: int = Field(default=2, ge=1)
    """Newest checkpoints that stay on the disk."""
    damaged_checkpoint: Literal["stop", "use_previous"] = "stop"
    """What to do if the newest checkpoint is damaged: stop with an error, or go on from the one before it."""
    evaluate_every_steps: int | None = Field(default=None, ge=1)
    """Measure held-out loss so often, and before the first step; it is always measured at the end and where a stage ends."""
    evaluate_max_samples: int | None = Field(default=256, ge=1)
    """Held-out samples per source in one evaluation, always the same ones; null: all."""
    kernels: KernelChoices = KernelChoices()
    """What computes each operation."""

    @model_validator(mode="after")
    def _one_batch_size(self) -> TrainConfig:
        if (self.global_batch_samples is None) == (self.global_batch_tokens is None):
            raise ValueError("give one of global_batch_samples and global_batch_tokens")
        if self.initial_checkpoint is not None and self.continue_from is not None:
            raise ValueError("give one of initial_checkpoint (weights only) and continue_from (weights and optimizer)")
        return self

    def batch_samples(self, sequence_length: int) -> int:
        """Samples per optimizer step.

        Raises:
            ValueError: global_batch_tokens is smaller than one sample.
        """
        if self.global_batch_samples is not None:
            return self.global_batch_samples
        assert self.global_batch_tokens is not None, "the validator lets one of the two through"
        if self.global_batch_tokens < sequence_length:
            raise ValueError(f"global_batch_tokens {self.global_batch_tokens} is less than a sample of {sequence_length} tokens; raise it")
        return self.global_batch_tokens // sequence_length


def load_train_config(path: Path, *, continue_from: Path | None = None) -> TrainConfig:
    """Read a training file.

    Args:
        path: the file.
        continue_from: takes the place of the file's key.

    Raises:
        ConfigError: names file, line, column, the value found and what is legal.
    """
    config = parse_config(TrainConfig, load_yaml(path))
    if continue_from is None:
        return config
    if config.initial_checkpoint is not None:
        raise ConfigError(f"{path}: initial_checkpoint stands there, so --continue-from cannot be given too; take one of the two out")
    return config.model_copy(update={"continue_from": continue_from})
