"""status, retry and gc: what they say and clear agrees with what runs left, and nothing of anybody else's is touched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from mathcode_data.core.errors import ConfigError, LockedError, PartialResultError
from mathcode_data.core.lock import locked
from mathcode_data.runtime.failures import FAILURES_NAME, end_failures, read_failures
from mathcode_data.runtime.gc import delete_garbage, find_garbage
from mathcode_data.runtime.holder import find_holder
from mathcode_data.runtime.inline import InlineRunner
from mathcode_data.runtime.places import Place, find_places
from mathcode_data.runtime.retry import retry
from mathcode_data.runtime.status import output_status
from support.command import call
from support.engine import make_toy, run, start_driver, tree_hashes


def states(output: Path) -> dict[str, str]:
    return {result["id"]: result["state"] for result in output_status(output)["results"]}


def by_id(output: Path, name: str) -> dict:
    return next(result for result in output_status(output)["results"] if result["id"] == name)


class Spy(InlineRunner):
    """Says which tasks were run."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[int] = []

    def map_unordered(self, plan, queue, timeout_s):
        self.ran += list(queue)
        return super().map_unordered(plan, queue, timeout_s)


def fail_on(folder: Path, *numbers: int) -> Path:
    path = make_toy(folder, poison="fail")
    for number in numbers:
        file = folder / "in" / f"{number}.txt"
        if "fail" not in file.read_text().splitlines():
            file.write_text(file.read_text() + "fail\n")
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    run(make_toy(folder))
    return folder / "out"


def test_status_of_a_finished_run_says_what_the_manifests_say(finished: Path):
    status = output_status(finished)
    assert [result["state"] for result in status["results"]] == ["finished", "finished"]
    assert [result["documents"] for result in status["results"]] == [96, 96]
    assert status["lock"]["state"] == "free"
    assert status["disk"]["work"] == 0
    assert status["results"][0]["seconds"] > 0


def test_status_of_a_folder_a_result_and_a_file_are_of_one_mind(finished: Path):
    assert find_places(finished) == find_places(finished.parent) == [Place(finished)]
    assert find_places(finished / "sorted") == [Place(finished, ("sorted",))]
    assert find_places(finished.parent / "toy.yaml") == [Place(finished, ("support.toy_map", "sorted"))]


def test_status_before_the_first_run_says_that_all_waits(tmp_path: Path):
    (place,) = find_places(make_toy(tmp_path))
    assert [result["state"] for result in output_status(place.output, place.ids)["results"]] == ["waiting", "waiting"]
    assert not (tmp_path / "out").exists(), "a look writes nothing"


def test_a_task_that_failed_for_good_is_shown_with_its_reason_and_cleared_by_retry(tmp_path: Path):
    path = fail_on(tmp_path, 2, 4)
    with pytest.raises(PartialResultError):
        run(path)
    output = tmp_path / "out"
    found = by_id(output, "support.toy_map")
    assert found["state"] == "failed"
    (phase,) = found["phases"]
    assert (phase["tasks"], phase["done"], phase["running"], phase["waiting"]) == (6, 4, 0, 0)
    assert [(entry["index"], entry["kind"]) for entry in phase["set_aside"]] == [(2, "error"), (4, "error")]
    assert "2.txt" in phase["set_aside"][0]["name"]
    cleared = retry(Place(output), shards=[4])
    assert [(entry["result"], entry["index"]) for entry in cleared] == [("support.toy_map", 4)]
    phase = by_id(output, "support.toy_map")["phases"][0]
    assert ([entry["index"] for entry in phase["set_aside"]], phase["waiting"]) == ([2], 1)


def test_after_retry_of_one_shard_the_next_run_does_that_one_and_leaves_the_other_aside(tmp_path: Path):
    path = fail_on(tmp_path, 2, 4)
    with pytest.raises(PartialResultError):
        run(path)
    retry(Place(tmp_path / "out"), shards=[4])
    spy = Spy()
    with pytest.raises(PartialResultError, match="2 of 6"):
        run(path, spy)
    assert spy.ran == [4]
    spy = Spy()
    with pytest.raises(PartialResultError, match="2 of 6"):
        run(path, spy)
    assert spy.ran == [2, 4], "that run came to its end: the next one tries all that is missing"


def test_retry_of_a_part_makes_the_missing_shards_alone_and_gives_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from support import toy_source

    whole = make_toy(tmp_path / "whole")
    run(whole)
    path = make_toy(tmp_path / "part")
    read = toy_source.ToySource.read

    def broken(self, split, ledger):
        if split.names[0] == "3.txt":
            raise ValueError("this machine is ill")
        return read(self, split, ledger)

    with monkeypatch.context() as patch:
        patch.setattr(toy_source.ToySource, "read", broken)
        run(path, max_failed_shards=1)
    output = tmp_path / "part" / "out"
    assert states(output) == {"support.toy_map": "partial", "sorted": "finished"}
    assert [report.was_fresh for report in run(path, max_failed_shards=1)] == [True, True]
    assert len(retry(Place(output))) == 1
    spy = Spy()
    run(path, spy, max_failed_shards=1)
    assert spy.ran[0] == 3
    assert len(spy.ran) == 1 + 6 + 3, "one shard again, then what is made from it"
    assert tree_hashes(output) == tree_hashes(tmp_path / "whole" / "out")
    assert not list((output).glob(".work/*")), "a whole result keeps nothing apart"


def test_a_run_that_takes_up_a_killed_one_leaves_aside_what_that_set_aside(tmp_path: Path):
    path = fail_on(tmp_path, 2)

    class Dies(InlineRunner):
        def map_unordered(self, plan, queue, timeout_s):
            for number, outcome in enumerate(super().map_unordered(plan, queue, timeout_s)):
                yield outcome
                if number == 3:
                    raise InterruptedError("killed")

    with pytest.raises(InterruptedError):
        run(path, Dies())
    assert states(tmp_path / "out") == {"support.toy_map": "stopped", "sorted": "waiting"}
    spy = Spy()
    with pytest.raises(PartialResultError, match=r"1 of 6.*2\.txt"):
        run(path, spy)
    assert spy.ran == [4, 5]


def test_a_cut_line_of_the_failures_is_passed_over(tmp_path: Path):
    path = fail_on(tmp_path, 2)
    with pytest.raises(PartialResultError):
        run(path)
    (log,) = (tmp_path / "out").glob(f".work/*/{FAILURES_NAME}")
    content = log.read_bytes()
    for size in (0, 1, 40, content.index(b"\n") + 3):
        log.write_bytes(content[:size])
        found = read_failures(log.parent)
        assert found is not None
        assert not found.has_ended
        assert states(tmp_path / "out")["support.toy_map"] == "stopped"
        end_failures(log.parent)
        assert read_failures(log.parent).has_ended, "what comes after a cut line is whole"


@pytest.mark.slow
def test_beside_a_driver_at_work_status_names_it_and_changes_nothing(tmp_path: Path):
    path = make_toy(tmp_path, num_files=12, wait_s=0.4)
    driver = start_driver(path, "--workers", "2", "--quiet")
    seen = []
    while driver.poll() is None:
        seen.append(output_status(tmp_path / "out"))
        time.sleep(0.02)
    assert driver.communicate()[1] == b""
    assert driver.returncode == 0
    held = [status for status in seen if status["lock"]["state"] == "held"]
    assert {status["lock"]["pid"] for status in held} - {None} == {driver.pid}, "None: between taking the lock and writing into it"
    phases = [phase for status in held for result in status["results"] if result["state"] == "running" for phase in result["phases"]]
    assert all(phase["done"] + phase["running"] + phase["waiting"] == phase["tasks"] for phase in phases)
    assert any(phase["running"] == 2 and phase["done"] > 2 and phase["seconds_left"] for phase in phases)
    names = {task["name"] for phase in phases for task in phase["running_tasks"]}
    assert len(names & {f"{number}.txt" for number in range(2, 12)}) >= 2, names


def test_a_lock_is_seen_without_touching_it(tmp_path: Path):
    assert find_holder(tmp_path).state == "free"
    with locked(tmp_path):
        found = find_holder(tmp_path)
        assert (found.state, found.pid) == ("held", os.getpid())
    assert find_holder(tmp_path).state == "free"
    (tmp_path / ".lock").write_bytes(orjson.dumps({"pid": 1, "host": "another-host"}))
    assert find_holder(tmp_path).state == "unknown"


@pytest.mark.parametrize("damage", ["plan", "marker", "manifest", "done", "empty"])
def test_status_works_on_half_written_folders(tmp_path: Path, damage: str):
    path = fail_on(tmp_path, 2)
    with pytest.raises(PartialResultError):
        run(path)
    output = tmp_path / "out"
    (work,) = output.glob(".work/*")
    if damage == "plan":
        (work / "plan.json").write_bytes(b'{"tasks": [')
    elif damage == "marker":
        (output / "pipeline.json").write_bytes(b"")
    elif damage == "manifest":
        (output / "sorted").mkdir()
        (output / "sorted" / "manifest.json").write_bytes(b'{"format"')
    elif damage == "done":
        (work / "done" / "00000.json").write_bytes(b"{")
    else:
        (output / ".work" / ("empty-" + "0" * 16)).mkdir()
    done = call("status", output, "--json")
    assert done.returncode == 0, done.stderr
    assert orjson.loads(done.stdout)["outputs"][0]["results"]
    assert call("status", output).returncode == 0


def test_retry_refuses_typos_and_clears_nothing(tmp_path: Path):
    path = fail_on(tmp_path, 2)
    with pytest.raises(PartialResultError):
        run(path)
    place = Place(tmp_path / "out")
    with pytest.raises(ConfigError, match=r"no result of that name; did you mean 'support\.toy_map'"):
        retry(place, stage="support.toy_mab")
    with pytest.raises(ConfigError, match=r"--shard 7: no task of that number is set aside \(support\.toy_map: 2\)"):
        retry(place, shards=[7])
    with locked(place.output), pytest.raises(LockedError):
        retry(place)
    assert len(retry(place)) == 1
    assert retry(place) == []


def test_the_commands_say_what_is_and_what_to_do(tmp_path: Path):
    path = fail_on(tmp_path, 2)
    assert call("run", path, "-q").returncode == 3
    shown = call("status", path)
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"support\.toy_map +failed +6 +5 +0 +0 +1 +0", shown.stdout)
    assert "2.txt" in shown.stdout
    assert "nobody is at work" in shown.stdout
    again = call("retry", path, "--run", "-q")
    assert again.returncode == 3, "the shard is as it was"
    assert "cleared 1 task" in again.stderr
    (tmp_path / "in" / "2.txt").write_text("mended\n")
    assert call("retry", path, "--run", "-q").returncode == 0
    assert "nothing is set aside" in call("retry", path).stdout
    typo = call("status", tmp_path / "toy.yml")
    assert typo.returncode == 2
    assert "toy.yaml" in typo.stderr


@pytest.mark.parametrize("command", ["status", "retry", "gc"])
def test_folders_of_other_programs_are_refused(tmp_path: Path, command: str):
    (tmp_path / "manifest.json").write_text('{"name": "a web app", "start_url": "/"}')
    (tmp_path / "pipeline.json").write_text("[1, 2]")
    (tmp_path / ".tmp-1-x").write_text("of somebody else")
    before = sorted(tmp_path.iterdir())
    done = call(command, tmp_path)
    assert done.returncode == 2, done.stdout
    assert str(tmp_path) in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def leftovers(output: Path) -> dict[str, Path]:
    """Put into an output what killed runs and gone stages leave."""
    dead = 999_999_999
    work = output / ".work" / ("sorted-" + "a" * 16)
    old = output / ".work" / ("gone-" + "b" * 16)
    for folder in (work / "1-scatter" / "attempts" / "00001.ab.tmp", old / "attempts"):
        folder.mkdir(parents=True)
        (folder / "x").write_text("x" * 100)
    (work / "1-scatter" / "plan.json").write_text("{}")
    os.utime(work / "1-scatter" / "plan.json", (time.time() + 60, time.time() + 60))
    (output / f".tmp-{dead}-pipeline.json").write_text("{")
    (output / f".tmp-{os.getpid()}-runs").write_text("being written")
    (output / "notes.txt").write_text("mine")
    return {"attempt": work / "1-scatter" / "attempts" / "00001.ab.tmp", "work": old, "temporary": output / f".tmp-{dead}-pipeline.json"}


def test_gc_lists_what_killed_runs_left_and_deletes_it_only_when_told(tmp_path: Path):
    path = make_toy(tmp_path)
    run(path)
    output = tmp_path / "out"
    kept = tree_hashes(output)
    left = leftovers(output)
    found, notes = find_garbage(output)
    assert {item.kind: item.path for item in found} == left
    assert all(item.bytes > 0 for item in found)
    assert any("goes on with it" in note for note in notes)
    assert all(place.exists() for place in left.values()), "listing deletes nothing"
    with locked(output), pytest.raises(LockedError):
        delete_garbage(found)
    gone, _ = delete_garbage(found)
    assert gone == found
    assert not any(place.exists() for place in left.values())
    assert (output / "notes.txt").read_text() == "mine"
    assert (output / f".tmp-{os.getpid()}-runs").exists(), "its process lives"
    assert kept.items() <= tree_hashes(output).items()
    assert [report.was_fresh for report in run(path)] == [True, True]


def test_gc_leaves_a_folder_alone_in_which_somebody_works(tmp_path: Path):
    run(make_toy(tmp_path))
    leftovers(tmp_path / "out")
    with locked(tmp_path / "out"):
        found, notes = find_garbage(tmp_path)
    assert found == []
    assert f"process {os.getpid()}" in notes[0]


@pytest.mark.parametrize("who", ["nobody", "a pipeline", "a mixture", "a result"])
def test_gc_lists_a_result_that_its_pipeline_no_longer_makes_unless_somebody_refers_to_it(tmp_path: Path, who: str):
    path = make_toy(tmp_path)
    run(path)
    output = tmp_path / "out"
    path.write_text(path.read_text().replace("id: sorted", "id: arranged"))
    run(path)
    if who == "a pipeline":
        (tmp_path / "other.yaml").write_text("name: other\noutput: more\nstages:\n  - from: {path: out/sorted}\n    support.toy_map: {}\n")
    elif who == "a mixture":
        (tmp_path / "m").mkdir()
        (tmp_path / "m" / "mixture.json").write_text(
            '{"kind": "mixture", "sources": [{"shards": [{"path": "../out/sorted/tokens-00000"}]}]}'
        )
    elif who == "a result":
        from mathcode_data.core.manifest import InputRecord, Manifest, read_result, write_manifest

        (tmp_path / "elsewhere" / "made").mkdir(parents=True)
        inputs = [InputRecord("sorted", read_result(output / "sorted").fingerprint)]
        write_manifest(tmp_path / "elsewhere" / "made", Manifest("documents", [], "e" * 32, inputs, [], []))
        # the other result of the same causes bears the same fingerprint, so whoever read one may have read the other
    found, notes = find_garbage(output)
    if who == "nobody":
        assert [(item.path, item.kind) for item in found] == [(output / "sorted", "result")]
        delete_garbage(found)
        assert states(output) == {"support.toy_map": "finished", "arranged": "finished"}
    else:
        assert found == []
        assert any("refers to it; left alone" in note for note in notes)


def test_gc_of_checkpoints_keeps_the_newest_and_what_a_file_names(tmp_path: Path):
    for step in (10, 20, 30):
        folder = tmp_path / "training" / "checkpoints" / f"step-{step:08d}"
        folder.mkdir(parents=True)
        (folder / "checkpoint.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(b"x" * 1000)
    (tmp_path / "training" / "checkpoints" / ".tmp-step-00000040").mkdir()
    (tmp_path / "next.yaml").write_text("mixture: m\nmodel: tiny\ninitial: training/checkpoints/step-00000010\n")
    found, _ = find_garbage(tmp_path / "training")
    assert [item.kind for item in found] == ["temporary"], "checkpoints only when asked for"
    found, notes = find_garbage(tmp_path / "training", keep_checkpoints=1)
    assert [item.path.name for item in found if item.kind == "checkpoint"] == ["step-00000020"]
    assert any("next.yaml refers to it" in note for note in notes)


def test_gc_on_the_command_line_needs_yes(tmp_path: Path):
    run(make_toy(tmp_path))
    left = leftovers(tmp_path / "out")
    listed = call("gc", tmp_path / "out")
    assert listed.returncode == 0, listed.stderr
    assert "--yes deletes them" in listed.stdout
    assert left["work"].exists()
    done = call("gc", tmp_path / "out", "--yes", "--json", "--older-than", "1000")
    assert orjson.loads(done.stdout)["deleted"] == []
    done = call("gc", tmp_path / "out", "--yes", "--json")
    assert len(orjson.loads(done.stdout)["deleted"]) == 3
    assert not left["work"].exists()


def test_the_shell_completes_the_commands():
    words = {"_MATHCODE_DATA_COMPLETE": "complete_bash", "COMP_WORDS": "mathcode-data sta", "COMP_CWORD": "1"}
    tool = Path(sys.executable).with_name("mathcode-data")
    if not tool.exists():
        pytest.skip("the command is not installed beside this Python")
    done = subprocess.run([tool], env=os.environ | words, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["status"]


def test_status_names_what_was_set_aside_once_though_the_results_after_it_inherit_it(tmp_path: Path):
    path = make_toy(tmp_path, poison="exit")
    assert call("run", path, "--max-failed-shards", "1", "--workers", "1").returncode == 3
    said = call("status", tmp_path / "out").stdout
    assert said.count("SystemExit") == 1, said
    assert "set aside:" in said
    assert "damage:" not in said
