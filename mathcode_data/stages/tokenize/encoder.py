"""Encode texts with Hugging Face tokenizers: no special ids from text, no truncation, long words bounded, exact round trip.

A back end has one method, `encode`, and gives the ids that this one gives; Hugging Face's library is the truth.
"""

# N texts, T tokens of all of them

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.stages.learn.long_words import PreTokenize, parts_of
from mathcode_data.stages.learn.pretokenize import single_split, six_steps

MAX_PROBED_TOKENS = 5000

Ids = NDArray[np.uint32]
Lengths = NDArray[np.int64]

PROBE_TEXTS = (
    "", " ", "\n", "  \n\n  ", "def f(x):\n\treturn x ** 2  # 12345\n", "for (int i = 0; i < n; ++i) { a[i] += 1; }\r\n",
    r"Let \(\frac{a}{b} = \sqrt{2}\) and \[\sum_{i=1}^{100} i = 5050.\]", "naïve café Ångström ø ÿ ß ſ ﬁ", "证明：设 ε > 0，则 n ∈ ℕ。",
    "かな カナ 한국어", "नमस्ते १२३ ١٢٣", "السلام عليكم", "😀 👩‍👩‍👧 🇫🇷", "e\u0301 \u200b\u00ad\ufeff\u2028x", "\x00\x01\x7f", "Ⅷ ½ ² ①",
    "don't I'LL we've", "a" * 300, "!" * 300, " " * 300, "\u3000“x”\u2003y", "[PAD100016] <pad> <s> </s> <unk>",
    "<|endoftext|><|bos|><|eos|><|im_start|><｜end▁of▁sentence｜><|fim_prefix|>", "https://example.org/a_b?c=%20#d", "\U0010ffff\ue000",
)  # fmt: skip
"""Code, mathematics, CJK, other scripts, emoji, long words, control characters, look-alikes of special tokens."""


class Encoder(Protocol):
    """What turns texts into ids."""

    name: str
    """The library and its version."""

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Lengths]:
        """Encode texts; the ids of all of them one after the other, and how many each has."""
        ...


class HuggingFaceEncoder:
    """The `tokenizers` library."""

    def __init__(self, content: str) -> None:
        """Load a `tokenizer.json`, here or in a child process first (see `tokenizer_file`)."""
        import tokenizers

        self.name = f"tokenizers {tokenizers.__version__}"
        self.tokenizer = tokenizers.Tokenizer.from_str(with_fast_cuts(content))
        # none of these three is what a tokenizer.json promises: special strings in a text would become control ids,
        # and a file that was saved for inference may cut or pad every document
        self.tokenizer.encode_special_tokens = True
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    @property
    def pre_tokenize(self) -> PreTokenize | None:
        """Function that cuts a text into pieces, if the tokenizer has one."""
        tool: Any = self.tokenizer.pre_tokenizer
        return None if tool is None else tool.pre_tokenize_str

    @functools.cached_property
    def special_ids(self) -> dict[str, int]:
        """Special tokens and their ids."""
        added = self.tokenizer.get_added_tokens_decoder()
        return {token.content: int(number) for number, token in sorted(added.items()) if token.special}

    def probe_texts(self) -> list[str]:
        """Texts to try a tokenizer on: PROBE_TEXTS, and the tokens that were added to the vocabulary, special or not."""
        added = sorted(self.tokenizer.get_added_tokens_decoder().items())
        return [*PROBE_TEXTS, *(f"a {token.content} b" for _, token in added[:MAX_PROBED_TOKENS])]

    @functools.cached_property
    def max_id(self) -> int:
        """The real largest id: added tokens may lie beyond the vocabulary's size, and a vocabulary may have gaps."""
        return max(self.tokenizer.get_vocab(with_added_tokens=True).values())

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Lengths]:
        """Encode texts; see `Encoder`."""
        parts, num_parts = split_texts(texts, self.pre_tokenize)
        encodings = self.tokenizer.encode_batch_fast(parts, add_special_tokens=False)
        sizes = np.fromiter((len(encoding) for encoding in encodings), np.int64, len(encodings))
        ids = np.fromiter(itertools.chain.from_iterable(encoding.ids for encoding in encodings), np.uint32, int(sizes.sum()))
        return ids, join_lengths(sizes, num_parts)

    def decode(self, ids: Sequence[int]) -> str:
        """Ids back to text, special tokens included."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False))


def with_fast_cuts(content: str) -> str:
    """Replace DeepSeek-LLM's six pre-tokenization steps, where a tokenizer has them, by the single split with the same cuts."""
    data = orjson.loads(content)
    if data.get("pre_tokenizer") != six_steps():
        return content
    return orjson.dumps(data | {"pre_tokenizer": single_split()}).decode()


def split_texts(texts: Sequence[str], pre_tokenize: PreTokenize | None) -> tuple[list[str], list[int]]:
    """Cut texts into parts without endless words; the parts of all texts, and how many each has."""
    parts = [parts_of(text, pre_tokenize) for text in texts]
    return list(itertools.chain.from_iterable(parts)), list(map(len, parts))


def join_lengths(sizes: Lengths, num_parts: list[int]) -> Lengths:
    """Add up the lengths of each text's parts (each text has at least one)."""
    if len(num_parts) == sizes.size:
        return sizes
    starts = np.cumsum([0, *num_parts[:-1]])
    return np.add.reduceat(sizes, starts)


def load_encoder(path: Path, backend: str) -> tuple[HuggingFaceEncoder, Encoder]:
    """Load a tokenizer once per process.

    Returns:
        The truth, and the back end that is used (the same one for `hf`).

    Raises:
        ConfigError: the back end is not installed here.
    """
    return _load(path, path.stat().st_mtime_ns, backend)


@functools.lru_cache(maxsize=2)
def _load(path: Path, _changed: int, backend: str) -> tuple[HuggingFaceEncoder, Encoder]:
    content = path.read_text(encoding="utf-8")
    truth = HuggingFaceEncoder(content)
    return truth, make_encoder(backend, content, truth)


def make_encoder(backend: str, content: str, truth: HuggingFaceEncoder) -> Encoder:
    """Make the encoder of a back end.

    Raises:
        ConfigError: it is not installed.
        DataError: it cannot represent this tokenizer.
    """
    if backend == "fastokens":
        from mathcode_data.stages.tokenize.fastokens import FastokensEncoder

        return FastokensEncoder(content, truth)
    if backend == "cached":
        from mathcode_data.stages.tokenize.cached import CachedEncoder

        return CachedEncoder(content, truth)
    assert backend == "hf", f"unknown back end {backend!r}"
    return truth


def compare(truth: Encoder, other: Encoder, texts: Sequence[str], where: str) -> None:
    """Make sure that two back ends agree.

    Raises:
        DataError: they give different ids; names the text.
    """
    (ids_T, lengths_N), (found_T, found_N) = truth.encode(texts), other.encode(texts)
    if np.array_equal(ids_T, found_T) and np.array_equal(lengths_N, found_N):
        return
    for text in texts:
        expected, found = truth.encode([text])[0], other.encode([text])[0]
        if not np.array_equal(expected, found):
            raise DataError(
                f"{where}: {other.name} gives {found.tolist()[:8]} for {text[:40]!r}, {truth.name} gives "
                f"{expected.tolist()[:8]}; set backend: hf"
            )
    raise DataError(f"{where}: {other.name} and {truth.name} give different ids for texts together but not alone; set backend: hf")
