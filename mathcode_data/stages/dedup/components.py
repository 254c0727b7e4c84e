"""Connected components of a graph that is given edge by edge, in memory linear in the number of nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Components:
    """Grows by batches of edges; a batch may be thrown away once it is added.

    Labels move by hooking (a root takes the smallest root it touches) and pointer jumping (a node takes its root's root), a
    few passes of array operations: a chain of 10 million nodes needs 24.
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
        one, other = np.searchsorted(nodes, left), np.searchsorted(nodes, right)
        while one.size:
            one, other = parents[one], parents[other]
            is_open = one != other
            one, other = one[is_open], other[is_open]
            np.minimum.at(parents, np.maximum(one, other), np.minimum(one, other))
            _jump(parents)
        self.nodes, self._roots = nodes, parents


def _jump(parents: NDArray[np.int64]) -> None:
    while True:
        grandparents = parents[parents]
        if np.array_equal(grandparents, parents):
            return
        parents[:] = grandparents
