"""The order of the files of a repository: what is needed first, also where files need each other in a circle.

DeepSeek-Coder's rule (arXiv 2401.14196, algorithm 1): split the graph into its disconnected parts, and in each take again and
again the file with the fewest needed files left. Without circles that is a topological order. Ties go to a file of a circle that is begun,
then to the first file.

The rule alone may take a file before a circle that it needs, because in a circle files need as many. So a file waits until all that its
circle (strongly connected component) needs of others is taken: only what files of one circle need of each other can come later.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence


def ordered_parts(needed: Sequence[Sequence[int]]) -> list[list[int]]:
    """Order files by what they need.

    Args:
        needed: for each file the numbers of the files that it needs, each once, itself not among them.

    Returns:
        The disconnected parts, the one with the smallest number first; each in order.

    >>> ordered_parts([[2], [], [3], []])
    [[3, 2, 0], [1]]
    >>> ordered_parts([[1], [2], [1]])
    [[1, 2, 0]]
    """
    order = _Order(needed)
    return [order.of_part(part) for part in _connected(needed)]


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


def _circles(needed: Sequence[Sequence[int]]) -> list[int]:
    """For each file the number of its strongly connected component (Tarjan 1972, without recursion)."""
    found, lowest, circle = [-1] * len(needed), [0] * len(needed), [-1] * len(needed)
    num_found = num_circles = 0
    open_files: list[int] = []
    for root in range(len(needed)):
        path: list[tuple[int, Iterator[int]]] = []
        following: int | None = root if found[root] < 0 else None
        while path or following is not None:
            if following is not None:
                found[following] = lowest[following] = num_found
                num_found += 1
                open_files.append(following)
                path.append((following, iter(needed[following])))
            number, others = path[-1]
            following = None
            for other in others:
                if found[other] < 0:
                    following = other
                    break
                if circle[other] < 0:
                    lowest[number] = min(lowest[number], found[other])
            if following is not None:
                continue
            path.pop()
            if path:
                lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[number])
            if lowest[number] == found[number]:
                while circle[number] < 0:
                    circle[open_files.pop()] = num_circles
                num_circles += 1
    return circle


class _Order:
    """Takes files, and counts what the others and their circles wait for."""

    def __init__(self, needed: Sequence[Sequence[int]]) -> None:
        self._circle = _circles(needed)
        self._num_left = [len(files) for files in needed]
        self._num_outside = [0] * len(needed)
        """For each circle, how often its files need a file of another that is not taken."""
        self._needed_by: list[list[int]] = [[] for _ in needed]
        self._members: list[list[int]] = [[] for _ in needed]
        for number, files in enumerate(needed):
            self._members[self._circle[number]].append(number)
            for other in files:
                self._needed_by[other].append(number)
                self._num_outside[self._circle[number]] += self._circle[other] != self._circle[number]

    def of_part(self, part: Sequence[int]) -> list[int]:
        """The files of a part in order."""
        heap = [self._entry(number) for number in part if not self._num_outside[self._circle[number]]]
        heapq.heapify(heap)
        taken: dict[int, None] = {}
        while heap:
            count, _, number = heapq.heappop(heap)
            if number in taken or count != self._num_left[number]:
                continue  # an older entry of a file that needs less by now
            taken[number] = None
            for other in self._needed_by[number]:
                if other not in taken:
                    for ready in self._give(number, other):
                        heapq.heappush(heap, self._entry(ready))
        return list(taken)

    def _entry(self, number: int) -> tuple[int, bool, int]:
        return self._num_left[number], len(self._members[self._circle[number]]) == 1, number

    def _give(self, number: int, other: int) -> list[int]:
        """Tell a file that one which it needs is taken; the files that may be taken now, or sooner than before."""
        self._num_left[other] -= 1
        circle = self._circle[other]
        if circle == self._circle[number]:
            return [other]
        self._num_outside[circle] -= 1
        return [] if self._num_outside[circle] else self._members[circle]
