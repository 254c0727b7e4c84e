"""A Ray cluster of several nodes on this host, and jobs that run on it, for kills of drivers, workers and whole nodes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

TESTS = Path(__file__).parents[1]
NUM_NODES = 3
QUICK_TO_NOTICE = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 500,
    "health_check_failure_threshold": 3,
}
STORE_BYTES = 80 << 20


@contextlib.contextmanager
def ray_jobs(job: type[Any]) -> Iterator[Callable[[Path], Any]]:
    """Start a cluster (a head without CPUs, nodes of one CPU) and give a function that makes jobs of the kind `job` on it."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
    os.environ["PYTHONPATH"] = f"{TESTS}{os.pathsep}{TESTS.parent}"  # nodes hand it on to their workers
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_BYTES, "_system_config": QUICK_TO_NOTICE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    options = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    nodes = [cluster.add_node(wait=False, **options) for _ in range(NUM_NODES)]
    cluster.wait_for_nodes()

    def raylets() -> dict[int, Any]:
        found = {}
        for node in nodes:
            for info in node.all_processes.get("raylet", []):
                if info.process.poll() is None:
                    found[info.process.pid] = node
        return found

    class RayJob(job):  # type: ignore[misc]
        """The job, on the cluster; nodes that die are replaced."""

        name = "ray" if job.name == "pool" else f"{job.name} on ray"
        arguments = ("--ray-address", cluster.address)
        kinds = ("raylet", "ray worker")
        patience_s = 15.0

        def victims(self, driver: psutil.Process) -> list[tuple[str, psutil.Process]]:
            found = [("raylet", psutil.Process(pid)) for pid in raylets()]
            for pid in raylets():
                for child in psutil.Process(pid).children():
                    if (child.cmdline() or [""])[0].startswith("ray::_execute"):  # its title says what it is at
                        found.append(("ray worker", child))
            return found

        def mend(self) -> None:
            alive = set(map(id, raylets().values()))
            for node in [node for node in nodes if id(node) not in alive]:
                nodes.remove(node)
                cluster.remove_node(node, allow_graceful=False)
                nodes.append(cluster.add_node(wait=False, **options))

    try:
        yield RayJob
    finally:
        cluster.shutdown()
