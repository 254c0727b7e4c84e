"""The Ray runner: the only place that knows Ray. It carries task numbers and outcomes; data goes through files.

Ray's own retries are off; the driver retries. What cannot run (no cluster at the address, too few CPUs, a worker with another
version, local paths on a cluster of several hosts) is an error within seconds, never a silent wait.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import socket
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mathcode_data import __version__
from mathcode_data.core.errors import ConfigError, ResourceError
from mathcode_data.core.interrupt import waiting
from mathcode_data.core.plugins import install_hint
from mathcode_data.core.runner import FailureKind, TaskOutcome
from mathcode_data.runtime.pool import check_workers
from mathcode_data.runtime.ray_address import HOW_TO_ADDRESS, SHOWN_CHARACTERS, check_address, end_if
from mathcode_data.runtime.task_clock import Clock, telling

WINDOW_PER_CPU = 2
POLL_S = 0.5
STALLED_S = 30.0
"""Until a first worker must have answered: a new one spends seconds on imports."""
BUSY_S = 8.0
"""The same where other programs hold every CPU, so that no worker can even start."""
WAIT_VARIABLE = "MATHCODE_WAIT_FOR_NODES_S"
WAIT_S = 5.0
"""What a cluster at an address is given until it has the CPUs that are needed, unless the variable says otherwise."""
MAX_WAIT_S = 86400.0
LOOK_S = 2.0
"""Between two looks at how many CPUs the cluster has: nodes come and go while a run works."""
LISTEN_S = 0.002
LOST_S = 60.0
"""What a cluster without a CPU left, after its nodes died, is given to get nodes back."""
STOP_GRACE_S = 8.0
"""What running tasks are given after a signal, as in the pool."""
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
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`listen_again` puts the driver's handlers of signals back after Ray has put its own in their place; `note` tells the user."""
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
        self._stop, self._listen_again, self._note = stop, listen_again, note
        self._asked = num_workers
        end_if(stop)
        self._started_here = not ray.is_initialized()
        try:
            if self._started_here:
                self._connect(address, num_workers)
            end_if(stop)
            self._take_up(wait_s() if address is not None else 0.0)
        except BaseException:
            self.close()
            raise

    def _take_up(self, patience_s: float) -> None:
        """Look at the cluster before the first task; nodes that are still on their way are waited for."""
        needed = self._asked or 1
        deadline = time.monotonic() + patience_s
        is_told = False
        while (cpus := self._num_cpus()) < needed and time.monotonic() < deadline:
            if not is_told:
                is_told = True
                self._note(f"waiting for worker nodes: the Ray cluster has {cpus} CPUs of {needed} needed; at most {patience_s:g} s")
            time.sleep(POLL_S)
            end_if(self._stop)
        waited = f" after {patience_s:g} s ({WAIT_VARIABLE} is how long to wait)" if is_told else ""
        if cpus < 1:
            raise ResourceError(
                f"the Ray cluster has no CPU for tasks (each needs 1){waited}; add worker nodes or start them with --num-cpus"
            )
        if needed > cpus:
            raise ResourceError(
                f"--workers {needed}: the Ray cluster has {cpus} CPUs and each needs one{waited}; use at most {cpus}, or add nodes"
            )
        self.num_workers = self._asked or cpus
        self._execute = self._ray.remote(num_cpus=1, max_retries=0)(_execute)
        self._check_cluster()

    def _num_cpus(self) -> int:
        return int(self._ray.cluster_resources().get("CPU", 0))

    def _follow(self) -> None:
        """Where nobody said how many workers, they are as many as the cluster has CPUs now."""
        if self._asked is not None:
            return
        cpus = self._num_cpus()
        if cpus > self.num_workers:
            self._check_hosts(self._nodes())
        self.num_workers = max(cpus, 1)

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
            with waiting(self._tell_stopping), _without_handlers(self._ray):
                try:
                    self._ray.init(**options)
                finally:
                    self._listen_again()
        except (ConnectionError, ValueError, RuntimeError) as error:
            if address is not None:
                raise ConfigError(f"--ray-address {address}: {' '.join(str(error).split())}; {HOW_TO_ADDRESS}") from error
            raise ResourceError(f"Ray on a new local cluster: {' '.join(str(error).split())}; try --runner pool") from error

    def _tell_stopping(self) -> None:
        self._note("stopping as soon as Ray has started")

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

        nodes = self._nodes()
        remote = ray.remote(num_cpus=1, max_retries=0)(version)
        is_busy = ray.available_resources().get("CPU", 0) < 1
        asked = waiting = [remote.remote() for _ in nodes]
        patience_s = BUSY_S if is_busy else STALLED_S
        deadline = time.monotonic() + patience_s
        while waiting and time.monotonic() < deadline:
            _, waiting = ray.wait(asked, num_returns=len(asked), timeout=POLL_S)
            end_if(self._stop)
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
        self._check_hosts(nodes)

    def _nodes(self) -> list[dict[str, Any]]:
        """Nodes that run tasks."""
        return [node for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]

    def _check_hosts(self, nodes: list[dict[str, Any]]) -> None:
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
        stopping_since: float | None = None
        last_sign = looked = followed = time.monotonic()
        while (queue and not self._stop()) or running:
            if time.monotonic() - followed > LOOK_S:
                followed = time.monotonic()
                self._follow()
            window = WINDOW_PER_CPU * self.num_workers if timeout_s is None else self.num_workers
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
        if self._num_cpus() < 1:
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
        """Leave the cluster; a cluster of our own ends. Ray then sets SIGTERM back to what kills, so its going is watched."""
        if not self._started_here:
            return
        going = threading.Thread(target=self._ray.shutdown)
        going.start()
        while going.is_alive():
            self._listen_again()
            going.join(LISTEN_S)
        self._listen_again()


def wait_s() -> float:
    """How long to wait for worker nodes.

    Raises:
        ConfigError: the variable holds no number of seconds.
    """
    text = os.environ.get(WAIT_VARIABLE, "")
    try:
        seconds = float(text or WAIT_S)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAIT_S:
        raise ConfigError(f"{WAIT_VARIABLE}={text}: give seconds from 0 to {MAX_WAIT_S:g}, as a number")
    return seconds


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


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:SHOWN_CHARACTERS]
