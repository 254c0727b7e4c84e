"""Fixtures that all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from support.fault_report import pytest_collection_modifyitems, pytest_configure, pytest_terminal_summary

__all__ = ["pytest_collection_modifyitems", "pytest_configure", "pytest_terminal_summary"]
pytest_plugins = ["support.long_first"]

ROOT = Path(__file__).parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# deterministic: a test fails today and tomorrow or never; the deep profile is for a run by hand
hypothesis.settings.register_profile("default", max_examples=40, deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("deep", max_examples=2000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name compressed bytes by their length: gzip holds the time, and all processes of a run must find the same names."""
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) and (b"\x1f\x8b" in val or len(val) > 200) else None


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """The command line puts signals to rest before its process ends; a test that calls it goes on."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real pages, benchmarks and tokenizers beside the checkout; tests that need it skip without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no folder of real data beside the checkout (../shared/data); this test needs its pages and tokenizers")
    return SHARED_DATA


@pytest.fixture(scope="session")
def repository() -> Path:
    """Top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One local Ray cluster for all tests of a process, whatever cluster else runs on the machine; its workers find the toy stages."""
    ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    os.environ["PYTHONPATH"] = str(ROOT / "tests")
    memory = 80 << 20
    ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=memory, log_to_driver=False, configure_logging=False)
    yield
    ray.shutdown()
