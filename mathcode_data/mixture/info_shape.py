"""The shape of `mixture.json`, and what its numbers must agree in: checked before anything is computed from it.

Its own hash tells damage from a whole file. This tells a file that a build wrote from one that somebody made: its numbers become
sizes of arrays and lengths of loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from mathcode_data.core.blocks import BLOCKS_NAME
from mathcode_data.core.errors import DataError
from mathcode_data.core.record_shape import Count, Sha256, check_record
from mathcode_data.mixture.index_files import DTYPES
from mathcode_data.mixture.packed import OFFSETS_NAME, PIECES_NAME

ADVICE = "not what a build writes; build the mixture again"
Positive = Annotated[int, Field(ge=1, lt=1 << 62)]
Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _File(TypedDict):
    bytes: Count
    sha256: Sha256


class _Shard(TypedDict):
    path: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")]
    num_tokens: Count
    windows: Count
    bin_bytes: Count
    idx_bytes: Count
    fingerprint: str
    bin_sha256: Sha256 | None


class _Source(TypedDict):
    name: str
    num_tokens: Count
    windows: Count
    holdout_windows: Count
    training_windows: Count
    fingerprint: str
    token_dtype: Annotated[str, Field(pattern=r"^u?int(8|16|32|64)$")] | None
    tokenizer_sha256: str | None
    is_ours: bool
    max_epochs: Share
    shards: list[_Shard]
    packing: dict[str, Count]


class _Part(TypedDict):
    num_samples: Count
    tokens: Count
    tokens_asked: Count
    epochs: Share


class _Replay(TypedDict):
    stage: str
    num_samples: Count
    sources: dict[str, Count]


class _Anneal(TypedDict):
    weights: dict[str, Count]
    final_weights: dict[str, Count]
    steps: Positive | None


class _Stage(TypedDict):
    name: str
    first_sample: Count
    num_samples: Count
    sources: dict[str, _Part]
    replay: NotRequired[list[_Replay]]
    anneal: NotRequired[_Anneal]


class _Drawn(TypedDict):
    draws: Count


class _Seen(TypedDict):
    stage: str
    source: str
    first: Count
    stop: Count


class _Replayed(TypedDict):
    stage: str
    source: str
    size: Count
    draws: Count


class _Continues(TypedDict):
    sources: dict[str, _Drawn]
    seen: list[_Seen]
    replayed: list[_Replayed]
    samples_in_all: Count
    consumed: Count


class _Tokenizer(TypedDict):
    sha256: Sha256


class _Info(TypedDict):
    name: str
    fingerprint: str
    seed: Annotated[int, Field(ge=0)]
    sequence_length: Annotated[int, Field(ge=1, le=1 << 31)]
    blend: Literal["lattice", "megatron"]
    index: NotRequired[Literal["written", "virtual"]]
    packing: Literal["concat", "best_fit"]
    across_stages: Literal["disjoint", "repeat"]
    rounding: str
    num_samples: Count
    num_tokens: Count
    tokenizer: _Tokenizer | None
    sources: Annotated[list[_Source], Field(min_length=1, max_length=1 << 15)]
    stages: Annotated[list[_Stage], Field(min_length=1)]
    notices: list[str]
    files: dict[str, _File]
    continues: NotRequired[_Continues | None]


def check_info(info: dict[str, Any], where: object) -> None:
    """Refuse the object of a `mixture.json` that no build writes.

    Raises:
        DataError: names the place in the file.
    """
    check_record(info, _Info, where, ADVICE)
    for problem in _contradictions(info):
        raise DataError(f"{where}: {problem}; {ADVICE}")


def _contradictions(info: dict[str, Any]) -> Iterator[str]:
    known = {BLOCKS_NAME, *DTYPES, OFFSETS_NAME, PIECES_NAME}
    yield from (f"files: {name[:80]!r} is no file of a mixture" for name in info["files"] if name not in known)
    needed = [*(DTYPES if info.get("index") != "virtual" else ()), *((OFFSETS_NAME, PIECES_NAME) if info["packing"] == "best_fit" else ())]
    yield from (f"files: {name} is missing" for name in needed if name not in info["files"])
    names = [source["name"] for source in info["sources"]]
    if len(set(names)) != len(names):
        yield "two sources have one name"
    for source in info["sources"]:
        name, windows = source["name"], sum(shard["windows"] for shard in source["shards"])
        if source["windows"] != windows:
            yield f"source {name!r}: {source['windows']:,} windows, its shards have {windows:,}"
        if source["holdout_windows"] + source["training_windows"] != source["windows"]:
            yield f"source {name!r}: {source['holdout_windows']:,} held out and {source['training_windows']:,} to train on of {windows:,}"
        if info["packing"] == "concat":
            length = info["sequence_length"]
            yield from (
                f"source {name!r}: shard {shard['path']}: {shard['windows']:,} windows of {shard['num_tokens']:,} tokens"
                for shard in source["shards"]
                if shard["windows"] != max(0, shard["num_tokens"] - 1) // length
            )
    first = 0
    for stage in info["stages"]:
        yield from _of_stage(stage, first, {source["name"]: source["training_windows"] for source in info["sources"]})
        first += stage["num_samples"]
    if first != info["num_samples"]:
        yield f"num_samples {info['num_samples']:,}, the stages add up to {first:,}"


def _of_stage(stage: dict[str, Any], first: int, training: dict[str, int]) -> Iterator[str]:
    total = sum(part["num_samples"] for part in stage["sources"].values())
    if (stage["first_sample"], stage["num_samples"]) != (first, total):
        yield (
            f"stage {stage['name']!r}: samples {stage['first_sample']:,} + {stage['num_samples']:,}, its sources add up to "
            f"{first:,} + {total:,}"
        )
    replayed = [(name, count) for replay in stage.get("replay", ()) for name, count in replay["sources"].items()]
    anneal = stage.get("anneal", {"weights": {}, "final_weights": {}})
    for name in {*stage["sources"], *(name for name, _ in replayed), *anneal["weights"], *anneal["final_weights"]} - set(training):
        yield f"stage {stage['name']!r}: no source {name!r}"
    for name, part in stage["sources"].items():
        again = sum(count for other, count in replayed if other == name)
        if again > part["num_samples"] or (part["num_samples"] and not training.get(name)):
            yield f"stage {stage['name']!r}: source {name!r} cannot give {part['num_samples']:,} samples, {again:,} of them replayed"
