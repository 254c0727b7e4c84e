"""Charts as inline SVG: a curve chart, a histogram, stacked strips and bars, each for wide and for narrow screens.

Colours are classes (`c0` ... `c8`) that the page's style sheet defines for light and dark; series also differ by dashes and bear
their names, so nothing hangs on colour alone. Every number that a chart shows stands in a `<title>` too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mathcode_data.inspect.histograms import axis_number, bin_name
from mathcode_data.inspect.markup import escape
from mathcode_data.inspect.tables import shortened, width

MAX_SERIES = 8
"""Colours; what is beyond goes into "other"."""
OTHER = MAX_SERIES
CHARACTER_WIDTH = 6.6
"""Of the 12 px labels, on average, a little too wide."""
BOLD_WIDTH = 8.0


@dataclass(frozen=True)
class Frame:
    """A drawing area: size and margins in px of its own view box, which is shown about as large."""

    width: int
    height: int
    left: int
    right: int
    top: int = 22
    bottom: int = 44

    @property
    def inner_width(self) -> float:
        """Width of the plot."""
        return self.width - self.left - self.right

    @property
    def inner_height(self) -> float:
        """Height of the plot."""
        return self.height - self.top - self.bottom

    def x(self, share: float) -> float:
        """From 0..1 to px."""
        return round(self.left + share * self.inner_width, 2)

    def y(self, share: float) -> float:
        """From 0 (bottom) .. 1 (top) to px."""
        return round(self.top + (1 - share) * self.inner_height, 2)


def frames(height: int, right: int = 12) -> list[tuple[str, Frame]]:
    """The wide and the narrow variant; the style sheet shows one of them."""
    return [("wide", Frame(860, height, 56, right)), ("narrow", Frame(340, height - 20, 46, 14))]


def ticks(most: float, count: int, least: float = 0.0) -> list[float]:
    """Round numbers from 0 to at most `most`, about `count` of them, at least `least` apart.

    >>> ticks(1099, 5), ticks(0.9, 4), ticks(0, 4)
    ([0.0, 200.0, 400.0, 600.0, 800.0, 1000.0], [0.0, 0.2, 0.4, 0.6, 0.8], [0.0])
    """
    if most <= 0:
        return [0.0]
    raw = max(most / count, least)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.8)
    return [round(number * step, 12) for number in range(int(most / step + 1e-9) + 1)]


def text(x: float, y: float, content: str, anchor: str = "start", name: str = "label") -> str:
    """One line of text."""
    return f'<text class="{name}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(content)}</text>'


def tick_text(frame: Frame, x: float, content: str) -> str:
    """A label below the plot, centred at x, or as far to the right as there is room."""
    most = round(frame.width - width(content) * CHARACTER_WIDTH / 2, 2)
    return text(min(x, most), frame.y(0) + 17, content, "middle")


def drawing(variant: str, frame: Frame, label: str, parts: Sequence[str]) -> str:
    """An `<svg>` with a name for those who do not see it."""
    return (
        f'<svg class="{variant}" viewBox="0 0 {frame.width} {frame.height}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


@dataclass(frozen=True)
class Series:
    """A curve of shares."""

    name: str
    color: int
    shares: list[float]


EARLY_SHARE = 0.002
"""Of all tokens, at the beginning: there the shares of a few samples jump, and are left out of the curves."""
TOPS = (0.25, 0.5, 0.75, 1.0)


def share_chart(series: Sequence[Series], xs: Sequence[float], bands: Sequence[tuple[str, float, float]], x_label: str, label: str) -> str:
    """Curves of shares over `xs` (ascending, from above 0), with the spans of stages; the y axis ends at 25, 50, 75 or 100 %."""
    found = []
    longest = max((width(entry.name) for entry in series), default=0)
    most = xs[-1]
    first = next(number for number, x in enumerate(xs) if x >= most * EARLY_SHARE)
    highest = max((max(entry.shares[first:]) for entry in series), default=1.0)
    top = next((top for top in TOPS if highest <= top), 1.0)
    for variant, frame in frames(300, right=int(min(24, longest) * CHARACTER_WIDTH) + 56):
        parts = _share_axes(frame, most, x_label, 6 if variant == "wide" else 3, top)
        for number, (name, low, high) in enumerate(bands):
            x0, x1 = frame.x(low / most), frame.x(high / most)
            if number:
                parts.append(f'<line class="edge" x1="{x0}" x2="{x0}" y1="{frame.top}" y2="{frame.y(0)}"/>')
            room = int((x1 - x0 - 8) / CHARACTER_WIDTH)
            if len(bands) > 1 and room >= 3:
                parts.append(text(x0 + 4, frame.top - 8, shortened(name, room)))
        for entry in series:
            pairs = zip(xs[first:], entry.shares[first:], strict=True)
            points = " ".join(f"{frame.x(x / most)},{frame.y(share / top)}" for x, share in pairs)
            title = f"{entry.name}: {entry.shares[-1]:.1%} of all"
            parts.append(f'<polyline class="line s{entry.color}" points="{points}"><title>{escape(title)}</title></polyline>')
        if variant == "wide":
            parts += _end_labels(frame, series, top)
        found.append(drawing(variant, frame, label, parts))
    return "".join(found)


def mix_chart(series: Sequence[Series], runs: Sequence[tuple[float, float]], x_label: str, label: str) -> str:
    """Stacked shares of runs, one after the other: `series[k].shares[r]` is the share of series k in run r."""
    found = []
    most = runs[-1][1]
    for variant, frame in frames(200):
        below = [0.0] * len(runs)
        parts = _share_axes(frame, most, x_label, 6 if variant == "wide" else 3, 1.0)
        for entry in series:
            above = [low + share for low, share in zip(below, entry.shares, strict=True)]
            forth = [f"{frame.x(x / most)},{frame.y(y)}" for (low, high), y in zip(runs, above, strict=True) for x in (low, high)]
            back = [f"{frame.x(x / most)},{frame.y(y)}" for (low, high), y in zip(runs, below, strict=True) for x in (low, high)]
            points = " ".join([*forth, *reversed(back)])
            parts.append(f'<polygon class="c{entry.color} cell" points="{points}"><title>{escape(entry.name)}</title></polygon>')
            below = above
        found.append(drawing(variant, frame, label, parts))
    return "".join(found)


def _share_axes(frame: Frame, most: float, x_label: str, x_ticks: int, top: float) -> list[str]:
    parts = []
    for percent in range(0, round(top * 100) + 1, 5 if top <= 0.25 else 10 if top <= 0.5 else 25):
        y = frame.y(percent / 100 / top)
        parts.append(f'<line class="grid" x1="{frame.left}" x2="{frame.x(1)}" y1="{y}" y2="{y}"/>')
        parts.append(text(frame.left - 8, y + 4, f"{percent} %", "end"))
    parts += [tick_text(frame, frame.x(tick / most), axis_number(tick)) for tick in ticks(most, x_ticks)]
    return [*parts, text(frame.x(1), frame.height - 6, x_label, "end", "axis")]


def _end_labels(frame: Frame, series: Sequence[Series], top: float) -> list[str]:
    """Names at the ends of the curves, moved apart where they would touch."""
    order = sorted(series, key=lambda entry: -entry.shares[-1])
    places: list[float] = []
    for entry in order:
        y = frame.y(entry.shares[-1] / top) + 4
        places.append(max(y, places[-1] + 15) if places else y)
    overflow = max(0.0, places[-1] - (frame.height - frame.bottom + 4)) if places else 0.0
    for number in range(len(places) - 1, -1, -1):  # push back up what went below the plot
        limit = frame.height - frame.bottom + 4 - 15 * (len(places) - 1 - number)
        places[number] = min(places[number], limit) if overflow else places[number]
    found = []
    for entry, y in zip(order, places, strict=True):
        found.append(
            text(frame.x(1) + 8, round(y, 2), f"{shortened(entry.name, 24)} {entry.shares[-1]:.1%}", "start", f"label t{entry.color}")
        )
    return found


def histogram_chart(histogram: dict[str, Any], counted: str, label: str) -> str:
    """Columns; the height is the count, the x axis has the histogram's unit."""
    counts, edges = histogram["counts"], histogram["edges"]
    most = max(counts, default=0)
    if not most:
        return ""
    found = []
    for variant, frame in frames(230, right=26):
        y_ticks = ticks(most, 4, 1.0)
        parts = []
        for tick in y_ticks:
            y = frame.y(tick / most)
            parts.append(f'<line class="grid" x1="{frame.left}" x2="{frame.x(1)}" y1="{y}" y2="{y}"/>')
            parts.append(text(frame.left - 8, y + 4, axis_number(tick), "end"))
        column = frame.inner_width / len(counts)
        for number, count in enumerate(counts):
            if count:
                height, gap = max(1.0, frame.inner_height * count / most), min(1.0, column * 0.08)
                title = f"{bin_name(histogram, number)} {histogram['unit']}: {count:,} {counted}"
                place = f'x="{frame.left + column * number + gap:.2f}" y="{frame.y(0) - height:.2f}" width="{column - 2 * gap:.2f}"'
                parts.append(f'<rect class="column" {place} height="{height:.2f}"><title>{escape(title)}</title></rect>')
        parts.append(f'<line class="base" x1="{frame.left}" x2="{frame.x(1)}" y1="{frame.y(0)}" y2="{frame.y(0)}"/>')
        names = [edge_label(edge) if histogram["scale"] == "log2" else axis_number(edge) for edge in edges]
        every = max(1, math.ceil((max(map(len, names)) * CHARACTER_WIDTH + 14) / column))
        for number in range(0, len(edges), every):
            x = round(frame.left + column * number, 2)
            parts.append(tick_text(frame, x, names[number]))
        parts.append(text(frame.x(1), frame.height - 6, histogram["unit"], "end", "axis"))
        parts.append(text(0, 12, counted, "start", "axis"))
        found.append(drawing(variant, frame, label, parts))
    return "".join(found)


def edge_label(edge: float) -> str:
    """A power of two, exact; above a million in units of 2**20.

    >>> edge_label(4096), edge_label(2**21)
    ('4,096', '2 Mi')
    """
    return f"{edge:,}" if edge < 1 << 20 else f"{edge / (1 << 20):,g} Mi"


@dataclass(frozen=True)
class Strip:
    """A row of shares: (name, colour, share), and the colours of the first draws."""

    title: str
    parts: list[tuple[str, int, float]]
    draws: list[int]


def strips_chart(strips: Sequence[Strip], label: str) -> str:
    """Stacked bars, one for each stage, with the order of its first draws below it."""
    found = []
    for variant, total in (("wide", 860), ("narrow", 340)):
        frame = Frame(total, 62 * len(strips), 0, 0, 0, 0)
        parts = []
        for row, strip in enumerate(strips):
            top = 62 * row
            parts.append(text(0, top + 12, strip.title))
            left = 0.0
            for name, color, share in strip.parts:
                size = share * total
                title = f"{name}: {share:.2%}"
                place = f'x="{left:.2f}" y="{top + 18}" width="{max(size, 0.5):.2f}" height="18"'
                parts.append(f'<rect class="c{color} cell" {place}><title>{escape(title)}</title></rect>')
                words = f"{name} {share:.0%}"
                if size > width(words) * BOLD_WIDTH + 10:
                    parts.append(text(round(left + 5, 2), top + 31, words, "start", "inside"))
                left += size
            each = total / max(len(strip.draws), 1)
            for number, color in enumerate(strip.draws):
                parts.append(
                    f'<rect class="c{color}" x="{number * each:.2f}" y="{top + 39}" width="{max(each - 0.6, 0.4):.2f}" height="8"/>'
                )
        found.append(drawing(variant, frame, label, parts))
    return "".join(found)


def bar(share: float) -> str:
    """A small bar for a cell of a table."""
    percent = max(0.0, min(1.0, share)) * 100
    box = 'class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"'
    return f'<svg {box}><rect class="column" width="{percent:.2f}" height="8"/></svg>'


def legend(entries: Sequence[tuple[str, int]], *, filled: bool = False) -> str:
    """Names with their colour, and dashes where they are lines."""
    items = []
    for name, color in entries:
        mark = f'<rect class="c{color}" width="26" height="10"/>' if filled else f'<line class="line s{color}" x2="26" y1="5" y2="5"/>'
        items.append(f'<li><svg class="key" viewBox="0 0 26 10" aria-hidden="true">{mark}</svg>{escape(name)}</li>')
    return f'<ul class="legend">{"".join(items)}</ul>'
