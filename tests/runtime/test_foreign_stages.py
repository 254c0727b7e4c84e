"""Stages of the user's own that are wrong: one line that names the stage and the line of theirs, never a traceback."""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError, PartialResultError
from mathcode_data.core.plugins import load_plugin
from support.command import call
from support.engine import make_toy, run

numbers = itertools.count()

HEAD = """
import pyarrow as pa
from mathcode_data.core.stage import StageConfig
VERSION = "1"
class Config(StageConfig):
    pass
def build(config):
    return stage
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the user's, under a new name for each test."""
    folder = tmp_path / f"user_{next(numbers)}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    load_plugin.cache_clear()
    return folder


def pipeline(user: Path, code: str) -> Path:
    """A toy pipeline whose map is the user's."""
    (user / "mine.py").write_text(code)
    path = user.parent / "toy" / "toy.yaml"
    if not path.exists():
        make_toy(path.parent)
    path.write_text(path.read_text().replace("support.toy_map", f"{user.name}.mine"))
    return path


def body(lines: str) -> str:
    return f"{HEAD}def stage(table, ledger):\n    {lines}\n"


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("def build(config:\n", 1, "SyntaxError"),
        ("import json\nimport no_such_package_anywhere\n", 2, "not installed.*pip install no_such_package_anywhere"),
        ("from json import no_such_name\n", 1, "ImportError: cannot import name 'no_such_name'"),
        ("x = 1\nx / 0\n", 2, "ZeroDivisionError"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit"),
        (HEAD.replace("return stage", "return 1 / 0"), 8, "ZeroDivisionError: division by zero"),
        (HEAD.replace("return stage", "import json; return json.loads('{')"), 8, "JSONDecodeError"),
        (
            HEAD.replace("pass", "@property\n    def x(self): return 1\n    def model_post_init(self, _): raise KeyError('k')"),
            8,
            "KeyError: 'k'",
        ),
    ],
)
def test_a_module_that_cannot_be_used_is_one_line_with_file_and_line(user: Path, code: str, line: int, message: str):
    path = pipeline(user, code)
    with pytest.raises(ConfigError, match=rf"toy\.yaml:7:5: stage .*mine\.py:{line}: .*|toy\.yaml:7:5: stage .*{message}") as caught:
        run(path)
    text = str(caught.value)
    assert f"{user / 'mine.py'}:{line}" in text
    assert re.search(message, text), text
    assert "\n" not in text
    assert not (user.parent / "toy" / "out").exists()


def test_a_package_above_a_stage_that_fails_is_not_called_a_missing_stage(user: Path):
    (user / "__init__.py").write_text("raise RuntimeError('half installed')\n")
    path = pipeline(user, body("return table"))
    with pytest.raises(ConfigError, match=r"__init__\.py:1: RuntimeError: half installed"):
        run(path)


def test_a_stage_that_is_not_there_is_answered_as_before(user: Path):
    path = pipeline(user, body("return table"))
    path.write_text(path.read_text().replace(".mine", ".yours"))
    with pytest.raises(ConfigError, match=r"toy\.yaml:7:5: no stage 'user_[0-9]+\.yours'"):
        run(path)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (body("return table").replace("(StageConfig)", ""), r"Config is no StageConfig; write `class Config\(StageConfig\)`"),
        (body("return table").replace("return stage", "return 7"), "builds int, which is no Source, MapStage or GlobalStage"),
        (body("return table").replace("def build(config)", "def build()"), r"TypeError: build\(\) takes 0 positional arguments"),
        (body("return None"), "mine gave back None; a map stage returns a pyarrow.Table"),
        (body("return table.to_pylist()"), "mine gave back a list; a map stage returns a pyarrow.Table"),
        (body("return table.drop_columns(['text'])"), r"mine took the column 'text' away \(it gave back doc_id, source, url\)"),
        (body("return table.rename_columns(['id', 'source', 'url', 'text'])"), "mine took the column 'doc_id' away"),
        (
            body("return table.append_column('n', pa.array(range(table.num_rows), pa.int8() if table.num_rows else pa.int64()))"),
            "mine gave back column 'n' as int8, for an empty table int64",
        ),
    ],
)
def test_what_a_stage_must_be_and_give_back_is_said_and_ends_the_run_at_once(user: Path, code: str, message: str):
    with pytest.raises(ConfigError, match=message):
        run(pipeline(user, code))
    assert not (user.parent / "toy" / "out").exists(), "a refused run leaves nothing"


def test_an_exception_in_a_map_names_its_stage_and_line_and_not_the_reader(user: Path):
    helper = "def halve(text):\n    return text[: len(text) // 0]\n"
    (user / "helper.py").write_text(helper)
    code = body(f"from {user.name}.helper import halve\n    [halve(text) for text in table['text'].to_pylist()]\n    return table")
    with pytest.raises(PartialResultError, match=rf"{user.name}\.mine, task 0 \(0\.txt\): error: .*helper\.py:2: ZeroDivisionError"):
        run(pipeline(user, code))


def test_an_exception_in_a_library_names_the_line_of_the_user_that_called_it(user: Path):
    with pytest.raises(PartialResultError, match=r"mine, task 0 .*mine\.py:10: KeyError: .*no_such_column"):
        run(pipeline(user, body("return table.append_column('x', table['no_such_column']) if table.num_rows else table")))


def test_a_phase_of_a_global_stage_names_the_line_too(user: Path):
    code = HEAD + (
        "from mathcode_data.core.stage import GlobalOutcome, document_items\n"
        "def work(task):\n    raise ValueError('no luck')\n"
        "class stage:\n    kind = 'documents'\n    @staticmethod\n    def run(context):\n"
        "        return GlobalOutcome(context.map('work', work, document_items(context.inputs)), [])\n"
    )
    with pytest.raises(PartialResultError, match=r"mine, task 0 .*mine\.py:11: ValueError: no luck"):
        run(pipeline(user, code))
    with pytest.raises(ConfigError, match=r"toy\.yaml:7:5: stage .*mine\.py:16: NameError"):
        sys.modules.pop(f"{user.name}.mine", None)
        load_plugin.cache_clear()
        run(pipeline(user, code.replace("context.map(", "kontext.map(")))


@pytest.mark.slow
def test_a_quiet_run_of_the_command_line_says_it_in_one_line(user: Path):
    env = {"PYTHONPATH": f"{Path(__file__).parents[1]}:{user.parent}"}
    path = pipeline(user, HEAD + "def stage(table, ledger):\n    if table.num_rows:\n        raise ValueError('quiet')\n    return table\n")
    done = call("run", path, "--quiet", env=env)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert re.search(rf"{user.name}\.mine, task . \(.\.txt\): error: .*mine\.py:11: ValueError: quiet", done.stderr)
    (user / "mine.py").write_text("def build(config:\n")
    done = call("run", path, env=env)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "mine.py:1: SyntaxError" in done.stderr


@pytest.mark.parametrize("code", [
    "import sys\nsys.exit(0)\n",
    HEAD.replace("return stage", "raise SystemExit(0)"),
])  # fmt: skip
def test_a_stage_that_exits_in_the_driver_is_an_error_and_not_a_success(user: Path, code: str):
    """`sys.exit(0)` when the module is imported or the stage built ended the whole command with code 0 and nothing done."""
    with pytest.raises(ConfigError, match=r"mine\.py:[0-9]+: SystemExit: 0; mend the (module|stage)"):
        run(pipeline(user, code))
