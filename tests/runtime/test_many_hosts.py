"""A cluster whose nodes are late, come, go, or share no storage; Ray itself is played by a stand-in."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mathcode_data import __version__
from mathcode_data.core.errors import ConfigError, ResourceError
from mathcode_data.core.runner import TaskOutcome
from mathcode_data.runtime.ray import RayRunner, wait_s


class NeverError(Exception):
    """Nothing of this kind happens here."""


class StandIn:
    """As much of Ray as the check of a cluster asks for."""

    exceptions = SimpleNamespace(RayError=NeverError, WorkerCrashedError=NeverError, NodeDiedError=NeverError, OutOfMemoryError=NeverError)

    def __init__(self, hosts: list[str], versions: list[str], *, answers: bool = True) -> None:
        self._hosts, self._answers = hosts, answers
        self._left = list(zip(versions, hosts, strict=True))

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": 1.0}, "NodeManagerHostname": host} for host in self._hosts]

    def remote(self, **_: Any) -> Any:
        return lambda function: SimpleNamespace(remote=lambda: self._left.pop(0))

    def wait(self, asked: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        return (asked, []) if self._answers else ([], asked)

    def get(self, reference: Any) -> Any:
        return reference

    def cancel(self, reference: Any, **_: Any) -> None:
        """Nothing runs."""

    def available_resources(self) -> dict[str, float]:
        return {"CPU": float(len(self._hosts))}

    cluster_resources = available_resources


def check(cluster: StandIn) -> None:
    runner = object.__new__(RayRunner)
    runner._ray, runner._stop = cluster, lambda: False
    runner._check_cluster()


HERE = socket.gethostname()


@pytest.mark.parametrize("hosts", [[HERE, "node-2"], ["node-1", "node-2"], ["node-2"]])
def test_several_hosts_without_shared_storage_are_refused_with_the_way_out(hosts: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MATHCODE_SHARED_STORAGE", raising=False)
    with pytest.raises(ConfigError, match=r"the cluster has [23] hosts.*storage that all hosts share and set MATHCODE_SHARED_STORAGE=1"):
        check(StandIn(hosts, [__version__] * len(hosts)))
    monkeypatch.setenv("MATHCODE_SHARED_STORAGE", "1")
    check(StandIn(hosts, [__version__] * len(hosts)))


def test_one_host_needs_no_word_about_storage(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MATHCODE_SHARED_STORAGE", raising=False)
    check(StandIn([HERE], [__version__]))


def test_a_worker_with_another_version_is_refused_and_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MATHCODE_SHARED_STORAGE", "1")
    with pytest.raises(ConfigError, match=r"node-2.*0\.0\.1.*install one version everywhere"):
        check(StandIn([HERE, "node-2"], [__version__, "0.0.1"]))


def test_a_cluster_that_does_not_answer_is_an_error_within_its_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mathcode_data.runtime.ray.STALLED_S", 0.05)
    with pytest.raises(ResourceError, match="no Ray worker answered"):
        check(StandIn([HERE], [__version__], answers=False))


class Growing(StandIn):
    """A cluster with so many CPUs at one look after the other, the last number for ever; a task ends when somebody waits for it."""

    def __init__(self, *cpus: int, hosts: tuple[str, ...] = (HERE,)) -> None:
        super().__init__(list(hosts), [__version__] * len(hosts))
        self._cpus = list(cpus)
        self.num_running: list[int] = []

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self._cpus.pop(0) if len(self._cpus) > 1 else self._cpus[0])}

    def remote(self, **_: Any) -> Any:
        return lambda function: SimpleNamespace(remote=lambda plan, index, clock: index)

    def wait(self, asked: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        self.num_running.append(len(asked))
        return asked[:1], asked[1:]

    def get(self, reference: Any) -> Any:
        return {"index": reference}


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[RayRunner, list[str]]]:
    """Take up a cluster without waiting for a clock; gives the runner and what the user is told."""
    monkeypatch.setattr("mathcode_data.runtime.ray.POLL_S", 0.0)
    monkeypatch.setattr("mathcode_data.runtime.ray.LOOK_S", -1.0)
    monkeypatch.setattr(RayRunner, "_check_cluster", lambda _: None)

    def begin(cluster: Growing, num_workers: int | None = None, patience_s: float = 60.0) -> tuple[RayRunner, list[str]]:
        told: list[str] = []
        runner = object.__new__(RayRunner)
        runner._ray, runner._stop, runner._note, runner._asked = cluster, lambda: False, told.append, num_workers
        runner._take_up(patience_s)
        return runner, told

    return begin


def test_nodes_that_are_on_their_way_are_waited_for_with_a_word(start: Callable[..., Any]):
    """A Slurm job, whose workers start with its driver, ended with `the Ray cluster has no CPU`."""
    runner, told = start(Growing(0, 0, 0, 2))
    assert runner.num_workers == 2
    assert told == ["waiting for worker nodes: the Ray cluster has 0 CPUs of 1 needed; at most 60 s"]
    runner, told = start(Growing(1, 3), 3)
    assert runner.num_workers == 3
    assert told == ["waiting for worker nodes: the Ray cluster has 1 CPUs of 3 needed; at most 60 s"]
    assert start(Growing(2))[1] == [], "a cluster that is up"


@pytest.mark.parametrize(
    ("cpus", "workers", "words"),
    [
        (0, None, "no CPU for tasks .*add worker nodes"),
        (0, 2, "no CPU for tasks"),
        (2, 3, "--workers 3: the Ray cluster has 2 CPUs.*at most 2"),
    ],
)
def test_what_a_cluster_will_never_have_is_named_after_the_wait(start: Callable[..., Any], cpus: int, workers: int | None, words: str):
    with pytest.raises(ResourceError, match=words):
        start(Growing(cpus), workers, 0.01)


def test_the_wait_is_short_unless_a_variable_says_otherwise(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MATHCODE_WAIT_FOR_NODES_S", raising=False)
    assert wait_s() < 10, "infeasible resources are named within ten seconds"
    monkeypatch.setenv("MATHCODE_WAIT_FOR_NODES_S", "300")
    assert wait_s() == 300
    for text in ("soon", "-1", "nan", "inf"):
        monkeypatch.setenv("MATHCODE_WAIT_FOR_NODES_S", text)
        with pytest.raises(ConfigError, match=f"MATHCODE_WAIT_FOR_NODES_S={text}: give seconds from 0"):
            wait_s()


@pytest.mark.parametrize(("workers", "most"), [(None, 8), (2, 4)], ids=["as many as CPUs", "as many as asked"])
def test_workers_follow_the_cluster_unless_somebody_said_how_many(start: Callable[..., Any], workers: int | None, most: int):
    """They stayed as many as the cluster had CPUs at the first look."""
    cluster = Growing(2, 2, 4)
    runner, _ = start(cluster, workers)
    outcomes = list(runner.map_unordered(Path("plan"), deque(range(30)), None))
    assert sorted(outcome.index for outcome in outcomes) == list(range(30))
    assert max(cluster.num_running) == most
    assert all(outcome == TaskOutcome(outcome.index) for outcome in outcomes)


def test_a_node_of_another_host_that_joins_a_run_without_shared_storage_ends_it(start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MATHCODE_SHARED_STORAGE", raising=False)
    runner, _ = start(Growing(1, 2, hosts=(HERE, "node-2")))
    with pytest.raises(ConfigError, match="the cluster has 2 hosts and results go to local paths"):
        list(runner.map_unordered(Path("plan"), deque(range(9)), None))
