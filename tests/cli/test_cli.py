"""The command line: one-line errors with their exit codes, data on standard output, messages on standard error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from support.command import call
from support.engine import TESTS, make_toy, run

COMMANDS = [
    "run",
    "plan",
    "build-mixture",
    "inspect",
    "decode",
    "trace",
    "explain",
    "diff",
    "verify",
    "extract",
    "train",
    "quickstart",
    "doctor",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str):
    done = call(command, "--help")
    assert done.returncode == 0
    assert f"Example: mathcode-data {command}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["buld-mixture", "x"], "Did you mean 'build-mixture'?"), (["run", "--lmit", "3"], "--limit"), (["run"], "Missing argument")],
)
def test_a_typo_is_answered_with_the_nearest_word_and_code_2(arguments: list[str], message: str):
    done = call(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("toy_map: {}", "toy_map: {dorp: x}", r"toy.yaml:7:23: unknown key 'dorp'; did you mean 'drop'?"),
        ("seed: 1", "sede: 1", r"toy.yaml:3:1: unknown key 'sede'; did you mean 'seed'?"),
        ("support.toy_map", "dedup.minhsh", r"toy.yaml:7:5: no stage 'dedup.minhsh'; did you mean 'dedup.minhash'?"),
        ("paths: in", "paths: inn", r"'inn' matches no file"),
        ("id: sorted", "id: sorted\n    from: nobody", r"no stage with id 'nobody'"),
        ("output: out", "output: in/out", r"lies inside the input"),
    ],
)
def test_a_wrong_pipeline_is_one_line_with_its_place_and_code_2(tmp_path: Path, old: str, new: str, message: str):
    path = make_toy(tmp_path)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    done = call("run", path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_an_empty_input_folder_is_named(tmp_path: Path):
    path = make_toy(tmp_path)
    for file in (tmp_path / "in").iterdir():
        file.unlink()
    done = call("run", path)
    assert done.returncode == 2
    assert "finds no input file" in done.stderr


def test_an_output_folder_of_somebody_else_is_refused_and_left_alone(tmp_path: Path):
    path = make_toy(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    done = call("run", path)
    assert done.returncode == 2
    assert "not empty and not the output of a pipeline" in done.stderr
    assert os.listdir(tmp_path / "out") == ["thesis.txt"]


def test_a_run_prints_its_table_and_json_the_same_numbers(tmp_path: Path):
    path = make_toy(tmp_path)
    done = call("run", path)
    assert done.returncode == 0
    assert "word 24" in done.stdout
    rows = orjson.loads(call("run", path, "--json").stdout)
    assert [row["up_to_date"] for row in rows] == [True, True]
    assert rows[0]["stages"][1]["dropped"] == {"word": 24}


def test_a_limit_works_in_a_folder_of_its_own(tmp_path: Path):
    path = make_toy(tmp_path)
    rows = orjson.loads(call("run", path, "--limit", "12", "--json").stdout)
    assert rows[0]["documents"] <= 12
    assert (tmp_path / "out.limit-12").exists()
    assert not (tmp_path / "out").exists()
    counters = rows[0]["stages"][0]
    assert counters["read"] == counters["kept"] + sum(counters["dropped"].values())


def test_set_changes_one_value(tmp_path: Path):
    path = make_toy(tmp_path)
    rows = orjson.loads(call("run", path, "--set", "stages.sorted.num_shards=1", "--json").stdout)
    assert len(list((tmp_path / "out" / "sorted").glob("documents-*"))) == 1
    assert rows[1]["documents"] == 96


def test_a_closed_pipe_gives_no_traceback(tmp_path: Path):
    path = make_toy(tmp_path)
    run(path)
    command = f"{sys.executable} -m mathcode_data.cli inspect {tmp_path / 'out' / 'sorted'} --json | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(TESTS)}, check=False)
    assert done.stdout.strip() == "{"
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path):
    """`extract FOLDER | head -1` ended with exit code 1."""
    (tmp_path / "page.html").write_text("<p>" + "A sentence of a long text. " * 20_000, encoding="utf-8")
    command = f"{sys.executable} -m mathcode_data.cli extract {tmp_path / 'page.html'} | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(TESTS)}, check=False)
    assert (done.stdout, done.stderr) == ("A0\n", "")


def test_a_locale_that_is_not_utf8_makes_no_difference(tmp_path: Path):
    path = make_toy(tmp_path)
    (tmp_path / "in" / "0.txt").write_text("数学 ∑\n", encoding="utf-8")
    done = call("run", path, env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "", "PYTHONCOERCECLOCALE": "0"})
    assert done.returncode == 0, done.stderr


def test_explain_says_where_a_page_was_dropped(tmp_path: Path):
    run(make_toy(tmp_path))
    rows = orjson.loads(call("explain", tmp_path / "out", "--url", "toy:0.txt#0", "--json").stdout)
    assert [(row["verdict"], row["stage"], row["reason"]) for row in rows] == [("dropped", "support.toy_map", "word")]
    rows = orjson.loads(call("explain", tmp_path / "out", "--url", "toy:0.txt#1", "--json").stdout)
    assert [(row["verdict"], row["result"]) for row in rows] == [("kept", "support.toy_map"), ("kept", "sorted")]
    assert call("explain", tmp_path / "out").returncode == 2


def test_verify_finds_a_flipped_byte_and_ends_with_code_5(tmp_path: Path):
    run(make_toy(tmp_path))
    assert call("verify", tmp_path / "out", "--full").returncode == 0
    path = tmp_path / "out" / "sorted" / "documents-00001.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    done = call("verify", tmp_path / "out", "--full")
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1
    assert "documents-00001.parquet: sha256 differs" in done.stderr


def test_diff_names_cause_and_effect(tmp_path: Path):
    path = make_toy(tmp_path / "a")
    run(path)
    other = make_toy(tmp_path / "b")
    other.write_text(other.read_text().replace("num_shards: 3", "num_shards: 2"))
    run(other)
    rows = orjson.loads(call("diff", tmp_path / "a" / "out" / "sorted", tmp_path / "b" / "out" / "sorted", "--json").stdout)
    keys = {row["key"] for row in rows}
    assert {"fingerprint", "stages.support.toy_global.config.num_shards"} <= keys


@pytest.mark.slow
def test_a_full_disk_ends_with_code_6_and_the_next_run_goes_on(tmp_path: Path):
    """A real one: a tmpfs of 256 KB in a mount namespace of its own."""
    path = make_toy(tmp_path)
    script = (
        f"mkdir -p {tmp_path}/small && mount -t tmpfs -o size=64k none {tmp_path}/small && "
        f"{sys.executable} -m mathcode_data.cli run {path} --set output={tmp_path}/small/out --runner inline; echo code $?; "
        f"mount -o remount,size=8m none {tmp_path}/small; "
        f"{sys.executable} -m mathcode_data.cli run {path} --set output={tmp_path}/small/out --runner inline; echo code $?"
    )
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", script]
    done = subprocess.run(unshare, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(TESTS)}, check=False)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mount namespaces here: {done.stderr.strip()[:200]}")
    assert "code 6" in done.stdout, done.stdout + done.stderr
    assert "No space left on device" in done.stderr
    assert "MB free on that disk" in done.stderr
    assert done.stdout.strip().endswith("code 0"), done.stdout + done.stderr


def test_doctor_looks_at_this_machine():
    rows = orjson.loads(call("doctor", "--json").stdout)
    assert {"python", "pyarrow", "fasttext", "ray", "disk"} <= {row["what"] for row in rows}
