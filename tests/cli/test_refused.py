"""What commands refuse before they touch anything: files of another kind, folders that hold something else, wrong numbers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import orjson
import pytest

from mathcode_data.build import build, plan
from mathcode_data.core.errors import ConfigError, MathcodeError
from mathcode_data.runtime.pipeline import load_pipeline
from mathcode_data.runtime.session import run_session
from mathcode_data.shards.writer import ShardWriter
from support.command import call
from support.engine import make_toy


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    writer = ShardWriter(tmp_path / "code" / "part", np.uint16)
    for length in (700, 300, 1100):
        writer.add(np.arange(length, dtype=np.int64) % 500)
    writer.close()
    path = tmp_path / "m.yaml"
    path.write_text(
        "name: m\nseed: 1\nsequence_length: 32\nsources:\n  code: {shards: code}\nstages:\n  - name: one\n    tokens: {code: 640}\n"
    )
    return path


def build_here(path: Path, output: Path | None = None, **options: bool) -> dict[str, object]:
    with run_session(runner="inline", quiet=True) as settings:
        return build(path, output, settings, **options)[0]


def test_a_finished_mixture_of_another_name_is_replaced_by_force_only(mixture: Path):
    output = mixture.parent / "out"
    first = build_here(mixture, output)
    assert "replaced" not in first
    mixture.write_text(mixture.read_text().replace("name: m\n", "name: other\n"))
    with pytest.raises(ConfigError, match=r"out: holds the mixture 'm', this recipe is 'other'; name another output, or give --force"):
        build_here(mixture, output)
    assert orjson.loads((output / "mixture.json").read_bytes())["fingerprint"] == first["fingerprint"]
    assert build_here(mixture, output, force=True)["name"] == "other"


def test_a_changed_recipe_of_the_same_name_replaces_the_mixture_and_says_so(mixture: Path):
    output = mixture.parent / "out"
    first = build_here(mixture, output)
    mixture.write_text(mixture.read_text().replace("640", "320"))
    assert build_here(mixture, output)["replaced"] == first["fingerprint"]
    assert "replaced" not in build_here(mixture, output), "the same recipe once more replaces nothing"
    mixture.write_text(mixture.read_text().replace("320", "640"))
    done = call("build-mixture", mixture, "--output", output, "-q")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "replaces" in line] == [
        next(line for line in done.stderr.splitlines() if line.startswith("note: the recipe changed"))
    ]


def test_a_refused_build_leaves_no_folder_and_no_lock(mixture: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(mixture.parent)
    mixture.write_text(mixture.read_text().replace("640", "6400000"))
    before = sorted(os.listdir())
    with pytest.raises(ConfigError):
        build_here(mixture)
    assert sorted(os.listdir()) == before, "neither results nor results/mixtures"
    (mixture.parent / "foreign").mkdir()
    (mixture.parent / "foreign" / "thesis.txt").touch()
    with pytest.raises(ConfigError):
        build_here(mixture, mixture.parent / "foreign")
    assert os.listdir("foreign") == ["thesis.txt"]


def test_a_file_of_another_kind_is_answered_with_the_right_command(mixture: Path):
    with pytest.raises(ConfigError, match=r"m\.yaml: a mixture file, this command takes a pipeline file; use `mathcode-data build-mixture"):
        load_pipeline(mixture)
    toy = make_toy(mixture.parent / "toy")
    with pytest.raises(ConfigError, match=r"toy\.yaml: a pipeline file, this command takes a mixture file; use `mathcode-data run "):
        build_here(toy)
    training = mixture.parent / "t.yaml"
    training.write_text("mixture: out\noutput: trained\nmodel: {}\n")
    for refused in (lambda: load_pipeline(training), lambda: build_here(training), lambda: plan(training)):
        with pytest.raises(ConfigError, match=r"t\.yaml: a training file.*use `mathcode-data train "):
            refused()
    study = mixture.parent / "s.yaml"
    for keys in ("arms: {}\nseeds: [1]\n", "arms: {}\n", "seeds: [1]\n"):
        study.write_text(f"name: s\noutput: out\nsources: {{}}\n{keys}")
        for refused in (lambda: load_pipeline(study), lambda: build_here(study), lambda: plan(study)):
            with pytest.raises(ConfigError, match=r"s\.yaml: a study file.*use `mathcode-data study "):
                refused()


@pytest.mark.parametrize("value", ["-3", "0", "inf", "nan"])
def test_a_speed_is_above_zero(mixture: Path, value: str):
    done = call("plan", mixture, f"--tokens-per-second={value}")
    assert done.returncode == 2
    assert f"{value} tokens a second; give a number above 0" in done.stderr


def test_a_place_is_named_once(mixture: Path):
    make_toy(mixture.parent / "toy")
    mixture.write_text(mixture.read_text().replace("{shards: code}", "{pipeline: toy/toy.yaml}"))
    with pytest.raises(MathcodeError, match=r"m\.yaml:5:3: ") as caught:  # a result of documents is no shards
        build_here(mixture)
    assert str(caught.value).count("m.yaml:5:3:") == 1
    assert caught.value.exit_code == 2


def test_the_quickstart_refuses_a_wrong_number_before_it_makes_its_folder(tmp_path: Path):
    for arguments in (["--workers", "0"], ["--runner", "pol"]):
        done = call("quickstart", tmp_path / "demo", *arguments)
        assert done.returncode == 2
        assert arguments[1] in done.stderr
        assert not (tmp_path / "demo").exists()


def test_the_help_of_limit_names_the_folder():
    assert "OUTPUT.limit-N" in "".join(call("run", "--help").stdout.split("\n"))


def test_all_known_words_are_listed_and_further_problems_are_told_apart_from_them(tmp_path: Path):
    path = make_toy(tmp_path)
    path.write_text(path.read_text().replace("seed: 1", "zzz: 1\nqqq: 2"))
    message = r"unknown key 'zzz'; known: name, output, seed, stages, task_timeout_s; further problems at qqq$"
    with pytest.raises(ConfigError, match=message):
        load_pipeline(path)


def test_json_is_the_object_of_mixture_json(mixture: Path):
    output = mixture.parent / "out"
    done = call("build-mixture", mixture, "--output", output, "--json")
    assert orjson.loads(done.stdout) == orjson.loads((output / "mixture.json").read_bytes())
