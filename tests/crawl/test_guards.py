"""No connection inside, however the address is written and whatever the name server says."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.crawl import guards
from mathcode_data.stages.crawl.canonical import canonical_url, host_of
from mathcode_data.stages.crawl.fetch import Fetcher, FetchError
from mathcode_data.stages.crawl.guards import BlockedAddressError, CheckedResolver, guarded_sockets, why_forbidden
from mathcode_data.stages.crawl.limits import Limits
from support.hostile_site import hostile_site, page

INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "192.0.0.192", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::",
    "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "no address", "",
]  # fmt: skip
METADATA = ["169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "::ffff:169.254.169.254"]


@pytest.mark.parametrize("address", [*INSIDE, *METADATA])
def test_addresses_inside_are_forbidden(address: str):
    assert why_forbidden(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_not(address: str):
    assert not why_forbidden(address)


@pytest.mark.parametrize("address", [*METADATA, "64:ff9b::7f00:1", "169.254.1.1", "2002:7f00:1::", "0.0.0.0", "224.0.0.1"])
def test_a_test_that_allows_loopback_allows_no_more_than_that(address: str):
    assert why_forbidden(address, allow_private=True)


@given(st.ip_addresses(v=4))
def test_mapping_an_address_into_ipv6_frees_nothing(address):
    assert bool(why_forbidden(f"::ffff:{address}")) == bool(why_forbidden(str(address)))
    assert why_forbidden(f"64:ff9b::{address}")


def resolve(answers: list[list[str]], monkeypatch: pytest.MonkeyPatch, **options) -> list[list[str]]:
    """What a resolver gives when the name server says these, one after the other."""
    waiting = iter(answers)

    async def look_up(host: str, port: int) -> list[str]:
        return next(waiting)

    monkeypatch.setattr(guards, "look_up", look_up)

    async def ask() -> list[list[str]]:
        resolver = CheckedResolver(allow_private=False, **options)
        return [[entry["host"] for entry in await resolver.resolve("a.org", 80)] for _ in answers]

    return asyncio.run(ask())


@pytest.mark.parametrize("inner", ["127.0.0.1", "64:ff9b::7f00:1", "::ffff:10.0.0.1", "169.254.169.254"])
def test_one_inner_address_among_outer_ones_refuses_the_host(inner: str, monkeypatch: pytest.MonkeyPatch):
    assert resolve([["8.8.8.8", "2606:4700::1111"]], monkeypatch) == [["8.8.8.8", "2606:4700::1111"]]
    with pytest.raises(BlockedAddressError):
        resolve([["8.8.8.8", inner]], monkeypatch)


def test_a_name_that_flips_inside_is_refused_at_its_second_answer(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BlockedAddressError, match="private_address"):
        resolve([["8.8.8.8"], ["127.0.0.1"]], monkeypatch)


def test_fixed_addresses_are_checked_like_all(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BlockedAddressError):
        resolve([["8.8.8.8"]], monkeypatch, fixed={"a.org": "10.0.0.1"})


def test_the_socket_itself_refuses_what_the_resolver_let_through():
    make = guarded_sockets(allow_private=False)
    with pytest.raises(BlockedAddressError):
        make((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80)))


def get(url: str, folder: Path, **options) -> str:
    """The reason why a GET failed, "" if it did not."""

    async def go() -> str:
        async with Fetcher(Limits(page_timeout_s=3), "test", folder, **options) as fetcher:
            try:
                (await fetcher.get(url)).close()
            except FetchError as error:
                return error.reason
        return ""

    return asyncio.run(go())


SPELLINGS = ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"]


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_loopback_is_connected_to(host: str, tmp_path: Path):
    with hostile_site({"/": page("inside")}) as site:
        assert get(canonical_url(f"http://{host}:{site.port}/"), tmp_path)
        assert site.log == []


def test_a_name_that_leads_inside_is_not_connected_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def look_up(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    monkeypatch.setattr(guards, "look_up", look_up)
    with hostile_site({"/": page("inside")}) as site:
        assert get(site.url(host="innocent.org"), tmp_path) == "private_address"
        assert get(site.url(host="innocent.org"), tmp_path, allow_private=True) == ""
        assert len(site.log) == 1
    assert host_of(site.url(host="innocent.org")) == "innocent.org"


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_NONAME, "NXDOMAIN"), TimeoutError(), []])
def test_a_name_without_an_address_is_a_failure_that_may_pass(error, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def look_up(host: str, port: int) -> list[str]:
        if isinstance(error, Exception):
            raise error
        return error

    monkeypatch.setattr(guards, "look_up", look_up)
    assert get("http://gone.org/", tmp_path) == "dns"
