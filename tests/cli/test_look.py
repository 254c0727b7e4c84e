"""Commands that look: their examples are of what the quickstart makes, and what is not found is code 2 with a reason."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest
import typer

from mathcode_data.cli.commands import app
from support.command import call
from support.engine import make_toy, run

MADE = (
    "quickstart/mixture",
    "quickstart/mixtures/quickstart.yaml",
    "quickstart/mixtures/quickstart-train.yaml",
    "quickstart/pipelines/quickstart.yaml",
    "quickstart/results/quickstart",
    "quickstart/results/quickstart/{id}",
    "quickstart/training",
)
"""What `mathcode-data quickstart` leaves; a result's id stands in its pipeline file, or is the name of its stage."""
WRITTEN = ("--output", "-o", "--html", "--card")
"""What follows one of these is made by the command."""
OWN = ("page.html",)
"""Files that only the user can have."""


def examples() -> list[tuple[str, str]]:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return [(name, command.epilog or "") for name, command in commands.items()]


@pytest.mark.parametrize(("name", "epilog"), examples())
def test_the_example_of_a_command_names_what_the_quickstart_makes(repository: Path, name: str, epilog: str):
    """Examples named results/mixture and train.yaml, which a newcomer has nowhere."""
    assert epilog.startswith(f"Example: mathcode-data {name}")
    words = epilog.split()[3:]
    stages = (repository / "pipelines" / "quickstart.yaml").read_text()
    for before, word in zip(["", *words], words, strict=False):
        if word.startswith(("-", "http")) or ("/" not in word and "." not in word) or before in WRITTEN or word in OWN or before == "--set":
            continue
        if name in ("import", "keys", "review"):
            continue  # shards of another program; the name of a stage; the rounds of `recall`, which the quickstart has not
        result = re.fullmatch(r"quickstart/results/quickstart/([a-z.-]+)", word)
        assert (
            word in MADE or (repository / word).is_file() or (result and re.search(rf"(id: |- (?:id: )?){re.escape(result[1])}\b", stages))
        ), f"{name}: {word}"


def test_a_page_that_no_result_knows_is_code_2_with_counters(tmp_path: Path):
    """It was exit 0 with a sentence on standard output."""
    run(make_toy(tmp_path))
    done = call("explain", tmp_path / "out", "--url", "toy:0.txt")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no document of URL toy:0.txt" in done.stderr
    assert "like it: toy:0.txt#" in done.stderr
    assert "support.toy_source of 126 blank 6" in done.stderr
    assert done.stdout == ""
    done = call("explain", tmp_path / "out", "--doc-id", "f" * 32, "--json")
    assert (done.returncode, orjson.loads(done.stdout)) == (2, [])


def test_one_address_is_asked_for(tmp_path: Path):
    run(make_toy(tmp_path))
    for arguments in ([], ["--url", "a", "--path", "b"]):
        done = call("explain", tmp_path / "out", *arguments)
        assert (done.returncode, "--url, --doc-id or --path, one of them" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["verfy", "x"], "verify"), (["inspct"], "inspect"), (["decod"], "decode"), (["verify", "x", "--ful"], "--full"),
     (["explain", "x", "--ulr", "y"], "--url"), (["decode", "x", "--smaple", "3"], "--sample")],
)  # fmt: skip
def test_a_typo_in_a_command_or_an_option_is_answered_with_the_nearest_word(arguments: list[str], words: str):
    done = call(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_verify_of_foreign_shards_says_what_it_cannot_find(tmp_path: Path):
    import numpy as np

    from mathcode_data.shards.writer import ShardWriter

    with ShardWriter(tmp_path / "s", np.uint16) as writer:
        writer.add([5, 6, 7])
    done = call("verify", tmp_path / "s", "--full")
    assert (done.returncode, done.stdout.strip().endswith("token shards: no problem found")) == (0, True)
    assert "note: not checked: foreign shards without a manifest" in done.stderr
    data = orjson.loads(call("verify", tmp_path / "s", "--full", "--json").stdout)
    assert len(data["limits"]) == 2
    content = bytearray((tmp_path / "s.idx").read_bytes())
    content[34] ^= 1
    (tmp_path / "s.idx").write_bytes(content)
    done = call("verify", tmp_path / "s")
    assert (done.returncode, "6 bytes, its index ends at 4" in done.stderr) == (5, True)


def test_samples_and_documents_are_not_taken_for_each_other(tmp_path: Path):
    import numpy as np

    from mathcode_data.shards.writer import ShardWriter

    with ShardWriter(tmp_path / "s", np.uint16) as writer:
        writer.add([5, 6, 7])
    done = call("decode", tmp_path / "s", "--sample", "3")
    assert (done.returncode, "no mixture, so it has no samples" in done.stderr) == (2, True)


def test_a_source_file_that_never_became_a_document_is_explained_by_its_path(tmp_path: Path):
    """It was only counted, by reason."""
    (tmp_path / "in" / "repo" / "src").mkdir(parents=True)
    (tmp_path / "in" / "repo" / "src" / "empty.py").write_text("\n")
    (tmp_path / "in" / "repo" / "good.py").write_text("def add(left, right):\n    return left + right\n")
    stage = "{paths: in, repository_depth: 1, licenses: any}"
    (tmp_path / "code.yaml").write_text(f"name: code\nseed: 1\noutput: out\nstages:\n  - read.code: {stage}\n")
    run(tmp_path / "code.yaml")
    for path in ("src/empty.py", "repo/src/empty.py"):
        done = call("explain", tmp_path / "out", "--path", path)
        assert done.returncode == 0, done.stderr
        assert "never a document:  repo/src/empty.py" in done.stdout
        assert re.search(r"read\.code +dropped +empty", done.stdout)
    assert call("explain", tmp_path / "out", "--path", "other/src/empty.py").returncode == 2
    done = call("verify", tmp_path / "out", "--full")
    assert done.returncode == 0, done.stderr
