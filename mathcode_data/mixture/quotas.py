"""From budgets to whole samples: one rounding rule, exact in integers and fractions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

ROUNDING = (
    "a stage has floor(tokens asked / sequence_length) samples; each source gets the whole part of its own "
    "tokens / sequence_length, and the samples that remain go to the largest fractions, of equal ones to the source named first"
)
REPLAY_ROUNDING = "; replays take their shares of the stage's samples by the same rule, and the sources divide the rest"
EPOCHS_ROUNDING = "; a budget in epochs is floor(epochs * training windows) samples"
ANNEAL_ROUNDING = "; where weights change, every source's count is its exact share rounded up or down after each part of the stage"


def largest_remainder(shares: Sequence[Fraction], total: int) -> list[int]:
    """Round shares that sum to total..total + 1 - epsilon down to whole numbers that sum to `total`.

    Every result is its share rounded down or up.

    >>> largest_remainder([Fraction(5, 2), Fraction(5, 2)], 5)
    [3, 2]
    """
    whole = [math.floor(share) for share in shares]
    missing = total - sum(whole)
    assert 0 <= missing <= len(shares), "the shares sum to the total up to less than one"
    by_fraction = sorted(range(len(shares)), key=lambda k: (whole[k] - shares[k], k))
    for k in by_fraction[:missing]:
        whole[k] += 1
    return whole


def divide(total: int, parts: Sequence[Fraction | int]) -> list[int]:
    """Divide a whole number in proportion to `parts`, of which one is above 0, by largest remainder.

    >>> divide(10, [1, 1, 1])
    [4, 3, 3]
    """
    whole = sum(parts, Fraction(0))
    return largest_remainder([total * Fraction(part) / whole for part in parts], total)


def stage_quotas(asked: Sequence[Fraction], sequence_length: int) -> list[int]:
    """Samples of each source in a stage, from the tokens asked of each (see ROUNDING).

    >>> stage_quotas([Fraction(400 * 10**9), Fraction(150 * 10**9)], 4096)
    [97656250, 36621093]
    """
    shares = [tokens / sequence_length for tokens in asked]
    return largest_remainder(shares, math.floor(sum(shares, Fraction(0))))


def split_by_weight(total_tokens: int, weights: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Tokens asked of each source when a stage gives one total and weights; exact, so not always whole.

    >>> split_by_weight(550, {"code": Fraction(8), "math": Fraction(3)})
    {'code': Fraction(400, 1), 'math': Fraction(150, 1)}
    """
    whole = sum(weights.values(), Fraction(0))
    return {name: total_tokens * weight / whole for name, weight in weights.items()}


def within_limits(total: int, parts: Sequence[Fraction], limits: Sequence[int]) -> list[int] | None:
    """Divide `total` in proportion to `parts`, none above its limit.

    A part that would be above its limit gets the limit, and the rest is divided anew over the others; so again until none is.

    Returns:
        The division, or None where the limits are too low for `total`.

    >>> within_limits(100, [Fraction(8), Fraction(1), Fraction(1)], [50, 1000, 20])
    [50, 30, 20]
    """
    found = [0] * len(parts)
    free = [k for k, part in enumerate(parts) if part > 0]
    rest = total
    while free:
        for k, count in zip(free, divide(rest, [parts[k] for k in free]), strict=True):
            found[k] = count
        over = [k for k in free if found[k] > limits[k]]
        if not over:
            return found
        for k in over:
            found[k] = limits[k]
            rest -= limits[k]
        free = [k for k in free if k not in set(over)]
    return found if rest == 0 else None
