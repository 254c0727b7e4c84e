"""Word problems as token shards, one document each, and the test items as a file; made once, found again by their fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mathcode_data.core.errors import ConfigError, DataError, is_panic
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.storage import read_json, remove_tree, sha256_file, write_json
from mathcode_data.shards.writer import ShardWriter
from mathcode_data.study.config import ProblemsConfig
from mathcode_data.study.problems import Form, item_json, make_test_items, training_problems

VERSION = "1"
ITEMS_NAME = "items.json"
DONE_NAME = "problems.json"
END_TOKENS = ("<|eos|>", "<|endoftext|>", "<｜end▁of▁sentence｜>", "<|end_of_text|>", "</s>", "<eos>", "<|eot_id|>")
BATCH = 1000


@dataclass(frozen=True)
class ProblemShards:
    """Where the word problems lie."""

    folder: Path
    fingerprint: str
    eos_id: int
    bytes_per_token: dict[str, float]
    """By form."""

    @property
    def items(self) -> Path:
        """The test items."""
        return self.folder / ITEMS_NAME

    def shards(self, form: str) -> Path:
        """Folder of the shards of a form."""
        return self.folder / form


def load_tokenizer(path: Path) -> Any:
    """The tokenizer of the shards, by Hugging Face's library.

    Raises:
        DataError: the file is none.
    """
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except BaseException as error:
        if not (isinstance(error, Exception) or is_panic(error)):
            raise
        raise DataError(
            f"{path}: no tokenizer that can be read ({error}); name the tokenizer.json that the shards were made with"
        ) from error


def find_eos(tokenizer: Any, asked: str | None, path: Path) -> int:
    """Id of the token that ends a document.

    Raises:
        ConfigError: there is none, or not the one asked for.
    """
    names = [asked] if asked is not None else list(END_TOKENS)
    found = [tokenizer.token_to_id(name) for name in names]
    ids = [int(number) for number in found if number is not None]
    if not ids:
        raise ConfigError(f"{path}: no token {' or '.join(names)}; name the token that ends a document as problems.eos_token")
    return ids[0]


def make_problem_shards(config: ProblemsConfig, tokenizer_path: Path, folder: Path, dtype: np.dtype[Any]) -> ProblemShards:
    """Write shards of every form that is mixed in, and the test items; what is there already is left as it is.

    Args:
        config: how many, and of which forms.
        tokenizer_path: of the other shards.
        folder: where they go.
        dtype: of the other shards' tokens.
    """
    tokenizer = load_tokenizer(tokenizer_path)
    eos = find_eos(tokenizer, config.eos_token, tokenizer_path)
    forms: list[Form] = list(dict.fromkeys(part.form for part in config.mix_into.values()))
    mark = fingerprint({
        "version": VERSION, "train": config.train, "test": config.test, "seed": config.seed, "forms": forms, "eos": eos,
        "tokenizer": sha256_file(tokenizer_path), "dtype": dtype.name,
    })  # fmt: skip
    done = folder / DONE_NAME
    known = read_json(done) if done.exists() else {}
    if known.get("fingerprint") != mark:
        remove_tree(folder)
        folder.mkdir(parents=True)
        questions = {problem.question for problem in training_problems(config.train, config.seed)}
        items = make_test_items(config.test, config.seed, sorted(questions))
        write_json(folder / ITEMS_NAME, {name: [item_json(problem) for problem in found] for name, found in items.items()})
        ratios = {form: _write(tokenizer, eos, config, form, folder / form, dtype) for form in forms}
        known = {"fingerprint": mark, "bytes_per_token": ratios}
        write_json(done, known)
    return ProblemShards(folder, mark, eos, known["bytes_per_token"])


def _write(tokenizer: Any, eos: int, config: ProblemsConfig, form: Form, folder: Path, dtype: np.dtype[Any]) -> float:
    folder.mkdir()
    num_bytes = 0
    with ShardWriter(folder / f"{form}-00000", dtype) as writer:
        made = training_problems(config.train, config.seed)
        while texts := [problem.text(form) for problem in islice(made, BATCH)]:
            num_bytes += sum(len(text.encode()) for text in texts)
            for encoding in tokenizer.encode_batch(texts, add_special_tokens=False):
                writer.add(np.asarray([*encoding.ids, eos], dtype=np.int64))
        return num_bytes / writer.num_tokens
