"""Back end `gigatoken`: the library of that name; as fast as fastokens, for the pre-tokenizers that it knows by heart only.

The library takes control tokens from text, so it gets a tokenizer whose special tokens are taken out: Hugging Face, told to
encode them as text, does not look for them either. Tokens that were added and are not special stay.
"""

# N texts, T tokens of all of them

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np
import orjson

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.stages.tokenize.encoder import HuggingFaceEncoder, Ids, Lengths, join_lengths, split_texts


class GigatokenEncoder:
    """The `gigatoken` library."""

    def __init__(self, content: str, truth: HuggingFaceEncoder) -> None:
        """Load a `tokenizer.json`; `truth` cuts endless words.

        Raises:
            ConfigError: the package is not installed.
            DataError: the library cannot represent this tokenizer.
        """
        try:
            library: Any = importlib.import_module("gigatoken")
        except ModuleNotFoundError as error:
            message = "tokenize: backend gigatoken is not installed; pip install 'mathcode-data[fast]', or set backend: auto"
            raise ConfigError(message) from error
        data = orjson.loads(content)
        plain = [token for token in data.get("added_tokens", ()) if not token.get("special")]
        try:
            self._tokenizer = library.Tokenizer.from_json(orjson.dumps(data | {"added_tokens": plain, "truncation": None, "padding": None}))
        except Exception as error:  # the library raises several kinds for a tokenizer that it cannot represent
            raise DataError(f"tokenize: gigatoken cannot load this tokenizer ({error}); set backend: auto or hf") from error
        self._truth = truth
        self.name = f"gigatoken {metadata.version('gigatoken')}"

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Lengths]:
        """Encode texts; see `Encoder`."""
        if not texts:
            return np.empty(0, np.uint32), np.empty(0, np.int64)
        parts, num_parts = split_texts(texts, self._truth)
        layout: Any = self._tokenizer.encode_batch(parts, parallel=False).layout
        offsets = np.asarray(layout.offsets).astype(np.int64)
        ids = np.asarray(layout.content.data)[offsets[0] : offsets[-1]]
        return ids.astype(np.uint32, copy=False), join_lengths(offsets[1:] - offsets[:-1], num_parts)
