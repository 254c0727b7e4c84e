"""The whole way: files, joined in the order of their imports, rearranged, tokenized, mixed in both packings, decoded and traced."""

import re

import numpy as np
import pyarrow.parquet as pq
import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import read_result
from mathcode_data.inspect.decode import decode_sample, sample_text
from mathcode_data.inspect.explain import explain
from mathcode_data.inspect.trace import trace
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_paths
from mathcode_data.runtime.pool import PoolRunner
from mathcode_data.stages.arrange.sentinels import PRESETS
from support.engine import run, tree_hashes

SEQUENCE_LENGTH = 700
NAMES = PRESETS["starcoder"]
PIPELINE = """
name: code
seed: 3
output: out
stages:
  - read.code: {{paths: in, repository_depth: 1, split_bytes: {split_bytes}}}
  - id: joined
    arrange.repository: {{}}
  - id: arranged
    arrange.fim: {{sentinels: starcoder, rate: 0.6, seed: 5}}
  - id: code
    tokenize: {{vocab_size: 300, shard_tokens: 6000{extra}}}
"""
EXTRA = ', extra_special_tokens: ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"]'


def write_project(folder, *, extra=EXTRA, split_bytes="64MB"):
    for number in range(12):
        top = folder / "in" / f"project{number}"
        (top / "pkg").mkdir(parents=True)
        (top / "LICENSE").write_text("Permission is hereby granted, free of charge, without restriction\n")
        (top / "pkg" / "__init__.py").write_text("from .main import run_everything\n")
        (top / "pkg" / "main.py").write_text(f"from .util import helper{number}\n\ndef run_everything():\n    return helper{number}()\n")
        (top / "pkg" / "util.py").write_text(
            f"def helper{number}():\n    return 'value {number} 数学 é'\n" + "# a longer line of words\n" * number
        )
        (top / "alone.py").write_text(f"print('project {number}')\n")
    path = folder / "code.yaml"
    path.write_text(PIPELINE.format(extra=extra, split_bytes=split_bytes))
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    run(write_project(folder))
    return folder


def originals(folder):
    """Text of every joined document by its id, before it was rearranged."""
    return {
        row["doc_id"]: row for path in read_result(folder / "out" / "joined").document_shards() for row in pq.read_table(path).to_pylist()
    }


def make_mixture(folder, packing):
    output, shards = folder / packing, str(folder / "out" / "code")
    recipe = Recipe.model_validate({
        "name": "toy", "seed": 1, "sequence_length": SEQUENCE_LENGTH, "packing": packing, "sources": {"code": {"shards": shards}},
        "stages": [{"name": "one", "epochs": {"code": 1}}],
    })  # fmt: skip
    build_mixture(recipe, [source_from_paths("code", recipe.sources["code"].shards)], output)
    return output


def test_files_stand_behind_their_imports_and_repositories_apart(project):
    rows = originals(project).values()
    assert sorted([[file["path"] for file in row["files"]] for row in rows if row["repository"] == "project3"]) == [
        ["alone.py"], ["pkg/util.py", "pkg/main.py", "pkg/__init__.py"],
    ]  # fmt: skip
    assert len(rows) == 24
    assert {row["license"] for row in rows} == {"MIT"}
    counters = [
        counters for counters in read_result(project / "out" / "joined").manifest.counters if counters.stage == "arrange.repository"
    ]
    assert (counters[0].read, counters[0].kept, counters[0].dropped["joined"]) == (48, 24, 24)


@pytest.mark.parametrize("packing", ["concat", "best_fit"])
def test_a_sample_decodes_in_psm_order_with_true_borders_and_is_traced_to_its_files(project, packing):
    mixture = make_mixture(project, packing)
    before = originals(project)
    facts = read_result(project / "out" / "code").manifest.facts
    ids = [facts["placed_tokens"][name] for name in NAMES]
    whole = 0
    with MixtureDataset(mixture) as dataset:
        for position in range(len(dataset)):
            sample = dataset.sample(position)
            tokens = sample.tokens[: sample.num_tokens]
            inner = [int(place) for place in sample.boundaries if 0 < place < sample.num_tokens]
            assert all(tokens[place - 1] == facts["eos_id"] for place in inner)
            ends = np.flatnonzero(tokens == facts["eos_id"]) + 1
            if packing == "concat":
                assert set(ends.tolist()) - {len(tokens)} == set(inner)
            decoded = decode_sample(mixture, position)
            for document in decoded["documents"]:
                original = before[document["doc_id"]]["text"]
                if document["ids"][-1] != facts["eos_id"] or document["tokens"][1] - document["tokens"][0] != len(document["ids"]):
                    continue  # cut by the sample's edge
                if ids[0] not in document["ids"]:
                    assert document["text"] == original
                    continue
                whole += 1
                assert [token for token in document["ids"] if token in ids] == ids
                parts = [part.replace("│", "") for part in re.split(r"<\|fim_\w+:\d+\|>", document["marked"])]
                assert parts[0] == ""
                prefix, suffix, middle = parts[1], parts[2], re.sub(r"<\|eos:\d+\|>$", "", parts[3])
                assert prefix + middle + suffix == original
                assert document["text"] == prefix + suffix + middle
            if position < 2:
                assert "<|fim_prefix:" in sample_text(decode_sample(mixture, position)) or whole == 0
        traced = trace(mixture, range(1))[0]["documents"]
    assert whole >= 3
    assert all([file["path"] for file in before[document["doc_id"]]["files"]] == _distinct(document["files"]) for document in traced)
    assert all(document["path"] in ("alone.py", "pkg/util.py (+2)") and document["repository"].startswith("project") for document in traced)


def _distinct(files):
    return list(dict.fromkeys(file["path"] for file in files))


def test_a_file_is_found_by_its_path_in_the_document_that_holds_it(project):
    found = explain(project / "out" / "joined", code_path="pkg/main.py")
    assert len(found) == 24
    assert {entry["verdict"] for entry in found} == {"kept", "dropped"}
    held = [[file["path"] for file in entry["twin"]["files"]] for entry in found if entry["reason"] == "joined"]
    assert held == [["pkg/util.py", "pkg/main.py", "pkg/__init__.py"]] * 12


def test_best_fit_cuts_no_document_that_fits_into_a_sample(project):
    mixture = make_mixture(project, "best_fit")
    with MixtureDataset(mixture) as dataset:
        for position in range(len(dataset)):
            for document in trace(mixture, range(position, position + 1), verdicts=False)[0]["documents"]:
                start, stop = document["in_sample"]
                assert stop - start == document["tokens"][1] - document["tokens"][0]


@pytest.mark.slow
def test_other_splits_and_a_pool_of_workers_give_the_same_shards(project, tmp_path):
    path = write_project(tmp_path, split_bytes="1KB")
    runner = PoolRunner(2)
    try:
        run(path, runner)
    finally:
        runner.close()
    for name in ("joined", "code"):
        one, two = ({key: value for key, value in tree_hashes(folder / "out" / name).items() if key.startswith(("documents-", "tokens-"))}
                    for folder in (project, tmp_path))  # fmt: skip
        assert one == two
        assert one


def test_a_tokenizer_that_lacks_the_sentinels_is_told_with_what_to_do(tmp_path):
    path = write_project(tmp_path, extra="")
    with pytest.raises(ConfigError, match=r"code.yaml:12:.* the special tokens <fim_middle>, <fim_prefix>, <fim_suffix>, which this"):
        run(path)
