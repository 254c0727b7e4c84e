"""Learn a byte-level BPE tokenizer: `learn.tokenizer`, with DeepSeek-LLM's pre-tokenisation (see `pretokenize`).

Text goes in as bytes, so every text has ids and comes back exactly; nothing is normalised. Ids: the special tokens first,
then the 256 bytes, then merges. Learned on a sample of the documents with the smallest keyed hashes of their ids, on one
thread in a child process: the same documents give the same bytes, however they lie in shards.

Result: `tokenizer.json` (Hugging Face's format). A corpus too small for `vocab_size` gives a smaller vocabulary; both
numbers stand in the manifest. `tokenize` runs the same phases when it is given no tokenizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field

from mathcode_data.core.config import ByteCount
from mathcode_data.core.errors import DataError
from mathcode_data.core.manifest import Result
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, StageConfig, Task, TaskRecord
from mathcode_data.core.storage import sha256_file
from mathcode_data.stages.complete import map_one
from mathcode_data.stages.learn.child import run_in_child
from mathcode_data.stages.learn.long_words import parts_of
from mathcode_data.stages.learn.pretokenize import single_split, six_steps

VERSION = "1"
LIBRARIES = ("tokenizers", "unicodedata")

BOS, EOS, PAD = "<|bos|>", "<|eos|>", "<|pad|>"
SINGLE_THREAD = {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


class LearnSettings(StageConfig):
    """How large the vocabulary becomes and from how much text."""

    vocab_size: int = Field(default=32_000, ge=300, le=1_000_000)
    """Ids in all, special tokens included."""
    sample_bytes: ByteCount = Field(default=200_000_000, ge=1)
    """UTF-8 bytes of text to learn from; all of it if there is less."""
    min_frequency: int = Field(default=2, ge=1)
    """Pairs that occur less often are not merged."""
    extra_special_tokens: tuple[str, ...] = ()
    """Further special tokens (fill-in-the-middle, separators), with the ids after `<|bos|>`, `<|eos|>`, `<|pad|>`."""


class Config(LearnSettings):
    """Settings of the stage."""


def learn_in_child(request: dict[str, Any]) -> dict[str, Any]:
    """Learn and save; runs in the child process."""
    from tokenizers import Tokenizer, trainers
    from tokenizers.pre_tokenizers import ByteLevel, PreTokenizer

    tokenizer = Tokenizer.from_str(orjson.dumps(_empty_tokenizer(single_split())).decode())
    pre_tokenizer: PreTokenizer = tokenizer.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=request["vocab_size"], min_frequency=request["min_frequency"], special_tokens=request["special_tokens"],
        initial_alphabet=sorted(ByteLevel.alphabet()), show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator(_training_texts(request, pre_tokenizer), trainer)
    data = orjson.loads(tokenizer.to_str())
    data["pre_tokenizer"] = six_steps()  # the form that others know; the cuts are the same
    Path(request["output"]).write_bytes(orjson.dumps(data))
    return {"vocab_size": tokenizer.get_vocab_size()}


def _training_texts(request: dict[str, Any], pre_tokenizer: Any) -> Iterator[str]:
    from mathcode_data.stages.learn.sample import read_sample

    for _, _, text in read_sample([[Path(folder) for folder in request["folders"]]], 0, "learn.tokenizer"):
        yield from parts_of(text.decode("utf-8"), pre_tokenizer.pre_tokenize_str)


def _empty_tokenizer(pre_tokenizer: dict[str, Any]) -> dict[str, Any]:
    model: dict[str, Any] = {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
        "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": {}, "merges": [],
    }  # fmt: skip
    decoder = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": None,
        "decoder": decoder,
        "model": model,
    }


def train(task: Task) -> None:
    """Learn from the texts of the sample and write `tokenizer.json`."""
    item, path = task.item, task.folder / "tokenizer.json"
    special = [BOS, EOS, PAD, *item["extra_special_tokens"]]
    if len(set(special)) < len(special) or not all(special):
        raise DataError(f"{task.ledger.counters.stage}: special tokens {special}: one is empty or there twice; give each its own name")
    if not any((Path(folder) / "texts.bin").stat().st_size for folder in item["folders"]):
        raise DataError(f"{task.ledger.counters.stage}: no text to learn a tokenizer from; its inputs are empty")
    request = {
        "folders": item["folders"],
        "vocab_size": item["vocab_size"],
        "min_frequency": item["min_frequency"],
        "special_tokens": special,
        "output": str(path),
    }
    what = f"{task.ledger.counters.stage}: learning a tokenizer"
    answer = run_in_child(f"{__name__}:learn_in_child", request, what=what, environment=SINGLE_THREAD)
    task.values["facts"] = {
        "tokenizer_sha256": sha256_file(path), "vocab_size": answer["vocab_size"], "vocab_size_asked": item["vocab_size"],
        "special_tokens": special, "sample": item["sample"],
    }  # fmt: skip


def learn_tokenizer(context: GlobalContext, inputs: Sequence[Result], settings: LearnSettings) -> tuple[TaskRecord, list[TaskRecord]]:
    """Run the phases that learn a tokenizer.

    Returns:
        The record that holds `tokenizer.json` and, in `values`, its facts; and the records that count the documents read.
    """
    from mathcode_data.stages.learn.sample import draw_sample

    records, sizes = draw_sample(context, "tokenizer", inputs, budget=settings.sample_bytes, unit="bytes")
    item = settings.model_dump(include=set(LearnSettings.model_fields)) | {
        "extra_special_tokens": list(settings.extra_special_tokens), "folders": [str(record.folder) for record in records], "sample": sizes,
    }  # fmt: skip
    record = map_one(context, "learn-tokenizer", train, item)
    return record, records


class _LearnTokenizer:
    kind = "tokenizer"

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Draw a sample, then learn."""
        record, counted = learn_tokenizer(context, context.inputs, self.config)
        return GlobalOutcome([record], counted, record.values["facts"])


def build(config: Config) -> _LearnTokenizer:
    """Make the stage."""
    return _LearnTokenizer(config)
