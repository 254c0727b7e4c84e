"""Tokens as text in pieces, split where a document begins and where a special id stands."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import MathcodeError
from mathcode_data.inspect.prefix_share import stage_totals
from mathcode_data.inspect.sampling import SEED
from mathcode_data.inspect.vocabulary import Vocabulary, find_tokenizer
from mathcode_data.mixture import lattice
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.plan import Plan
from mathcode_data.mixture.trace import trace_sample

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MAX_SAMPLES = 8
MIN_SAMPLES = 4
CHOICES = 6
"""Draws of a source that are tried for one in which a document begins."""
MAX_TOKENS = 4200
"""Of a sample or document that are shown."""
MAX_IDS = 256
"""Shown where no tokenizer is known."""


@dataclass(frozen=True)
class Piece:
    """A run of text, or one special id."""

    text: str
    special: int | None = None


@dataclass(frozen=True)
class Segment:
    """What belongs to one document."""

    begins: bool
    """Whether the document really begins here; the first one may have begun before the sample."""
    pieces: list[Piece]


@dataclass(frozen=True)
class Decoded:
    """Some tokens, document by document."""

    segments: list[Segment]
    num_tokens: int
    num_shown: int
    is_text: bool
    """False: no tokenizer is known, and the pieces are ids."""


def decode_segments(tokens: NDArray[Any], starts: list[int], vocabulary: Vocabulary) -> Decoded:
    """Decode tokens; `starts` are the offsets at which a document begins, ascending."""
    shown = min(len(tokens), MAX_TOKENS if vocabulary.tokenizer else MAX_IDS)
    begins = set(starts)
    edges = [*sorted({0, *(start for start in starts if start < shown)}), shown]
    segments = [
        Segment(low in begins, _pieces(tokens[low:high].tolist(), vocabulary))
        for low, high in pairwise(edges) if low < high
    ]  # fmt: skip
    return Decoded(segments, len(tokens), shown, vocabulary.tokenizer is not None)


def _pieces(ids: list[int], vocabulary: Vocabulary) -> list[Piece]:
    pieces: list[Piece] = []
    run: list[int] = []
    for token in ids:
        if token not in vocabulary.special:
            run.append(token)
            continue
        if run:
            pieces.append(Piece(_text(run, vocabulary.tokenizer)))
            run = []
        pieces.append(Piece(vocabulary.special[token], token))
    return [*pieces, Piece(_text(run, vocabulary.tokenizer))] if run else pieces


def _text(ids: list[int], tokenizer: Tokenizer | None) -> str:
    return tokenizer.decode(ids, skip_special_tokens=False) if tokenizer else " ".join(map(str, ids))


@dataclass(frozen=True)
class ShownSample:
    """A sample of a mixture, where it came from and what it says."""

    origin: dict[str, Any]
    """What `trace_sample` says."""
    decoded: Decoded


def shown_samples(folder: Path, plan: Plan, tokenizer: Path | None) -> tuple[list[ShownSample], list[str]]:
    """Some samples of a mixture, each source at least once up to eight, and what could not be read, in words."""
    found: list[ShownSample] = []
    problems: list[str] = []
    try:
        dataset = MixtureDataset(folder, check_shards=False, check_index=False)
    except MathcodeError as error:
        return [], [f"samples: {error}"]
    with dataset:
        for choices in pick_positions(plan):
            position = choices[0]
            try:
                position = _with_border(dataset, choices)
                origin = trace_sample(folder, position)
                sample = dataset.sample(position)
                vocabulary = Vocabulary({}, find_tokenizer(Path(origin["shard"]).parent, tokenizer))
                found.append(ShownSample(origin, decode_segments(sample.tokens, sample.boundaries.tolist(), vocabulary)))
            except MathcodeError as error:
                problems.append(f"sample {position:,}: {error}")
    return sorted(found, key=lambda sample: sample.origin["sample"]), problems


def _with_border(dataset: MixtureDataset, choices: list[int]) -> int:
    """The first of some positions whose sample holds the beginning of a document within; else the first one."""
    return next((position for position in choices if any(start > 0 for start in dataset.sample(position).boundaries)), choices[0])


def pick_positions(plan: Plan) -> list[list[int]]:
    """What to show: for each source some draws by chance where it is drawn most, the largest sources first, then any.

    Returns:
        Lists of positions, of each of which one is shown; all are different.
    """
    rng = np.random.default_rng(SEED)
    largest: dict[int, tuple[int, int]] = {}
    for number in range(len(plan.stages)):
        for source, total in enumerate(stage_totals(plan, number)):
            if total > largest.get(source, (0, 0))[0]:
                largest[source] = total, number
    picked: list[list[int]] = []
    if plan.blend == "lattice":
        for source, (_, number) in sorted(largest.items(), key=lambda item: -item[1][0])[:MAX_SAMPLES]:
            picked.append(list(dict.fromkeys(_one_draw(plan, number, source, rng) for _ in range(CHOICES))))
    taken = {position for positions in picked for position in positions}
    for _ in range(10 * CHOICES):
        position = int(rng.integers(plan.num_samples))
        if len(picked) < MIN_SAMPLES and position not in taken:
            taken.add(position)
            picked.append([position])
    return picked


def _one_draw(plan: Plan, number: int, source: int, rng: np.random.Generator) -> int:
    """The position of some draw of a source, anew or replayed, in a stage that draws it."""
    stage = plan.stages[number]
    choices = [
        (segment, stream, quota) for segment in stage.segments for stream, quota in enumerate(segment.quotas)
        if quota and stage.stream_sources[stream] == source
    ]  # fmt: skip
    segment, stream, quota = max(choices, key=lambda choice: choice[2])
    return stage.first_sample + segment.first_sample + lattice.row_of(segment.quotas, stream, int(rng.integers(quota)))
