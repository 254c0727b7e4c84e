"""Learn a fastText classifier of mathematical pages: `learn.fasttext` (DeepSeekMath section 2.1; the defaults are its values).

Positives are a seed corpus (OpenWebMath there), negatives random pages. Which documents of each are used, in which order
they are read and which are held out follows from keyed hashes of their ids. Phases: samples of both, then one task that
trains in a child process and measures on the documents held out.

**Reproducible** (`num_threads: 1`): the child has MALLOC_PERTURB_=255, one thread and a fixed seed. fastText fills its input
matrix in ten blocks and one thread fills only the first (facebookresearch/fastText#935); the variable makes glibc hand out
zeroed memory for the rest, so the same documents give the same bytes, and no NaN. Words come first in the matrix and are
sorted by count, so the frequent ones start random; the rest starts at zero and learns all the same.
**Fast** (`num_threads` above 1): at least 11 threads, because fewer leave a part of it unfilled (random NaN). Their updates race,
so a second run gives other bytes: such a model is known by its sha256, which stands in the manifest.

**Hard negatives** (documentation of code, sports results, price lists: what looks like mathematics and is not) get a quota and a
weight of their own, so that a million ordinary pages do not drown them.

Result: `model.bin` and `model.json` (labels, normalisation, settings, counts, held-out measures).
"""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mathcode_data.core.config import ResultRef, Share
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.manifest import Result, read_result
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, StageConfig, Task, TaskRecord
from mathcode_data.core.storage import sha256_file, to_json
from mathcode_data.stages.complete import map_one
from mathcode_data.stages.learn.child import run_in_child
from mathcode_data.stages.score import classifier_text
from mathcode_data.stages.score.fasttext_lines import TOKENIZER_NAME

VERSION = "4"
LIBRARIES = ("fasttext-numpy2-wheel", "tokenizers", "unicodedata")

MIN_RACING_THREADS = 11
"""Each of the first ten fills a tenth of the input matrix, rounded down; the eleventh fills the rest, which is up to nine numbers."""
HOLDOUT_SCALE = 1 << 64
FORMAT = 1
END_OF_LINE = "</s>"

References = Annotated[tuple[ResultRef, ...], BeforeValidator(lambda value: value if isinstance(value, list | tuple) else (value,))]


class HardNegatives(StageConfig):
    """Negatives with a quota and a weight of their own."""

    result: ResultRef
    """A result whose documents are hard negatives."""
    num_documents: int = Field(default=100_000, ge=1)
    """Documents to draw from it; all if there are fewer."""
    weight: int = Field(default=1, ge=1, le=100)
    """How often each of them is read in a pass over the examples."""


class Config(StageConfig):
    """What to learn from, and fastText's own settings under its own names where the paper gives them."""

    positives: References = ()
    """One or more results whose documents are positive examples; none: the stage's own inputs (`from`)."""
    negatives: References = Field(min_length=1)
    """One or more results whose documents are negative examples. A document of both is a positive."""
    hard_negatives: tuple[HardNegatives, ...] = ()
    """Further negatives, each with its own number and weight. A document that is a negative too counts as a hard one."""
    positive_label: str = Field(default="math", pattern=r"^[A-Za-z0-9-]+$")
    """Label of the positives, without `__label__`."""
    negative_label: str = Field(default="other", pattern=r"^[A-Za-z0-9-]+$")
    """Label of the negatives."""
    num_positives: int = Field(default=500_000, ge=1)
    """Positives to draw; all if there are fewer."""
    num_negatives: int = Field(default=500_000, ge=1)
    """Negatives to draw; all if there are fewer."""
    text: Literal["words", "thinned", "bpe"] = "words"
    """How texts become words: `words` is our normalisation, in which each Chinese character is a word; `thinned` keeps of each
    word the 1st, 4th, 16th ... time it occurs, so that long texts do not drown what is rare in them, which suits small seeds
    with `word_ngrams: 1`; `bpe` takes the ids of `tokenizer` for words, as DeepSeek-Coder-V2 does."""
    tokenizer: ResultRef | None = None
    """For `bpe`: a result of `learn.tokenizer`, or a `tokenizer.json`."""
    max_characters: int = Field(default=classifier_text.MAX_CHARACTERS, ge=100)
    """Only so many characters of each document count; `score.fasttext` uses the same number."""
    crops: int = Field(default=0, ge=0, le=100)
    """Pieces of each document, from random places, that are learned beside the whole of it: short pages, and pages whose formulas
    were lost, are then told much better. 1 helps most, 5 of 40 words were best for seeds of a few thousand pages; the paper has none."""
    crop_words: int = Field(default=60, ge=5, le=100_000)
    """Words of a piece."""
    dim: int = Field(default=256, ge=1, le=2048)
    """Size of the vectors."""
    lr: float = Field(default=0.1, gt=0, le=10)
    """Learning rate at the start; falls linearly to 0."""
    word_ngrams: int = Field(default=3, ge=1, le=6)
    """Longest n-gram of words."""
    min_count: int = Field(default=3, ge=1)
    """Words that occur less often are ignored."""
    epochs: int = Field(default=3, ge=1, le=1000)
    """Passes over the examples."""
    bucket: int = Field(default=2_000_000, ge=1)
    """Rows for hashed n-grams; with `dim` 256 the default makes a model of 2.05 GB."""
    loss: Literal["softmax", "hs", "ova"] = "softmax"
    """fastText's loss; the paper does not name it."""
    num_threads: int = Field(default=1, ge=1, le=256)
    """1: reproducible. More: faster, at least 11 are used, and not reproducible."""
    holdout: Share = Field(default=0.02, lt=0.9)
    """Share of the examples that only measures."""


def train_in_child(request: dict[str, Any]) -> dict[str, Any]:
    """Train, save and measure; runs in the child process."""
    import fasttext

    settings = request["settings"]
    model = fasttext.train_supervised(
        input=request["train"], dim=settings["dim"], lr=settings["lr"], wordNgrams=settings["word_ngrams"],
        minCount=settings["min_count"], epoch=settings["epochs"], bucket=settings["bucket"], loss=settings["loss"],
        thread=settings["threads"], seed=settings["seed"], verbose=0,
    )  # fmt: skip
    num_words = len([word for word in model.words if word != END_OF_LINE])
    if not num_words:
        raise DataError(f"no word occurs {settings['min_count']} times; lower min_count or give more documents")
    model.save_model(request["model"])
    return {"num_words": num_words, "holdout": _measure(model, Path(request["holdout"]), request["positive"])}


def _measure(model: Any, path: Path, positive: str) -> dict[str, Any]:
    """Count right and wrong answers (cut at a probability of 0.5) on the lines held out."""
    counts = dict.fromkeys(("true_positives", "false_positives", "true_negatives", "false_negatives"), 0)
    with path.open(encoding="utf-8") as file:
        for line in file:
            label, _, words = line.rstrip("\n").partition(" ")
            labels, probabilities = model.predict([words])
            if len(probabilities[0]) and not math.isfinite(probabilities[0][0]):
                raise DataError("the trained model answers NaN; use num_threads 1 or a smaller lr")
            found, is_positive = list(labels[0])[:1] == [positive], label == positive
            counts[f"{'true' if found == is_positive else 'false'}_{'positives' if found else 'negatives'}"] += 1
    return counts


def ratios(counts: dict[str, int]) -> dict[str, float | None]:
    """Accuracy, precision, recall and F1 of the counts, to 6 digits; None where nothing was counted.

    >>> ratios({"true_positives": 8, "false_positives": 2, "true_negatives": 6, "false_negatives": 0})
    {'accuracy': 0.875, 'precision': 0.8, 'recall': 1.0, 'f1': 0.888889}
    """
    true, false = counts["true_positives"], counts["false_positives"]
    missed, total = counts["false_negatives"], sum(counts.values())

    def share(part: int, whole: int) -> float | None:
        return round(part / whole, 6) if whole else None

    return {
        "accuracy": share(true + counts["true_negatives"], total),
        "precision": share(true, true + false),
        "recall": share(true, true + missed),
        "f1": share(2 * true, 2 * true + false + missed),
    }


def train(task: Task) -> None:
    """Phase `train`: write the examples as lines, train in a child, write model.bin and model.json."""
    config, item = task.config, task.item
    labels = [f"__label__{config.positive_label}", f"__label__{config.negative_label}"]
    examples, held_out = task.folder / "examples.txt", task.folder / "held_out.txt"
    counts = _write_examples(task, labels, examples, held_out)
    threads = 1 if config.num_threads == 1 else max(MIN_RACING_THREADS, config.num_threads)
    settings = {name: getattr(config, name) for name in ("dim", "lr", "word_ngrams", "min_count", "epochs", "bucket", "loss")}
    settings |= {"threads": threads, "seed": task.seed % (1 << 31)}
    request = {
        "settings": settings,
        "train": str(examples),
        "holdout": str(held_out),
        "positive": labels[0],
        "model": str(task.folder / "model.bin"),
    }
    environment = {"MALLOC_PERTURB_": "255", "OMP_NUM_THREADS": "1"} if threads == 1 else {}
    answer = run_in_child(f"{__name__}:train_in_child", request, what=f"{task.ledger.counters.stage}: training", environment=environment)
    examples.unlink()
    held_out.unlink()
    facts = {
        "labels": [config.positive_label, config.negative_label], "positive_label": config.positive_label,
        "text": config.text, "text_version": classifier_text.VERSION, "max_characters": config.max_characters,
        "crops": config.crops, "crop_words": config.crop_words, "settings": settings, "is_reproducible": threads == 1,
        "num_words": answer["num_words"], "examples": counts | item["drawn"],
        "holdout": answer["holdout"] | ratios(answer["holdout"]), "sha256": sha256_file(task.folder / "model.bin"),
        "bytes": (task.folder / "model.bin").stat().st_size, "format": FORMAT,
    }  # fmt: skip
    if item["tokenizer"]:
        shutil.copyfile(item["tokenizer"], task.folder / TOKENIZER_NAME)
        facts["tokenizer_sha256"] = sha256_file(task.folder / TOKENIZER_NAME)
    (task.folder / "model.json").write_bytes(to_json(facts))
    task.values["facts"] = facts


def _write_examples(task: Task, labels: Sequence[str], examples: Path, held_out: Path) -> dict[str, int]:
    from mathcode_data.stages.learn.sample import read_sample
    from mathcode_data.stages.select.rank import keyed_hashes

    counts = [0, 0]
    weights = task.item["weights"]
    bound = int(task.config.holdout * HOLDOUT_SCALE)
    groups = [[Path(folder) for folder in folders] for folders in task.item["groups"]]
    num_held_out = num_empty = 0
    with examples.open("wb") as train_file, held_out.open("wb") as holdout_file:
        for group, ids, text in read_sample(groups, task.seed, "order of examples"):
            if not text:
                num_empty += 1
                continue
            is_held_out = int(keyed_hashes(ids.reshape(1, 2), task.seed, "held out")[0]) < bound
            num_held_out += is_held_out
            side = min(group, 1)  # every group behind the first holds negatives
            counts[side] += not is_held_out
            written = [labels[side].encode() + b" " + line + b"\n" for line in text.split(b"\n")]
            if is_held_out:
                holdout_file.write(written[0])
            else:
                train_file.writelines(written * weights[group])
    for number, label in zip(counts, labels, strict=True):
        if not number:
            raise DataError(
                f"{task.ledger.counters.stage}: no example of {label} is left to learn from; "
                "check positives and negatives, or lower holdout"
            )
    return {"positives": counts[0], "negatives": counts[1], "held_out": num_held_out, "empty": num_empty}


class _LearnFasttext:
    kind = "model"

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Draw both samples, then train."""
        from mathcode_data.stages.learn.sample import draw_sample

        config = self.config
        positives = _results(context.config.positives) or list(context.inputs)
        if not positives:
            raise ConfigError(f"{context.stage}: no positives; name results under positives, or give the stage a `from`")
        hard = context.config.hard_negatives
        parts = [("positives", positives, config.num_positives, 1)]
        parts += [(f"hard-{i}", _results([part.result]), part.num_documents, part.weight) for i, part in enumerate(hard)]
        parts += [("negatives", _results(context.config.negatives), config.num_negatives, 1)]
        prepared = map_one(context, "tokenizer", take_tokenizer, {}) if config.text == "bpe" else None
        tokenizer = str(prepared.path(TOKENIZER_NAME)) if prepared else None
        lines = {"kind": config.text, "max_characters": config.max_characters, "tokenizer": tokenizer}
        lines |= {"crops": config.crops, "crop_words": config.crop_words}
        drawn: dict[str, int] = {}
        groups: list[list[str]] = []
        counted: list[TaskRecord] = []
        for name, results, budget, _ in parts:
            records, sizes = draw_sample(context, name, results, budget=budget, unit="documents", lines=lines)
            groups.append([str(record.folder) for record in records])
            counted += records
            drawn[f"{name}_drawn"] = sizes["num_documents"]
        item = {"groups": groups, "weights": [weight for *_, weight in parts], "drawn": drawn, "tokenizer": tokenizer}
        trained = map_one(context, "train", train, item)
        return GlobalOutcome([trained], counted, trained.values["facts"])


def take_tokenizer(task: Task) -> None:
    """Phase `tokenizer`: copy the tokenizer whose ids are the words, and check it in a child process."""
    from mathcode_data.stages.tokenize.tokenizer_file import copy_tokenizer, describe_tokenizer

    where = task.ledger.counters.stage
    copy_tokenizer(task.config.tokenizer, task.folder / TOKENIZER_NAME, where)
    settings = {"eos_token": "auto", "bos_token": "auto", "append_eos": False, "prepend_bos": False}
    describe_tokenizer(task.folder / TOKENIZER_NAME, where, **settings)  # type: ignore[arg-type]


def _results(references: Sequence[ResultRef]) -> list[Result]:
    for reference in references:
        if reference.path is None:
            raise ConfigError(f"{reference.model_dump(exclude_none=True)} is not resolved to a folder; run the stage through a pipeline")
    return [read_result(Path(str(reference.path))) for reference in references]


def build(config: Config) -> _LearnFasttext:
    """Make the stage.

    Raises:
        ConfigError: both labels are the same, a tokenizer is missing or not used, or this Python has no fastText wheel.
    """
    if config.positive_label == config.negative_label:
        raise ConfigError(f"learn.fasttext: positive_label and negative_label are both {config.positive_label!r}; give them two names")
    if (config.text == "bpe") != (config.tokenizer is not None):
        raise ConfigError(
            f"learn.fasttext: text is {config.text!r}, tokenizer {config.tokenizer}; `bpe` needs a tokenizer, `words` has none"
        )
    if sys.version_info >= (3, 13):
        raise ConfigError("learn.fasttext: fastText has no wheel for Python 3.13; use Python 3.11 or 3.12")
    return _LearnFasttext(config)
