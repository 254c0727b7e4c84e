"""Deduplication and decontamination on every runner: equal bytes; for any sharding and order the same documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_data.core.runner import Runner
from mathcode_data.runtime.inline import InlineRunner
from mathcode_data.runtime.pool import PoolRunner
from support.engine import run, tree_hashes
from support.stages import documents, make_result

PIPELINE = """
name: clean
seed: 1
output: out
stages:
  - {id: exact, from: [{path: in}], dedup.exact: {keep: highest_score, score_column: score_toy}}
  - {id: near, from: [{path: in}], dedup.minhash: {keep: longest, remember: true}}
  - {id: verified, from: [{path: in}], dedup.minhash: {min_similarity: 0.8}}
  - {id: repositories, from: [{path: in}], dedup.minhash: {unit: repository}}
  - {id: later, from: [{path: new}], dedup.minhash: {against: [{stage: near}]}}
  - {id: paragraphs, from: [{path: in}], dedup.paragraphs: {max_documents: 3}}
  - {id: clean, from: [{path: in}], decontaminate.ngram: {benchmarks: questions.jsonl}}
"""
STAGES = ("exact", "near", "verified", "repositories", "later", "paragraphs", "clean")
QUESTION = "A farmer keeps 17 ducks that lay 3 eggs per day each. How many eggs do the ducks of this farmer lay in 5 weeks?"
NOTICE = "All rights are reserved by the publisher of this page."


def corpus() -> pa.Table:
    """Documents with copies, near-copies in chains, a notice in many of them, a question in some, and repositories."""
    draw = np.random.default_rng(5)
    words = np.array([f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(600)])
    texts = [" ".join(draw.choice(words, 60)) for _ in range(24)]
    for i in range(24):
        changed = texts[i].split()
        changed[i % 7 :: 30] = ["other"] * len(changed[i % 7 :: 30])
        texts.append(texts[i] if i % 3 == 0 else " ".join(changed))
    texts = [f"{text}\n\n{NOTICE}" if i % 6 == 1 else text for i, text in enumerate(texts)]
    texts = [f"{text}\n\n{QUESTION.upper()}" if i % 8 == 5 else text for i, text in enumerate(texts)]
    names = [f"repository-{i % 24 // 3}{'' if i < 24 else '-copy'}" for i in range(48)]
    return documents(texts, repository=names, score_toy=draw.integers(0, 3, 48).astype(float))


def write(folder: Path, order: np.ndarray, num_shards: int) -> Path:
    """Inputs in an order, cut into shards, and the pipeline."""
    table = corpus()
    for name, rows in (("in", order[order < 36]), ("new", order[order >= 36])):
        parts = np.array_split(rows, num_shards)
        make_result(folder / name, [table.take(pa.array(part)) for part in parts])
    (folder / "questions.jsonl").write_text(json.dumps({"question": QUESTION}))
    path = folder / "clean.yaml"
    path.write_text(PIPELINE)
    return path


def kept(folder: Path) -> dict[str, list[dict[str, object]]]:
    """The documents of each result, by doc_id."""
    found = {}
    for stage in STAGES:
        paths = sorted((folder / "out" / stage).glob("documents-*.parquet"))
        found[stage] = pa.concat_tables(map(pq.read_table, paths)).sort_by("doc_id").to_pylist()
    return found


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inline")
    run(write(folder, np.arange(48), 2), InlineRunner())
    return folder


def ray_runner() -> Runner:
    from mathcode_data.runtime.ray import RayRunner

    return RayRunner()


def check_bytes(folder: Path, inline: Path, make_runner: Callable[[], Runner]) -> None:
    runner = make_runner()
    run(write(folder, np.arange(48), 2), runner)
    runner.close()
    assert tree_hashes(folder / "out") == tree_hashes(inline / "out")


def test_a_pool_gives_the_bytes_of_an_inline_run(inline: Path, tmp_path: Path):
    check_bytes(tmp_path, inline, lambda: PoolRunner(2))


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")  # Ray's own start-up warns of resource limits of the machine
def test_ray_gives_the_bytes_of_an_inline_run(inline: Path, tmp_path: Path, ray_cluster: None):
    check_bytes(tmp_path, inline, ray_runner)


def test_order_and_sharding_change_no_document(inline: Path, tmp_path: Path):
    run(write(tmp_path, np.random.default_rng(4).permutation(48), 3), InlineRunner())
    assert kept(tmp_path) == kept(inline)


def test_every_stage_has_something_to_do(inline: Path):
    found = {stage: len(rows) for stage, rows in kept(inline).items()}
    assert found.pop("paragraphs") == found.pop("clean") == 36
    assert found.pop("later") < 12
    assert all(8 < number < 36 for number in found.values())
    changed = {row["doc_id"]: row["text"] for row in kept(inline)["paragraphs"]}
    assert not any(NOTICE in text for text in changed.values())
    assert not any("FARMER" in row["text"] for row in kept(inline)["clean"])
