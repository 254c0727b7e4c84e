"""Documents as examples for a classifier: each as one line, and beside it, if asked for, pieces of it from random places.

Whole pages alone teach a classifier what long pages look like: their words come in the proportions of a thousand words, and
one heavy sign decides. A page of three lines, or one whose formulas were lost, is then a matter of chance. With a piece of 60
words of every page beside the page it was told much better from sites never seen, with five of 40 words better still, and the
place that chance gave the pieces weighs less (tests/bench/results/classifier.json).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mathcode_data.stages.ids import Words
from mathcode_data.stages.score.fasttext_lines import make_liner, thinned
from mathcode_data.stages.select.rank import keyed_hashes


def example_lines(texts: Sequence[str], ids_N2: Words, seed: int, lines: dict[str, Any]) -> list[str]:
    """Turn documents into examples: lines divided by `\\n`, the whole document first, then its pieces.

    Args:
        texts: the documents.
        ids_N2: their ids, on which the places of the pieces depend.
        seed: so do they on this.
        lines: `kind`, `max_characters` and `tokenizer` as of `make_liner`; `crops`, pieces of each; `crop_words`, their length.
    """
    kind, num_crops = lines["kind"], lines.get("crops", 0)
    liner = make_liner("words" if kind == "thinned" else kind, lines["max_characters"], Path(lines["tokenizer"] or ""))
    finish = thinned if kind == "thinned" else str
    whole = liner(texts)
    places_CN = [keyed_hashes(ids_N2, seed, f"crop {number}").tolist() for number in range(num_crops)]
    return [
        "\n".join([finish(line), *map(finish, crops(line.split(), [places[i] for places in places_CN], lines.get("crop_words", 1)))])
        if line
        else ""
        for i, line in enumerate(whole)
    ]


def crops(words: Sequence[str], draws: Sequence[int], size: int) -> Iterator[str]:
    """Runs of `size` words, one for each draw (a random number); all of a text that has no more, so that each example counts alike.

    >>> list(crops("a b c d e".split(), [4, 7], 2)), list(crops(["a"], [9], 2))
    (['a b', 'd e'], ['a'])
    """
    for draw in draws:
        first = draw % (len(words) - size + 1) if len(words) > size else 0
        yield " ".join(words[first : first + size])
