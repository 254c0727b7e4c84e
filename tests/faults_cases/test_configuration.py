"""Configuration that asks for too much is refused at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.yaml_file import parse_yaml

ALIASES = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        ALIASES, "a: " + "x" * 1_000_001, "[" * 51, "{a: " * 51, "- " * 51 + "x", "[" * 400_000,
        "a:\n" + "".join(" " * n + "a:\n" for n in range(1, 60)),
    ],
    ids=["aliases", "size", "lists", "maps", "dashes", "many-lists", "indents"],
)  # fmt: skip
def test_yaml_that_asks_for_too_much_is_refused_within_a_tenth_of_a_second(text: str):
    """The processor's time of the best of three: other work on the machine does not count."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        with pytest.raises(ConfigError, match=r"a\.yaml"):
            parse_yaml(text.encode(), Path("a.yaml"))
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.1
