"""Histograms and percentiles as plain data, and as bars and sparklines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.inspect.sampling import short_count
from mathcode_data.inspect.tables import table

PERCENTILES = (0, 10, 50, 90, 99, 100)
SPARKS = "▁▂▃▄▅▆▇█"
SCORE_BINS = 20
BAR_CHARACTERS = 30


def spread(values: NDArray[Any]) -> dict[str, float] | None:
    """Percentiles, mean and sum; None where there is no value."""
    if not values.size:
        return None
    found = {f"p{p}": float(value) for p, value in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)}
    return found | {"mean": float(values.mean()), "sum": float(values.sum())}


def length_histogram(lengths: NDArray[np.int64], unit: str) -> dict[str, Any]:
    """Documents by length, bins between powers of two; a length of 0 has a bin of its own.

    Returns:
        `{"unit", "scale": "log2", "edges", "counts"}`: counts[k] values lie in edges[k] <= value < edges[k + 1].

    >>> length_histogram(np.array([0, 2, 3, 5]), "tokens")
    {'unit': 'tokens', 'scale': 'log2', 'edges': [0, 1, 2, 4, 8], 'counts': [1, 0, 2, 1]}
    """
    if not lengths.size:
        return {"unit": unit, "scale": "log2", "edges": [], "counts": []}
    bins = np.where(lengths > 0, np.frexp(lengths.astype(np.float64))[1], 0)  # frexp: 2**(k - 1) <= length < 2**k
    counts = np.bincount(bins)
    first = int(np.flatnonzero(counts)[0])
    edges = [0, *(2**power for power in range(counts.size))]
    return {"unit": unit, "scale": "log2", "edges": edges[first:], "counts": counts[first:].tolist()}


def score_histogram(values: NDArray[np.float64], unit: str) -> dict[str, Any]:
    """Twenty bins from 0 to 1, or from the least to the largest value where they leave that range; the last bin is closed."""
    known = values[np.isfinite(values)]
    low, high = 0.0, 1.0
    if known.size and (known.min() < low or known.max() > high):
        low, high = float(known.min()), float(known.max())
    counts, edges = np.histogram(known, bins=SCORE_BINS, range=(low, high))
    return {
        "unit": unit, "scale": "linear", "edges": [round(float(edge), 6) for edge in edges], "counts": counts.tolist(),
        "missing": int(values.size - known.size),
    }  # fmt: skip


def sparkline(counts: Sequence[float]) -> str:
    """A row of bars, the largest value the highest; nothing stands for 0 alone.

    >>> sparkline([1, 0, 50, 100])
    '▁ ▅█'
    """
    most = max(counts, default=0)
    return "".join(SPARKS[min(len(SPARKS) - 1, int(value / most * len(SPARKS)))] if value > 0 else " " for value in counts)


def bin_name(histogram: dict[str, Any], number: int) -> str:
    """A bin in words.

    >>> [bin_name(length_histogram(np.array([0, 1, 1500]), "tokens"), number) for number in (0, 1, 11)]
    ['0', '1', '1,024-2,047']
    """
    low, high = histogram["edges"][number], histogram["edges"][number + 1]
    if histogram["scale"] == "log2":
        return f"{low:,}" if high - low == 1 else f"{low:,}-{high - 1:,}"
    is_share = histogram["edges"][0] >= 0 and histogram["edges"][-1] <= 1
    return f"{low:.2f}-{high:.2f}" if is_share else f"{low:.3g}-{high:.3g}"


def bars(title: str, histogram: dict[str, Any], counted: str = "documents") -> str:
    """A histogram as a table with bars."""
    counts = histogram["counts"]
    most = max(counts, default=0)
    if not most:
        return ""
    filled = np.flatnonzero(counts)
    shown = range(int(filled[0]), int(filled[-1]) + 1)
    rows = [[bin_name(histogram, number), counts[number], _bar(counts[number] / most)] for number in shown]
    if missing := histogram.get("missing"):
        rows.append(["no value", missing, ""])
    return table([f"{title} {sparkline(counts)}", counted, ""], rows)


def _bar(share: float) -> str:
    """Eighths of a character, so that small counts are seen.

    >>> _bar(1.0) == "█" * 30, _bar(0.001), _bar(0.0)
    (True, '▏', '')
    """
    eighths = round(share * BAR_CHARACTERS * 8)
    if share and not eighths:
        eighths = 1
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


def spread_text(title: str, found: dict[str, float], *, with_sum: bool = True) -> str:
    """Percentiles as a table of one row."""
    names = [f"p{p}" for p in PERCENTILES]
    cells: list[Any] = ["", *(int(found[name]) for name in names), found["mean"]]
    return table([title, *names, "mean", "sum"], [[*cells, int(found["sum"])]]) if with_sum else table([title, *names, "mean"], [cells])


def axis_number(number: float) -> str:
    """A number for an axis: short, without a space before its unit.

    >>> [axis_number(n) for n in (0, 0.25, 512, 4096, 65536, 1.5e9)]
    ['0', '0.25', '512', '4.1k', '65.5k', '1.5B']
    """
    if number and abs(number) < 10:
        return f"{number:.3g}"
    if 1000 <= abs(number) < 10_000:
        return f"{number / 1000:.2g}k"
    return short_count(number).replace(" ", "")
