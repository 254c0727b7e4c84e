from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.dedup.components import Components

EDGES = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25)), max_size=40)


def union_find(edges):
    parent: dict[int, int] = {}

    def root(node):
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for one, other in edges:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {node: root(node) for node in parent}


def add(components, edges):
    columns = np.array(edges, np.uint64).reshape(-1, 2)
    components.add(columns[:, 0], columns[:, 1])


@given(st.lists(EDGES, max_size=4))
def test_labels_are_the_smallest_node_of_the_component_for_any_batches(batches):
    components = Components()
    for edges in batches:
        add(components, edges)
    expected = union_find([edge for edges in batches for edge in edges])
    assert dict(zip(components.nodes.tolist(), components.labels.tolist(), strict=True)) == expected


@pytest.mark.parametrize("name", ["chain", "backwards", "star", "high star", "random"])
def test_large_components_merge_in_a_few_passes(name):
    size = 100_000
    nodes = np.arange(size, dtype=np.uint64) + np.uint64(2**40)
    shuffled = np.random.default_rng(0).permutation(nodes)
    ends = {
        "chain": (nodes[:-1], nodes[1:]),
        "backwards": (nodes[::-1][:-1], nodes[::-1][1:]),
        "star": (np.full(size - 1, nodes[0]), nodes[1:]),
        "high star": (np.full(size - 1, nodes[-1]), nodes[:-1]),
        "random": (shuffled[:-1], shuffled[1:]),
    }
    components = Components()
    components.add(*ends[name])
    assert np.array_equal(components.nodes, nodes)
    assert np.all(components.labels == nodes[0])


def test_no_edges_no_nodes():
    components = Components()
    add(components, [])
    assert components.nodes.size == components.labels.size == 0
