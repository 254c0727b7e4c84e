"""The study file: which arms, with which seeds, models and sources, at what scale.

```yaml
name: proxy
output: ../../results/study/proxy
seeds: [1, 2, 3]
scale: 2.5e-5                          # 400 B tokens of an arm's file are 10 M here; this one number scales every budget
sequence_length: 512
models: {0.5m: {preset: dsm-0.5m, vocab_size: 4096}}
tokenizer: ../../results/study-shards/tokenizer/tokenizer.json
sources:                               # as in a mixture file; they stand for the sources of that name in the arms' files
  code: {pipeline: ../../pipelines/study.yaml, stage: code, max_epochs: 4, holdout: 1%}
  math: {pipeline: ../../pipelines/study.yaml, stage: math, max_epochs: 12, holdout: 1%}
problems:                              # a tenth of each budget of code is word problems with programs, of math with reasoning
  mix_into: {code: {form: program, share: 10%}, math: {form: reasoning, share: 10%}}
arms:                                  # mixture files; hypotheses and the paper's rows go by these names
  base: {mixture: base.yaml}           # trained from scratch; every other arm goes on from it
  code-math: {mixture: ../deepseekmath/two-stage.yaml}
  mixed: {mixture: ../deepseekmath/one-stage.yaml}
```
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from mathcode_data.core.config import Length, Share, StageConfig, nearest, parse_config
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.overrides import override_value
from mathcode_data.core.yaml_file import YamlFile, load_yaml
from mathcode_data.mixture.schema import SourceRecipe
from mathcode_data.trainer.config import FilePath, ModelConfig, OptimizerConfig

BASE = "base"
"""The arm that every other arm goes on from."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")]


class ArmConfig(StageConfig):
    """One arm: a mixture, continued from the base."""

    mixture: FilePath
    """A mixture file; its stages are the arm, its sources are replaced by those of the study."""
    what: str = ""
    """What the arm is, for the report; the mixture's name if absent."""


class TrainingConfig(StageConfig):
    """How every run is trained. The learning rate rises, stays and falls once in every stage of a mixture, as in the paper."""

    optimizer: OptimizerConfig = OptimizerConfig(peak_lr=3e-3)
    """AdamW."""
    schedule: Literal["multi_step", "cosine", "wsd"] = "multi_step"
    """Shape of the learning rate within a stage; multi_step is DeepSeek's (x 0.316 at 80 % of the tokens, x 0.1 at 90 %)."""
    warmup_share: Share = 0.02
    """Steps of warm-up in every stage, as a share of the steps of the shortest stage of all arms."""
    global_batch_samples: int = Field(default=32, ge=1)
    """Samples per optimizer step; every stage is rounded to whole steps."""
    micro_batch_samples: int = Field(default=32, ge=1)
    """Samples computed at a time."""
    document_masks: bool = False
    """Forbid attention across document edges."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Precision of products; weights and optimizer stay float32."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: a GPU if there is one."""
    threads: int = Field(default=1, ge=1)
    """Threads of torch in each run; a part of the run, since losses agree to the bit only with equal numbers."""
    checkpoint_every_steps: int | None = Field(default=500, ge=1)
    """Save so often, so that a study that is killed loses little; null: only where a stage ends."""
    evaluations: int = Field(default=10, ge=1)
    """Held-out losses are measured so often within each stage, for the curves."""
    evaluate_max_samples: int = Field(default=64, ge=1)
    """Held-out windows per source for the curves."""


class ProblemSource(StageConfig):
    """Word problems as a part of a source's budgets."""

    form: Literal["reasoning", "program", "answer"]
    """reasoning: steps in words; program: a Python `solution()`; answer: the number alone."""
    share: Share = Field(default=0.1, gt=0.0, lt=1.0)
    """Share of every budget of the source, in every arm, that is word problems of this form instead."""


class ProblemsConfig(StageConfig):
    """Generated word problems: a source of tokens, and the items that arms are tested on."""

    train: int = Field(default=20_000, ge=1, le=10_000_000)
    """Problems made to learn from, of each form."""
    test: int = Field(default=200, ge=1, le=5000)
    """Items of each test set: stories that are new, and known stories with new numbers."""
    seed: int = Field(default=17, ge=0)
    """Seed of all problems; the same for all seeds of the study, so that arms and seeds answer the same items."""
    mix_into: dict[Name, ProblemSource] = Field(default_factory=dict)
    """Source -> which form is mixed into it, and how much of its budgets."""
    max_new_tokens: int = Field(default=160, ge=1)
    """Of an answer; what is longer is cut."""
    batch: int = Field(default=128, ge=1)
    """Items answered side by side."""
    holdout: Share = 0.01
    """Share of the problem texts that are held out for bits per byte."""
    eos_token: str | None = None
    """The special token between documents; null: the one known name that the tokenizer has."""


class StudyConfig(StageConfig):
    """Several arms from one base, several seeds, one report."""

    name: Name
    """Name of the study."""
    output: FilePath
    """Folder of everything: mixtures, runs, results.json, report.html, report.md."""
    seeds: tuple[int, ...] = Field(min_length=3)
    """At least three; a seed decides initial weights, held-out windows and the order of all samples."""
    scale: float = Field(gt=0.0, allow_inf_nan=False)
    """Tokens of the study per token of the arms' files; it scales every budget of every arm."""
    sequence_length: Length = Field(ge=8)
    """Tokens of a sample."""
    models: dict[Name, ModelConfig] = Field(min_length=1)
    """Sizes by name; all arms are trained at each."""
    training: TrainingConfig = TrainingConfig()
    """How every run is trained."""
    tokenizer: FilePath | None = None
    """The tokenizer of the shards; needed for word problems."""
    sources: dict[Name, SourceRecipe] = Field(min_length=1)
    """Sources of all arms, as in a mixture file."""
    problems: ProblemsConfig | None = None
    """Word problems; null: held-out bits per byte alone are measured."""
    arms: dict[Name, ArmConfig] = Field(min_length=2)
    """Arms by name, in the order of the report. `base` must be one; report and hypotheses know the names general-math, code-math, math,
    mixed, replay-1, replay-5, replay-10, replay-25, math-code, mixed-two-stage, math-matched and mixed-matched."""
    heldout_windows: int = Field(default=256, ge=2)
    """Held-out windows per source for the figures of the tables."""
    bootstrap: int = Field(default=2000, ge=100, le=100_000)
    """Resamples of an interval."""

    @model_validator(mode="after")
    def _check(self) -> StudyConfig:
        if BASE not in self.arms:
            raise ValueError(f"no arm is called {BASE!r}, which every other arm goes on from{nearest(BASE, self.arms)}")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} has one twice; give each once")
        if self.problems is not None:
            if self.tokenizer is None:
                raise ValueError("problems need `tokenizer`: the file that the shards were made with")
            for name in self.problems.mix_into:
                if name not in self.sources:
                    raise ValueError(f"problems.mix_into: no source {name!r}{nearest(name, self.sources)}")
            for name in self.sources:
                if name.startswith(PROBLEMS_PREFIX):
                    raise ValueError(f"sources: {name!r} is a name that word problems take; choose another")
        return self


PROBLEMS_PREFIX = "problems-"


def load_study(path: Path, overrides: tuple[str, ...] = ()) -> tuple[StudyConfig, YamlFile]:
    """Read a study file; `overrides` are `a.b=c` of the command line.

    Raises:
        ConfigError: names file, line, column, the value found and what is legal.
    """
    file = load_yaml(path)
    if isinstance(file.data, dict) and not {"arms", "seeds"} & file.data.keys():
        raise ConfigError(f"{path}: no study file: it has neither `arms` nor `seeds`; see mixtures/study/math-code-study.yaml")
    for override in overrides:
        override_value(file, override)
    return parse_config(StudyConfig, file), file
