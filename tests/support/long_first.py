"""Files whose tests take long begin first, so that at the end of a run of several processes none waits for one file."""

from __future__ import annotations

from typing import Any

import pytest

SECONDS = {
    "project/test_wheel.py": 80,  # compiles the inner loops anew
    "project/test_tools.py": 70,  # mypy has no cache in a new clone
    "faults/test_kills_at_random.py": 70,
    "faults/test_disk_faults.py": 60,
    "tokenize/test_tokenize.py": 55,
    "study/test_tiny_study.py": 55,
    "trainer/test_processes.py": 45,
    "storage/test_s3_whole_way.py": 45,
    "inspect/test_verify_mutations.py": 40,
    "fuzz/test_fuzz.py": 40,
    "runtime/test_whole_way.py": 40,
    "trainer/test_tensor_parallel.py": 35,
    "recall/test_rounds.py": 30,
    "runtime/test_kills.py": 30,
    "crawl/test_rounds.py": 30,
    "crawl/test_process.py": 25,
    "trainer/test_newcomer.py": 25,
    "dedup/test_minhash.py": 20,
    "dedup/test_policies.py": 20,
    "crawl/test_crawl.py": 20,
    "faults/test_poison.py": 20,
    "interop/test_datatrove.py": 20,
    "mixture/test_verify.py": 15,
    "tokenize/test_backends.py": 15,
    "runtime/test_ray.py": 15,
    "quickstart/test_init.py": 15,
    "trainer/test_generate.py": 10,
    "trainer/test_faults.py": 10,
    "trainer/test_continue.py": 10,
    "trainer/test_checkpoint.py": 10,
    "trainer/test_triton.py": 10,
    "decontaminate/test_ngram.py": 10,
    "faults_cases/test_engine.py": 10,
    "runtime/test_upkeep.py": 10,
    "project/test_style.py": 10,
    "cli/test_cli.py": 10,
}
"""Of the files that take long, on two cores that are busy."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep xdist from sorting files by their number of tests."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Put the longest files first; the others keep their order."""
    items.sort(key=lambda item: -SECONDS.get(item.nodeid.partition("::")[0].removeprefix("tests/"), 0))
