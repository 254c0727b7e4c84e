"""Run generated Python where it can do no harm.

A program runs in a process of its own: `python -I -S`, an empty environment, an empty temporary folder, limits on processor time,
memory, files, processes and open files, a wall clock that kills the whole process group, and a bounded answer. Where the system allows
it (as root, or with user name spaces) the process has no network, sees no other process, and its root folder is the empty one, so
there is no file to read or to write; it has another user's id and no capability. `isolation` says which of these hold here, and
reports say it too. A fence in Python (an audit hook) stands inside in any case; it alone would not stop a determined program.
"""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHILD = Path(__file__).with_name("sandbox_child.py")
MAX_PROGRAM_BYTES = 32_768
"""Of UTF-8; what a pipe takes at once, so that writing it never waits. A generated program is a hundredth of this."""


@dataclass(frozen=True)
class Limits:
    """What a program may use."""

    wall_s: float = 5.0
    cpu_s: int = 2
    memory_bytes: int = 512 << 20
    """Of address space; Python itself takes about 30 MB."""
    max_output_bytes: int = 4096
    """Of the answer; a program that writes more is killed."""
    use_namespaces: bool = True
    use_audit: bool = True
    """The fence in Python."""

    def resources(self) -> dict[str, int]:
        """Limits of the kernel by their names in the module `resource`."""
        return {
            "RLIMIT_CPU": self.cpu_s, "RLIMIT_AS": self.memory_bytes, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0, "RLIMIT_NOFILE": 16,
            "RLIMIT_NPROC": 0, "RLIMIT_MEMLOCK": 0,
        }  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """What became of a program."""

    status: str
    """ok; error (it raised), syntax, no_value (no `solution()`, or it gave None), memory, timeout, output (it wrote too much), killed
    (a limit of the kernel ended it), or too_long."""
    value: str | None = None
    error: str | None = None
    """Name of the exception, for the status error."""
    doors: tuple[str, ...] = ()
    """Doors that were shut: network, processes, mounts, files, nobody, user, capabilities."""
    seconds: float = 0.0


def run_program(program: str, limits: Limits | None = None) -> Ran:
    """Run a program that defines `solution()` and give what it returns as text.

    Args:
        program: Python source.
        limits: what it may use.

    Returns:
        The outcome; nothing that the program does is an error of ours.
    """
    limits = limits or Limits()
    if len(program.encode("utf-8", "surrogatepass")) > MAX_PROGRAM_BYTES:
        return Ran("too_long")
    order = {"program": program, "limits": limits.resources(), "namespaces": limits.use_namespaces, "audit": limits.use_audit}
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mathcode-sandbox-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=folder, env={}, start_new_session=True, close_fds=True,
        )  # fmt: skip
        try:
            output, reason = _converse(process, json.dumps(order).encode(), started + limits.wall_s, limits.max_output_bytes)
        finally:
            _kill_group(process)
    return _outcome(output, reason, time.monotonic() - started)


def _converse(process: subprocess.Popen[bytes], order: bytes, deadline: float, max_bytes: int) -> tuple[bytes, str]:
    """Give the order, read the answer: to its end, to the deadline, or to the bound."""
    assert process.stdin is not None, "it is a pipe"
    assert process.stdout is not None, "it is a pipe"
    try:
        process.stdin.write(order)
        process.stdin.close()
    except BrokenPipeError:
        return b"", "killed"
    output = b""
    while True:
        left = deadline - time.monotonic()
        ready = select.select([process.stdout], [], [], max(0.0, left))[0]
        if not ready:
            return output, "timeout"
        block = os.read(process.stdout.fileno(), 4096)
        if not block:
            return output, ""
        output += block
        if len(output) > max_bytes:
            return output[:max_bytes], "output"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill all that the program started, and wait for it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.poll()  # all are gone already
    if process.stdout is not None:
        process.stdout.close()
    process.wait()


def _outcome(output: bytes, reason: str, seconds: float) -> Ran:
    answers: list[dict[str, Any]] = []
    for line in output.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue  # the program wrote into our pipe
        if isinstance(found, dict):
            answers.append(found)
    doors = tuple(answers[0].get("doors", ())) if answers else ()
    if reason:
        return Ran(reason, doors=doors, seconds=seconds)
    last = answers[-1] if len(answers) > 1 else {}
    status, value, error = last.get("status"), last.get("value"), last.get("error")
    if not isinstance(status, str):
        return Ran("killed", doors=doors, seconds=seconds)
    return Ran(status, value if isinstance(value, str) else None, error if isinstance(error, str) else None, doors, seconds)


@functools.lru_cache(maxsize=1)
def isolation() -> tuple[str, ...]:
    """Doors that the sandbox can shut on this system, found by running a program in it."""
    return run_program("def solution():\n    return 1\n").doors


def isolation_text() -> str:
    """The same for reports."""
    doors = isolation()
    missing = [name for name in ("network", "processes", "files", "capabilities") if name not in doors]
    if not missing:
        return "generated programs ran without network, files, other processes and capabilities (kernel name spaces)"
    return (
        f"generated programs ran with limits on time, memory, processes and files, but this system gave no name space for: "
        f"{', '.join(missing)}; there only a fence in Python stood in the way"
    )
