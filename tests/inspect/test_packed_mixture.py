"""`explain`, `trace` and `decode --sample` on a packed mixture (`packing: best_fit`) agree with each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mathcode_data.inspect.decode import decode_sample, sample_text
from mathcode_data.inspect.explain import explain, explain_text
from mathcode_data.inspect.trace import trace
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.resolve import resolve_shards


@pytest.fixture(scope="module", params=["written", "virtual"])
def packed(pipeline_folder: Path, tmp_path_factory, request) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "mixture"
    shards = pipeline_folder / "out" / "math"
    values = {
        "name": "toy", "seed": 5, "sequence_length": 128, "packing": "best_fit", "index": request.param,
        "sources": {"math": {"shards": str(shards), "max_epochs": 4}}, "stages": [{"name": "one", "epochs": {"math": 2}}],
    }  # fmt: skip
    build_mixture(Recipe.model_validate(values), [source_from_path("math", shards)], folder)
    return folder


def test_explain_names_the_samples_in_which_trace_finds_the_document(packed: Path):
    with MixtureDataset(packed) as data:
        num_samples = len(data)
    traced = trace(packed, range(num_samples), verdicts=False)
    holders: dict[str, list[int]] = {}
    for sample in traced:
        for document in sample["documents"]:
            holders.setdefault(document["doc_id"], [])
            if sample["sample"] not in holders[document["doc_id"]]:
                holders[document["doc_id"]].append(sample["sample"])
    assert holders
    for doc_id, samples in holders.items():
        entry = explain(packed, doc_id=doc_id)[-1]
        assert (entry["verdict"], entry["samples"], entry["num_samples"]) == ("drawn", samples, len(samples))
        assert entry["stages"] == {"one": len(samples)}
        assert f"in sample {samples[0]}" in explain_text([entry])


def test_decode_shows_the_documents_of_a_packed_sample_and_not_its_padding(packed: Path, pipeline_folder: Path):
    (prefix,) = resolve_shards(pipeline_folder / "out" / "math")
    with MixtureDataset(packed) as data, TokenShard(prefix) as shard:
        for position in range(len(data)):
            shown, sample = decode_sample(packed, position), data.sample(position)
            ids = [token for document in shown["documents"] for token in document["ids"]]
            assert ids == sample.tokens[: sample.num_tokens].tolist()
            assert shown["num_tokens"] + shown["padding"] == 129
            for document in shown["documents"]:
                whole = shard.document(document["document"])
                part = np.array(document["ids"])
                assert any(np.array_equal(whole[at : at + part.size], part) for at in range(whole.size - part.size + 1))
            assert ("of padding" in sample_text(shown)) == bool(shown["padding"])
