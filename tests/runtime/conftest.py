"""Fixtures of the engine's tests."""

from __future__ import annotations

import pytest

from support.engine import TESTS


@pytest.fixture(autouse=True)
def _toy_stages_in_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are new processes; they find the toy stages through PYTHONPATH."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
