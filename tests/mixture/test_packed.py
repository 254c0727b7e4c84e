"""Packed mixtures: built, read, verified and traced; every document that fits stands whole in one sample."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.errors import DataError
from mathcode_data.mixture.collate import NO_TARGET, collate
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.packed import OFFSETS_NAME, PIECES_NAME
from mathcode_data.mixture.trace import trace_sample
from mathcode_data.mixture.verify import verify_mixture
from mathcode_data.shards.reader import TokenShard
from support.command import call

STAGES = [{"name": "all", "epochs": {"code": 1, "math": 1}}]


@pytest.fixture
def packed(make_recipe, build, tmp_path: Path):
    """One epoch of code and math, documents of 1 to 30 tokens in samples of 16 + 1."""

    def make(**changes):
        sources = make_recipe().model_dump(mode="json")["sources"]
        for source in sources.values():
            source["holdout"] = 0
        recipe = make_recipe(**({"packing": "best_fit", "sequence_length": 16, "sources": sources, "stages": STAGES} | changes))
        return build(recipe, tmp_path / "mixture"), tmp_path / "mixture"

    return make


def documents_of(info, folder: Path) -> list[tuple[int, ...]]:
    found = []
    for source in info["sources"]:
        for shard in source["shards"]:
            with TokenShard((folder / shard["path"]).resolve()) as opened:
                found += [tuple(opened.document(number).tolist()) for number in range(opened.num_documents)]
    return found


@pytest.mark.parametrize("index", ["written", "virtual"])
def test_one_epoch_holds_every_document_whole_that_fits_and_every_prediction_once(packed, index: str):
    info, folder = packed(index=index)
    whole, predictions = [], 0
    with MixtureDataset(folder) as data:
        tokens, sources, starts, is_target = data.batch(range(len(data)))
        for position, (row, begins, targets) in enumerate(zip(tokens, starts, is_target, strict=True)):
            predictions += int(targets.sum())
            end = data.sample(position).num_tokens
            assert not targets[end - 1 :].any()
            edges = sorted({0, *begins.tolist(), end})
            whole += [tuple(row[a:b].tolist()) for a, b in itertools.pairwise(edges) if a < end]
            assert (row[end:] == row[end - 1]).all()
            assert not targets[[begin - 1 for begin in begins if begin]].any()
    documents = [document for document in documents_of(info, folder) if len(document) > 1]
    assert predictions == sum(len(document) - 1 for document in documents) == sum(s["packing"]["trained"] for s in info["sources"])
    short = [document for document in documents if len(document) <= 17]
    assert len(short) > 50
    assert set(short) <= set(whole)
    assert sources.size == info["num_samples"]


def test_totals_add_up_and_verify_is_content(packed):
    info, folder = packed()
    for source in info["sources"]:
        totals = source["packing"]
        assert totals["num_samples"] == source["windows"]
        assert totals["num_samples"] * 17 == totals["trained"] + totals["pieces"] + totals["padded"]
        assert totals["tokens"] == source["num_tokens"]
    assert verify_mixture(folder, full=True) == []


@pytest.mark.parametrize("name", [OFFSETS_NAME, PIECES_NAME])
def test_a_flipped_byte_of_the_packing_is_found(packed, name: str):
    _, folder = packed()
    content = bytearray((folder / name).read_bytes())
    for at in range(0, len(content), max(1, len(content) // 40)):
        content[at] ^= 1
        (folder / name).write_bytes(bytes(content))
        assert any(name in problem for problem in verify_mixture(folder)), f"byte {at}"
        content[at] ^= 1
    (folder / name).unlink()
    assert any(name in problem for problem in verify_mixture(folder, full=True))
    with pytest.raises(DataError, match=name):
        MixtureDataset(folder, check_index=False)


def test_labels_of_padding_and_of_beginnings_are_left_out_by_collate(packed):
    _, folder = packed()
    with MixtureDataset(folder) as data:
        batch = collate(data.__getitems__(range(20)))
        is_target = data.batch(range(20)).is_target
    assert np.array_equal(batch["labels"] == NO_TARGET, ~is_target)


def test_trace_names_the_documents_of_a_packed_sample_in_its_order(packed):
    _, folder = packed()
    with MixtureDataset(folder) as data:
        for position in range(0, len(data), 7):
            sample, traced = data.sample(position), trace_sample(folder, position)
            with TokenShard(Path(traced["shard"])) as shard:
                end = 0
                for document in traced["documents"]:
                    start, stop = document["in_sample"]
                    assert start == end
                    end = stop
                    piece = tuple(sample.tokens[start:stop].tolist())
                    text = tuple(shard.document(document["document"]).tolist())
                    assert any(text[at : at + len(piece)] == piece for at in range(len(text)))
            assert end == sample.num_tokens


def test_a_concat_mixture_in_the_same_folder_leaves_no_packing(packed, make_recipe, build):
    _, folder = packed()
    assert (folder / PIECES_NAME).is_file()
    build(make_recipe(), folder)
    assert not (folder / PIECES_NAME).exists()
    assert verify_mixture(folder, full=True) == []


def test_the_command_line_shows_a_packed_mixture(packed):
    _, folder = packed()
    for command in (
        ["inspect", folder],
        ["trace", folder, "--sample", "3"],
        ["verify", folder, "--full"],
    ):
        done = call(*command)
        assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.mark.parametrize("index", ["written", "virtual"])
def test_a_packed_mixture_is_continued_without_a_sample_twice(packed, build, make_recipe, tmp_path: Path, index: str):
    """Both sides are packed: the windows are the same, so the second part draws what the first did not."""
    from mathcode_data.mixture.continuing import read_parent
    from mathcode_data.mixture.opened import read_mixture

    info, folder = packed(index=index)
    half = info["num_samples"] // 2
    sources = {name: source | {"holdout": 0} for name, source in make_recipe().model_dump(mode="json")["sources"].items()}
    rest = {source["name"]: source["windows"] for source in info["sources"]}
    with MixtureDataset(folder) as data:
        first = [(s.source, s.window) for s in map(data.sample, range(half))]
    for source, _ in first:
        rest[info["sources"][source]["name"]] -= 1
    recipe = make_recipe(
        packing="best_fit", sequence_length=16, sources=sources, index=index,
        stages=[{"name": "rest", "tokens": {name: count * 16 for name, count in rest.items()}}],
    )  # fmt: skip
    parent = read_parent(folder, read_mixture(folder), half)
    build(recipe, tmp_path / "next", parent=parent)
    assert verify_mixture(tmp_path / "next", full=True) == []
    with MixtureDataset(tmp_path / "next") as data:
        second = [(s.source, s.window) for s in map(data.sample, range(len(data)))]
    assert len(set(first) | set(second)) == len(first) + len(second) == info["num_samples"]
