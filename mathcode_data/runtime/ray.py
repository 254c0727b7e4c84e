"""The Ray runner: the only place that knows Ray. It carries task numbers and outcomes; data goes through files.

Ray's own retries are off; the driver retries. What cannot run (no cluster at the address, too few CPUs, a worker with another
version, local paths on a cluster of several hosts) is an error within seconds, never a silent wait.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mathcode_data import __version__
from mathcode_data.core.errors import ConfigError, InterruptedRunError, ResourceError
from mathcode_data.core.plugins import install_hint
from mathcode_data.core.runner import FailureKind, TaskOutcome
from mathcode_data.runtime.pool import check_workers
from mathcode_data.runtime.task_clock import Clock, telling

WINDOW_PER_CPU = 2
POLL_S = 0.5
STALLED_S = 30.0
"""Until a first worker must have answered: a new one spends seconds on imports."""
BUSY_S = 8.0
"""The same where other programs hold every CPU, so that no worker can even start."""
LOST_S = 60.0
"""What a cluster without a CPU left, after its nodes died, is given to get nodes back."""
PORT_S = 3.0
"""Until the port must have answered."""
CONNECT_S = 20.0
"""Until what answers at the port must have proved to be a cluster that takes this driver: 2 s on an idle machine."""
STOP_GRACE_S = 8.0
"""What running tasks are given after a signal, as in the pool."""
CLIENT = "ray://"
SHOWN_CHARACTERS = 300
ERROR_LINE = re.compile(r"[A-Za-z_.]*(Error|Exception): ")
HTTP2_SETTINGS = b"\x04"
HTTP2_FRAME_HEAD_BYTES = 9
HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + HTTP2_SETTINGS + b"\0\0\0\0\0"
TRY_TO_CONNECT = """
import sys
import ray
try:
    ray.init(address=sys.argv[1], log_to_driver=False, configure_logging=False)
except Exception as error:
    while error.__cause__ is not None:
        error = error.__cause__
    sys.exit(f"{type(error).__name__}: {error}")
"""
OBJECT_STORE_BYTES = 80 << 20
"""Only outcomes of a few hundred bytes live there."""


def _execute(plan: str, index: int, clock: str = "") -> dict[str, Any]:
    """Body of the remote function: plain data in, plain data out. With `clock`, a file, it tells there how its time goes."""
    from mathcode_data.runtime.worker import execute, failure_kind, limit_threads

    limit_threads()
    if not clock:
        return asdict(execute(Path(plan), index))
    try:
        with telling(Path(clock)):
            return asdict(execute(Path(plan), index))
    except OSError as error:  # of the clock: a task gives its errors as an outcome
        return asdict(TaskOutcome(index, failure_kind(error), f"{clock}: {error.strerror or error}"))


class RayRunner:
    """Runs tasks as Ray tasks of one CPU each, on a new local cluster or on the one at `address`."""

    name = "ray"

    def __init__(
        self,
        address: str | None = None,
        num_workers: int | None = None,
        stop: Callable[[], bool] = lambda: False,
        listen_again: Callable[[], None] = lambda: None,
    ) -> None:
        """`listen_again` puts the driver's handlers of signals back after Ray has put its own in their place."""
        if address is None:
            check_workers(num_workers or 1)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
        os.environ.setdefault("RAY_task_oom_retries", "0")
        try:
            import ray
        except ModuleNotFoundError as error:
            raise ConfigError(f"the ray runner needs the package ray; {install_hint('ray')}") from error
        self._ray = ray
        self._stop = stop
        _end_if(stop)
        self._started_here = not ray.is_initialized()
        try:
            if self._started_here:
                try:
                    self._connect(address, num_workers)
                finally:
                    listen_again()
            _end_if(stop)
            self._take_up(num_workers)
        except BaseException:
            self.close()
            raise

    def _take_up(self, num_workers: int | None) -> None:
        """Look at the cluster before the first task."""
        ray = self._ray
        cpus = int(ray.cluster_resources().get("CPU", 0))
        if cpus < 1:
            raise ResourceError("the Ray cluster has no CPU for tasks (each needs 1); add worker nodes or start them with --num-cpus")
        if num_workers is not None and num_workers > cpus:
            raise ResourceError(
                f"--workers {num_workers}: the Ray cluster has {cpus} CPUs and each needs one; use at most {cpus}, or add nodes"
            )
        self.num_workers = num_workers or cpus
        self._execute = ray.remote(num_cpus=1, max_retries=0)(_execute)
        self._check_cluster()

    def _connect(self, address: str | None, num_workers: int | None) -> None:
        options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if address is None:
            options |= {
                "address": "local",
                "num_cpus": num_workers or 2,
                "include_dashboard": False,
                "object_store_memory": OBJECT_STORE_BYTES,
            }
        else:
            check_address(address, self._stop)
            options |= {"address": address}
        try:
            with _without_handlers(self._ray):
                self._ray.init(**options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            if address is not None:
                raise ConfigError(f"--ray-address {address}: {' '.join(str(error).split())}; {HOW_TO_ADDRESS}") from error
            raise ResourceError(f"Ray on a new local cluster: {' '.join(str(error).split())}; try --runner pool") from error

    def _check_cluster(self) -> None:
        """Refuse workers with another package version, and a cluster of several hosts without shared storage."""
        ray = self._ray

        def version() -> tuple[str, str]:  # inside, so that it travels whole to a worker that may lack the package
            import platform

            try:
                from mathcode_data import __version__ as found
            except ImportError as error:
                found = f"is not to be had ({error})"
            return found, platform.node()

        nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
        remote = ray.remote(num_cpus=1, max_retries=0)(version)
        is_busy = ray.available_resources().get("CPU", 0) < 1
        asked = waiting = [remote.remote() for _ in nodes]
        patience_s = BUSY_S if is_busy else STALLED_S
        deadline = time.monotonic() + patience_s
        while waiting and time.monotonic() < deadline:
            _, waiting = ray.wait(asked, num_returns=len(asked), timeout=POLL_S)
            _end_if(self._stop)
        if len(waiting) == len(asked):
            for reference in asked:
                self._cancel(reference)
            cpus = f"{ray.cluster_resources().get('CPU', 0):g} CPUs of the cluster"
            why = (
                f"other programs hold all {cpus}; wait for them, or add nodes"
                if is_busy
                else f"no worker starts on the {cpus}; see its logs"
            )
            raise ResourceError(f"no Ray worker answered within {patience_s:g} s: {why}")
        answers = self._answers([reference for reference in asked if reference not in waiting])
        for found, host in answers:
            if found != __version__:
                raise ConfigError(
                    f"on the Ray worker {host} mathcode-data {found}, the driver has {__version__}; install one version everywhere"
                )
        hosts = {node["NodeManagerHostname"] for node in nodes} | {socket.gethostname()}  # the driver writes plans: its host counts
        if len(hosts) > 1 and not os.environ.get("MATHCODE_SHARED_STORAGE"):
            raise ConfigError(
                f"the cluster has {len(hosts)} hosts and results go to local paths; put them on storage that all hosts share and "
                "set MATHCODE_SHARED_STORAGE=1"
            )

    def _answers(self, references: list[Any]) -> list[tuple[str, str]]:
        """What workers answered; one that died meanwhile is left out, its node's loss is no fault of the cluster's set-up."""
        exceptions = self._ray.exceptions
        answers, died = [], None
        for reference in references:
            try:
                answers.append(self._ray.get(reference))
            except (exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.OutOfMemoryError) as error:
                died = error
            except exceptions.RayError as error:
                raise ConfigError(
                    f"a Ray worker cannot start: {_first_line(error)}; install the driver's Python and packages there"
                ) from error
        if died is not None and not answers:
            raise ResourceError(f"no Ray worker lived long enough to answer: {_first_line(died)}; look at its node, then run again")
        return answers

    def map_unordered(self, plan: Path, queue: deque[int], timeout_s: float | None) -> Iterator[TaskOutcome]:
        """Keep a window of tasks in flight; yields outcomes as they come."""
        ray = self._ray
        running: dict[Any, tuple[int, Clock | None]] = {}
        clocks = _clocks(plan) if timeout_s is not None else None
        window = WINDOW_PER_CPU * self.num_workers if timeout_s is None else self.num_workers
        stopping_since: float | None = None
        last_sign = looked = time.monotonic()
        while (queue and not self._stop()) or running:
            while queue and len(running) < window and not self._stop():
                index = queue.popleft()
                clock = next(clocks) if clocks is not None else None
                running[self._execute.remote(str(plan), index, str(clock.path) if clock else "")] = (index, clock)
            ready, _ = ray.wait(list(running), num_returns=1, timeout=POLL_S)
            last_sign = time.monotonic() if ready else last_sign
            if time.monotonic() - last_sign > LOST_S:
                self._check_cpus(last_sign)
                last_sign = time.monotonic()
            for reference in ready:
                index, clock = running.pop(reference)
                if clock is not None:
                    clock.forget()
                yield self._outcome(reference, index)
            if timeout_s is not None and time.monotonic() - looked >= POLL_S:
                looked = time.monotonic()
                for reference, (index, clock) in list(running.items()):
                    if clock is not None and clock.is_over(timeout_s):
                        running.pop(reference)
                        self._cancel(reference)
                        clock.forget()
                        yield TaskOutcome(index, "timeout", f"no end after {timeout_s:g} s; raise task_timeout_s if that is too short")
            if self._stop():
                stopping_since = stopping_since or time.monotonic()
                if time.monotonic() - stopping_since > STOP_GRACE_S:
                    for reference in running:
                        self._cancel(reference)
                    return

    def _check_cpus(self, since: float) -> None:
        """Where nothing has ended for long, say that no node is left; Ray would wait for one without a word."""
        if int(self._ray.cluster_resources().get("CPU", 0)) < 1:
            raise ResourceError(
                f"the Ray cluster has no CPU left (its nodes died, nothing ended for {time.monotonic() - since:.0f} s); add nodes and run "
                "again: what is committed is kept"
            )

    def _cancel(self, reference: Any) -> None:
        with contextlib.suppress(self._ray.exceptions.RayError):  # it may just have ended
            self._ray.cancel(reference, force=True)

    def _outcome(self, reference: Any, index: int) -> TaskOutcome:
        exceptions = self._ray.exceptions
        try:
            return TaskOutcome(**self._ray.get(reference))
        except exceptions.OutOfMemoryError as error:
            return TaskOutcome(index, "memory", _first_line(error))
        except (exceptions.RayError, OSError) as error:
            kind: FailureKind = "error" if isinstance(error, exceptions.RayTaskError) else "crash"
            return TaskOutcome(index, kind, _first_line(error))

    def rows_at_work(self) -> int:
        """Not known: Ray carries outcomes only."""
        return 0

    def close(self) -> None:
        """Leave the cluster; a cluster of our own ends."""
        if self._started_here:
            self._ray.shutdown()


@contextlib.contextmanager
def _without_handlers(ray: Any) -> Iterator[None]:
    """Keep Ray's Python from taking SIGTERM (it would exit with 15 or 1, without a word) and from telling what nobody can change."""
    logger = logging.getLogger("ray._private.authentication.authentication_token_setup")
    place: Any = getattr(getattr(ray, "_private", None), "utils", None)
    kept = getattr(place, "set_sigterm_handler", None)
    logger.addFilter(_is_news)
    if kept is not None:
        place.set_sigterm_handler = lambda _: None
    try:
        yield
    finally:
        logger.removeFilter(_is_news)
        if kept is not None:
            place.set_sigterm_handler = kept


def _is_news(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR or "authentication is enabled" not in record.getMessage()


def _clocks(plan: Path) -> Iterator[Clock]:
    """A clock for each attempt, in a folder that goes with the last of them."""
    with tempfile.TemporaryDirectory(prefix="clocks-", dir=plan.parent, ignore_cleanup_errors=True) as folder:
        for number in itertools.count():
            yield Clock(Path(folder, str(number)))


HOW_TO_ADDRESS = "give HOST:PORT or ray://HOST:PORT of a running cluster (`ray start --head` prints it)"


def check_address(address: str, stop: Callable[[], bool] = lambda: False) -> None:
    """Find out in seconds whether a cluster answers; Ray's own connecting takes minutes to give up and hears no signal.

    The port is tried first; then a child process connects as the driver will, since what listens there may be anything.

    Raises:
        ConfigError: nothing listens there, it is no Ray cluster, or one that refuses this driver (another version of Ray).
        InterruptedRunError: a signal came meanwhile.
    """
    if address == "auto":  # Ray looks for a cluster on this machine and says at once if there is none
        return
    host, colon, port = address.removeprefix(CLIENT).rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 1 << 16:
        raise ConfigError(f"--ray-address {address}: no address; {HOW_TO_ADDRESS}")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=PORT_S) as connection:
            is_cluster = os.environ.get("RAY_USE_TLS", "0") != "0" or _speaks_http2(connection)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(f"--ray-address {address}: nothing answers there ({why}); {HOW_TO_ADDRESS}") from error
    if not is_cluster:
        raise ConfigError(f"--ray-address {address}: something else than a Ray cluster listens there; {HOW_TO_ADDRESS}")
    _end_if(stop)
    command = [sys.executable, "-c", TRY_TO_CONNECT, address]
    environment = os.environ | {"RAY_NUM_REDIS_GET_RETRIES": "2"}  # one a second; Ray's own number is 20
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", env=environment, start_new_session=True
    )
    try:
        _await_child(child, address, stop)
    finally:
        child.kill()
        child.communicate()


def _speaks_http2(connection: socket.socket) -> bool:
    """Whether a server greets as gRPC, which Ray is built on, must: its first frame is SETTINGS (RFC 9113, section 3.4)."""
    connection.settimeout(PORT_S)
    connection.sendall(HTTP2_GREETING)
    answer = b""
    try:
        while len(answer) < HTTP2_FRAME_HEAD_BYTES and (more := connection.recv(HTTP2_FRAME_HEAD_BYTES - len(answer))):
            answer += more
    except OSError:  # silence, or the line was cut
        return False
    return answer[3:4] == HTTP2_SETTINGS


def _await_child(child: subprocess.Popen[str], address: str, stop: Callable[[], bool]) -> None:
    deadline = time.monotonic() + CONNECT_S
    while True:
        try:
            _, said = child.communicate(timeout=POLL_S)
        except subprocess.TimeoutExpired:
            _end_if(stop)
            if time.monotonic() < deadline:
                continue
            raise ConfigError(
                f"--ray-address {address}: something listens there, but no Ray cluster answered within {CONNECT_S:g} s; {HOW_TO_ADDRESS}"
            ) from None
        if child.returncode:
            raise ConfigError(f"--ray-address {address}: {_reason(said) or f'exit code {child.returncode}'}; {HOW_TO_ADDRESS}")
        return


def _reason(said: str) -> str:
    """The error that a failed connection ends in, which Ray wraps in tracebacks of several kinds."""
    if "AuthenticationError" in said:
        return "the cluster wants a token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN unless the token is in ~/.ray/auth_token"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = max((number for number, line in enumerate(lines) if ERROR_LINE.match(line)), default=max(0, len(lines) - 3))
    return " ".join(lines[last:])[:SHOWN_CHARACTERS]


def _end_if(stop: Callable[[], bool]) -> None:
    if stop():
        raise InterruptedRunError("stopped by a signal before the first task; nothing was changed")


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:SHOWN_CHARACTERS]
