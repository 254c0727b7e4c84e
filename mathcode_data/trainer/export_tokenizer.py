"""The tokenizer of a checkpoint's mixture as transformers load it: tokenizer.json, tokenizer_config.json, ids for config.json."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mathcode_data.core.errors import MathcodeError
from mathcode_data.core.storage import write_json
from mathcode_data.mixture.opened import read_mixture
from mathcode_data.shards.tokenizer_bytes import TOKENIZER_NAME
from mathcode_data.trainer.mixture_tokenizer import SourceTokenizer, ids_of, source_tokenizers


@dataclass(frozen=True)
class ExportedTokenizer:
    """What goes beside the weights; None: not known."""

    content: bytes | None
    ids: dict[str, int]
    """bos_token_id and eos_token_id, where they are known."""
    notes: tuple[str, ...]
    """One line for each thing that is not known, and why."""

    def write(self, folder: Path, sequence_length: int | None) -> None:
        """Write tokenizer.json and tokenizer_config.json, or nothing."""
        if self.content is None:
            return
        (folder / TOKENIZER_NAME).write_bytes(self.content)
        token_of = {number: token for token, number in ids_of(self.content).items()}
        settings: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
        if sequence_length is not None:
            settings["model_max_length"] = sequence_length
        settings |= {name.removesuffix("_id"): token_of[number] for name, number in self.ids.items() if number in token_of}
        write_json(folder / "tokenizer_config.json", settings)


def find_tokenizer(record: dict[str, Any]) -> ExportedTokenizer:
    """Look beside the shards of the mixture that a checkpoint's record names; what cannot be found is said, not guessed."""
    place = record["config"].get("mixture")
    if place is None:
        return _unknown("the checkpoint was not trained on a mixture")
    try:
        mixture = Path(place)
        info = read_mixture(mixture)
        if info["fingerprint"] != record["mixture"].get("fingerprint"):
            return _unknown(f"{mixture} is another mixture than the one that was trained on")
        sources = source_tokenizers(mixture, info)
        hashes = {source.sha256 for source in sources} - {None}
        if len(hashes) > 1:
            return _unknown(f"the sources of {mixture} have {len(hashes)} different tokenizers")
        content = _content(sources)
    except MathcodeError as error:
        return _unknown(str(error))
    found = {name: _id(sources, name) for name in ("bos_id", "eos_id")}
    ids = {name.replace("_id", "_token_id"): number for name, number in found.items() if number is not None}
    notes = [
        f"no {name.replace('_id', '_token_id')}: the results of {mixture}'s sources name none, or not the same one; "
        "set it by hand where the model needs it"
        for name, number in found.items()
        if number is None
    ]
    if content is None:
        notes.insert(0, _no_file(f"no source of {mixture} has the {TOKENIZER_NAME} of its shards beside them"))
    return ExportedTokenizer(content, ids, tuple(notes))


def _unknown(reason: str) -> ExportedTokenizer:
    return ExportedTokenizer(None, {}, (_no_file(reason), "no bos_token_id and eos_token_id, for the same reason"))


def _no_file(reason: str) -> str:
    return f"no {TOKENIZER_NAME}: {reason}; put the tokenizer of the training data there by hand"


def _content(sources: list[SourceTokenizer]) -> bytes | None:
    """The first tokenizer.json that is the one which made its shards, as far as that is known."""
    for source in sources:
        if source.content is not None and ids_of(source.content) and hashlib.sha256(source.content).hexdigest() == source.sha256:
            return source.content
    return None


def _id(sources: list[SourceTokenizer], name: Literal["bos_id", "eos_id"]) -> int | None:
    """What all results say that say anything."""
    named = {source.facts[name] for source in sources if isinstance(source.facts.get(name), int)}
    return named.pop() if len(named) == 1 else None
