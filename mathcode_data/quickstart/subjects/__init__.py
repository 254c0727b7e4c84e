"""The subjects of the lessons, in English; `TOPICS` has all of them in teaching order."""

from mathcode_data.quickstart.subjects import (
    algebra,
    arithmetic,
    calculus,
    geometry,
    linear_algebra,
    number_theory,
    probability,
    quadratics,
    sequences,
)
from mathcode_data.quickstart.topic import Topic

TOPICS: tuple[Topic, ...] = (
    *arithmetic.TOPICS,
    *algebra.TOPICS,
    *quadratics.TOPICS,
    *sequences.TOPICS,
    *probability.TOPICS,
    *geometry.TOPICS,
    *calculus.TOPICS,
    *linear_algebra.TOPICS,
    *number_theory.TOPICS,
)
