"""The local Ray cluster of the engine's tests, for this folder too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.engine import TESTS


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One local Ray cluster for all tests; the one that another folder's tests started, where it still runs."""
    ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    import os

    os.environ["PYTHONPATH"] = str(TESTS)
    is_ours = not ray.is_initialized()
    if is_ours:
        ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80 << 20, log_to_driver=False, configure_logging=False)
    yield
    if is_ours:
        ray.shutdown()
