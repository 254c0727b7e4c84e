"""The order of the files of a repository: what is needed first, also where files need each other in a circle.

DeepSeek-Coder's rule (arXiv 2401.14196, algorithm 1): split the graph into its disconnected parts, and in each take again and
again the file with the fewest needed files left. Without circles that is a topological order. Ties go to the first file.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence


def ordered_parts(needed: Sequence[Sequence[int]]) -> list[list[int]]:
    """Order files by what they need.

    Args:
        needed: for each file the numbers of the files that it needs, each once, itself not among them.

    Returns:
        The disconnected parts, the one with the smallest number first; each in order.

    >>> ordered_parts([[2], [], [3], []])
    [[3, 2, 0], [1]]
    """
    parts = _connected(needed)
    num_left = [len(files) for files in needed]
    needed_by: list[list[int]] = [[] for _ in needed]
    for number, files in enumerate(needed):
        for other in files:
            needed_by[other].append(number)
    return [_take_least(part, num_left, needed_by) for part in parts]


def _connected(needed: Sequence[Sequence[int]]) -> list[list[int]]:
    parent = list(range(len(needed)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for number, files in enumerate(needed):
        for other in files:
            one, two = sorted((root(number), root(other)))
            parent[two] = one
    parts: dict[int, list[int]] = {}
    for number in range(len(needed)):
        parts.setdefault(root(number), []).append(number)
    return [parts[first] for first in sorted(parts)]


def _take_least(part: Sequence[int], num_left: list[int], needed_by: Sequence[Sequence[int]]) -> list[int]:
    heap = [(num_left[number], number) for number in part]
    heapq.heapify(heap)
    taken: dict[int, None] = {}
    while heap:
        count, number = heapq.heappop(heap)
        if number in taken or count != num_left[number]:
            continue  # an older entry of a file that needs less by now
        taken[number] = None
        for other in needed_by[number]:
            if other not in taken:
                num_left[other] -= 1
                heapq.heappush(heap, (num_left[other], other))
    return list(taken)
