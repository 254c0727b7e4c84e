"""The Ray runner: the only place that knows Ray. It carries task numbers and outcomes; data goes through files.

Ray's own retries are off; the driver retries. What cannot run (too few CPUs, a worker with another version, local paths on
a cluster of several hosts) is an error within seconds, never a silent wait.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mathcode_data import __version__
from mathcode_data.core.errors import ConfigError, ResourceError
from mathcode_data.core.plugins import install_hint
from mathcode_data.core.runner import FailureKind, TaskOutcome

WINDOW_PER_CPU = 2
POLL_S = 0.5
STALLED_S = 30.0
OBJECT_STORE_BYTES = 80 << 20
"""Only outcomes of a few hundred bytes live there."""


def _execute(plan: str, index: int) -> dict[str, Any]:
    """Body of the remote function: plain data in, plain data out."""
    from mathcode_data.runtime.worker import execute, limit_threads

    limit_threads()
    return asdict(execute(Path(plan), index))


def _version() -> tuple[str, str]:
    import platform

    return __version__, platform.node()


class RayRunner:
    """Runs tasks as Ray tasks of one CPU each, on a new local cluster or on the one at `address`."""

    name = "ray"

    def __init__(self, address: str | None = None, num_workers: int | None = None, stop: Callable[[], bool] = lambda: False) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
        os.environ.setdefault("RAY_task_oom_retries", "0")
        try:
            import ray
        except ModuleNotFoundError as error:
            raise ConfigError(f"the ray runner needs the package ray; {install_hint('ray')}") from error
        self._ray = ray
        self._stop = stop
        self._started_here = not ray.is_initialized()
        if self._started_here:
            self._connect(address, num_workers)
        cpus = int(ray.cluster_resources().get("CPU", 0))
        if cpus < 1:
            raise ResourceError("the Ray cluster has no CPU for tasks (each needs 1); add worker nodes or start them with --num-cpus")
        self.num_workers = min(num_workers or cpus, cpus)
        self._execute = ray.remote(num_cpus=1, max_retries=0)(_execute)
        self._check_cluster()

    def _connect(self, address: str | None, num_workers: int | None) -> None:
        options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if address is None:
            options |= {"num_cpus": num_workers or 2, "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
        else:
            options |= {"address": address}
        try:
            self._ray.init(**options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ResourceError(f"Ray at {address or 'a new local cluster'}: {' '.join(str(error).split())}; check the address") from error

    def _check_cluster(self) -> None:
        """Refuse workers with another package version, and a cluster of several hosts without shared storage."""
        ray = self._ray
        nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
        version = ray.remote(num_cpus=1, max_retries=0)(_version)
        asked = [version.remote() for _ in nodes]
        ready, waiting = ray.wait(asked, num_returns=len(asked), timeout=STALLED_S)
        if waiting and not ready:
            raise ResourceError(f"no Ray worker answered within {STALLED_S:g} s; free CPUs {ray.available_resources().get('CPU', 0):g}")
        for found, host in ray.get(ready):
            if found != __version__:
                raise ConfigError(
                    f"Ray worker on {host} has mathcode-data {found}, the driver {__version__}; install one version everywhere"
                )
        hosts = {node["NodeManagerHostname"] for node in nodes}
        if len(hosts) > 1 and not os.environ.get("MATHCODE_SHARED_STORAGE"):
            raise ConfigError(
                f"the cluster has {len(hosts)} hosts and results go to local paths; put them on storage that all hosts share and "
                "set MATHCODE_SHARED_STORAGE=1"
            )

    def map_unordered(self, plan: Path, queue: deque[int], timeout_s: float | None) -> Iterator[TaskOutcome]:
        """Keep a window of tasks in flight; yields outcomes as they come."""
        ray = self._ray
        running: dict[Any, tuple[int, float]] = {}
        window = WINDOW_PER_CPU * self.num_workers if timeout_s is None else self.num_workers
        while (queue and not self._stop()) or running:
            while queue and len(running) < window and not self._stop():
                index = queue.popleft()
                running[self._execute.remote(str(plan), index)] = (index, time.monotonic())
            ready, _ = ray.wait(list(running), num_returns=1, timeout=POLL_S)
            for reference in ready:
                index, _ = running.pop(reference)
                yield self._outcome(reference, index)
            for reference, (index, started) in list(running.items()):
                if timeout_s is not None and time.monotonic() - started > timeout_s:
                    running.pop(reference)
                    ray.cancel(reference, force=True)
                    yield TaskOutcome(index, "timeout", f"no end after {timeout_s:g} s; raise task_timeout_s if that is too short")

    def _outcome(self, reference: Any, index: int) -> TaskOutcome:
        exceptions = self._ray.exceptions
        try:
            return TaskOutcome(**self._ray.get(reference))
        except exceptions.OutOfMemoryError as error:
            return TaskOutcome(index, "memory", _first_line(error))
        except (exceptions.RayError, OSError) as error:
            kind: FailureKind = "error" if isinstance(error, exceptions.RayTaskError) else "crash"
            return TaskOutcome(index, kind, _first_line(error))

    def close(self) -> None:
        """Leave the cluster; a cluster of our own ends."""
        if self._started_here:
            self._ray.shutdown()


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
