"""Back end `fastokens`: the library of that name, some fifty times as fast as Hugging Face's; takes every byte-level BPE.

Which of its ways a text takes depends on the pre-tokenizer: patterns that it knows by heart (GPT-2, Llama 3, Qwen, ...) run
at 100 MB/s and more, any other through PCRE2. Its ids do not depend on the number of cores, though long texts are cut into
as many chunks (compared under 1 and 64 cores on texts with words of thousands of characters).
"""

# N texts, T tokens of all of them

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.stages.tokenize.encoder import HuggingFaceEncoder, Ids, Lengths, join_lengths, split_texts, with_linear_steps

STACK_BYTES = 16 << 20


class FastokensEncoder:
    """The `fastokens` library."""

    def __init__(self, content: str, truth: HuggingFaceEncoder) -> None:
        """Load a `tokenizer.json`; `truth` cuts endless words, and encodes what the library gives up on.

        Raises:
            ConfigError: the package is not installed.
            DataError: the library cannot represent this tokenizer.
        """
        os.environ.setdefault("FASTOKENS_BPE_THREADS", "1")  # one worker per core; read when the library is used first
        try:
            library: Any = importlib.import_module("fastokens")
        except ModuleNotFoundError as error:
            raise ConfigError("tokenize: backend fastokens is not installed; pip install fastokens, or set backend: auto") from error
        fast = with_linear_steps(content)
        try:
            self._tokenizer = library.Tokenizer.from_json_str(fast, pcre2_max_jit_stack_size=STACK_BYTES)
        except Exception as error:  # the library raises several kinds for a tokenizer that it cannot represent
            raise DataError(f"tokenize: fastokens cannot load this tokenizer ({error}); set backend: auto or hf") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._truth = truth
        self.name = f"fastokens {metadata.version('fastokens')}" + (", six steps as one split" if fast is not content else "")

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Lengths]:
        """Encode texts; see `Encoder`."""
        parts, num_parts = split_texts(texts, self._truth)
        try:
            raw_ids, raw_offsets = self._tokenizer.encode_batch_flat(parts, add_special_tokens=False, split_special_tokens=True)
        except ValueError:  # its regular expressions have a limit of work, which a strange text can reach
            if len(texts) == 1:
                return self._truth.encode(texts)
            found = [self.encode([text]) for text in texts]
            return np.concatenate([ids for ids, _ in found]), np.concatenate([lengths for _, lengths in found])
        offsets = np.frombuffer(raw_offsets, dtype="<u8").astype(np.int64)
        return np.frombuffer(raw_ids, dtype="<u4").astype(np.uint32, copy=False), join_lengths(offsets[1:] - offsets[:-1], num_parts)
