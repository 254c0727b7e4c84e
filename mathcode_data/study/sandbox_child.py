"""What runs inside the sandbox: shuts every door that it can, says which, then runs the program.

It is started as `python -I -S sandbox_child.py` with the order as JSON on standard input, in an empty folder, a session of its own
and an empty environment. The order of the doors matters: modules are loaded first, since after `chroot` there is no file left to
load from; then name spaces, root folder, user, capabilities, limits. It uses the standard library alone.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
from typing import Any, NoReturn

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
LAST_CAPABILITY = 63
CAPABILITY_VERSION_3 = 0x20080522
FIRST_UID, NUM_UIDS = 200_000_000, 1_000_000
"""User ids that nobody has, one per process: a limit on processes counts those of a user."""
PRELOADED = (
    "bisect", "calendar", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "heapq",
    "itertools", "json", "math", "numbers", "operator", "random", "re", "statistics", "string", "textwrap", "time", "typing",
)  # fmt: skip
MAX_VALUE_CHARACTERS = 200
REFUSED_EVENTS = ("open", "socket.", "subprocess.", "os.", "shutil.", "ctypes.", "signal.", "fcntl.", "resource.", "tempfile.", "urllib.")
"""Audit events that a program may not cause: a second fence inside the first one, for systems without name spaces."""


def main() -> NoReturn:
    """Read the order, shut the doors, run the program."""
    order = json.loads(sys.stdin.buffer.read())
    for name in PRELOADED:
        __import__(name)
    result = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    doors = _shut_doors(order)
    _write(result, {"doors": doors})
    if order["audit"]:
        sys.addaudithook(_refuse)
    _write(result, _run(order["program"]))
    os._exit(0)


def _write(descriptor: int, value: dict[str, Any]) -> None:
    os.write(descriptor, json.dumps(value).encode() + b"\n")


def _shut_doors(order: dict[str, Any]) -> list[str]:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
    is_root = os.getuid() == 0
    doors = _leave_name_spaces(libc, is_root) if order["namespaces"] else []
    if "processes" in doors:
        _become_first_process(libc)
    if order["namespaces"] and _try_chroot():
        doors.append("files")
    if is_root:
        _become_nobody(doors)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for number in range(LAST_CAPABILITY + 1):
        libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) == 0:
        doors.append("capabilities")
    for name, value in order["limits"].items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (bound, bound))
    return doors


def _leave_name_spaces(libc: Any, is_root: bool) -> list[str]:
    """Leave the name spaces of network, processes, mounts and System V objects; what the system refuses is left out."""
    whole = CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC
    tries = [whole, whole | CLONE_NEWUSER] if is_root else [whole | CLONE_NEWUSER]
    for flags in [*tries, CLONE_NEWNET | CLONE_NEWUSER]:
        if libc.unshare(flags) == 0:
            found = ["network"]
            found += ["processes", "mounts"] if flags & CLONE_NEWPID else []
            return found + (["user"] if flags & CLONE_NEWUSER else [])
    return []


def _become_first_process(libc: Any) -> None:
    """A new name space of processes begins with the next child; this process only waits for it."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
    libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)


def _try_chroot() -> bool:
    try:
        os.chroot(".")
        os.chdir("/")
    except OSError:
        return False
    return True


def _become_nobody(doors: list[str]) -> None:
    number = FIRST_UID + int.from_bytes(os.urandom(4), "little") % NUM_UIDS
    try:
        os.setgroups([])
        os.setresgid(number, number, number)
        os.setresuid(number, number, number)
    except OSError:  # inside a user name space without a map there is one user only
        return
    doors.append("nobody")


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:  # noqa: ARG001
    if event.startswith(REFUSED_EVENTS):
        raise PermissionError(f"{event} is not allowed in the sandbox")


def _run(program: str) -> dict[str, Any]:
    """Run the program's `solution()`; what it gives must be a number or a short text."""
    try:
        names: dict[str, Any] = {"__name__": "program"}
        exec(compile(program, "program", "exec"), names)
        value = names["solution"]() if callable(names.get("solution")) else None
        if value is None:
            return {"status": "no_value"}
        text = str(value)[:MAX_VALUE_CHARACTERS]
    except MemoryError:
        return {"status": "memory"}
    except SyntaxError:
        return {"status": "syntax"}
    except BaseException as error:  # noqa: BLE001  (whatever a program raises is its outcome)
        return {"status": "error", "error": type(error).__name__}
    return {"status": "ok", "value": text}


if __name__ == "__main__":
    main()
