"""Turn documents into token shards: `tokenize`. One document is one sequence of Megatron's `.bin/.idx`, ended by EOS.

The order of documents is random (a hash of `doc_id` keyed by the seed) and the shards have about `shard_tokens` each, so
every shard is a random sample of the whole. Shards are the same bytes however the input lay in shards and in whatever order.

Text becomes ids, and only that: special tokens written in a document stay text (no special id ever stands inside one), no
space is added, nothing is cut; for a byte-level tokenizer the ids decode to the text exactly. Documents with words of more
than 10,000 characters are encoded in parts (see `learn/long_words.py`).

What encodes is a back end (`backends`): Hugging Face's library is the truth, faster ones are used where they are proved to give
the same ids, on hard texts and on the first documents; then a share of all documents is compared, and a difference stops the run.

Phases: a tokenizer is learned if none is named (`learn.tokenizer`); `special` (which special tokens documents name, where there are
such); `tokenizer` (found, checked in a child process; the back end
proved); `encode` (one task per document shard); `parts`; `shards` (one task per token shard).

Result: `NAME-00000.bin`, `.idx`, `.documents.parquet` and so on, and `tokenizer.json`. Facts: `tokenizer_sha256`, `vocab_size`,
`max_id`, `eos_id`, `bos_id`, `special_ids`, `num_tokens`, `num_documents`, `text_bytes`, `is_lossless`, `backend`, `backend_version`,
`backends_refused` (and why), `spot_check` (share, documents and tokens compared), `placed_tokens` (ids of the special tokens put
in, where there are such).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from mathcode_data.core.config import ResultRef, TokenCount
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, Task, TaskRecord, document_items
from mathcode_data.stages.complete import map_one
from mathcode_data.stages.learn.tokenizer import LearnSettings, learn_tokenizer
from mathcode_data.stages.tokenize.backends import AUTO, choose_backend
from mathcode_data.stages.tokenize.tokenizer_file import FILE_NAME, copy_tokenizer, describe_tokenizer, find_control

VERSION = "5"
LIBRARIES = ("tokenizers", "unicodedata")

MAX_SHARDS = 100_000  # five digits in a shard's name


class Config(LearnSettings):
    """Which tokenizer, and how the shards are called and cut. `vocab_size` and what follows it only count without a tokenizer."""

    tokenizer: ResultRef | None = None
    """A result of `learn.tokenizer`, or a `tokenizer.json` (also `.gz`); null: learn one from the stage's own input."""
    name: str = Field(default="tokens", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,100}$")
    """Shards are called NAME-00000 and so on."""
    shard_tokens: TokenCount = Field(default=1 << 27, ge=1)
    """Tokens of a shard, about; 2**27 ids of 4 bytes are 512 MB, which is also what a task holds in memory."""
    append_eos: bool = True
    """End every document with the end token."""
    prepend_bos: bool = False
    """Begin every document with the begin token."""
    eos_token: str = AUTO
    """The special token that ends a document; `auto`: the one known name that the tokenizer has."""
    bos_token: str = AUTO
    """The special token that begins a document; `auto`: the one known name that the tokenizer has."""
    backend: Literal["auto", "fastokens", "gigatoken", "hf"] = AUTO
    """What encodes: `hf` (Hugging Face's library, the truth), `fastokens` (50 times as fast), `gigatoken` (as fast, for fewer
    tokenizers; the extra `fast`). `auto`: the fastest that is installed and gives the same ids; the manifest says which."""
    spot_check: float = Field(default=1 / 2048, ge=0.0, le=1.0)
    """Share of the documents that are encoded by `hf` too and compared; of each shard at least one. 0: none."""

    @field_validator("name")
    @classmethod
    def _is_no_document_shard(cls, name: str) -> str:
        if name in ("documents", "dropped"):
            raise ValueError(f"{name!r} is what document shards are called; choose another name")
        return name


def prepare_tokenizer(task: Task) -> None:
    """Phase `tokenizer`: write the tokenizer as plain `tokenizer.json`, find out what it is, and prove the back end."""
    config, path = task.config, task.folder / FILE_NAME
    where = task.ledger.counters.stage
    if task.item["learned"] is None:
        copy_tokenizer(config.tokenizer, path, where)
    else:
        path.write_bytes(Path(task.item["learned"]).read_bytes())
    from mathcode_data.stages.tokenize.encode import first_documents

    facts = describe_tokenizer(
        path, where, eos_token=config.eos_token, bos_token=config.bos_token, append_eos=config.append_eos, prepend_bos=config.prepend_bos
    )
    texts, doc_ids = first_documents([Path(name) for name in task.item["first"]])
    placed, control = find_control(path, task.item.get("named", []), where)
    choice = choose_backend(path, config.backend, texts, doc_ids, where, tuple(control))
    facts["special_ids"] = sorted({*facts["special_ids"], *control.values()})
    task.values["facts"] = facts | {"backend": choice.backend, "backend_version": choice.version, "backends_refused": choice.refused}
    task.values["tokens"] = {"placed_tokens": placed, "control_tokens": list(control)}


class _Tokenize:
    kind = "tokens"

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Get the tokenizer, encode every document shard, then write every token shard."""
        from mathcode_data.stages.tokenize.encode import encode_shard
        from mathcode_data.stages.tokenize.gather import PARTS_NAME, list_parts, write_shard

        learned = None
        if self.config.tokenizer is None:
            learned = str(learn_tokenizer(context, context.inputs, self.config)[0].path(FILE_NAME))
        items = document_items(context.inputs)
        first = [item["path"] for item in items if item["rows"]][:1]
        named = self._named_tokens(context, items)
        prepared = map_one(context, "tokenizer", prepare_tokenizer, {"learned": learned, "first": first, "named": named})
        tokenizer, facts = str(prepared.path(FILE_NAME)), prepared.values["facts"]
        needed = {name: facts[name] for name in ("max_id", "special_ids", "eos_id", "bos_id", "backend")} | prepared.values["tokens"]
        if named:
            facts = facts | {"placed_tokens": prepared.values["tokens"]["placed_tokens"]}
        encoded = context.map("encode", encode_shard, [item | {"tokenizer": tokenizer, "facts": needed} for item in items])
        num_tokens = sum(record.values["num_tokens"] for record in encoded)
        if not num_tokens:
            raise ConfigError(
                f"{context.stage}: no document with text came in, so there is no token to write; look at what the stages before dropped, "
                "and at the input that they name"
            )
        num_buckets = max(1, -(-num_tokens // self.config.shard_tokens))
        if num_buckets > MAX_SHARDS:
            least = -(-num_tokens // MAX_SHARDS)
            raise ConfigError(
                f"{context.stage}: {num_tokens:,} tokens in shards of {self.config.shard_tokens:,} are "
                f"{num_buckets:,} shards, names go to {MAX_SHARDS:,}; set shard_tokens to {least:,} or more"
            )
        listed = map_one(context, "parts", list_parts, {"parts": [str(record.folder) for record in encoded]})
        item: dict[str, Any] = {
            "num_buckets": num_buckets,
            "name": self.config.name,
            "max_id": facts["max_id"],
            "parts": str(listed.path(PARTS_NAME)),
        }
        shards = context.map("shards", write_shard, [item | {"bucket": bucket} for bucket in range(num_buckets)])
        compared = {name: sum(record.values["compared"][name] for record in encoded) for name in ("documents", "tokens")}
        checks = {"spot_check": {"share": self.config.spot_check} | compared}
        return GlobalOutcome([*shards, prepared], encoded, facts | checks | _sums(shards))

    def _named_tokens(self, context: GlobalContext, items: Sequence[dict[str, Any]]) -> list[str]:
        """Special tokens that documents name beside their text; nothing is read where no input has such a column."""
        from mathcode_data.stages.tokenize.special_pieces import find_named, has_marks

        marked = [item for item in items if has_marks(item["path"])]
        if not marked:
            return []
        return sorted({name for record in context.map("special", find_named, marked) for name in record.values["named"]})


def _sums(shards: Sequence[TaskRecord]) -> dict[str, int]:
    """Count what is published: a token shard that was set aside is not in the result, so it is not in its facts."""
    files = [file for record in shards for file in record.shards]
    return {
        "num_tokens": sum(file.tokens for file in files),
        "num_documents": sum(file.rows for file in files),
        "text_bytes": sum(record.values["text_bytes"] for record in shards),
        "repeated_doc_ids": sum(record.values["repeated_doc_ids"] for record in shards),
    }


def build(config: Config) -> _Tokenize:
    """Make the stage."""
    return _Tokenize(config)
