"""Waiting for what must come, on machines of any speed: until it is there, with a deadline that only a hang ever meets."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

Value = TypeVar("Value")
DEADLINE_S = 100.0
"""Ten times what anything that is waited for takes on two busy cores, and less than pytest gives a test."""
POLL_S = 0.02


def wait_until(condition: Callable[[], Value], what: str, process: subprocess.Popen[Any] | None = None, *, poll_s: float = POLL_S) -> Value:
    """The first value of `condition` that is true.

    Args:
        condition: asked again and again.
        what: it is, for the message of a test that fails.
        process: whose end makes waiting vain.
        poll_s: pause between two looks.
    """
    deadline = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        if process is not None and process.poll() is not None and not condition():
            pytest.fail(f"{what}: the process ended before, with {process.returncode}: {said_by(process)}")
        if time.monotonic() > deadline:
            if process is not None:
                process.kill()
            pytest.fail(f"{what}: not within {DEADLINE_S:g} s")
        time.sleep(poll_s)
    return value


def said_by(process: subprocess.Popen[Any], seconds: float = DEADLINE_S) -> str:
    """Wait for the end of a process and give what it said on standard error; one that does not end is killed and fails the test."""
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail(f"{process.args!r} did not end within {seconds:g} s")
    return said.decode(errors="replace") if isinstance(said, bytes) else said or ""
