"""Every YAML file that ships is loaded and planned, with its inputs laid out beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_data.core.yaml_file import load_yaml
from mathcode_data.runtime.session import plan_pipeline

ROOT = Path(__file__).parents[2]
RECALLS = ["pipelines/math_round.yaml"]
PIPELINES = sorted(name for path in ROOT.glob("pipelines/**/*.yaml") if (name := str(path.relative_to(ROOT))) not in RECALLS)
MIXTURES = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("mixtures/**/*.yaml") if not path.stem.endswith(("-train", "-study")))
TRAININGS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("mixtures/**/*-train.yaml"))


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped files with small inputs where they expect theirs."""
    folder = tmp_path_factory.mktemp("shipped")
    for name in ("pipelines", "mixtures"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("seed", "random", "crawl"):
        (folder / "data" / name).mkdir(parents=True)
        (folder / "data" / name / f"{name}-00000.warc.gz").write_bytes(b"\x1f\x8b")
    (folder / "data" / "benchmarks").mkdir()
    (folder / "data" / "benchmarks" / "a.jsonl").write_text('{"question": "How many apples are left in the basket of Ann?"}\n')
    (folder / "data" / "tokenizer.json").write_text("{}")
    (folder / "data" / "labels.jsonl").write_text('{"url": "https://a.org/1", "label": "math"}\n')
    page = {"url": "https://ncatlab.org/nlab/show/group", "url_host_name": "ncatlab.org", "url_host_registered_domain": "ncatlab.org"}
    page |= {"url_path": "/nlab/show/group", "content_mime_detected": "text/html", "content_languages": "eng", "fetch_status": 200}
    page |= {"warc_filename": "crawl-data/a.warc.gz", "warc_record_offset": 0, "warc_record_length": 9000}
    (folder / "data" / "cc-index").mkdir()
    pq.write_table(pa.Table.from_pylist([page]), folder / "data" / "cc-index" / "part-0.parquet")
    return folder


def test_all_kinds_of_files_ship():
    assert PIPELINES
    assert MIXTURES
    assert TRAININGS


@pytest.mark.parametrize("name", PIPELINES)
def test_a_shipped_pipeline_is_loaded_and_planned(laid_out: Path, name: str):
    pytest.importorskip("sympy", reason="pipelines/code.yaml reads sympy as installed here")
    nodes = plan_pipeline(laid_out / name)
    assert nodes[-1]["kind"] == "tokens"
    assert all(node["state"] == "to run" for node in nodes)
    assert not (laid_out / "results").exists(), "planning writes nothing"


@pytest.mark.parametrize("name", RECALLS)
def test_the_rounds_of_a_shipped_recall_file_are_put_together(laid_out: Path, name: str):
    from mathcode_data.recall.config import load_recall
    from mathcode_data.recall.rounds import pipeline_of
    from mathcode_data.runtime.graph import Graph

    nodes = Graph().add(pipeline_of(load_recall(laid_out / name), [], 1))
    assert list(nodes) == ["seed", "random", "pages", "round-1-model"]
    assert not (laid_out / "results").exists(), "planning writes nothing"


@pytest.mark.parametrize("name", MIXTURES)
def test_a_shipped_mixture_is_loaded_and_its_quotas_are_exact(name: str):
    from mathcode_data.mixture.budgets import resolve_budgets
    from mathcode_data.mixture.recipe import load_recipe

    recipe, file = load_recipe(ROOT / name)
    for stage, quotas in zip(recipe.stages, resolve_budgets(recipe, [None] * len(recipe.sources), {}, file), strict=True):
        total = sum(stage.token_map.values()) if isinstance(stage.tokens, dict) else stage.tokens
        assert quotas.num_samples == total // recipe.sequence_length
    for source in recipe.sources.values():
        for path in source.shards or [source.pipeline]:
            assert path.resolve().is_relative_to(ROOT / ("pipelines" if source.pipeline else "results"))


@pytest.mark.parametrize("name", TRAININGS)
def test_a_shipped_training_file_is_loaded(name: str):
    pytest.importorskip("torch", reason="the extra 'train' is not installed")
    from mathcode_data.trainer.config import load_train_config

    assert load_train_config(ROOT / name).max_tokens


@pytest.mark.parametrize("name", [*PIPELINES, *RECALLS, *MIXTURES, *TRAININGS])
def test_the_first_comment_says_what_and_from_what(name: str):
    first = [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert first[0].startswith("# What: ")
    assert any("From:" in line for line in first)
    assert load_yaml(ROOT / name).data
