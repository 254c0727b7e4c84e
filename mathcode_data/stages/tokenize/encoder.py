"""What turns texts into ids: the protocol of the back ends, and the one that is the truth, Hugging Face's library.

No special ids from text, no truncation, long words bounded, exact round trip. Every back end gives the ids that this one
gives; `backends` chooses and proves them.
"""

# N texts, T tokens of all of them

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from mathcode_data.stages.learn.long_words import PreTokenize, parts_of
from mathcode_data.stages.learn.pretokenize import is_six_steps, single_split

LONG_SPACE = re.compile(r"\s{1000}")

Ids = NDArray[np.uint32]
Lengths = NDArray[np.int64]


class Encoder(Protocol):
    """What turns texts into ids."""

    name: str
    """The library and its version."""

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Lengths]:
        """Encode texts; the ids of all of them one after the other, and how many each has."""
        ...


class HuggingFaceEncoder:
    """The `tokenizers` library, with the tokenizer as it stands in the file; loaded when it is needed first."""

    def __init__(self, content: str) -> None:
        """Take the text of a `tokenizer.json` that was loaded in a child process first (see `tokenizer_file`)."""
        import tokenizers

        self.name = f"tokenizers {tokenizers.__version__}"
        self._content = content

    @functools.cached_property
    def tokenizer(self) -> Any:
        """The library's own object."""
        return _load(self._content)

    @functools.cached_property
    def _linear(self) -> Any:
        """The same with the steps that take linear time, for texts on which the six steps would take minutes."""
        content = with_linear_steps(self._content)
        return self.tokenizer if content is self._content else _load(content)

    def cut(self, text: str) -> list[tuple[str, tuple[int, int]]]:
        """Cut a text into pieces with their places, in linear time; without a pre-tokenizer the text is one piece."""
        return self._pre_tokenize(text)

    @functools.cached_property
    def _pre_tokenize(self) -> PreTokenize:
        import tokenizers

        steps = orjson.loads(self._content).get("pre_tokenizer")
        if steps is None:
            return lambda text: [(text, (0, len(text)))]
        model = {"type": "BPE", "vocab": {}, "merges": []}
        bare = {"version": "1.0", "added_tokens": [], "pre_tokenizer": linear_steps(steps), "model": model}
        tool: Any = tokenizers.Tokenizer.from_str(orjson.dumps(bare).decode()).pre_tokenizer
        pre_tokenize: PreTokenize = tool.pre_tokenize_str
        return pre_tokenize

    @functools.cached_property
    def added_tokens(self) -> list[str]:
        """Tokens that were added to the vocabulary, special or not, in the order of their ids."""
        return [token.content for _, token in sorted(self.tokenizer.get_added_tokens_decoder().items())]

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Lengths]:
        """Encode texts; see `Encoder`."""
        parts, num_parts = split_texts(texts, self)
        encodings = self.tokenizer.encode_batch_fast([part for part in parts if not LONG_SPACE.search(part)], add_special_tokens=False)
        if len(encodings) < len(parts):
            found = iter(encodings)
            encodings = [self._linear.encode(part, add_special_tokens=False) if LONG_SPACE.search(part) else next(found) for part in parts]
        sizes = np.fromiter((len(encoding) for encoding in encodings), np.int64, len(encodings))
        ids = np.fromiter(itertools.chain.from_iterable(encoding.ids for encoding in encodings), np.uint32, int(sizes.sum()))
        return ids, join_lengths(sizes, num_parts)


def _load(content: str) -> Any:
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_str(content)
    # none of these three is what a tokenizer.json promises: special strings in a text would become control ids,
    # and a file that was saved for inference may cut or pad every document
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def linear_steps(pre_tokenizer: Any) -> Any:
    """Replace DeepSeek-LLM's six pre-tokenization steps by the single split with the same cuts; leave others as they are."""
    return single_split() if is_six_steps(pre_tokenizer) else pre_tokenizer


def with_linear_steps(content: str) -> str:
    """A `tokenizer.json` with `linear_steps`; the same object if there is nothing to replace."""
    if '"Digits"' not in content:
        return content  # parsing takes a tenth of a second
    data = orjson.loads(content)
    if not is_six_steps(data.get("pre_tokenizer")):
        return content
    return orjson.dumps(data | {"pre_tokenizer": single_split()}).decode()


def with_special(content: str, names: Sequence[str]) -> str:
    """A `tokenizer.json` in which these added tokens count as special, so that no text becomes one of them.

    DeepSeek-Coder's own file lists its sentinels as tokens that are not special.
    """
    if not names:
        return content
    data = orjson.loads(content)
    tokens = [token | {"special": True} if token["content"] in names else token for token in data["added_tokens"]]
    return orjson.dumps(data | {"added_tokens": tokens}).decode()


def split_texts(texts: Sequence[str], truth: HuggingFaceEncoder) -> tuple[list[str], list[int]]:
    """Cut texts into parts without endless words; the parts of all texts, and how many each has."""
    parts = [parts_of(text, truth.cut) for text in texts]
    return list(itertools.chain.from_iterable(parts)), list(map(len, parts))


def join_lengths(sizes: Lengths, num_parts: list[int]) -> Lengths:
    """Add up the lengths of each text's parts (each text has at least one)."""
    if len(num_parts) == sizes.size:
        return sizes
    starts = np.cumsum([0, *num_parts[:-1]])
    return np.add.reduceat(sizes, starts)
