"""The address of a Ray cluster: whether one answers there, found out in seconds and before Ray itself is asked.

Ray's own connecting takes minutes to give up and hears no signal.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from mathcode_data.core.errors import ConfigError, InterruptedRunError

POLL_S = 0.5
PORT_S = 3.0
"""Until the port must have answered."""
CONNECT_S = 20.0
"""Until what answers at the port must have proved to be a cluster that takes this driver: 2 s on an idle machine."""
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
    end_if(stop)
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
            end_if(stop)
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


def end_if(stop: Callable[[], bool]) -> None:
    """End a run that a signal stopped before it did anything."""
    if stop():
        raise InterruptedRunError("stopped by a signal before the first task; nothing was changed")
