"""What a user may name: every command that looks takes a project, a YAML file or a folder of ours, or says in one line what it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from support.command import call
from support.tiny_job import write_inputs

TEXT = "file 0, line 0: clean 0"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tiny.yaml`, `mix.yaml`, its output `out`, the mixture `built`, and a folder that is not ours."""
    folder = tmp_path_factory.mktemp("project")
    file = write_inputs(folder, num_files=2)
    done = call("build-mixture", file, "--output", folder / "built", "--workers", "1", "--quiet")
    assert done.returncode == 0, done.stderr
    return folder


def doc_id(project: Path) -> str:
    import pyarrow.parquet as pq

    return str(pq.read_table(next((project / "out" / "kept").glob("documents-*.parquet")))["doc_id"][0])


@pytest.mark.parametrize("path", [".", "out", "out/tokens", "built", "tiny.yaml", "mix.yaml"])
def test_these_are_taken_by_verify_status_explain_and_retry(project: Path, path: str):
    verified = call("verify", project / path)
    assert (verified.returncode, verified.stdout.count("no problem found")) == (0, 2 if path == "." else 1), verified.stderr
    for arguments in (["status"], ["retry"]):
        done = call(arguments[0], project / path, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)
    explained = call("explain", project / path, "--doc-id", doc_id(project), "--json")
    assert explained.returncode == 0, explained.stderr
    results = [entry["result"] for entry in json.loads(explained.stdout)]
    assert "tokens" in results
    assert len(results) == len(set(results)), "a result that two places lead to is told once"


@pytest.mark.parametrize(
    ("path", "shown"),
    [("out", "tokens"), ("out/tokens", "tokens"), ("built", "tokens asked"), ("tiny.yaml", "tokens"), ("mix.yaml", "tokens asked")],
)
def test_inspect_takes_what_stands_for_one_thing(project: Path, path: str, shown: str):
    done = call("inspect", project / path)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


@pytest.mark.parametrize(("arguments", "words"), [
    (["inspect", "."], "a folder that holds {0}/built (a mixture), {0}/out (a pipeline's output); `mathcode-data inspect` takes one"),
    (["gc", "out/tokens"], "a result; gc looks at all that a pipeline made: name the output folder, {0}/out"),
    (["inspect", "built/mixture.json"], "the record of a mixture; name its folder, {0}/built"),
    (["trace", "out"], "a pipeline's output, which inspect, verify, explain and status take; trace takes a mixture"),
    (["explain", "out/tokens/../../in", "--path", "a"], "name the folder of a result"),
    (["verify", "https://a.example/mixture"], "https://a.example/mixture: on the web, where only MixtureDataset reads"),
    (["status", "https://a.example/mixture"], "copy the folder here"),
    (["verify", "other.yaml"], "not run yet: nothing at"),
    (["verify", "unbuilt.yaml"], "a mixture file; name the folder of the mixture that `mathcode-data build-mixture"),
])  # fmt: skip
def test_what_a_command_does_not_take_is_named_in_one_line_with_code_2(project: Path, arguments: list[str], words: str):
    (project / "other.yaml").write_text((project / "tiny.yaml").read_text().replace("output: out", "output: later"))
    (project / "unbuilt.yaml").write_text((project / "mix.yaml").read_text())
    command, path, *rest = arguments
    done = call(command, path if "://" in path else project / path, *rest)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert words.format(project) in done.stderr


def test_verify_of_a_project_names_every_damage_in_it(project: Path, tmp_path: Path):
    copy = shutil.copytree(project, tmp_path / "copy")
    for name in ("out/pipeline.json", "built/mixture.json"):
        content = bytearray((copy / name).read_bytes())
        content[content.index(b"tiny") + 1] ^= 1
        (copy / name).write_bytes(content)
    done = call("verify", copy)
    assert done.returncode == 5
    assert all(f"{copy / name}: " in done.stderr for name in ("out/pipeline.json", "built/mixture.json")), done.stderr


def test_every_changed_byte_of_the_record_of_an_output_is_named(project: Path, tmp_path: Path):
    """One of the name or of the list of results was passed over, or named a folder that never was."""
    from mathcode_data.inspect.verify import verify_path

    copy = shutil.copytree(project / "out", tmp_path / "out")
    record = copy / "pipeline.json"
    sound = record.read_bytes()
    assert verify_path(copy, full=False)[1] == []
    white = {position for position, byte in enumerate(sound) if byte in b" \n"}
    for position in sorted(set(range(len(sound))) - white):
        changed = bytearray(sound)
        changed[position] ^= 1
        record.write_bytes(changed)
        problems = verify_path(copy, full=False)[1]
        assert problems, f"byte {position} of {sound!r}"
        assert str(record) in problems[0]


@pytest.mark.parametrize(("arguments", "words"), [
    (["export", "out/tokens", "--to", "datatrov", "-o", "new"], "'datatrov' is not one of datatrove, parquet, "),
    (["run", "tiny.yaml", "--runner", "poool"], "'poool' is not one of inline, pool, ray; did you mean 'pool'?"),
    (["generate", "run", "--prompt", "a", "--device", "cud"], "'cud' is not one of auto, cpu, cuda; did you mean 'cuda'?"),
])  # fmt: skip
def test_a_typo_in_the_value_of_an_option_is_answered_with_the_nearest(project: Path, arguments: list[str], words: str):
    command, path, *rest = arguments
    done = call(command, project / path, *rest, env={"COLUMNS": "400"})
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
