"""What a mixture would be: with its shards, with assumed ones, with none; and what speaks against it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mathcode_data.build import plan
from mathcode_data.core.errors import ConfigError
from mathcode_data.inspect.planned import planned_text
from mathcode_data.mixture.whatif import Speed, estimate, preview

ROOT = Path(__file__).parents[2]
ARMS = sorted(path.name for path in (ROOT / "mixtures" / "deepseekmath").glob("*.yaml"))
TEXT = """\
name: toy
sequence_length: 8
sources:
  code: {shards: shards/code}
  math: {shards: shards/math, max_epochs: 9}
stages:
  - {name: one, tokens: {code: 800, math: 2400}}
  - {name: two, tokens: {code: 80}, replay: {stage: one, share: 10%}}
"""


@pytest.fixture
def mixture(shards: Path, tmp_path: Path) -> Path:
    (tmp_path / "toy.yaml").write_text(TEXT)
    return tmp_path / "toy.yaml"


def test_cost_and_warnings_of_a_mixture_whose_shards_are_there(mixture: Path):
    data = plan(mixture, speed=Speed(batch_samples=64, tokens_per_second=100.0, gpus=2))
    assert [source["training_windows"] for source in data["mixture"]["sources"]] == [211, 62]
    code, math = data["estimate"]["sources"]
    assert code == {"name": "code", "tokens": 872, "unique_tokens": 872, "epochs": 109 / 211, "epochs_anew": 109 / 211}
    assert math["epochs"] == 301 / 62
    assert math["unique_tokens"] == 62 * 8
    found = data["estimate"]
    assert (found["steps"], found["index_bytes"]) == (7, 4100)
    assert found["gpu_days"] == pytest.approx(3280 / 100 / 86400)
    assert found["days"] == pytest.approx(found["gpu_days"] / 2)
    assert found["shard_bytes"] == sum(
        file.stat().st_size for name in ("code", "math") for file in (mixture.parent / "shards" / name).iterdir()
    )
    said = " ".join(found["warnings"])
    assert "'math' is seen 4.9 times; beyond 4 epochs" in said
    assert "stage 'two' has 10 samples, less than one batch of 64" in said
    text = planned_text(data)
    assert "7 steps" in text
    assert "warning: source 'math' is seen 4.9 times" in text


def test_a_source_that_is_not_there_is_not_known_and_can_be_assumed(mixture: Path):
    for file in (mixture.parent / "shards" / "math").iterdir():
        file.unlink()
    data = plan(mixture)
    assert data["missing"] == ["math"]
    assert data["mixture"]["stages"][0]["sources"]["math"] == {"tokens_asked": 2400, "tokens": 2400, "num_samples": 300, "epochs": None}
    assert data["estimate"]["shard_bytes"] is None
    assert "source 'math' is not known" in data["estimate"]["warnings"][0]
    assert "not known" in planned_text(data)
    data = plan(mixture, assume=["math=1k"])
    assert data["missing"] == []
    assert data["mixture"]["sources"][1] == {
        "name": "math", "num_tokens": 1000, "training_windows": 124, "max_epochs": 9, "is_assumed": True, "bytes": None, "reason": None,
    }  # fmt: skip
    with pytest.raises(ConfigError, match=r"toy\.yaml:5:3: source 'math' must give 300 samples .* max_epochs is 9"):
        plan(mixture, assume=["math=100"])


@pytest.mark.parametrize(("text", "says"), [
    ("mth=5", "'mth' is not under `sources`; did you mean 'math'"), ("math=many", "'many' is no number of tokens"), ("math", "no number"),
])  # fmt: skip
def test_a_wrong_assumption_is_named(mixture: Path, text: str, says: str):
    with pytest.raises(ConfigError, match=f"--assume {text}: .*{says}"):
        plan(mixture, assume=[text])


def test_a_budget_in_epochs_of_an_unknown_source_is_not_known(make_recipe):
    recipe = make_recipe(stages=[{"name": "a", "tokens": {"code": 80}, "epochs": {"math": 2}}])
    info = preview(recipe, [], {"code": "gone", "math": "gone"}, {})
    assert info["num_samples"] == 10
    assert set(info["stages"][0]["sources"]) == {"code"}
    assert estimate(info, Speed())["sources"][1] == {
        "name": "math",
        "tokens": 0,
        "unique_tokens": None,
        "epochs": None,
        "epochs_anew": None,
    }


@pytest.mark.parametrize("name", ARMS)
def test_the_arms_of_the_study_are_planned_without_any_data(tmp_path: Path, name: str):
    shutil.copytree(ROOT / "mixtures", tmp_path / "mixtures")  # where no pipeline file is either
    data = plan(tmp_path / "mixtures" / "deepseekmath" / name, speed=Speed(1024, 40_000.0, 64))
    total = {"math-only.yaml": 150}.get(name, 550) * 10**9
    assert abs(data["mixture"]["num_tokens"] - total) < 2 * 4096
    assert data["estimate"]["steps"] == -(-data["mixture"]["num_samples"] // 1024)
    assert data["missing"] == [source["name"] for source in data["mixture"]["sources"]]
    assert "not known" in planned_text(data)


def test_the_papers_math_makes_one_and_seven_tenths_of_an_epoch():
    data = plan(ROOT / "mixtures" / "deepseekmath" / "one-stage.yaml", assume=["code=1T", "math=89B"])
    assert data["estimate"]["sources"][1]["epochs"] == pytest.approx(1.687, abs=1e-3)
    assert data["estimate"]["warnings"] == []


def test_a_plan_that_continues_counts_what_was_consumed(build, make_recipe, mixture: Path, tmp_path: Path):
    build(
        make_recipe(
            sources={"code": {"shards": str(tmp_path / "shards" / "code")}}, stages=[{"name": "z", "tokens": {"code": 1600}}], seed=0
        )
    )
    with pytest.raises(ConfigError, match=r"'code' must give .* after 150 that were consumed"):
        plan(mixture, continue_from=tmp_path / "mixture", consumed=150)
    assert plan(mixture, continue_from=tmp_path / "mixture", consumed=90)["missing"] == []
    with pytest.raises(ConfigError, match="--continue-from and --consumed belong together"):
        plan(mixture, consumed=3)
