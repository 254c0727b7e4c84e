"""Back end `cached`: cuts texts into pieces with Python's regular expressions and remembers the ids of every piece.

Byte-pair encoding never looks across pieces, and pieces repeat: 3 MB of Python source are 700,000 pieces, 20,000 of them
different. New pieces go to Hugging Face's model, so only the first cut is done here, and it is checked: a text is encoded
by Hugging Face itself if it holds a token that was added to the vocabulary, or a character on which the two cutters were
seen to differ. Every character is tried when it comes for the first time, in contexts that show its class; so two libraries
with two versions of Unicode give the same ids. Tokenizers that begin with another step than one isolated split, or
normalise, or are not byte-level BPE, are left to Hugging Face.
"""

# N texts, T tokens of all of them, P pieces

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import orjson
import regex  # type: ignore[import-untyped]
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.stages.tokenize.encoder import HuggingFaceEncoder, Ids, Lengths, join_lengths, split_texts, with_fast_cuts

MAX_PIECES = 1 << 20  # some 200 MB; then the memory starts anew
PREFIX_CHARACTERS = 4
GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""What ByteLevel does with `use_regex` (Radford et al. 2019)."""
CONTEXT = "a{0}b {0} 1{0}1 {0}{0}!{0} 数{0} 9 😀{0}\n{0}'{0}A  {0}"
Cut = Callable[[str], list[str]]


class CachedEncoder:
    """Pieces by `regex`, ids of new pieces by the `tokenizers` library."""

    def __init__(self, content: str, truth: HuggingFaceEncoder) -> None:
        """Read the first step of a `tokenizer.json`.

        Raises:
            DataError: the tokenizer has another form than this back end handles.
        """
        import tokenizers

        data = orjson.loads(with_fast_cuts(content))
        pattern, rest = _first_split(data)
        try:
            # re has no \p{L} but is four times as fast where classes are written out
            self._cut: Cut = (regex if "\\p" in pattern else re).compile(pattern).findall
        except (regex.error, re.error) as error:
            raise DataError(f"tokenize: backend cached cannot read the pattern of this tokenizer ({error}); set backend: hf") from error
        self._truth = truth
        self.name = f"cached pieces (regex {regex.__version__}, tokenizers {tokenizers.__version__})"
        model = data | {"pre_tokenizer": {"type": "Sequence", "pretokenizers": rest}, "added_tokens": [], "post_processor": None}
        self._pieces = _Pieces(tokenizers.Tokenizer.from_str(orjson.dumps(model).decode()))
        added = [token["content"] for token in data["added_tokens"] if not token["special"]]
        self._added_prefixes = sorted({token[:PREFIX_CHARACTERS] for token in added})
        self._tried: set[str] = set()
        self._odd: set[str] = set()

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Lengths]:
        """Encode texts; see `Encoder`."""
        parts, num_parts = split_texts(texts, self._truth.pre_tokenize)
        ids = [self._encode_one(part) for part in parts]
        sizes = np.fromiter(map(len, ids), np.int64, len(ids))
        return (np.concatenate(ids) if ids else np.empty(0, np.uint32)), join_lengths(sizes, num_parts)

    def _encode_one(self, text: str) -> Ids:
        new = set(text) - self._tried
        if new:
            self._try(new)
        pieces = self._cut(text)
        is_plain = not self._odd or self._odd.isdisjoint(text)
        if not is_plain or sum(map(len, pieces)) != len(text) or any(prefix in text for prefix in self._added_prefixes):
            return self._truth.encode([text])[0]
        return self._pieces.ids(pieces)

    def _try(self, characters: set[str]) -> None:
        """Compare the two cutters on characters that come for the first time."""
        pre_tokenize = self._truth.pre_tokenize
        assert pre_tokenize is not None, "a tokenizer without a pre-tokenizer has no first split"
        texts = {character: CONTEXT.format(character) for character in sorted(characters)}
        all_ids, lengths = self._truth.encode(list(texts.values()))
        for (character, text), ids in zip(texts.items(), np.split(all_ids, np.cumsum(lengths)[:-1]), strict=True):
            # Hugging Face's pieces come from all its steps, ours from the first: they may be finer, never other
            theirs = {end for _, (_, end) in pre_tokenize(text)}
            pieces = self._cut(text)
            if not theirs.issuperset(itertools.accumulate(map(len, pieces))) or not np.array_equal(self._pieces.ids(pieces), ids):
                self._odd.add(character)
        self._tried |= characters


def _first_split(data: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Take the first split off a tokenizer: its pattern, and the steps that follow.

    Raises:
        DataError: another kind of tokenizer.
    """
    steps = data.get("pre_tokenizer") or {}
    steps = steps["pretokenizers"] if steps.get("type") == "Sequence" else [steps]
    first, last = (steps[0], steps[-1]) if steps else ({}, {})
    is_byte_level = last.get("type") == "ByteLevel" and not last.get("add_prefix_space")
    if data.get("normalizer") is not None or data["model"].get("type") != "BPE" or data["model"].get("dropout") or not is_byte_level:
        raise DataError("tokenize: backend cached handles byte-level BPE without normalisation; set backend: hf")
    if first.get("type") == "Split" and "Regex" in first["pattern"] and first["behavior"] == "Isolated" and not first["invert"]:
        return first["pattern"]["Regex"], steps[1:]
    if len(steps) == 1 and first.get("use_regex"):
        return GPT2_PATTERN, [first | {"use_regex": False}]
    raise DataError(f"tokenize: backend cached handles a first step of one isolated Split, found {first.get('type')}; set backend: hf")


class _Pieces(dict[str, int]):
    """Numbers of the pieces met so far, and the ids of each one after the other."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self._tokenizer = tokenizer
        self._new: list[list[int]] = []
        self._ids_T: Ids = np.empty(1 << 16, np.uint32)  # with room to grow, as the next one
        self._edges_P: NDArray[np.int64] = np.zeros(1 << 14, np.int64)

    def __missing__(self, piece: str) -> int:
        """Encode a piece that is met for the first time."""
        self._new.append(self._tokenizer.encode(piece, add_special_tokens=False).ids)
        self[piece] = number = len(self)
        return number

    def ids(self, pieces: Sequence[str]) -> Ids:
        """Ids of pieces, one after the other."""
        if len(self) > MAX_PIECES:
            self.clear()
        numbers = np.fromiter(map(self.__getitem__, pieces), np.int64, len(pieces))
        if self._new:
            self._add_new()
        starts = self._edges_P[numbers]
        sizes = self._edges_P[numbers + 1] - starts
        shifts = np.repeat(starts - (np.cumsum(sizes) - sizes), sizes)
        return self._ids_T[shifts + np.arange(shifts.size)]

    def _add_new(self) -> None:
        first = len(self) - len(self._new)
        edges = self._edges_P[first] + np.cumsum(np.fromiter(map(len, self._new), np.int64, len(self._new)))
        self._edges_P = _with_room(self._edges_P, len(self) + 1)
        self._edges_P[first + 1 : len(self) + 1] = edges
        self._ids_T = _with_room(self._ids_T, int(edges[-1]))
        self._ids_T[self._edges_P[first] : edges[-1]] = list(itertools.chain.from_iterable(self._new))
        self._new = []


def _with_room(array: NDArray[Any], size: int) -> NDArray[Any]:
    """The array itself, or a copy at least twice as long: adding a piece at a time stays linear."""
    return array if size <= array.size else np.concatenate([array, np.empty(max(size - array.size, array.size), array.dtype)])
