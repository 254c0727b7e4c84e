"""Ray: an address without a cluster is an answer within seconds, and a worker that is killed changes nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from mathcode_data.core.errors import ConfigError, InterruptedRunError, ResourceError
from mathcode_data.core.interrupt import Interrupt
from mathcode_data.runtime import ray as ray_runner
from mathcode_data.runtime import ray_address
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.graph import Graph
from mathcode_data.runtime.pipeline import load_pipeline
from mathcode_data.runtime.update import update
from support.command import call
from support.engine import Notes, make_toy, run, tree_hashes
from support.ports import dead_port

SETTINGS = b"\0\0\0\4\0\0\0\0\0"


@contextmanager
def listener(answer: bytes) -> Iterator[str]:
    """A server that says one thing to everybody who connects, and nothing more; gives its address."""
    server = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            held.append(connection)
            connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.close()
        for connection in held:
            connection.close()


@pytest.mark.parametrize("prefix", ["", "ray://"])
def test_an_address_where_nobody_listens_is_refused_at_once(prefix: str):
    start = time.monotonic()
    words = r"--ray-address .*: nothing answers there \(Connection refused\); give HOST:PORT"
    with dead_port() as port, pytest.raises(ConfigError, match=words):
        ray_address.check_address(f"{prefix}127.0.0.1:{port}")
    assert time.monotonic() - start < ray_address.CONNECT_S / 2


@pytest.mark.parametrize("address", ["", "host", "host:", ":6379", "host:port", "host:0", "host:99999", "ray://host"])
def test_what_is_no_address_is_refused(address: str):
    with pytest.raises(ConfigError, match="no address; give HOST:PORT or ray://HOST:PORT"):
        ray_address.check_address(address)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_a_port_of_another_service_is_refused(answer: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ray_address, "PORT_S", 1.0)
    with listener(answer) as address, pytest.raises(ConfigError, match="something else than a Ray cluster listens there"):
        ray_address.check_address(address)


@pytest.mark.slow
def test_connecting_has_an_end_and_hears_signals(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    monkeypatch.setattr(ray_address, "CONNECT_S", 1.5)
    with listener(SETTINGS) as address:
        with pytest.raises(ConfigError, match=r"no Ray cluster answered within 1\.5 s|--ray-address .*; give HOST:PORT"):
            ray_address.check_address(address)
        monkeypatch.setattr(ray_address, "CONNECT_S", 60.0)
        start = time.monotonic()
        with pytest.raises(InterruptedRunError):
            ray_address.check_address(address, stop=lambda: time.monotonic() - start > 0.3)
        assert time.monotonic() - start < 30.0
    assert not [child for child in psutil.Process().children() if "ray.init" in " ".join(child.cmdline())]


@pytest.mark.slow
def test_the_command_line_ends_with_code_2_and_one_line(tmp_path: Path):
    start = time.monotonic()
    with dead_port() as port:
        done = call("run", make_toy(tmp_path), "--ray-address", f"127.0.0.1:{port}")
    assert time.monotonic() - start < ray_address.CONNECT_S
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["ray", "pool"])
def test_more_workers_than_the_machine_holds_are_refused_at_once_also_where_nothing_is_to_do(tmp_path: Path, runner: str):
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    path = make_toy(tmp_path)
    for _ in range(2):  # with all to do, and up to date
        done = call("run", path, "--runner", runner, "--workers", "9000000")
        assert (done.returncode, done.stderr.count("\n")) == (6, 1), done.stderr
        assert "--workers 9000000: that many processes take" in done.stderr
        run(path)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_more_workers_than_a_cluster_has_cpus_are_refused(ray_cluster: None):
    with pytest.raises(ResourceError, match=r"--workers 3: the Ray cluster has 2 CPUs and each needs one; use at most 2, or add nodes"):
        ray_runner.RayRunner(None, 3)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Traceback\n  File x\nRuntimeError: Version mismatch: The cluster was made with:\n    Ray: 2.9\n", "Version mismatch.*Ray: 2.9"),
        ("ConnectionError: x\nray.exceptions.AuthenticationError: RPC error: InvalidAuthToken\n", "wants a token: set RAY_AUTH_MODE=token"),
        ("E1122 core dumped\n", "core dumped"),
    ],
)
def test_the_reason_of_a_refused_connection_is_one_line(said: str, reason: str):
    import re

    assert re.search(reason, ray_address._reason(said))
    assert "\n" not in ray_address._reason(said)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_with_another_version_is_refused(ray_cluster: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ray_runner, "__version__", "99.0")
    with pytest.raises(ConfigError, match=r"on the Ray worker .* mathcode-data .*, the driver has 99\.0; install one version everywhere"):
        ray_runner.RayRunner()


def kill_workers_at_work(killed: list[int], stop: threading.Event) -> None:
    """kill -9 two Ray workers while they run a task; their title then names the function."""
    while not stop.wait(0.05) and len(killed) < 2:
        for process in psutil.Process().children(recursive=True) or []:
            try:
                at_work = process.cmdline()[:1] == ["ray::_execute"] and process.pid not in killed
            except psutil.Error:
                continue
            if at_work:
                process.kill()
                killed.append(process.pid)
                break


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_ray_workers_killed_while_they_work_change_nothing(tmp_path: Path, ray_cluster: None):
    run(make_toy(tmp_path / "undisturbed", num_files=8, wait_s=0.6))
    killed: list[int] = []
    stop = threading.Event()
    killer = threading.Thread(target=kill_workers_at_work, args=(killed, stop))
    killer.start()
    notes, graph = Notes(), Graph()
    nodes = graph.add(load_pipeline(make_toy(tmp_path / "killed", num_files=8, wait_s=0.6)))
    try:
        update(list(nodes.values()), graph, RunSettings(ray_runner.RayRunner(), notes, Interrupt()))
    finally:
        stop.set()
        killer.join()
    assert len(killed) == 2
    assert sum("crash" in line and "trying again" in line for line in notes.lines) == 2, notes.lines
    assert tree_hashes(tmp_path / "killed" / "out") == tree_hashes(tmp_path / "undisturbed" / "out")
