"""Connected components of a graph that is given edge by edge, in memory linear in the number of nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.machine_code import compiled

Nodes = NDArray[np.uint64]


class Components:
    """Grows by batches of edges; a batch may be thrown away once it is added.

    Union-find as machine code: the larger root takes the smaller, paths are halved on the way (Tarjan and van Leeuwen 1984).
    """

    def __init__(self) -> None:
        """Start without nodes."""
        self.nodes = np.empty(0, np.uint64)
        """All nodes that an edge has named, sorted."""
        self._roots = np.empty(0, np.int64)  # position in `nodes` of the smallest node of the component

    @property
    def labels(self) -> Nodes:
        """For each node the smallest node of its component."""
        return self.nodes[self._roots]

    def add(self, left: Nodes, right: Nodes) -> None:
        """Join left[i] and right[i] for all i."""
        named, inverse = np.unique(np.concatenate([left, right]), return_inverse=True)
        nodes, old, new = _merge(self.nodes, named)
        parents = np.arange(nodes.size)
        parents[old] = old[self._roots]
        places = new[inverse]
        _unite(parents, places[: left.size], places[left.size :])
        self.nodes, self._roots = nodes, parents


@compiled
def _merge(one: Nodes, other: Nodes) -> tuple[Nodes, NDArray[np.int64], NDArray[np.int64]]:
    """Merge two sorted arrays without repetitions, and say where the elements of each stand; searches would be ten times as slow."""
    merged = np.empty(one.size + other.size, np.uint64)
    places, other_places = np.empty(one.size, np.int64), np.empty(other.size, np.int64)
    size = i = j = 0
    while i < one.size or j < other.size:
        is_one = j == other.size or (i < one.size and one[i] <= other[j])
        is_other = i == one.size or (j < other.size and other[j] <= one[i])
        merged[size] = one[i] if is_one else other[j]
        if is_one:
            places[i] = size
            i += 1
        if is_other:
            other_places[j] = size
            j += 1
        size += 1
    return merged[:size].copy(), places, other_places


@compiled
def _unite(parents: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
    """Join one[i] and other[i]; afterwards every node's parent is the smallest node of its component."""
    for i in range(one.size):
        a, b = one[i], other[i]
        while parents[a] != a:
            parents[a] = parents[parents[a]]
            a = parents[a]
        while parents[b] != b:
            parents[b] = parents[parents[b]]
            b = parents[b]
        if a < b:
            parents[b] = a
        else:
            parents[a] = b
    for node in range(parents.size):
        parents[node] = parents[parents[node]]  # no parent is larger than its node, so it is settled already
