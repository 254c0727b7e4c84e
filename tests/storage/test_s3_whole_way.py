"""The whole way with its results on an object store: run, killed, gone on with elsewhere, mixed, read, verified; no key in any byte."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import orjson
import pytest

from mathcode_data.core.object_store import STORE, mirror_of
from mathcode_data.mixture.dataset import MixtureDataset
from support.command import call
from support.engine import make_toy, start_driver, tree_hashes
from support.waiting import DEADLINE_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SECRET = "not-to-be-seen-anywhere"
MIXTURE = """
name: m
seed: 1
sequence_length: 8
sources:
  code: {{shards: s3://{bucket}/out/tokens}}
stages:
  - {{name: one, tokens: {{code: 400}}}}
"""


def make(folder: Path, output: str, wait_s: float = 0.0) -> Path:
    path = make_toy(folder, wait_s=wait_s)
    text = path.read_text().replace("output: out", f"output: {output}") + "  - id: tokens\n    tokenize: {vocab_size: 300}\n"
    path.write_text(text)
    return path


def objects(bucket: str, prefix: str) -> dict[str, bytes]:
    place = mirror_of(f"s3://{bucket}/{prefix}")
    return {path.relative_to(place).as_posix(): STORE.read(path) or b"" for path in STORE.sizes(place)}


def bring_back(bucket: str, prefix: str, folder: Path) -> dict[str, str]:
    """Hashes of what the store holds, as those of a local tree."""
    for name, content in objects(bucket, prefix).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return tree_hashes(folder)


def wait_for_done(bucket: str, number: int, process) -> int:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        done = [path for path in STORE.sizes(mirror_of(f"s3://{bucket}/out")) if path.parent.name == "done"]
        if len(done) >= number or process.poll() is not None:
            return len(done)
        time.sleep(0.05)
    return 0


def test_killed_and_gone_on_with_on_another_machine_the_bytes_are_those_of_a_local_run(bucket: str, tmp_path: Path, monkeypatch):
    path = make(tmp_path / "far", f"s3://{bucket}/out", wait_s=0.2)
    driver = start_driver(path, "-q", "--workers", "1")
    assert wait_for_done(bucket, 2, driver) >= 2
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    done = [path.name for path in STORE.sizes(mirror_of(f"s3://{bucket}/out")) if path.parent.name == "done"]
    assert len(done) >= 2, "records were put on the store before the kill"
    shutil.rmtree(os.environ["MATHCODE_DATA_CACHE"])  # another machine has no mirror
    again = call("run", path, "--json", "--workers", "1")
    assert again.returncode == 0, again.stderr
    assert orjson.loads(again.stdout)[-1]["folder"] == f"s3://{bucket}/out/tokens"
    whole = make(tmp_path / "same", "out", wait_s=0.2)
    assert call("run", whole, "-q").returncode == 0
    found = bring_back(bucket, "out", tmp_path / "back")
    expected = tree_hashes(tmp_path / "same" / "out")
    assert {name: digest for name, digest in found.items() if not name.endswith("manifest.json")} == {
        name: digest for name, digest in expected.items() if not name.endswith("manifest.json")
    }
    assert [name for name in found if name.startswith(".")] == [], "no work and no lock is left"
    cache = os.environ["MATHCODE_DATA_CACHE"]
    assert SECRET not in again.stdout + again.stderr
    assert not [name for name, content in objects(bucket, "out").items() if SECRET.encode() in content or cache.encode() in content]
    rows = orjson.loads(call("run", path, "--json", "--runner", "inline").stdout)
    assert [row["up_to_date"] for row in rows] == [True] * len(rows)


def test_a_mixture_of_shards_on_the_store_is_built_there_read_verified_and_inspected(bucket: str, tmp_path: Path):
    assert call("run", make(tmp_path / "p", f"s3://{bucket}/out"), "-q").returncode == 0
    recipe = tmp_path / "m.yaml"
    recipe.write_text(MIXTURE.format(bucket=bucket))
    shutil.rmtree(os.environ["MATHCODE_DATA_CACHE"])
    built = call("build-mixture", recipe, "--output", f"s3://{bucket}/mixtures/m")
    assert built.returncode == 0, built.stderr
    assert f"s3://{bucket}/mixtures/m" in built.stdout
    assert set(objects(bucket, "mixtures/m")) == {"mixture.json", "blocks.xxh3", "dataset_index.npy", "dataset_sample_index.npy"}
    near = MixtureDataset(mirror_of(f"s3://{bucket}/mixtures/m"))
    far = MixtureDataset(f"s3://{bucket}/mixtures/m")
    assert len(near) == len(far) == 50
    assert [far[i]["tokens"].tolist() for i in (0, 7, 49)] == [near[i]["tokens"].tolist() for i in (0, 7, 49)]
    shutil.rmtree(os.environ["MATHCODE_DATA_CACHE"])
    assert call("verify", f"s3://{bucket}/mixtures/m", "--full").returncode == 0, "the shards come down with it"
    assert call("verify", f"s3://{bucket}/out", "--full").returncode == 0
    shown = call("inspect", f"s3://{bucket}/out/tokens", "--json")
    assert shown.returncode == 0, shown.stderr
    name = next(name for name in objects(bucket, "out/tokens") if name.endswith(".bin"))
    shard = mirror_of(f"s3://{bucket}/out/tokens/{name}")
    content = bytearray(STORE.read(shard) or b"")
    content[5] ^= 1
    STORE.put(shard, bytes(content))
    shutil.rmtree(os.environ["MATHCODE_DATA_CACHE"])
    broken = call("verify", f"s3://{bucket}/out/tokens", "--full")
    assert broken.returncode == 5
    assert f"s3://{bucket}/out/tokens/{name}" in broken.stderr


def test_two_runs_of_one_output_do_not_meet_and_the_lock_of_a_dead_one_is_free(bucket: str, tmp_path: Path, monkeypatch):
    path = make(tmp_path / "p", f"s3://{bucket}/out")
    lock = mirror_of(f"s3://{bucket}/out/.lock")
    STORE.put(lock, orjson.dumps({"pid": 4711, "host": "another", "started": 1.0}))
    refused = call("run", path, "-q", "--runner", "inline")
    assert refused.returncode == 4, refused.stderr
    assert "process 4711 on another works here" in refused.stderr
    assert f"remove s3://{bucket}/out/.lock" in refused.stderr
    import platform

    STORE.put(lock, orjson.dumps({"pid": os.getpid(), "host": platform.node(), "started": 1.0}))  # a number that is another's by now
    assert call("run", path, "-q", "--runner", "inline").returncode == 0
    assert STORE.read(lock) is None
    STORE.put(mirror_of(f"s3://{bucket}/thesis/notes.txt"), b"precious")
    other = make(tmp_path / "q", f"s3://{bucket}/thesis")
    refused = call("run", other, "-q", "--runner", "inline")
    assert refused.returncode == 2
    assert "not empty and not the output of a pipeline" in refused.stderr
    assert STORE.read(mirror_of(f"s3://{bucket}/thesis/notes.txt")) == b"precious"
