"""A whole study at the smallest size: its plan, its report, and that stopping, sharing and processes change nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from study.conftest import WORDS

from mathcode_data.core.errors import InterruptedRunError
from mathcode_data.core.storage import read_json
from mathcode_data.study import node
from mathcode_data.study.config import load_study
from mathcode_data.study.node import training_config
from mathcode_data.study.plan import plan_study
from mathcode_data.study.run import run_jobs, run_study
from mathcode_data.trainer.checkpoint import newest_checkpoint
from mathcode_data.trainer.config import TrainConfig
from mathcode_data.trainer.loop import train
from support.waiting import said_by, wait_until

ALL_ARMS = ("base", "general-math", "code-math", "math", "mixed", "replay-25")
FEW_ARMS = ("base", "code-math", "mixed")
SCALE = "1.92e-7"
FEW_TOKENS = "1.28e-8"
"""Two steps of 256 tokens for 40 B, and one for 15 B."""


def measures(output: Path) -> dict[str, dict]:
    """Every run's measures, by its folder."""
    return {str(path.parent.relative_to(output)): read_json(path) for path in sorted(output.glob("runs/**/measures.json"))}


def weights(output: Path) -> dict[str, str]:
    """Hash of every run's weights."""
    found = {}
    for path in sorted(output.glob("runs/**/model*.safetensors")):
        found[str(path.relative_to(output))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory, shard_folder, tokenizer_file):
    """One undisturbed tiny study."""
    from study.conftest import ARMS, STUDY, mixture_file

    folder = tmp_path_factory.mktemp("whole")
    (folder / "arms").mkdir()
    for arm in ALL_ARMS:
        mixture_file(folder / "arms" / f"{arm}.yaml", arm, ARMS[arm], WORDS)
    sources = "".join(f"  {name}: {{shards: {shard_folder / name}, max_epochs: 9, holdout: 4%}}\n" for name in WORDS)
    arms = "".join(f"  {arm}: {{mixture: arms/{arm}.yaml}}\n" for arm in ALL_ARMS)
    text = STUDY.format(output="out", scale=SCALE, tokenizer=tokenizer_file, sources=sources, arms=arms)
    (folder / "study.yaml").write_text(text)
    config, _ = load_study(folder / "study.yaml")
    results = run_study(config, {name: [shard_folder / name] for name in WORDS})
    return config, results


@pytest.mark.slow
def test_every_stage_is_one_run_and_equal_beginnings_are_trained_once(whole):
    config, results = whole
    runs = [path.parent.name.rsplit("-", 1)[0] for path in (config.output / "runs" / "tiny" / "seed-1").glob("*/measures.json")]
    assert sorted(runs) == [
        "base", "code-math.code", "code-math.math", "general-math.general", "general-math.math", "math", "mixed", "replay-25.math",
    ]  # fmt: skip
    assert results["num_runs"] == 3 * len(runs)


@pytest.mark.slow
def test_budgets_are_the_files_times_the_scale_in_whole_steps(whole):
    _, results = whole
    step = 8 * 32
    for name, stages in {"base": [40], "code-math": [40, 15], "mixed": [55], "replay-25": [40, 15]}.items():
        expected = [round(billions * 1e9 * float(SCALE) / step) * step for billions in stages]
        assert [stage["tokens"] for stage in results["arms"][name]["stages"]] == expected
    code, math = results["arms"]["code-math"]["stages"]
    assert set(code["sources"]) == {"code", "problems-program"}
    assert set(math["sources"]) == {"math", "problems-reasoning"}
    assert code["sources"]["problems-program"] == pytest.approx(0.1 * code["tokens"], abs=32)
    assert results["arms"]["replay-25"]["stages"][1]["replayed"]


@pytest.mark.slow
def test_mathematics_after_code_forgets_code_and_mixing_does_not(whole):
    """The one sign that is safe at this size: sources of disjoint words, and losses that differ by bits, not by hundredths."""
    _, results = whole
    first = results["models"]["tiny"]["hypotheses"][0]
    assert (first["name"], first["claims"][0]["verdict"]) == ("H1", "holds")
    assert first["claims"][0]["value"]["low"] > 0.5
    kept = {row["arm"]: row["retention"]["value"] for row in results["models"]["tiny"]["rows"] if row["is_last"] and row["retention"]}
    assert kept["mixed"] > kept["replay-25"] > kept["code-math"]


@pytest.mark.slow
def test_the_report_stands_alone_and_tells_paper_and_hypotheses(whole):
    config, results = whole
    page = (config.output / "report.html").read_text()
    text = (config.output / "report.md").read_text()
    for name in ("H1", "H2", "H3", "H4", "H5"):
        assert re.search(rf"<td>{name}</td>", page)
        assert f"| {name} |" in text
    for number in ("17.4", "13.5", "29.3", "39.4", "code 400 B, math 150 B"):
        assert number in page
        assert number in text
    assert results["claim"] in text
    assert "prefers-color-scheme:dark" in page
    assert "default-src 'none'" in page
    assert page.count("<svg") >= len(results["domains"])
    assert not re.search(r"<script|<link|<img|\son\w+=|\sstyle=|url\(|https?://", page)
    digest = re.search(r"style-src 'sha256-([^']+)'", page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert digest
    assert style
    import base64

    assert base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode() == digest[1]
    _check_balanced(page)


def _check_balanced(page: str) -> None:
    stack: list[str] = []

    class Check(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta",):
                stack.append(tag)

        def handle_startendtag(self, tag, attrs):
            pass

        def handle_endtag(self, tag):
            assert stack
            assert stack.pop() == tag

    Check().feed(page)
    assert stack == []


@pytest.mark.slow
def test_a_finished_study_trains_nothing_again_and_says_the_same(whole, monkeypatch, shard_folder):
    config, results = whole
    monkeypatch.setattr(node, "train", lambda *_, **__: pytest.fail("trained again"))
    again = run_study(config, {name: [shard_folder / name] for name in WORDS})
    assert json.dumps(again, sort_keys=True) == json.dumps(results, sort_keys=True)


@pytest.mark.slow
def test_a_run_that_goes_on_from_a_shared_stage_is_the_run_that_trained_it_itself(load, tmp_path):
    """Weights and optimizer of an arm trained in one go, and stage by stage from another arm's state: the same bits."""
    config, shards = load(arms=("base", "code-math", "replay-25"), scale="3.84e-8")
    plan = plan_study(config, shards)
    run_jobs(plan, workers=1, logs=tmp_path, say=lambda _: None)
    first, last = (plan.jobs[key] for key in plan.chains["tiny", 1, "replay-25"])
    assert first.label == "code-math.code", "the stage was trained as the other arm's"
    alone = TrainConfig.model_validate(training_config(last).model_dump() | {"output": tmp_path / "alone"})
    train(alone)
    direct, shared = (
        newest_checkpoint(tmp_path / "alone" / "checkpoints", use_previous=False),
        newest_checkpoint(last.checkpoints, use_previous=False),
    )
    for group in ("model", "optimizer", "rng"):
        ours, theirs = shared.tensors(group), direct.tensors(group)
        assert ours.keys() == theirs.keys()
        assert all(ours[name].equal(theirs[name]) for name in ours)
    assert shared.record["mixture"] == direct.record["mixture"]


@pytest.mark.slow
def test_a_study_stopped_anywhere_ends_as_one_that_was_not(load, tmp_path, monkeypatch):
    config, shards = load(arms=FEW_ARMS, scale="2.56e-8", output="stopped")
    left = [1, 2, 1, 2]
    real = node.train

    def stopping(train_config, *, report=None, stop_after_steps=None):
        if left:
            real(train_config, report=report, stop_after_steps=min(left.pop(0), stop_after_steps))
            raise InterruptedRunError("stopped by the test; run it again")
        return real(train_config, report=report, stop_after_steps=stop_after_steps)

    monkeypatch.setattr(node, "train", stopping)
    for _ in range(4):
        with pytest.raises(InterruptedRunError):
            run_study(config, shards)
    run_study(config, shards)
    monkeypatch.undo()
    other, _ = load(arms=FEW_ARMS, scale="2.56e-8", output="through")
    run_study(other, shards)
    ours, theirs = measures(config.output), measures(other.output)
    assert ours == theirs
    assert {name.split("/checkpoints/")[0]: value for name, value in weights(config.output).items()} == {
        name.split("/checkpoints/")[0]: value for name, value in weights(other.output).items()
    }


@pytest.mark.slow
def test_a_run_of_another_configuration_is_never_reused(load):
    config, shards = load(arms=FEW_ARMS, scale=FEW_TOKENS)
    before = plan_study(config, shards)
    for old, new in (("peak_lr: 1e-2", "peak_lr: 2e-2"), ("hidden_size: 32", "hidden_size: 36"), ("[1, 2, 3]", "[1, 2, 4]")):
        other, _ = load(arms=FEW_ARMS, scale=FEW_TOKENS, edit=lambda text: text.replace(old, new))  # noqa: B023
        same = set(plan_study(other, shards).jobs) & set(before.jobs)
        expected = {key for key, job in before.jobs.items() if job.seed in (1, 2)} if old.startswith("[") else set()
        assert same == expected, new
    assert set(plan_study(config, shards).jobs) == set(before.jobs)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_processes_side_by_side_give_the_same_numbers_and_a_killed_study_goes_on(make_study, tmp_path, shard_folder):
    """Through the command: killed with SIGTERM while two processes train, run again to the end, compared with one process."""
    path = make_study(arms=("base", "mixed"), scale="5.12e-8", output="two")
    command = [sys.executable, "-m", "mathcode_data.cli", "study", str(path), "--workers", "2", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(os.environ))
    wait_until(lambda: list((tmp_path / "two").glob("runs/**/metrics.jsonl")), "a step of training", process)
    process.send_signal(signal.SIGTERM)
    said = said_by(process)
    assert process.returncode == 7, said
    shards = {name: [shard_folder / name] for name in WORDS}
    two = run_study(load_study(path)[0], shards, workers=2)
    config, _ = load_study(make_study(arms=("base", "mixed"), scale="5.12e-8", output="one"))
    one = run_study(config, shards)
    assert measures(tmp_path / "two") == measures(tmp_path / "one")
    assert two["models"]["tiny"]["rows"] == one["models"]["tiny"]["rows"]
