"""Recall files: a pipeline file with one section more, `recall`, that says what the rounds are made of.

    name: math-round
    seed: 17
    output: ../results/math-round
    stages:                                   # made once: what the rounds read
      - read.parquet: {paths: openwebmath/*.parquet, url_column: url}
        id: seed
      ...
    recall:
      seed: {stage: seed}
      negatives: {stage: random}
      pages: {stage: pages}
      tokens: 40B

The keys of `learn`, `select` and `domains` are those of `learn.fasttext`, `select.top_tokens` and `learn.domains`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mathcode_data.core.config import InputPaths, ResultRef, Share, StageConfig, TokenCount, parse_data
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.object_store import is_store_url
from mathcode_data.core.overrides import override_value
from mathcode_data.core.yaml_file import YamlFile, load_yaml
from mathcode_data.runtime.pipeline import refuse_other_kind

References = Annotated[tuple[ResultRef, ...], BeforeValidator(lambda value: value if isinstance(value, list | tuple) else (value,))]
Budgets = Annotated[tuple[TokenCount, ...], BeforeValidator(lambda value: value if isinstance(value, list | tuple) else (value,))]


class RecallConfig(StageConfig):
    """The section `recall`."""

    seed: References = Field(min_length=1)
    """Results whose documents are known to be mathematics: the positives of the first round."""
    negatives: References = Field(min_length=1)
    """Results of any other pages."""
    pages: ResultRef
    """The result of all pages that are scored in every round."""
    tokens: Budgets = Field(min_length=1)
    """Tokens that a round takes from the top; a list gives each round its own budget, the last one also later rounds.
    With `--limit`, the budget shrinks with the pages."""
    learn: dict[str, Any] = Field(default_factory=dict)
    """Further keys of `learn.fasttext`: hard_negatives, dim, epochs ..."""
    select: dict[str, Any] = Field(default_factory=dict)
    """Further keys of `select.top_tokens`: token_column, bytes_per_token."""
    domains: dict[str, Any] = Field(default_factory=dict)
    """Further keys of `learn.domains`: min_share, min_pages, auto_accept ..."""
    decisions: str | None = None
    """Folder of the decisions files, `round-01.jsonl` and so on; by default `decisions` in the output folder."""
    new_negatives: Literal["none", "rejected"] = "none"
    """`rejected`: pages under rejected places are hard negatives of the next rounds."""
    max_rounds: int = Field(default=4, ge=1, le=50)
    """Stop after so many rounds at the latest."""
    stop_below: Share = 0.02
    """Stop when a smaller share of a round's pages is new."""
    labels: InputPaths = ()
    """Hand-checked pages, JSON lines of `url` and `label`, on which every round's precision is measured."""


SET_BY_ROUNDS = {
    "learn": {"positives", "negatives"},
    "select": {"column", "tokens"},
    "domains": {"collected"},
}
"""Keys of the stages that the rounds fill in themselves."""


@dataclass(frozen=True)
class Recall:
    """A recall file that was read."""

    file: YamlFile
    config: RecallConfig
    limit: int | None = None
    """About this many documents of each source."""
    token_share: float = 1.0
    """Share of `tokens` that a round takes: that of the pages which the limit leaves, see `limited.py`."""

    @property
    def output(self) -> Path:
        """Folder of the results; rounds with a limit get their own beside it."""
        folder = Path(self.file.path.parent, str(self.file.data["output"])).resolve()
        return folder if self.limit is None else folder.with_name(f"{folder.name}.limit-{self.limit}")

    @property
    def positive_label(self) -> str:
        """What the classifier calls mathematics."""
        return str(self.config.learn.get("positive_label", "math"))

    @property
    def column(self) -> str:
        """Column of the score."""
        return "score_math"

    def decisions_file(self, number: int) -> Path:
        """Where people decide on the domains of a round."""
        folder = self.config.decisions
        return (Path(self.file.path.parent, folder).resolve() if folder else self.output / "decisions") / f"round-{number:02d}.jsonl"


def load_recall(path: Path, overrides: list[str] | None = None, limit: int | None = None) -> Recall:
    """Read a recall file.

    Raises:
        ConfigError: file, line, column and the nearest legal word.
    """
    file = load_yaml(path.absolute())
    refuse_other_kind(file.data, path, "recall")
    for override in overrides or []:
        override_value(file, override)
    data = file.data
    if not isinstance(data, dict) or not isinstance(data.get("recall"), dict) or not isinstance(data.get("output"), str):
        raise ConfigError(f"{path}: a recall file is a map with name, output, stages and recall")
    if is_store_url(data["output"]):
        raise ConfigError(f"{path}: output {data['output']}: recall keeps its rounds and decisions in a folder of this machine; name one")
    config = parse_data(RecallConfig, data["recall"], file, ("recall",))
    for section, taken in SET_BY_ROUNDS.items():
        wrong = sorted(taken & set(getattr(config, section)))
        if wrong:
            raise ConfigError(f"{file.place(('recall', section, wrong[0]))}: {wrong[0]} is filled in by the rounds; remove it here")
    return Recall(replace(file, data={"stages": [], **data}), config, limit)
