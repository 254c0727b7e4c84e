"""Checkpoints: whole or absent, damage is found and named, the last few are kept."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.core.storage import remove_tree, to_json
from mathcode_data.trainer import checkpoint, checkpoint_storage
from mathcode_data.trainer.checkpoint import list_checkpoints, newest_checkpoint, open_checkpoint, save_checkpoint
from mathcode_data.trainer.tensor_file import DTYPES, read_tensors, write_tensors


def tensors_at(step):
    return {"model": {"w": torch.arange(6.0).view(2, 3) + step}, "rng": {"cpu": torch.arange(5, dtype=torch.uint8)}}


def save(root, step, keep=2):
    return save_checkpoint(root, {"step": step, "position": 4 * step}, tensors_at(step), keep=keep)


def equal(a, b):
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return a.numel() == 0 or torch.equal(a.reshape(-1).view(torch.uint8), b.reshape(-1).view(torch.uint8))


@given(st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"), st.tuples(
    st.sampled_from(sorted(DTYPES)), st.lists(st.integers(0, 4), max_size=3), st.integers(0, 255)), max_size=6))  # fmt: skip
@settings(max_examples=30)
def test_tensor_files_give_back_the_same_bits(tmp_path_factory, shapes):
    path = tmp_path_factory.mktemp("tensors") / "t.safetensors"
    tensors = {}
    for name, (dtype, shape, fill) in shapes.items():
        tensors[name] = torch.empty(shape, dtype=DTYPES[dtype])
        if tensors[name].numel():
            tensors[name].reshape(-1).view(torch.uint8).fill_(fill % 2 if dtype == "BOOL" else fill)
    size, sha256 = write_tensors(path, tensors, {"format": "pt"})
    found = read_tensors(path)
    assert set(found) == set(tensors)
    assert all(equal(found[name], tensors[name]) for name in tensors)
    assert path.stat().st_size == size
    assert (size, sha256) == write_tensors(path, tensors, {"format": "pt"}), "the same tensors give the same file"


def test_tensor_file_is_of_the_safetensors_format(tmp_path):
    path = tmp_path / "t.safetensors"
    write_tensors(path, {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor(3, dtype=torch.int64)})
    raw = path.read_bytes()
    header = raw[8 : 8 + int.from_bytes(raw[:8], "little")]
    expected = b'{"b":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}'
    assert header.rstrip() == expected
    assert raw[8 + len(header) :] == np.array([3], "<i8").tobytes() + np.array([1, 2], "<f4").tobytes()


def with_header(header):
    return len(header).to_bytes(8, "little") + header


@pytest.mark.parametrize("content", [
    b"", b"\x00" * 8, b"\xff" * 8 + b"{}", with_header(b"null"), with_header(b"[]"), with_header(b'{"a":1}'),
    with_header(b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'),
    with_header(b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[4,0]}}'),
    with_header(b'{"a":{"dtype":"X9","shape":[],"data_offsets":[0,0]}}'),
])  # fmt: skip
def test_a_file_that_is_no_tensor_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "t.safetensors"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"t\.safetensors: "):
        read_tensors(path)


def test_a_checkpoint_gives_back_record_and_tensors(tmp_path):
    folder = save(tmp_path, 3)
    found = open_checkpoint(folder)
    assert (found.record["step"], found.record["position"]) == (3, 12)
    assert equal(found.tensors("model")["w"], tensors_at(3)["model"]["w"])
    assert folder.name == "step-00000003"


def test_the_last_few_are_kept(tmp_path):
    for step in (1, 2, 10, 9_999, 123_456_789):
        save(tmp_path, step, keep=3)
    assert [int(path.name[5:]) for path in list_checkpoints(tmp_path)] == [10, 9_999, 123_456_789]
    assert newest_checkpoint(tmp_path, use_previous=False).record["step"] == 123_456_789


def test_no_checkpoint_is_none(tmp_path):
    assert newest_checkpoint(tmp_path / "nothing", use_previous=False) is None


@pytest.mark.parametrize("name", ["model.safetensors", "rng.safetensors", "checkpoint.json"])
def test_any_flipped_byte_is_refused_and_the_file_named(tmp_path, name):
    folder = save(tmp_path, 1)
    path = folder / name
    whole = path.read_bytes()
    for place in sorted({0, 9, len(whole) // 3, len(whole) // 2, len(whole) - 2}):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises((VerificationError, ConfigError), match=name.replace(".", r"\.")):
            open_checkpoint(folder)
    path.write_bytes(whole[:-2])
    with pytest.raises(VerificationError, match=name.replace(".", r"\.")):
        open_checkpoint(folder)
    path.unlink()
    with pytest.raises(VerificationError, match=name.replace(".", r"\.")):
        open_checkpoint(folder)


def damage(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x99")


def test_a_damaged_newest_checkpoint_stops_and_says_how_to_go_on(tmp_path):
    save(tmp_path, 1)
    damage(save(tmp_path, 2))
    with pytest.raises(VerificationError, match="step-00000002/model.safetensors: .*set damaged_checkpoint: use_previous"):
        newest_checkpoint(tmp_path, use_previous=False)
    assert len(list_checkpoints(tmp_path)) == 2


def test_the_previous_one_is_used_if_told_and_the_damaged_one_is_set_aside(tmp_path):
    save(tmp_path, 1)
    damage(save(tmp_path, 2))
    assert newest_checkpoint(tmp_path, use_previous=True).record["step"] == 1
    assert (tmp_path / ".damaged-step-00000002").is_dir()
    assert save(tmp_path, 2).is_dir(), "the step can be saved again"


def test_all_damaged_never_means_starting_anew(tmp_path):
    damage(save(tmp_path, 1))
    damage(save(tmp_path, 2))
    for use_previous in (True, True, False):  # the first call sets them aside, the later ones find none
        with pytest.raises(VerificationError, match="all 2 checkpoints are damaged .*remove them .*or choose another output"):
            newest_checkpoint(tmp_path, use_previous=use_previous)
    for folder in tmp_path.glob(".damaged-*"):
        remove_tree(folder)
    assert newest_checkpoint(tmp_path, use_previous=True) is None


def test_a_record_of_another_format_is_refused(tmp_path):
    folder = save(tmp_path, 1)
    record = {**open_checkpoint(folder).record, "format": 99}
    (folder / "checkpoint.json").write_bytes(to_json({**record, "sha256": checkpoint._hash(record)}))
    with pytest.raises(ConfigError, match="format 99, this program reads 2"):
        open_checkpoint(folder)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.mark.parametrize("place", ["write_tensors", "write_json", "fsync_folder"])
@pytest.mark.parametrize("call", [1, 2])
def test_killed_in_the_middle_of_a_save_keeps_the_previous_one(tmp_path, monkeypatch, place, call):
    save(tmp_path, 1)
    calls = []
    module = checkpoint_storage if place == "write_tensors" else checkpoint
    real = getattr(module, place)

    def stop(*arguments, **options):
        calls.append(place)
        if len(calls) == call:
            raise Killed
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, place, stop)
        try:
            save(tmp_path, 2)
        except Killed:
            renamed = place == "fsync_folder"  # the only call after the rename
            assert newest_checkpoint(tmp_path, use_previous=False).record["step"] == (2 if renamed else 1)
    save(tmp_path, 3)
    assert not list(tmp_path.glob(".tmp-*")), "what the killed save left is removed by the next"
    assert newest_checkpoint(tmp_path, use_previous=False).record["step"] == 3


SAVERS = """
import os, sys, torch
from pathlib import Path
from mathcode_data.trainer.checkpoint import save_checkpoint
def save_for_ever(root):
    torch.set_num_threads(1)
    groups = {"model": {"w": torch.zeros(2_000_000)}}
    step = 0
    while True:
        step += 1
        groups["model"]["w"].fill_(step)
        save_checkpoint(root, {"step": step}, groups, keep=2)
        print("saved", os.getpid(), step, flush=True)
for root in sys.argv[1:]:
    if not os.fork():
        save_for_ever(Path(root))
    print("ended", *os.wait(), flush=True)
"""
"""A saver for each folder, one after the other's end; they are forked, so that torch is imported once."""


@pytest.mark.slow
def test_sigkill_at_any_moment_leaves_the_last_reported_checkpoint_or_a_later_one(tmp_path):
    delays = {tmp_path / str(delay_ms): delay_ms / 1000 for delay_ms in (3, 11, 23)}
    last = {}
    with subprocess.Popen([sys.executable, "-c", SAVERS, *map(str, delays)], stdout=subprocess.PIPE, text=True) as savers:
        lines = (line.split() for line in savers.stdout)
        for root, delay_s in delays.items():
            _, saver, step = next(lines)
            time.sleep(delay_s)
            os.kill(int(saver), signal.SIGKILL)
            steps = [step, *(number for _, _, number in itertools.takewhile(lambda line: line[0] == "saved", lines))]
            last[root] = max(map(int, steps))
    for root, reported in last.items():
        found = newest_checkpoint(root, use_previous=False)
        assert found.record["step"] >= reported
        assert (found.tensors("model")["w"] == found.record["step"]).all()
