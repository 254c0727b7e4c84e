"""From budgets to whole samples: one rounding rule, exact in integers and fractions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

ROUNDING = (
    "a stage has floor(tokens asked / sequence_length) samples; each source gets the whole part of its own "
    "tokens / sequence_length, and the samples that remain go to the largest fractions, of equal ones to the source named first"
)


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
