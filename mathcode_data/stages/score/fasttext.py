"""Score documents with a fastText classifier: `score.fasttext` adds the probability of one label as a column.

A model is used only under a sha256 that stands in a manifest or in the configuration, after its parts were added up
(`fasttext_file`) and a child process loaded it under limits. A worker loads it once, on the first documents it meets, as
tables that machine code walks (`fasttext_words`), or where that cannot be with the output layer multiplied into its rows
(`fasttext_projection`): the same answers to 1e-5, many times faster, in a hundredth of the memory. What the child answered
with the model as it is must come out again.

Scores lie in [0, 1] (fastText's 1.00001 is cut). A text without a word that the model knows scores 0.0.
"""

from __future__ import annotations

import functools
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from mathcode_data.core.config import ResultRef
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import require_columns
from mathcode_data.core.errors import ConfigError, DataError, SetupError
from mathcode_data.core.stage import StageConfig
from mathcode_data.core.storage import read_json, sha256_file
from mathcode_data.stages.learn.child import Limits, run_in_child
from mathcode_data.stages.learn.result_file import find_file
from mathcode_data.stages.learn.texts import texts_of
from mathcode_data.stages.score import classifier_text
from mathcode_data.stages.score.fasttext_file import read_model_facts
from mathcode_data.stages.score.fasttext_lines import TOKENIZER_NAME, TextKind, make_liner
from mathcode_data.stages.score.fasttext_projection import can_project, project

VERSION = "4"
LIBRARIES = ("fasttext-numpy2-wheel", "tokenizers", "unicodedata")

PREFIX = "__label__"
PROBE_TEXTS = ("let \\ ( x ^ 0 = 0 \\ ) be a number", "the weather is fine", "数 学", "{ } ; return")
PROBE_SECONDS = 120.0
PROBE_SPARE_BYTES = 1 << 30
PROJECTED_TOLERANCE = 1e-4
Scorer = Callable[[Sequence[str]], tuple[NDArray[np.float64], int]]
Liner = Callable[[Sequence[str]], list[str]]
MAX_PROBABILITY = 1.0001  # fastText adds 1e-5 before its logarithm, so a certain answer is a little more than 1


class Config(StageConfig):
    """Which model, which of its labels, and where the score goes."""

    model: ResultRef
    """A result of `learn.fasttext`, or a single file with its `sha256`."""
    label: str = "math"
    """Label whose probability is the score, with or without `__label__`."""
    column: str = Field(default="score_math", pattern=r"^score_[a-z0-9_]+$")
    """Column that is added (or replaced), float64."""
    text: TextKind = "words"
    """`words`, `thinned`, `bpe` (ids of the tokenizer beside the model): what the model was learned with, see `learn.fasttext`.
    `plain`: only white space becomes one space, for models from elsewhere."""
    max_characters: int = Field(default=classifier_text.MAX_CHARACTERS, ge=100)
    """Only so many characters of each document count; must be what the model was learned with."""


def probe_in_child(request: dict[str, Any]) -> dict[str, Any]:
    """Load a model and let it answer; runs in a child process under limits."""
    model = _load_unchecked(request["path"])
    labels, probabilities = model.predict(list(PROBE_TEXTS), k=-1)
    for answer in probabilities:
        if not all(math.isfinite(value) for value in answer):
            raise DataError(f"{request['path']}: answers {list(answer)[:3]} to a plain sentence; the model is damaged, learn it again")
    answers = [dict(zip(names, map(float, values), strict=True)) for names, values in zip(labels, probabilities, strict=True)]
    return {"labels": list(model.labels), "answers": answers}


def _load_unchecked(path: str) -> Any:
    import fasttext

    fasttext.FastText.eprint = _say_nothing  # load_model prints a warning to standard error in some builds
    return fasttext.load_model(path)


def _say_nothing(*_: Any) -> None:
    return


def check_model(config: Config) -> tuple[Path, list[dict[str, float]]]:
    """Find the model and make sure that it can be used; nothing is loaded into this process.

    Returns:
        The file, and what the model answers to the probe texts.

    Raises:
        ConfigError: no hash, no such label, or settings that differ from those the model was learned with.
        DataError: other bytes than promised, cut, damaged, or of another format.
    """
    path, _ = find_file(config.model, "model.bin", needs_hash=True, where="score.fasttext")
    facts = read_model_facts(path)
    label = config.label.removeprefix(PREFIX)
    if label not in facts.labels:
        raise ConfigError(f"score.fasttext: {path} has no label {label!r}; its labels: {', '.join(facts.labels[:20])}")
    if path.name == "model.bin" and (path.parent / "model.json").exists():
        _check_settings(config, path.parent / "model.json")
    limits = Limits(2 * path.stat().st_size + PROBE_SPARE_BYTES, PROBE_SECONDS + path.stat().st_size / 20e6)
    found = run_in_child(f"{__name__}:probe_in_child", {"path": str(path)}, what=str(path), limits=limits)
    return path, found["answers"]


def load_projected(path: Path, answers: Sequence[dict[str, float]]) -> Any:
    """Load the smaller model where there is one.

    Raises:
        DataError: it answers the probe texts otherwise than the model itself.
    """
    facts = read_model_facts(path)
    if not can_project(facts):
        return _load_unchecked(str(path))
    with tempfile.TemporaryDirectory(prefix="mathcode-model-") as folder:
        smaller = Path(folder) / "model.bin"
        project(path, facts, smaller)
        model = _load_unchecked(str(smaller))
    for wanted, found in zip(answers, predict(model, PROBE_TEXTS), strict=True):
        if wanted.keys() != found.keys() or any(abs(wanted[name] - found[name]) > PROJECTED_TOLERANCE for name in wanted):
            raise DataError(f"{path}: projected, it answers {found} instead of {wanted} to a plain sentence; learn it again")
    return model


def predict(model: Any, lines: Sequence[str]) -> list[dict[str, float]]:
    """Probability of every label for each line, without the array per line that fastText's own `predict` makes."""
    labels, probabilities = model.f.multilinePredict([f"{line}\n" for line in lines], -1, 0.0, "strict")
    return [dict(zip(names, values, strict=True)) for names, values in zip(labels, probabilities, strict=True)]


def _check_settings(config: Config, path: Path) -> None:
    learned = read_json(path)
    used = {"text": config.text, "max_characters": config.max_characters, "text_version": classifier_text.VERSION}
    for name, value in used.items():
        if learned.get(name) != value:
            raise ConfigError(
                f"score.fasttext: {name} is {value!r}, the model was learned with {learned.get(name)!r} ({path}); "
                f"set {name} to that" + (", or learn the model again" if name == "text_version" else "")
            )
    if config.text == "bpe":
        tokenizer = path.parent / TOKENIZER_NAME
        found = sha256_file(tokenizer) if tokenizer.exists() else "no such file"
        if found != learned.get("tokenizer_sha256"):
            raise DataError(f"score.fasttext: {tokenizer}: {found}, the model was learned with {learned.get('tokenizer_sha256')}")


def load_scorer(config: Config) -> Scorer:
    """Load a model that is fit to be used.

    Raises:
        DataError: it is damaged, or it answers otherwise here than in the child that tried it.
    """
    path, answers = check_model(config)
    facts, label, where = read_model_facts(path), config.label.removeprefix(PREFIX), str(config.model.path)
    if config.text in ("words", "thinned") and facts.is_plain:
        from mathcode_data.stages.score.fasttext_words import WordModel

        model = WordModel(path, facts, label)
        found, _ = model.scores(PROBE_TEXTS, config.max_characters, is_thinned=False)
        wanted = [min(1.0, answer.get(PREFIX + label, 0.0)) for answer in answers]
        if not np.allclose(found, wanted, rtol=0, atol=PROJECTED_TOLERANCE):
            raise DataError(f"{path}: as tables, it answers {found} instead of {wanted} to plain sentences; learn it again")
        return functools.partial(model.scores, max_characters=config.max_characters, is_thinned=config.text == "thinned")
    liner = make_liner(config.text, config.max_characters, path.parent / TOKENIZER_NAME)
    return functools.partial(_score_lines, load_projected(path, answers), liner, PREFIX + label, where)


def _score_lines(model: Any, liner: Liner, label: str, where: str, texts: Sequence[str]) -> tuple[NDArray[np.float64], int]:
    """Let fastText answer; scores, and how many texts hold no word that it knows."""
    lines = liner(texts)
    try:
        answers = predict(model, lines)
    except RuntimeError as error:  # fastText's word for NaN
        raise DataError(f"score.fasttext: {where}: {error}; the model holds NaN, train or get it again") from error
    scores = [0.0 if not line or not answer else _score(answer, label, where) for line, answer in zip(lines, answers, strict=True)]
    return np.array(scores), sum(not line or not answer for line, answer in zip(lines, answers, strict=True))


class _ScoreFasttext:
    def __init__(self, config: Config) -> None:
        self.config = config
        self._scorer: Scorer | None = None

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Give back all rows with one more column."""
        require_columns(table.schema, {"text": pa.large_string()}, "score.fasttext")
        scores = self._scores(texts_of(table["text"], ledger), ledger) if table.num_rows else np.empty(0)
        column = pa.array(scores, pa.float64())
        at = table.schema.get_field_index(self.config.column)
        if at >= 0:
            return table.set_column(at, self.config.column, column)
        return table.append_column(self.config.column, column)

    def _scores(self, texts: list[str], ledger: Ledger) -> NDArray[np.float64]:
        if self._scorer is None:
            try:
                self._scorer = load_scorer(self.config)
            except DataError as error:  # the model is at fault, not the shard that came first
                raise SetupError(str(error)) from error
        scores, num_unknown = self._scorer(texts)
        if not np.isfinite(scores).all():
            raise DataError(f"score.fasttext: {self.config.model.path}: a score is no number; the model holds NaN, train or get it again")
        if num_unknown:
            ledger.count("texts_without_known_words", num_unknown)
        return scores


def _score(answer: dict[str, float], label: str, where: str) -> float:
    found = answer.get(label)
    if found is None or not 0.0 <= found <= MAX_PROBABILITY:
        raise DataError(f"score.fasttext: {where}: the probability of {label} is {found}; it must lie in [0, 1], so the model is damaged")
    return min(found, 1.0)


def build(config: Config) -> _ScoreFasttext:
    """Make the stage; the model is loaded on first use.

    Raises:
        ConfigError: this Python has no fastText wheel.
    """
    if sys.version_info >= (3, 13):
        raise ConfigError("score.fasttext: fastText has no wheel for Python 3.13; use Python 3.11 or 3.12")
    return _ScoreFasttext(config)
