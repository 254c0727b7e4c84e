"""What a mixture file may say: its keys, their ranges and their meaning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from mathcode_data.core.config import Length, Share, StageConfig
from mathcode_data.mixture.recipe_values import (
    MAX_EPOCHS,
    Anneal,
    Epochs,
    FilePath,
    FilePaths,
    OnExhausted,
    Packing,
    Text,
    Tokens,
    Weight,
    as_list,
)

MAX_SOURCES = 2**15 - 1
"""`dataset_index` is int16, as Megatron's is."""
MAX_SEQUENCE_LENGTH = 2**31 - 2


class SourceRecipe(StageConfig):
    """Where a source's shards come from, and how much of it may be used."""

    shards: FilePaths | None = None
    """Token shards: a prefix, a .bin or .idx file, a folder, or a list of those, taken in its order; or `s3://...` of one."""
    pipeline: FilePath | None = None
    """A pipeline file whose result the shards are; it is brought up to date first."""
    stage: Text | None = None
    """The stage of `pipeline` whose result is meant; the last one if absent."""
    max_epochs: float = Field(default=1, gt=0, le=MAX_EPOCHS)
    """How often the training windows may be seen, 1.5 for one and a half times; `on_exhausted` says what becomes of more. What is
    replayed does not count here: it was asked for by name."""
    holdout: Share = 0.0
    """Share of the windows that no stage trains on."""

    @model_validator(mode="after")
    def _names_one_origin(self) -> SourceRecipe:
        if (self.shards is None) == (self.pipeline is None):
            raise ValueError("name one origin: `shards: PATH` or `pipeline: FILE.yaml`")
        if self.stage is not None and self.pipeline is None:
            raise ValueError("`stage` names a stage of a `pipeline`; leave it out with `shards`")
        return self


class ReplayRecipe(StageConfig):
    """A part of a stage that an earlier stage has seen already."""

    stage: Text
    """An earlier stage of this file, or of the mixture that this one continues."""
    share: Share = Field(gt=0, lt=1)
    """Share of the stage's samples, as in 5%."""


class StageRecipe(StageConfig):
    """One mixed schedule: a budget for each source, or a total and weights."""

    name: Text
    """Name of the stage; unique in the file."""
    tokens: Tokens = None
    """Budget: a map of source to tokens, or one total that `weights` divides."""
    epochs: dict[str, Epochs] | None = None
    """Budget of further sources in epochs of their training windows, 1.5 for one and a half times."""
    weights: dict[str, Weight] | None = None
    """Parts of the total by source; any scale, only the proportions count."""
    final_weights: dict[str, Weight] | None = None
    """Weights that the stage ends with: the shares go from those of `weights` to these. The budget is their mean."""
    anneal: Anneal = None
    """How they go: `linear` (also if absent), or a number of steps, the first with `weights` and the last with `final_weights`."""
    replay: Annotated[tuple[ReplayRecipe, ...], BeforeValidator(as_list)] = ()
    """`{stage: code, share: 5%}`, or a list of those: the stage's tokens are its total, a replay takes its share of that, and the
    sources divide the rest in the proportions of their budgets."""
    on_exhausted: OnExhausted | None = None
    """The file's `on_exhausted`, for this stage alone."""

    @property
    def token_map(self) -> dict[str, int]:
        """Budgets in tokens by source; empty where the stage gives a total or epochs alone."""
        return self.tokens if isinstance(self.tokens, dict) else {}


class Recipe(StageConfig):
    """A mixture file."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")
    """Name of the mixture, and of its folder where no other is given."""
    seed: int = Field(default=0, ge=-(2**63), lt=2**63)
    """Seed of every permutation."""
    sequence_length: Length = Field(ge=1, le=MAX_SEQUENCE_LENGTH)
    """Tokens of a sample that are predicted; a window has one more."""
    tokenizer: FilePath | None = None
    """Tokenizer file that the shards must have been made with, by hash."""
    sources: dict[str, SourceRecipe] = Field(min_length=1, max_length=MAX_SOURCES)
    """Sources by name; their order numbers them."""
    stages: tuple[StageRecipe, ...] = Field(min_length=1)
    """Stages in order; several are a staged schedule in one plan."""
    packing: Packing = "concat"
    """How documents fill samples. concat: one after the other, cut where a sample ends. best_fit: no document is cut that fits, rests
    and short documents fill samples together, and the little that stays empty is padding, which counts as tokens of the budget."""
    across_stages: Literal["disjoint", "repeat"] = "disjoint"
    """Whether a stage goes on where the one before stopped drawing, or draws anew."""
    on_exhausted: OnExhausted = "error"
    """What to do where a budget is above `max_epochs`: refuse it, repeat the source all the same, or let it give what it may
    and divide the rest over the other sources of the stage."""
    blend: Literal["lattice", "megatron"] = "lattice"
    """Order of the samples: exact closed form, or Megatron's greedy order bit for bit."""
    index: Literal["written", "virtual"] = "written"
    """Whether the order is written out as Megatron's two index files, or computed where it is read."""
    allow_overlap: bool = False
    """Let two sources share a shard."""

    def policy(self, stage: StageRecipe) -> OnExhausted:
        """What becomes of a budget above `max_epochs` in a stage."""
        return stage.on_exhausted or self.on_exhausted
