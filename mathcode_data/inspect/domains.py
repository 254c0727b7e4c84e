"""Where documents come from: counts by domain, repository, language, licence and source, with tokens where they are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

TOP = 10
TOP_LICENCES = 50
"""Licences are what a data card is read for."""
GROUPS = ("source", "domain", "repository", "language", "license")
HOST_PATTERN = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>\[[^\]/?#]*\]|[^/?#:\\]*)"
MAX_NAME_CHARACTERS = 200
NONE = ""
"""The name of what has no domain, licence ..."""


def hosts(urls: pa.ChunkedArray) -> pa.ChunkedArray:
    """Host names of URLs, in lower case, without `www.`, port and user; null where there is none.

    >>> hosts(pa.chunked_array([["https://www.Example.org:80/a", "no url", "http://u@b.example?q"]])).to_pylist()
    ['example.org', None, 'b.example']
    """
    found = pc.struct_field(pc.extract_regex(urls.cast(pa.string()), HOST_PATTERN), "host")
    lower = pc.replace_substring_regex(pc.utf8_lower(found), r"^www\.|\.$", "")
    return pc.if_else(pc.equal(lower, ""), pa.scalar(None, pa.string()), lower)


class GroupCounter:
    """Adds up documents and a weight (tokens or characters) by group over many tables."""

    def __init__(self) -> None:
        self._documents: dict[str, Counter[str]] = {}
        self._weights: dict[str, Counter[str]] = {}
        self._has_weights = False

    def add(self, table: pa.Table, weights: NDArray[np.int64] | None = None) -> None:
        """Count the rows of a table; columns that it lacks are left out."""
        for group in GROUPS:
            column = "url" if group == "domain" else group
            if column not in table.column_names:
                continue
            values = hosts(table[column]) if group == "domain" else table[column].cast(pa.string())
            self._add_group(group, values, weights)
        self._has_weights |= weights is not None

    def _add_group(self, group: str, values: pa.ChunkedArray, weights: NDArray[np.int64] | None) -> None:
        encoded = values.combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = pa.concat_arrays(encoded.chunks) if encoded.num_chunks else pa.array([], pa.string()).dictionary_encode()
        names = [*(name[:MAX_NAME_CHARACTERS] for name in encoded.dictionary.to_pylist()), NONE]
        codes = encoded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
        counts = np.bincount(codes, minlength=len(names))
        sums = counts if weights is None else np.bincount(codes, weights=weights, minlength=len(names)).astype(np.int64)
        documents, total = self._documents.setdefault(group, Counter()), self._weights.setdefault(group, Counter())
        for code in np.flatnonzero(counts).tolist():
            documents[names[code]] += int(counts[code])
            total[names[code]] += int(sums[code])

    def top(self, weight: str) -> dict[str, dict[str, Any]]:
        """The largest of each group, by weight where it is known.

        Args:
            weight: name of the weight, "tokens" or "characters".

        Returns:
            `{group: {"distinct", "documents", "without", "top": [{"name", "documents", weight}]}}`; groups in which no document
            has a name are left out, documents without one are counted in `without`.
        """
        found: dict[str, dict[str, Any]] = {}
        for group, documents in self._documents.items():
            without = documents.get(NONE, 0)
            if sum(documents.values()) == without:
                continue
            ranked = self._weights[group] if self._has_weights else documents
            order = sorted((name for name in documents if name != NONE), key=lambda name: (-ranked[name], name))
            top = [
                {"name": name, "documents": documents[name]} | ({weight: self._weights[group][name]} if self._has_weights else {})
                for name in order[: TOP_LICENCES if group == "license" else TOP]
            ]
            total = sum(documents.values())
            found[group] = {"distinct": len(order), "documents": total, "without": without, "top": top}
            if self._has_weights:
                found[group][weight] = sum(self._weights[group].values())
        return found


def count_groups(parts: Iterable[tuple[pa.Table, NDArray[np.int64] | None]], weight: str) -> dict[str, dict[str, Any]]:
    """`GroupCounter` over (table, weights) parts."""
    counter = GroupCounter()
    for part, weights in parts:
        counter.add(part, weights)
    return counter.top(weight)
