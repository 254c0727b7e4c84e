"""The tree of one site's hosts and folders: how many pages each holds, how many were collected, and which prefixes stand out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Protocol

Sample = dict[str, Any]
"""A page to look at: key, doc_id, url, title, text, score, is_collected."""
Path = tuple[str, ...]
"""A host and folders."""


class Rules(Protocol):
    """What of the stage's configuration is used here."""

    min_share: float
    min_pages: int
    rule: str
    confidence: float
    prefix_min_share: float
    prefix_min_pages: int
    max_prefixes: int


def wilson(hits: int, total: int, confidence: float) -> tuple[float, float]:
    """Wilson's interval of a share (Wilson 1927), to 6 digits.

    >>> wilson(2, 10, 0.95), wilson(0, 0, 0.95)
    ((0.056682, 0.509838), (0.0, 1.0))
    """
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = hits / total, z * z / total
    middle = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return round(max(0.0, low), 6), round(min(1.0, high), 6)


@dataclass
class Node:
    """A host or folder: pages directly in it, and samples of them by whether they were collected."""

    pages: int = 0
    collected: int = 0
    samples: dict[bool, list[Sample]] = field(default_factory=lambda: {True: [], False: []})
    children: dict[str, Node] = field(default_factory=dict)


class Tree:
    """Adds up pages of a site, or of a shard with many hosts."""

    def __init__(self, num_samples: int) -> None:
        """Keep so many samples of each kind for each node."""
        self.root = Node()
        self.num_samples = num_samples

    def _at(self, place: Path) -> Node:
        node = self.root
        for name in place:
            node = node.children.setdefault(name, Node())
        return node

    def add(self, place: Path, collected: bool, key: int) -> bool:
        """Count a page; whether it belongs to the samples of its place so far."""
        node = self._at(place)
        node.pages += 1
        node.collected += collected
        kept = node.samples[collected]
        return len(kept) < self.num_samples or bool(kept and key < kept[-1]["key"])

    def keep(self, place: Path, sample: Sample) -> None:
        """Add a sample of a page that was counted."""
        kept = self._at(place).samples[sample["is_collected"]]
        kept.append(sample)
        kept.sort(key=_order)
        del kept[self.num_samples :]

    def join(self, entry: dict[str, Any]) -> None:
        """Add what another tree wrote of one place."""
        node = self._at(tuple(entry["place"]))
        node.pages += entry["pages"]
        node.collected += entry["collected"]
        for sample in entry["samples"]:
            self.keep(tuple(entry["place"]), sample)

    def leaves(self) -> Iterator[dict[str, Any]]:
        """Every place that holds pages, in order, as plain data."""
        stack: list[tuple[Path, Node]] = [((), self.root)]
        while stack:
            place, node = stack.pop()
            if node.pages:
                yield {"place": list(place), "pages": node.pages, "collected": node.collected,
                       "samples": node.samples[True] + node.samples[False]}  # fmt: skip
            stack += [((*place, name), node.children[name]) for name in sorted(node.children, reverse=True)]

    def candidate(self, domain: str, rules: Rules) -> dict[str, Any]:
        """The whole site as plain data: counts, whether it is a candidate, and its prefixes if so."""
        total = self._total(self.root)
        found = {"domain": domain, **_numbers(total, rules)}
        compared = found["share"] if rules.rule == "share" else found["low"]
        found["is_candidate"] = total.pages >= rules.min_pages and compared > rules.min_share
        if not found["is_candidate"]:
            return found
        whole = found["share"] >= rules.prefix_min_share
        prefixes = [] if whole else sorted(self._prefixes(rules), key=lambda prefix: (-prefix["pages"], prefix["name"]))
        return found | {"is_whole": whole, "prefixes": prefixes[: rules.max_prefixes], "samples": _shown(total)}

    def _prefixes(self, rules: Rules) -> Iterator[dict[str, Any]]:
        """The shortest prefixes whose own share is high."""
        stack: list[tuple[Path, Node]] = [((name,), node) for name, node in self.root.children.items()]
        while stack:
            place, node = stack.pop()
            total = self._total(node)
            if total.pages < rules.prefix_min_pages or not total.collected:
                continue
            numbers = _numbers(total, rules)
            if numbers["share"] >= rules.prefix_min_share:
                yield {"name": "/".join([*place, ""]), **numbers, "samples": _shown(total)}
            else:
                stack += [((*place, name), child) for name, child in node.children.items()]

    def _total(self, top: Node) -> Node:
        """A node with everything below it."""
        total = Node()
        stack = [top]
        while stack:
            node = stack.pop()
            total.pages += node.pages
            total.collected += node.collected
            for kind in (True, False):
                total.samples[kind] += node.samples[kind]
            stack += node.children.values()
        for kept in total.samples.values():
            kept.sort(key=_order)
            del kept[self.num_samples :]
        return total


def _order(sample: Sample) -> tuple[int, str]:
    return sample["key"], sample["doc_id"]


def _shown(node: Node) -> list[Sample]:
    return [{name: value for name, value in sample.items() if name != "key"} for kind in (False, True) for sample in node.samples[kind]]


def _numbers(node: Node, rules: Rules) -> dict[str, Any]:
    low, high = wilson(node.collected, node.pages, rules.confidence)
    share = round(node.collected / node.pages, 6) if node.pages else 0.0
    return {"pages": node.pages, "collected": node.collected, "share": share, "low": low, "high": high}
