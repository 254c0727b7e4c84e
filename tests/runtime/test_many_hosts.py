"""A cluster of several hosts is refused unless the user says that they share storage; Ray itself is played by a stand-in."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from mathcode_data import __version__
from mathcode_data.core.errors import ConfigError, ResourceError
from mathcode_data.runtime.ray import RayRunner


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
