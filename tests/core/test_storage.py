"""Files are whole or absent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mathcode_data.core import storage
from mathcode_data.core.errors import DataError, ResourceError
from mathcode_data.core.storage import atomic_writer, link_once, read_json, write_json


def test_a_writer_that_fails_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "a.json"
    write_json(path, {"old": True})
    with pytest.raises(RuntimeError, match="half"), atomic_writer(path) as file:
        file.write(b"half")
        raise RuntimeError("half")
    assert read_json(path) == {"old": True}
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("call", ["fsync", "rename", "write"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_a_resource_error_that_names_path_and_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int):
    path = tmp_path / "a.json"
    write_json(path, 1)

    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    if call == "fsync":
        monkeypatch.setattr(storage.os, "fsync", full)
    elif call == "rename":
        monkeypatch.setattr(storage.Path, "replace", full)
    with pytest.raises(ResourceError, match=r"a\.json: .*MB free on that disk"), atomic_writer(path) as file:
        if call == "write":
            full()
        file.write(b"2")
    monkeypatch.undo()
    assert read_json(path) == 1
    assert os.listdir(tmp_path) == ["a.json"]


def test_the_first_link_wins(tmp_path: Path):
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    assert link_once(tmp_path / "a", tmp_path / "done" / "x")
    assert not link_once(tmp_path / "b", tmp_path / "done" / "x")
    assert (tmp_path / "done" / "x").read_text() == "a"


def test_a_file_system_without_links_gets_an_exclusive_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_link(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(storage.os, "link", no_link)
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    assert link_once(tmp_path / "a", tmp_path / "x")
    assert not link_once(tmp_path / "b", tmp_path / "x")
    assert (tmp_path / "x").read_text() == "a"


def test_json_that_is_cut_is_a_data_error(tmp_path: Path):
    (tmp_path / "a.json").write_text('{"a": ')
    with pytest.raises(DataError, match=r"a\.json: not JSON"):
        read_json(tmp_path / "a.json")
    with pytest.raises(DataError, match="no such file"):
        read_json(tmp_path / "b.json")
