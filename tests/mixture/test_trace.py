"""A sample is followed back to its documents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathcode_data.core.errors import ConfigError, DataError, StaleOutputError
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.trace import trace_sample
from mathcode_data.shards.documents_table import write_documents_table
from mathcode_data.shards.format import documents_path
from mathcode_data.shards.reader import TokenShard


def add_table(prefix: Path) -> None:
    with TokenShard(prefix) as shard:
        count = shard.num_documents
        urls = [f"https://example.org/{prefix.name}/{number}" for number in range(count)]
        ids = [f"{number:032x}" for number in range(count)]
        table = pa.table({"doc_id": ids, "url": urls, "warc_file": ["a.warc.gz"] * count, "warc_offset": list(range(count))})
        write_documents_table(documents_path(prefix), [(table, np.array(shard.lengths))])


@pytest.mark.parametrize("blend", ["lattice", "megatron"])
def test_the_documents_of_a_sample_are_those_whose_tokens_it_holds(build, make_recipe, shards, tmp_path: Path, blend: str):
    build(make_recipe(blend=blend))
    for path in shards.glob("math/*.idx"):
        add_table(path.with_suffix(""))
    epochs = set()
    with MixtureDataset(tmp_path / "mixture") as data:
        for position in range(0, 275, 7):
            found, sample = trace_sample(tmp_path / "mixture", position), data.sample(position)
            assert (found["sample"], found["window"], found["source"]) == (position, sample.window, data.source_names[sample.source])
            assert found["stage"] == ("one" if position < 150 else "two")
            assert found["tokens"] == [sample.token_start, sample.token_start + 9]
            epochs.add((found["source"], found["epoch"]))
            pieces = []
            with TokenShard(sample.shard) as shard:
                for document in found["documents"]:
                    begin, end = document["tokens"]
                    assert shard.document(document["document"]).tolist() == shard.tokens(begin, end).tolist()
                    low, high = document["in_sample"]
                    pieces += shard.tokens(sample.token_start + low, sample.token_start + high).tolist()
                    if found["source"] == "math":
                        assert document["url"] == f"https://example.org/{sample.shard.name}/{document['document']}"
                        assert (document["warc_offset"], document["token_start"]) == (document["document"], begin)
                    else:
                        assert set(document) == {"document", "tokens", "in_sample"}
            assert pieces == sample.tokens.tolist()
    assert ("math", 2) in epochs


def test_what_is_not_there_or_changed_is_named(build, make_recipe, shards, tmp_path: Path):
    build(make_recipe())
    with pytest.raises(ConfigError, match="sample 275 of 275"):
        trace_sample(tmp_path / "mixture", 275)
    for path in shards.glob("*/*.bin"):
        path.write_bytes(path.read_bytes() + b"xx")
    with pytest.raises(StaleOutputError, match="put it back"):
        trace_sample(tmp_path / "mixture", 0)


@pytest.mark.parametrize("index", ["written", "virtual"])
def test_a_replayed_sample_names_the_stage_it_was_seen_in(build, make_recipe, shards, tmp_path: Path, index: str):
    stages = [
        {"name": "one", "tokens": 800, "weights": {"code": 3, "math": 1}, "final_weights": {"code": 1, "math": 3}},
        {"name": "two", "tokens": 800, "weights": {"math": 1}, "replay": {"stage": "one", "share": "25%"}},
    ]
    build(make_recipe(stages=stages, index=index))
    seen: dict[str, set[tuple[str, int]]] = {"one": set(), "two": set(), "replayed": set()}
    with MixtureDataset(tmp_path / "mixture") as data:
        for position in range(len(data)):
            found, sample = trace_sample(tmp_path / "mixture", position), data.sample(position)
            assert (found["source"], found["window"]) == (data.source_names[sample.source], sample.window)
            assert Path(found["shard"]) == sample.shard.resolve()
            seen["replayed" if found["replay"] else found["stage"]].add((found["source"], found["window"]))
            assert found["replay"] in (None, "one")
            assert "a foreign shard" in found["provenance"]
    assert len(seen["replayed"]) == 25
    assert seen["replayed"] <= seen["one"]


def test_an_index_that_was_changed_is_not_followed(build, make_recipe, tmp_path: Path):
    build(make_recipe())
    path = tmp_path / "mixture" / "dataset_sample_index.npy"
    rows = np.load(path)
    rows[7] = (rows[7] + 1) % 62
    np.save(path, rows)
    with pytest.raises(DataError, match="sample 7: the index files say source .*run verify"):
        trace_sample(tmp_path / "mixture", 7)
    assert trace_sample(tmp_path / "mixture", 8)["sample"] == 8
