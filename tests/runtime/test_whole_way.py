"""The whole way with the real stages, at small size: the same bytes on every runner and after kills."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest

from mathcode_data.core.manifest import read_result
from mathcode_data.runtime.pool import PoolRunner
from support.engine import run, start_driver, tree_hashes
from support.waiting import said_by

ROOT = Path(__file__).parents[2]
SMALLER = {
    "host: math-seed}": "host: math-seed, max_pages: 50}",
    "host: random-web}": "host: random-web, max_pages: 60}",
    "host: crawl}": "host: crawl, max_pages: 150}",
    "packages: [stdlib]": "packages: [json, email, unittest, logging], split_bytes: 300kB",
    "vocab_size: 4096, sample_bytes: 8MB": "vocab_size: 600, sample_bytes: 500kB",
    "shard_tokens: 4M": "shard_tokens: 100k",
    "bucket: 65536": "bucket: 4096",
    "output: ../results/quickstart": "output: out",
}


def make_small(folder: Path) -> Path:
    """The quickstart's pipeline with fewer pages and less code."""
    folder.mkdir()
    shutil.copyfile(ROOT / "pipelines" / "quickstart-benchmark.jsonl", folder / "quickstart-benchmark.jsonl")
    text = (ROOT / "pipelines" / "quickstart.yaml").read_text(encoding="utf-8")
    for old, new in SMALLER.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "small.yaml").write_text(text)
    return folder / "small.yaml"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("inline") / "run"
    run(make_small(folder))
    hashes = tree_hashes(folder / "out")
    tokens = read_result(folder / "out" / "code").manifest
    assert len([shard for shard in tokens.shards if shard.name.endswith(".bin")]) > 1, "several shards, or the order is not tested"
    assert tokens.num_tokens > 100_000
    return hashes


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [2, 5])
def test_a_pool_gives_the_bytes_of_an_inline_run(tmp_path: Path, expected: dict[str, str], num_workers: int):
    runner = PoolRunner(num_workers)
    run(make_small(tmp_path / "run"), runner)
    runner.close()
    assert tree_hashes(tmp_path / "run" / "out") == expected


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")  # Ray's own start-up warns of resource limits of the machine
def test_ray_gives_the_bytes_of_an_inline_run(tmp_path: Path, expected: dict[str, str], ray_cluster: None):
    from mathcode_data.runtime.ray import RayRunner

    run(make_small(tmp_path / "run"), RayRunner())
    assert tree_hashes(tmp_path / "run" / "out") == expected


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_driver_killed_at_random_resumes_to_the_same_bytes(tmp_path: Path, expected: dict[str, str]):
    path = make_small(tmp_path / "run")
    draw = random.Random(5)
    killed = 0
    for _ in range(3):
        driver = start_driver(path, "--workers", "2", "--quiet")
        time.sleep(draw.uniform(1.0, 4.0))
        if driver.poll() is None:
            driver.kill()
            killed += 1
        driver.communicate()
    assert killed
    driver = start_driver(path, "--workers", "2", "--quiet")
    errors = said_by(driver, 250)
    assert driver.returncode == 0, errors
    assert tree_hashes(tmp_path / "run" / "out") == expected
