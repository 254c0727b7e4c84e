"""Whatever a host sends ends in an answer within the limits or in a reason; all cases at once, against one hostile site."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard

from mathcode_data.stages.contact import user_agent
from mathcode_data.stages.crawl.fetch import Answer, Fetcher, FetchError
from mathcode_data.stages.crawl.limits import Limits
from support.engine import TESTS
from support.hostile_site import HostileSite, Route, answer, hostile_site, page, redirect

LIMITS = Limits(page_timeout_s=5.0, slow_start_s=1.5, max_body=200_000, max_decoded=400_000, max_headers=16 << 10)
HTML = frozenset({"text/html"})
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"

CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def sending(*pieces: bytes, pause_s: float = 0.0, then: Callable[[socket.socket], None] | None = None) -> Route:
    """Send pieces with a pause between, then close."""

    def route(connection: socket.socket, _: Any) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause_s)
        if then is not None:
            then(connection)

    return route


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def endless(connection: socket.socket, _: Any) -> None:
    connection.sendall(HEAD + b"Connection: close\r\n\r\n")
    while True:
        connection.sendall(b"<p>more</p>" * 1000)


@dataclass
class Case:
    route: Route
    reason: str = ""
    """Of the failure; "" for an answer."""
    status: int = 200
    truncated: str = ""
    body_bytes: int | None = None
    may_pass: bool | None = None


def coded(coding: str, body: bytes) -> bytes:
    return answer(body, content_encoding=coding)


ZEROS = b"\0" * (8 << 20)
BOMBS = {
    "gzip bomb": coded("gzip", gzip.compress(ZEROS)),
    "nested gzip bomb": coded("gzip, gzip", gzip.compress(gzip.compress(ZEROS))),
    "br bomb": coded("br", brotli.compress(ZEROS, quality=0)),
    "zstd bomb": coded("zstd", zstandard.ZstdCompressor().compress(ZEROS)),
    "deflate bomb": coded("deflate", gzip.zlib.compress(ZEROS)),  # type: ignore[attr-defined]
}
CASES = {
    "a page": Case(page("fine"), body_bytes=len(page("fine").partition(b"\r\n\r\n")[2])),
    "no length": Case(sending(HEAD + b"\r\n<p>until the end</p>"), body_bytes=20),
    "length too long": Case(sending(HEAD + b"Content-Length: 1000\r\n\r\nshort"), "body_broken", may_pass=True),
    "length too short": Case(HEAD + b"Content-Length: 5\r\n\r\nlonger than it says", "bad_http"),
    "chunks": Case(sending(HEAD + CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"), body_bytes=5),
    "chunks broken": Case(sending(HEAD + CHUNKED + b"5\r\nhello\r\n", b"ZZ\r\n", pause_s=0.2), "body_broken|too_slow", may_pass=True),
    "chunks broken at once": Case(sending(HEAD + CHUNKED + b"5\r\nhello\r\nZZ\r\n"), "bad_http"),
    "chunks cut": Case(sending(HEAD + CHUNKED + b"ff\r\nhello"), "body_broken", may_pass=True),
    "endless": Case(endless, truncated="length", body_bytes=200_000),
    "one line": Case(answer(b"x" * 3_000_000), truncated="length", body_bytes=200_000),
    "one byte at a time": Case(sending(HEAD + b"Content-Length: 900\r\n\r\n", *[b"x"] * 60, pause_s=0.1), "too_slow", may_pass=True),
    "slow headers": Case(sending(HEAD, *[b"X"] * 60, pause_s=0.12), "timeout", may_pass=True),
    "silence": Case(sending(b"", pause_s=7.0), "timeout", may_pass=True),
    "reset": Case(sending(HEAD[:20], then=reset), "reset", may_pass=True),
    "closed": Case(sending(b""), "reset", may_pass=True),
    "no HTTP": Case(sending(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "bad_http", may_pass=False),
    "garbage status": Case(sending(b"HTTP/1.1 abc\r\n\r\n"), "bad_http", may_pass=False),
    "200 KB in one header": Case(sending(HEAD + b"X: " + b"a" * 200_000 + b"\r\n\r\n"), "bad_http", may_pass=False),
    "many headers": Case(sending(HEAD + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 2000) for i in range(100)) + b"\r\n"), "headers_too_large"),
    "a flood of cookies": Case(sending(HEAD + b"Set-Cookie: a=b\r\n" * 5000 + b"\r\n"), "bad_http", may_pass=False),
    "two lengths": Case(sending(HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), "bad_http", may_pass=False),
    "negative length": Case(sending(HEAD + b"Content-Length: -5\r\n\r\nhello"), "bad_http", may_pass=False),
    "CR in Location": Case(sending(b"HTTP/1.1 301 M\r\nLocation: /a\rSet-Cookie: x=y\r\nContent-Length: 0\r\n\r\n"), "bad_http"),
    "wrong Content-Encoding": Case(coded("gzip", b"<p>plain</p>"), body_bytes=12),
    "unknown Content-Encoding": Case(coded("sdch", b"<p>plain</p>"), body_bytes=12),
    "trailing garbage": Case(coded("gzip", gzip.compress(b"<p>x</p>") + b"\xff" * 50)),
    "an image": Case(answer(b"\x89PNG" + b"\0" * 100, content_type="image/png"), body_bytes=0),
    "a redirect to a file": Case(redirect("file:///etc/passwd"), status=301),
    "a redirect to itself": Case(redirect("/"), status=301),
    "404": Case(answer("gone", status="404 Not Found"), status=404),
    "503": Case(answer("later", status="503 Busy", retry_after="10"), status=503),
    "1xx first": Case(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + page("after hints")),
    **{name: Case(route, truncated="length") for name, route in BOMBS.items()},
}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Answer | FetchError]]:
    """Every case on a host of its own, all at once."""
    names = {f"h{number}.test": name for number, name in enumerate(CASES)}
    found: dict[str, Answer | FetchError] = {}

    async def get(fetcher: Fetcher, site: HostileSite, host: str) -> None:
        try:
            found[names[host]] = await fetcher.get(site.url(host=host), types=HTML)
        except FetchError as error:
            found[names[host]] = error

    async def go(site: HostileSite) -> None:
        fixed = dict.fromkeys(names, "127.0.0.1")
        folder = tmp_path_factory.mktemp("bodies")
        async with Fetcher(LIMITS, user_agent("bot@maths.org", "crawl.focused"), folder, allow_private=True, resolve=fixed) as fetcher:
            await asyncio.gather(*(get(fetcher, site, host) for host in names))

    with hostile_site({f"{host}*": CASES[name].route for host, name in names.items()}) as site:
        start = time.monotonic()
        asyncio.run(go(site))
        assert time.monotonic() - start < 60
        assert all("user-agent: mathcode-data/" in request.head.lower() for request in site.log)
        assert all("bot@maths.org" in request.head for request in site.log)
    yield found
    for result in found.values():
        kept = result.answer if isinstance(result, FetchError) else result
        if kept is not None:
            kept.close()


@pytest.mark.parametrize("name", CASES)
def test_a_case_ends_in_an_answer_or_a_reason(name: str, results: dict[str, Answer | FetchError]):
    case, found = CASES[name], results[name]
    if case.reason:
        assert isinstance(found, FetchError), found
        assert found.reason in case.reason.split("|")
        assert case.may_pass is None or found.may_pass == case.may_pass
        return
    assert isinstance(found, Answer), found
    assert (found.status, found.truncated) == (case.status, case.truncated)
    assert found.body_bytes == len(found.read()) <= LIMITS.max_body
    assert found.decoded_bytes <= LIMITS.max_decoded
    assert case.body_bytes is None or found.body_bytes == case.body_bytes


def test_what_came_of_a_broken_body_is_kept_with_the_failure(results: dict[str, Answer | FetchError]):
    found = results["length too long"]
    assert isinstance(found, FetchError)
    assert found.answer is not None
    assert (found.answer.truncated, found.answer.read()) == ("disconnect", b"short")


MEASURE = """
import asyncio, resource, sys
from pathlib import Path
from mathcode_data.stages.crawl.fetch import Fetcher
from mathcode_data.stages.crawl.limits import Limits
async def go(urls):
    async with Fetcher(Limits(), "test", Path(sys.argv[1]), allow_private=True) as fetcher:
        (await fetcher.get(urls[0])).close()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for url in urls[1:]:
            answer = await fetcher.get(url)
            assert answer.truncated == "length", url
            answer.close()
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
asyncio.run(go(sys.argv[2:]))
"""


def test_bombs_cost_less_memory_than_the_cap_and_64_mb(tmp_path: Path):
    zeros = b"\0" * (100 << 20)
    bombs = {
        "/gzip": coded("gzip", gzip.compress(zeros, 1)),
        "/zstd": coded("zstd", zstandard.ZstdCompressor().compress(zeros)),
        "/br": coded("br", brotli.compress(zeros, quality=0)),
        "/nested": coded("gzip, gzip", gzip.compress(gzip.compress(zeros, 1))),
        "/endless": endless,
    }
    with hostile_site({"/": page("small"), **bombs}) as site:
        command = [sys.executable, "-c", MEASURE, str(tmp_path), *(site.url(path) for path in ("/", *bombs))]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(TESTS)}, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < Limits().max_decoded + (64 << 20)


@pytest.mark.parametrize("kind", ["self-signed", "expired", "wrong host"])
def test_a_certificate_that_does_not_hold_ends_it(kind: str, tmp_path: Path):
    trustme = pytest.importorskip("trustme", reason="certificates for the test are made by trustme")
    from datetime import UTC, datetime

    authority = trustme.CA()
    name = "other.test" if kind == "wrong host" else "a.test"
    expiry = {"not_before": datetime(2020, 1, 1, tzinfo=UTC), "not_after": datetime(2021, 1, 1, tzinfo=UTC)} if kind == "expired" else {}
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(name, **expiry).configure_cert(server)
    if kind != "self-signed":
        authority.configure_trust(client)

    async def go(site: HostileSite, tls: ssl.SSLContext) -> str:
        fixed = {"a.test": "127.0.0.1", "other.test": "127.0.0.1"}
        async with Fetcher(LIMITS, "test", tmp_path, allow_private=True, resolve=fixed, tls=tls) as fetcher:
            with pytest.raises(FetchError) as caught:
                await fetcher.get(f"https://a.test:{site.port}/")
            assert not caught.value.may_pass
            return caught.value.reason

    with hostile_site({"/": page("secret")}, wrap=lambda raw: server.wrap_socket(raw, server_side=True)) as site:
        assert asyncio.run(go(site, client)) == "tls"
        assert site.log == []
