"""What the ids of token shards say: which are used, which are special and where they stand, how many bytes a token takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.inspect.histograms import spread
from mathcode_data.inspect.shard_runs import Run
from mathcode_data.inspect.tokenizer_file import load_tokenizer
from mathcode_data.shards.tokenizer_bytes import TOKENIZER_NAME

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MAX_IDS = 1 << 22
"""Ids from here on are counted together; no tokenizer has so many, so they are damage or another format."""
CHUNK_TOKENS = 1 << 22
TOP_TOKENS = 10
TOP_SHARES = (100, 1000, 10_000)
DECODED_DOCUMENTS = 200
MAX_DECODED_TOKENS = 4096
MAX_EXAMPLES = 5


class Vocabulary:
    """What is known about the ids of some shards before a token is read."""

    def __init__(self, facts: dict[str, Any], tokenizer: Tokenizer | None) -> None:
        """Take the facts of a manifest (empty for shards from elsewhere) and the tokenizer, where one is known."""
        self.tokenizer = tokenizer
        added = tokenizer.get_added_tokens_decoder() if tokenizer else {}
        special = {int(number) for number in facts.get("special_ids", [])} | {number for number, token in added.items() if token.special}
        self.special: dict[int, str] = {number: added[number].content if number in added else str(number) for number in sorted(special)}
        self.is_special_known = tokenizer is not None or "special_ids" in facts
        self.bos_id: int | None = facts.get("bos_id")
        self.eos_id: int | None = facts.get("eos_id")
        size = facts.get("vocab_size") or (tokenizer.get_vocab_size(with_added_tokens=True) if tokenizer else None)
        self.size: int | None = int(size) if size else None

    def name(self, token: int) -> str | None:
        """A token as its tokenizer writes it, None where that is not known."""
        if token in self.special:
            return self.special[token]
        return self.tokenizer.decode([token], skip_special_tokens=False) if self.tokenizer and token < (self.size or 0) else None


def find_tokenizer(folder: Path, given: Path | None) -> Tokenizer | None:
    """The tokenizer that was named, or the one of our result in this folder; None where there is neither.

    Raises:
        DataError: it cannot be read, or is not the one the result was finished with.
    """
    if given is None and not (folder / TOKENIZER_NAME).is_file():
        return None
    return load_tokenizer(folder, given)


class IdCounts:
    """Counts ids, and special ids by where they stand in their documents."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.counts: NDArray[np.int64] = np.zeros(vocabulary.size or 1, dtype=np.int64)
        self.beyond = 0
        self.num_tokens = 0
        self.num_documents = 0
        self.num_empty = 0
        self.first_ids: dict[int, int] = {}
        self.last_ids: dict[int, int] = {}
        self.places: dict[int, dict[str, int]] = {token: {"at_start": 0, "at_end": 0, "inside": 0} for token in vocabulary.special}
        self.documents_inside = 0
        self.examples: list[dict[str, Any]] = []
        self._is_special = np.zeros(max(vocabulary.special, default=0) + 2, dtype=bool)
        self._is_special[list(vocabulary.special)] = True

    def add(self, run: Run) -> None:
        """Count the documents of a run."""
        for low in range(0, run.tokens.size, CHUNK_TOKENS):
            self._count(run.tokens[low : low + CHUNK_TOKENS])
        lengths = np.diff(run.edges)
        self.num_documents += lengths.size
        self.num_empty += int((lengths == 0).sum())
        starts, stops = run.edges[:-1][lengths > 0], run.edges[1:][lengths > 0] - 1
        _tally(self.first_ids, run.tokens[starts])
        _tally(self.last_ids, run.tokens[stops[: stops.size - 1] if run.is_cut else stops])
        if self.places:
            self._place(run, starts, stops)

    def _count(self, tokens: NDArray[Any]) -> None:
        wide = tokens.astype(np.int64)
        legal = (wide >= 0) & (wide < MAX_IDS)
        if not legal.all():
            self.beyond += int(wide.size - legal.sum())
            wide = wide[legal]
        found = np.bincount(wide, minlength=self.counts.size)
        if found.size > self.counts.size:
            self.counts = np.concatenate([self.counts, np.zeros(found.size - self.counts.size, np.int64)])
        self.counts += found
        self.num_tokens += tokens.size

    def _place(self, run: Run, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> None:
        """Tell special ids that open or close a document from those inside it."""
        limit = self._is_special.size - 1
        where = np.flatnonzero(self._is_special[np.minimum(run.tokens, limit).astype(np.int64)])
        if not where.size:
            return
        ids = run.tokens[where].astype(np.int64)
        at_end = np.isin(where, stops) & (ids != self._vocabulary.bos_id)
        at_start = ~at_end & np.isin(where, starts) & (ids != self._vocabulary.eos_id)
        inside = ~at_end & ~at_start
        for token, place in self.places.items():
            mine = ids == token
            for name, mask in (("at_end", at_end), ("at_start", at_start), ("inside", inside)):
                place[name] += int((mine & mask).sum())
        documents = np.searchsorted(run.edges, where[inside], side="right") - 1
        self.documents_inside += int(np.unique(documents).size)
        for position, number, token in zip(where[inside].tolist(), documents.tolist(), ids[inside].tolist(), strict=True):
            if len(self.examples) >= MAX_EXAMPLES:
                return
            self.examples.append(
                {"shard": run.prefix.name, "document": run.first + number, "token": position - int(run.edges[number]), "id": token}
            )

    def vocabulary_json(self) -> dict[str, Any]:
        """Coverage: how many ids occur, which share of tokens the most frequent ones make, the most frequent ones."""
        used = int((self.counts > 0).sum())
        order = np.argsort(-self.counts, kind="stable")
        total = int(self.counts.sum())
        size = self._vocabulary.size
        highest = int(np.flatnonzero(self.counts)[-1]) if used else None
        share = np.cumsum(self.counts[order]) / total if total else np.zeros(0)
        return {
            "vocab_size": size, "ids_used": used, "coverage": min(used, size) / size if size else None, "highest_id": highest,
            "ids_out_of_range": self.beyond + (int(self.counts[size:].sum()) if size else 0), "tokens_read": self.num_tokens,
            "share_of_top": {str(top): float(share[min(top, share.size) - 1]) for top in TOP_SHARES if total and top <= used},
            "most_frequent": [
                {"id": int(token), "text": self._vocabulary.name(int(token)), "count": int(self.counts[token])}
                for token in order[:TOP_TOKENS] if self.counts[token]
            ],
        }  # fmt: skip

    def special_json(self) -> dict[str, Any]:
        """Where special ids stand; where none is known, the ids that open and close documents most often."""
        found: dict[str, Any] = {"is_known": self._vocabulary.is_special_known, "bos_id": self._vocabulary.bos_id,
                                 "eos_id": self._vocabulary.eos_id, "documents_with_special_inside": self.documents_inside,
                                 "ids": [{"id": token, "name": self._vocabulary.special[token]} | place for token, place in
                                         self.places.items()], "examples": self.examples}  # fmt: skip
        read = self.num_documents - self.num_empty
        for key, tally in (("first_id", self.first_ids), ("last_id", self.last_ids)):
            if tally:
                token = max(tally, key=lambda token: tally[token])
                found[key] = {"id": token, "name": self._vocabulary.name(token), "share": tally[token] / max(read, 1)}
        return found


def _tally(into: dict[int, int], tokens: NDArray[Any]) -> None:
    values, counts = np.unique(tokens, return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        into[value] = into.get(value, 0) + count


class Fertility:
    """Bytes of text per token, measured by decoding the beginnings of about two hundred documents."""

    def __init__(self, vocabulary: Vocabulary, num_documents: int) -> None:
        """Say how many documents will be shown, so that every k-th is decoded."""
        self._vocabulary = vocabulary
        self._step = max(1, num_documents // DECODED_DOCUMENTS)
        self._num_seen = 0
        self._bytes: list[int] = []
        self._tokens: list[int] = []

    def add(self, run: Run) -> None:
        """Decode every k-th of a run's documents."""
        tokenizer = self._vocabulary.tokenizer
        if tokenizer is None:
            return
        first = -self._num_seen % self._step
        self._num_seen += run.num_documents
        for number in range(first, run.num_documents, self._step):
            ids = [token for token in run.document(number)[:MAX_DECODED_TOKENS].tolist() if token not in self._vocabulary.special]
            if ids:
                self._tokens.append(len(ids))
                self._bytes.append(len(tokenizer.decode(ids, skip_special_tokens=False).encode()))

    def to_json(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Bytes per token, from the manifest where it says so, and how it varies between documents."""
        tokens, text_bytes = np.array(self._tokens, np.float64), np.array(self._bytes, np.float64)
        by_document = spread(text_bytes / tokens) if tokens.size else None
        if facts.get("text_bytes") and facts.get("num_tokens"):
            return {"bytes_per_token": facts["text_bytes"] / facts["num_tokens"], "from": "manifest", "by_document": by_document,
                    "decoded_documents": len(self._tokens)}  # fmt: skip
        if not tokens.size:
            return {"bytes_per_token": None, "from": None, "by_document": None, "decoded_documents": 0}
        return {"bytes_per_token": float(text_bytes.sum() / tokens.sum()), "from": "decoded documents", "by_document": by_document,
                "decoded_documents": len(self._tokens)}  # fmt: skip
