"""A child process turns crashes, endless loops and greed into errors with a message."""

from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError, DataError, MathcodeError, ResourceError
from mathcode_data.stages.learn.child import Limits, run_in_child

HERE = "child_functions"
FUNCTIONS = """
import os, time, sys
from mathcode_data.core.errors import ConfigError
def echo(request):
    os.write(1, b"noise of native code")
    return request | {"variable": os.environ.get("A_VARIABLE"), "path": sys.path}
def abort(request): os.abort()
def greedy(request): return {"size": len(bytearray(1 << 33))}
def endless(request): time.sleep(600)
def ours(request): raise ConfigError("wrong")
def theirs(request): raise ValueError("odd")
"""
LIMITS = Limits(1 << 28, 100.0)


@pytest.fixture
def functions(tmp_path, monkeypatch):
    (tmp_path / f"{HERE}.py").write_text(FUNCTIONS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return HERE


def test_the_answer_comes_back_and_noise_does_not_get_into_it(functions, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    answer = run_in_child(f"{functions}:echo", {"a": [1, "数"]}, what="job", environment={"A_VARIABLE": "b"})
    assert answer["a"] == [1, "数"]
    assert answer["variable"] == "b"
    assert not {"", str(Path.cwd())} & set(answer["path"]), "the child must not import what lies in the working folder"


@pytest.mark.parametrize("name", ["abort", "greedy", "theirs"])
def test_a_limited_child_that_fails_means_damaged_bytes(functions, name):
    with pytest.raises(DataError, match=r"model\.bin: cannot be loaded"):
        run_in_child(f"{functions}:{name}", {}, what="model.bin", limits=LIMITS)


def test_a_limited_child_that_does_not_end_means_damaged_bytes(functions):
    with pytest.raises(DataError, match="not read within 1 s"):
        run_in_child(f"{functions}:endless", {}, what="model.bin", limits=Limits(1 << 28, 1.0))


def test_errors_of_ours_keep_their_kind(functions):
    with pytest.raises(ConfigError, match=r"^wrong$"):
        run_in_child(f"{functions}:ours", {}, what="job")


def test_a_child_without_limits_that_crashes_is_an_internal_error(functions):
    with pytest.raises(MathcodeError, match="SIGABRT") as caught:
        run_in_child(f"{functions}:abort", {}, what="job")
    assert not isinstance(caught.value, ResourceError | DataError)
