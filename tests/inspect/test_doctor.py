"""The doctor looks at what is there and gives advice that works where it is given."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from mathcode_data.core.installation import install_command
from mathcode_data.inspect import doctor


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        ({"url": "file:///src/mathcode", "dir_info": {"editable": True}}, "pip install -e '.[train]'"),
        ({"url": "file:///src/mathcode", "dir_info": {}}, "pip install '.[train]'"),
        ({"url": "file:///src/other%20place", "dir_info": {"editable": True}}, "pip install -e '/src/other place[train]'"),
        ({"url": "file:///dl/m-1-py3-none-any.whl", "archive_info": {}}, "pip install '/dl/m-1-py3-none-any.whl[train]'"),
        ({"url": "https://x.org/m", "vcs_info": {"vcs": "git"}}, "pip install 'mathcode-data[train] @ git+https://x.org/m'"),
        (None, "pip install 'mathcode-data[train]'"),
        ("not json", "pip install 'mathcode-data[train]'"),
        ([], "pip install 'mathcode-data[train]'"),
    ],
)
def test_an_extra_is_installed_from_where_the_package_came_from(origin: object, command: str):
    """In a clone `pip install 'mathcode-data[train]'` asked an index that has no such package."""
    text = origin if isinstance(origin, str) else None if origin is None else json.dumps(origin)
    assert install_command("train", text, Path("/src/mathcode")) == command


@pytest.mark.parametrize(
    ("unified", "quota", "period", "cores"),
    [("150000 100000\n", None, None, 1.5), ("max 100000\n", None, None, None), (None, "200000", "100000", 2.0),
     (None, "-1", "100000", None), ("nonsense", None, None, None), (None, None, None, None)],
)  # fmt: skip
def test_cores_are_those_of_the_container(tmp_path: Path, unified, quota, period, cores):
    for name, content in (("cpu.max", unified), ("cpu.cfs_quota_us", quota), ("cpu.cfs_period_us", period)):
        if content is not None:
            (tmp_path / name).write_text(content)
    assert doctor.cgroup_cores((tmp_path / "cpu.max", tmp_path / "cpu.cfs_quota_us")) == cores


def test_every_row_that_is_not_well_says_what_to_do(monkeypatch):
    monkeypatch.setattr(doctor, "PROBE", "print('0|cpu|')")
    found = importlib.util.find_spec
    hidden = {"ray", "fastokens", "gigatoken", "datatrove"}
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None if name in hidden else found(name))
    rows = {row["what"]: row for row in doctor.examine()}
    assert {"fastokens", "gigatoken", "ray", "torch", "gpu", "disk", "cores", "shared memory", "open files"} <= set(rows)
    assert all(row["advice"] for row in rows.values() if row["state"] != "ok")
    assert all(rows[name]["state"] == "missing" for name in hidden)
    assert rows["fastokens"]["advice"].startswith("pip install fastokens ")
    assert "[ray]'" in rows["ray"]["advice"]


@pytest.mark.parametrize(
    ("probe", "state", "detail"),
    [("print('2|12.8|NVIDIA H200')", "ok", "2 x NVIDIA H200, torch for CUDA 12.8"), ("raise SystemExit(1)", "warning", "does not load"),
     ("print('')", "warning", "does not load")],
)  # fmt: skip
def test_the_gpu_is_what_torch_finds(monkeypatch, probe: str, state: str, detail: str):
    monkeypatch.setattr(doctor, "PROBE", probe)
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: object())
    row = doctor._gpu()
    assert row["state"] == state
    assert detail in row["detail"]
