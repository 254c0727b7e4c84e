"""Processes that start at once: each is forked from one that has imported already what the program imports.

`python fork_server.py FD` reads requests from a socket: it forks for each one, waits for the child, and answers with its exit
code. The child is a process of its own, with its own folder, variables and files for output, and runs the module as `python -m`
does. What is saved is the start of the interpreter and of pyarrow or torch, which took longer than most commands.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import IO, Any

TESTS = Path(__file__).parents[1]
MAX_MESSAGE = 1 << 20


class ForkServer:
    """The server's process, seen from a test's process."""

    def __init__(self) -> None:
        self._socket, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = os.environ | {"PYTHONPATH": str(TESTS)}
        command = [sys.executable, str(Path(__file__)), str(its.fileno())]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, pass_fds=[its.fileno()], env=environment, start_new_session=True, stdin=quiet, stdout=quiet
        )
        its.close()
        atexit.register(self.close)

    def run(
        self, module: str, arguments: list[str], environment: dict[str, str], imports: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a module in a new process to its end, after the server has imported what is named (once, and for all that follow)."""
        folder = str(Path.cwd())
        request = {"module": module, "arguments": arguments, "environment": environment, "folder": folder, "imports": imports}
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            try:
                socket.send_fds(self._socket, [json.dumps(request).encode()], [out.fileno(), errors.fileno()])
                answer = self._socket.recv(MAX_MESSAGE)
            except BaseException:  # also a time-out of the test: nobody may take the answer for that to the next request
                self.close()
                raise
            assert answer, "the fork server has died"
            return subprocess.CompletedProcess([module, *arguments], int(answer), _content(out), _content(errors))

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """End the server and whatever still runs of it."""
        atexit.unregister(self.close)
        if self.is_alive():
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._socket.close()


@cache
def _server() -> ForkServer:
    return ForkServer()


def server() -> ForkServer:
    """The one of this process, started at the first call."""
    if not _server().is_alive():
        _server.cache_clear()
    return _server()


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def serve(connection: socket.socket) -> dict[str, Any] | None:
    """Fork for each request; returns the request in a child, and None in the server when nobody asks any more."""
    while True:
        message, files, _, _ = socket.recv_fds(connection, MAX_MESSAGE, 2)
        if not message:
            return None
        request: dict[str, Any] = json.loads(message)
        for name in request["imports"]:
            with contextlib.suppress(ImportError):  # of an extra that is not installed: the command says so
                importlib.import_module(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # "multi-threaded": numpy's OpenBLAS, which knows forks
            gc.freeze()  # what is imported stays shared, and no child looks through it
            child = os.fork()
        if child == 0:
            for number, file in enumerate(files, 1):
                os.dup2(file, number)
                os.close(file)
            return request
        for file in files:
            os.close(file)
        _, status = os.waitpid(child, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())


def main() -> None:
    """Serve; in a child, become the program that was asked for."""
    sys.path[0] = str(Path.cwd())  # not this file's folder
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        request = serve(connection)
    if request is None:
        return
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    sys.argv[1:] = request["arguments"]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
