"""Study files: what is refused, and with which words; and the shipped ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.study.config import load_study
from mathcode_data.study.plan import plan_study
from mathcode_data.study.recipes import arm_recipe, source_names
from support.command import call

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("mixtures/study/*-study.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds: [1, 2, 3]", "seeds: [1, 2]", "at least 3 items"),
        ("seeds: [1, 2, 3]", "seeds: [1, 2, 2]", "has one twice"),
        ("  base: ", "  bass: ", "no arm is called 'base'.*did you mean 'bass'"),
        ("scale: 2.56e-7", "scale: 0", "greater than 0"),
        ("code: {form: program", "coed: {form: program", "no source 'coed'; did you mean 'code'"),
        ("tokenizer: ", "tokeniser: ", "unknown key 'tokeniser'; did you mean 'tokenizer'"),
        ("form: program", "form: poem", "reasoning"),
    ],
)
def test_a_wrong_study_file_is_refused_with_its_place(make_study, old, new, message):
    path = make_study(edit=lambda text: text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=message) as error:
        load_study(path)
    assert "study.yaml:" in str(error.value)


def test_another_file_is_no_study(tmp_path):
    (tmp_path / "m.yaml").write_text("name: x\nsources: {}\nstages: []\n")
    with pytest.raises(ConfigError, match="no study file"):
        load_study(tmp_path / "m.yaml")


def test_a_source_that_the_study_has_not_names_the_arm_and_the_nearest_source(load, tmp_path):
    config, shards = load(arms=("base", "mixed"))
    file = tmp_path / "arms" / "mixed.yaml"
    file.write_text(file.read_text().replace("code:", "coda:"))
    with pytest.raises(ConfigError, match=r"arm 'mixed'.*draws from 'coda'.*did you mean 'code'"):
        plan_study(config, shards)


def test_a_budget_above_what_the_shards_give_is_refused_before_anything_is_trained(load):
    config, shards = load(arms=("base", "mixed"), scale="1e-4")
    with pytest.raises(ConfigError, match="arm 'base'"):
        plan_study(config, shards)
    assert not (config.output / "runs").exists()


def test_one_number_scales_every_budget(load):
    """Twice the scale is twice the steps of every stage of every arm, up to one step of rounding."""
    small, shards = load(scale="1.28e-7")
    large, _ = load(scale="2.56e-7")
    for arm in small.arms:
        pairs = zip(
            arm_recipe(small, arm, 1, shards_of(small, shards)).stages,
            arm_recipe(large, arm, 1, shards_of(large, shards)).stages,
            strict=True,
        )
        for one, two in pairs:
            assert abs(two.tokens - 2 * one.tokens) <= 8 * 32
            assert one.weights == two.weights


def shards_of(config, shards):
    return {name: shards.get(name, shards["code"]) for name in source_names(config)}


def test_the_command_names_what_is_missing(make_study, tmp_path):
    path = make_study(edit=lambda text: text.replace("/general,", "/generel,"))
    found = call("study", path)
    assert found.returncode == 2
    assert "source 'general': nothing at" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_study_is_loaded_and_every_arm_has_a_recipe(name):
    config, _ = load_study(ROOT / name)
    folders = {source: [ROOT / "results"] for source in source_names(config)}
    for arm in config.arms:
        recipe = arm_recipe(config, arm, 1, folders)
        assert list(recipe.sources) == source_names(config)


def test_a_study_ships():
    assert SHIPPED
