"""The tokenizer of a run: found, unpacked, checked in a child process, and described by the facts that shards depend on.

Hugging Face's library reads the file in the child, under limits; only a file that passes is loaded anywhere else.
"""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.config import ResultRef
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.storage import sha256_file
from mathcode_data.stages.arrange.sentinels import ALL_SENTINELS
from mathcode_data.stages.learn.child import Limits, run_in_child
from mathcode_data.stages.learn.result_file import find_file
from mathcode_data.stages.tokenize.backends import AUTO, load_truth
from mathcode_data.stages.tokenize.probe_texts import MAX_ADDED_TOKENS, TEXTS

FILE_NAME = "tokenizer.json"
MAX_FILE_BYTES = 1 << 28  # the largest public tokenizer.json has about 35 MB
LIMITS = Limits(4 << 30, 120.0)
GZIP_MAGIC = b"\x1f\x8b"

END_NAMES = ("<|eos|>", "<|endoftext|>", "<｜end▁of▁sentence｜>", "<|end_of_text|>", "</s>", "<eos>", "<|eot_id|>")
BEGIN_NAMES = ("<|bos|>", "<｜begin▁of▁sentence｜>", "<|begin_of_text|>", "<s>", "<bos>")
PROBE = "mathcode_data.stages.learn.probe_tokenizer:probe"


def copy_tokenizer(ref: ResultRef, target: Path, where: str) -> None:
    """Write the tokenizer that a configuration names as plain `tokenizer.json`.

    Raises:
        ConfigError, DataError: as `find_file`; or the file is larger than MAX_FILE_BYTES or damaged.
    """
    path, _ = find_file(ref, FILE_NAME, needs_hash=False, where=where)
    try:
        with path.open("rb") as plain:
            is_packed = plain.read(2) == GZIP_MAGIC
        with gzip.open(path, "rb") if is_packed else path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, EOFError) as error:
        raise DataError(f"{where}: {path}: cannot be unpacked ({error}); get the file again") from error
    if len(content) > MAX_FILE_BYTES:
        raise DataError(f"{where}: {path}: more than {MAX_FILE_BYTES:,} bytes unpacked; no tokenizer is that large")
    target.write_bytes(content)


def describe_tokenizer(
    path: Path,
    where: str,
    *,
    eos_token: str,
    bos_token: str,
    append_eos: bool,
    prepend_bos: bool,
) -> dict[str, Any]:
    """Check a tokenizer in a child process and say what shards made with it need to know.

    Returns:
        `tokenizer_sha256` (of the plain file), `vocab_size`, `max_id`, `eos_id`, `bos_id` (null: none), `special_ids`,
        `is_lossless` (the probe texts come back exactly).

    Raises:
        ConfigError: the end or begin token that is asked for does not exist, or several could be meant.
        DataError: no usable tokenizer, or one that makes special ids from text.
    """
    request = {"path": str(path), "texts": TEXTS, "max_added": MAX_ADDED_TOKENS}
    found = run_in_child(PROBE, request, what=f"{where}: {path.name}", limits=LIMITS)
    special = found.pop("special_tokens")
    eos_id = _find_special(special, eos_token, END_NAMES, "eos_token", is_needed=append_eos, where=where)
    bos_id = _find_special(special, bos_token, BEGIN_NAMES, "bos_token", is_needed=prepend_bos, where=where)
    return found | {"tokenizer_sha256": sha256_file(path), "eos_id": eos_id, "bos_id": bos_id, "special_ids": sorted(special.values())}


def find_control(path: Path, named: Sequence[str], where: str) -> tuple[dict[str, int], dict[str, int]]:
    """The special tokens that documents name, and all tokens that no text may become though the file does not call them special.

    Args:
        path: a `tokenizer.json` that was loaded in a child process before.
        named: tokens that stand in the documents' column `special_tokens`.
        where: for the message.

    Returns:
        Ids by name of the named tokens, and of the named ones and the known sentinels that the file does not call special.

    Raises:
        ConfigError: the tokenizer lacks a named token.
    """
    added = {token.content: (int(number), token.special) for number, token in load_truth(path).tokenizer.get_added_tokens_decoder().items()}
    missing = [name for name in named if name not in added]
    if missing:
        special = [name for name, (_, is_special) in added.items() if is_special or name in ALL_SENTINELS]
        raise ConfigError(
            f"{where}: the documents hold the special tokens {', '.join(missing)}, which this tokenizer lacks (its special tokens: "
            f"{', '.join(special[:20]) or 'none'}); take a tokenizer that has them, set the names in arrange.fim (sentinels, or "
            "prefix_token ...) and arrange.repository (file_token) to those that it has, learn one (no tokenizer, and "
            f"extra_special_tokens: {orjson.dumps(missing).decode()}), or take that stage out"
        )
    control = {name: number for name, (number, is_special) in added.items() if not is_special and (name in named or name in ALL_SENTINELS)}
    return {name: added[name][0] for name in named}, control


def _find_special(special: dict[str, int], asked: str, known: tuple[str, ...], field: str, *, is_needed: bool, where: str) -> int | None:
    if asked != AUTO:
        if asked not in special:
            shown = ", ".join(itertools.islice(special, 20)) or "none"
            raise ConfigError(f"{where}: {field} {asked!r} is no special token of this tokenizer; its special tokens: {shown}")
        return special[asked]
    found = [name for name in known if name in special]
    if is_needed and len(found) != 1:
        shown = ", ".join(itertools.islice(special, 20)) or "none"
        problem = "none of the known names is there" if not found else f"{' and '.join(found)} could be meant"
        raise ConfigError(f"{where}: {field}: {problem}; name it ({field}: ...), or switch it off; special tokens: {shown}")
    return special[found[0]] if len(found) == 1 else None
