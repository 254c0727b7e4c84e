"""Connected components of a graph that is given edge by edge, in memory linear in the number of nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.machine_code import compiled


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
    def labels(self) -> NDArray[np.uint64]:
        """For each node the smallest node of its component."""
        return self.nodes[self._roots]

    def add(self, left: NDArray[np.uint64], right: NDArray[np.uint64]) -> None:
        """Join left[i] and right[i] for all i."""
        nodes = np.unique(np.concatenate([self.nodes, left, right]))
        old = np.searchsorted(nodes, self.nodes)
        parents = np.arange(nodes.size)
        parents[old] = old[self._roots]
        _unite(parents, np.searchsorted(nodes, left), np.searchsorted(nodes, right))
        self.nodes, self._roots = nodes, parents


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
