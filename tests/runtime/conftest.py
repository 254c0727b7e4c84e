"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.engine import TESTS


@pytest.fixture(autouse=True)
def _toy_stages_in_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are new processes; they find the toy stages through PYTHONPATH."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One local Ray cluster for all tests."""
    ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    import os

    os.environ["PYTHONPATH"] = str(TESTS)
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80 << 20, log_to_driver=False, configure_logging=False)
    yield
    ray.shutdown()
