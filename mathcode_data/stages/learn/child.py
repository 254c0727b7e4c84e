"""Run a function of ours in a child process: under limits where it reads foreign bytes, in a chosen environment where it trains.

Native code that meets a damaged file aborts, eats memory or never ends; in a child that is an error with a message. A
training run needs environment variables that are read at process start (MALLOC_PERTURB_, RAYON_NUM_THREADS).

The child is `python -P -m mathcode_data.stages.learn.child`; the request goes in as JSON on standard input, the answer comes
back as JSON on standard output. What native code prints goes to standard error. The child ends when its parent does.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

import mathcode_data
from mathcode_data.core import errors
from mathcode_data.core.errors import DataError, MathcodeError, ResourceError

PR_SET_PDEATHSIG = 1
SHOWN_CHARACTERS = 300
MAX_STARTS = 3
"""How often a child is started whose predecessor was killed from outside."""


@dataclass(frozen=True)
class Limits:
    """What a child that reads foreign bytes may use; beyond it the bytes are called damaged."""

    memory_bytes: int
    """Address space on top of what the child has when its modules are loaded."""
    seconds: float


def run_in_child(
    function: str, request: Mapping[str, Any], *, what: str, limits: Limits | None = None, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Call `module:name` with `request` in a child process and return its answer (both plain JSON data).

    Args:
        function: a module-level function that takes and returns a dict.
        what: the file or job, for error messages.
        limits: for foreign bytes; then a crash, a time-out and lack of memory are DataErrors.
        environment: variables to add.

    Raises:
        DataError: the function raised one, or a limited child failed.
        ResourceError: no memory (child without limits).
        MathcodeError: the child failed in another way.
    """
    command = [sys.executable, "-P", "-m", __name__]
    message = {
        "function": function,
        "request": dict(request),
        "parent": os.getpid(),
        "memory_bytes": limits.memory_bytes if limits else None,
    }
    paths = [str(Path(mathcode_data.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | dict(environment or {})
    for _ in range(MAX_STARTS):
        try:
            done = subprocess.run(
                command,
                input=json.dumps(message).encode(),
                capture_output=True,
                env=variables,
                timeout=limits.seconds if limits else None,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DataError(f"{what}: not read within {error.timeout:.0f} s; the file is damaged or hostile") from error
        if done.returncode != -signal.SIGKILL:
            break  # that signal came from outside (`kill -9`, the kernel's OOM killer): it says nothing about the file
    if done.returncode == 0:
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
    raise _failure(done, what, is_foreign=limits is not None)


def _failure(done: subprocess.CompletedProcess[bytes], what: str, *, is_foreign: bool) -> MathcodeError:
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = {}
    noise = " ".join(done.stderr.decode("utf-8", "replace").split())[-SHOWN_CHARACTERS:]
    ended = f"killed by {signal.Signals(-done.returncode).name}" if done.returncode < 0 else f"exit code {done.returncode}"
    name, text = str(report.get("error", "")), str(report.get("message") or noise or ended)
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, MathcodeError):
        return kind(text)
    text = text if report else f"{ended}{': ' + noise if noise else ''}"
    if is_foreign:
        return DataError(f"{what}: cannot be loaded ({text}); the file is damaged, of another format, or too large")
    if name == "MemoryError" or done.returncode == -signal.SIGKILL:
        return ResourceError(f"{what}: out of memory ({text}); free memory or make the job smaller")
    return MathcodeError(f"{what}: the child process failed ({text})")


def main() -> int:
    """Serve one request; called in the child."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native code prints must not get into the answer
    message = json.load(sys.stdin)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != message["parent"]:
        return 1  # the parent died before the line above
    module, _, name = message["function"].partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        if message["memory_bytes"] is not None:
            _limit_memory(message["memory_bytes"])
        answer, code = function(message["request"]), 0
    except Exception as error:  # noqa: BLE001  (the parent raises it again, with its name)
        answer, code = {"error": type(error).__name__, "message": " ".join(str(error).split())[:2000]}, 1
    answers.write(json.dumps(answer).encode())
    answers.close()
    return code


def _limit_memory(more_bytes: int) -> None:
    limit = psutil.Process().memory_info().vms + more_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main())
