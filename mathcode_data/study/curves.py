"""Loss curves as inline SVG: one line per arm; colours are classes of the page's style sheet, dashes and names tell lines apart too."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 340, 64, 16, 16, 40
MAX_LINES = 8
FIRST = ("code-math", "mixed", "math", "replay-5", "general-math", "math-code", "replay-10", "mixed-two-stage")
"""Arms that are drawn before others where there are more than MAX_LINES."""
NUM_TICKS = 5
Points = Sequence[Sequence[float]]


def chosen_arms(curves: Mapping[str, Points]) -> list[str]:
    """Arms that are drawn, at most MAX_LINES; the base has no curve beside theirs, they begin at its end."""
    names = [name for name, points in curves.items() if name != "base" and points]
    ranked = sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), names.index(name)))[:MAX_LINES]
    return [name for name in names if name in ranked]


def ticks(low: float, high: float, count: int = NUM_TICKS) -> list[float]:
    """Round numbers within a range, about `count`.

    >>> ticks(0.0, 1.0), ticks(1.23, 1.31)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [1.24, 1.26, 1.28, 1.3])
    """
    if high <= low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def curve_chart(curves: Mapping[str, Points], title: str, unit: str) -> str:
    """A chart of losses over tokens, with its legend; empty where there is nothing to draw."""
    arms = chosen_arms(curves)
    points = [point for arm in arms for point in curves[arm]]
    if not points:
        return ""
    most = max(point[0] for point in points) or 1.0
    low, high = min(point[1] for point in points), max(point[1] for point in points)
    margin = (high - low) * 0.05 or 0.01
    low, high = low - margin, high + margin

    def x(tokens: float) -> float:
        return round(LEFT + tokens / most * (WIDTH - LEFT - RIGHT), 1)

    def y(loss: float) -> float:
        return round(TOP + (high - loss) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}"><title>{html.escape(title)}</title>']
    for tick in ticks(low, high):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick)}" y2="{y(tick)}"/>')
        parts.append(f'<text class="axis" x="{LEFT - 8}" y="{y(tick) + 4}" text-anchor="end">{tick:g}</text>')
    scale, name = (1e6, "M tokens") if most >= 1e6 else (1e3, "k tokens") if most >= 1e3 else (1.0, "tokens")
    below = HEIGHT - BOTTOM + 18
    parts += [
        f'<text class="axis" x="{x(tick * scale)}" y="{below}" text-anchor="middle">{tick:g}</text>' for tick in ticks(0, most / scale)
    ]
    parts.append(f'<text class="axis" x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end">{name} after the base</text>')
    for number, arm in enumerate(arms):
        way = " ".join(f"{x(tokens)},{y(loss)}" for tokens, loss in curves[arm])
        last = curves[arm][-1]
        told = html.escape(f"{arm}: {last[1]:.4f} {unit} at the end")
        parts.append(f'<polyline class="line s{number}" points="{way}"><title>{told}</title></polyline>')
        parts.append(f'<circle class="c{number}" cx="{x(last[0])}" cy="{y(last[1])}" r="3"><title>{told}</title></circle>')
    parts.append("</svg>")
    return "".join(parts) + legend(arms)


def legend(arms: Sequence[str]) -> str:
    """Names of the lines."""
    items = "".join(
        f'<li><svg class="key" viewBox="0 0 26 8" aria-hidden="true"><line class="line s{number}" x1="0" x2="26" y1="4" y2="4"/></svg>'
        f"{html.escape(arm)}</li>"
        for number, arm in enumerate(arms)
    )
    return f'<ul class="legend">{items}</ul>'
