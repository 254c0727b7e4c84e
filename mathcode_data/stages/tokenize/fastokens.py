"""Back end `fastokens`: the optional package of that name, many times as fast as Hugging Face's, used only where the ids agree.

It is compared with the truth on probe texts when it is loaded and on the first documents of every task.
"""

# N texts, T tokens of all of them

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.stages.tokenize.encoder import HuggingFaceEncoder, Ids, Lengths, join_lengths, split_texts, with_fast_cuts

STACK_BYTES = 16 << 20


class FastokensEncoder:
    """The `fastokens` library."""

    def __init__(self, content: str, truth: HuggingFaceEncoder) -> None:
        """Load a `tokenizer.json`; `truth` finds long words, and encodes what the library gives up on."""
        try:
            library: Any = importlib.import_module("fastokens")
        except ModuleNotFoundError as error:
            raise ConfigError("tokenize: backend fastokens is not installed; pip install fastokens, or set backend: hf") from error
        try:
            self._tokenizer = library.Tokenizer.from_json_str(with_fast_cuts(content), pcre2_max_jit_stack_size=STACK_BYTES)
        except Exception as error:  # the library raises several kinds for a tokenizer that it cannot represent
            raise DataError(f"tokenize: fastokens cannot load this tokenizer ({error}); set backend: hf") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._truth = truth
        self.name = f"fastokens {metadata.version('fastokens')}"

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Lengths]:
        """Encode texts; see `Encoder`."""
        parts, num_parts = split_texts(texts, self._truth.pre_tokenize)
        try:
            raw_ids, raw_offsets = self._tokenizer.encode_batch_flat(parts, add_special_tokens=False, split_special_tokens=True)
        except ValueError:  # its regular expressions have a limit of work, which a strange text can reach
            return self._truth.encode(texts)
        offsets = np.frombuffer(raw_offsets, dtype="<u8").astype(np.int64)
        ids = np.frombuffer(raw_ids, dtype="<u4").astype(np.uint32)
        return ids, join_lengths(np.diff(offsets), num_parts)
