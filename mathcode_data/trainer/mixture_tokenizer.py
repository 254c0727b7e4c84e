"""What is known of the tokenizer behind a mixture's shards: from the manifests of our results, or from a tokenizer.json beside them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.errors import ConfigError
from mathcode_data.mixture.opened import shard_prefix
from mathcode_data.shards.resolve import token_result
from mathcode_data.shards.tokenizer_bytes import TOKENIZER_NAME, read_tokenizer_bytes


@dataclass(frozen=True)
class SourceTokenizer:
    """One folder that holds shards of a source, and what it says of their tokenizer."""

    source: str
    folder: Path
    facts: dict[str, Any]
    """Of our manifest; empty where the shards are from elsewhere."""

    @cached_property
    def content(self) -> bytes | None:
        """The tokenizer.json, unpacked if it is gzip; None where there is none.

        Raises:
            DataError: it cannot be read, or is too large.
        """
        path = self.folder / TOKENIZER_NAME
        return read_tokenizer_bytes(path) if path.is_file() else None

    @property
    def sha256(self) -> str | None:
        """Hash of the tokenizer that made the shards, else of the one that lies beside them; None: neither is known."""
        known = self.facts.get("tokenizer_sha256")
        if known is not None or self.content is None:
            return known
        return hashlib.sha256(self.content).hexdigest()

    def largest_id(self) -> tuple[int, Path] | None:
        """The largest id of the tokenizer, and the file that says so; None where nothing does."""
        largest = self.facts.get("max_id")
        if largest is None and self.facts.get("vocab_size"):
            largest = self.facts["vocab_size"] - 1
        if largest is not None:
            return int(largest), self.folder / "manifest.json"
        found = None if self.content is None else max(ids_of(self.content).values(), default=None)
        return None if found is None else (found, self.folder / TOKENIZER_NAME)


def source_tokenizers(mixture: Path, info: dict[str, Any]) -> list[SourceTokenizer]:
    """What each folder of shards says, in the order of the sources.

    Args:
        mixture: folder of the mixture.
        info: content of its mixture.json.

    Raises:
        VerificationError: the manifest of a result was edited.
    """
    folders = {
        (source["name"], shard_prefix(mixture, shard).resolve().parent): None
        for source in info["sources"]
        for shard in source.get("shards", ())
    }
    found = []
    for name, folder in folders:
        result = token_result(folder)
        found.append(SourceTokenizer(name, folder, {} if result is None else result.manifest.facts))
    return found


def ids_of(content: bytes) -> dict[str, int]:
    """Token to id, of a tokenizer.json; empty where it is another kind of file.

    >>> ids_of(b'{"model": {"vocab": {"a": 0, "b": 1}}, "added_tokens": [{"id": 2, "content": "</s>"}]}')
    {'a': 0, 'b': 1, '</s>': 2}
    """
    try:
        data = orjson.loads(content)
        words = data["model"]["vocab"]
        pairs = words.items() if isinstance(words, dict) else ((entry[0], number) for number, entry in enumerate(words))  # list: Unigram
        ids = {str(token): int(number) for token, number in pairs}
        return ids | {str(token["content"]): int(token["id"]) for token in data.get("added_tokens") or ()}
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, ValueError, AttributeError):
        return {}


def check_vocabulary(mixture: Path, info: dict[str, Any], vocab_size: int) -> None:
    """Refuse a model that has no row for an id which the sources' tokenizer can give.

    Sources of which nothing is known are checked batch by batch as they are read (`data.make_batch`).

    Raises:
        ConfigError: names both numbers.
    """
    for found in source_tokenizers(mixture, info):
        known = found.largest_id()
        if known is not None and known[0] >= vocab_size:
            largest, file = known
            raise ConfigError(
                f"model.vocab_size is {vocab_size:,}, and the tokenizer of source {found.source!r} of {mixture} has ids up to {largest:,} "
                f"({file}); set model.vocab_size to {largest + 1} or more"
            )
