"""No request leaves for an address inside: every address of a host is checked, and only a checked one is connected to.

The guard stands in three places: literal addresses before anything else, all answers of the name server (one inner address
among them refuses the host: that is how rebinding looks), and the socket itself, which is told the real address.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
CARRYING = (ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32"), ipaddress.ip_network("::/96"))
"""IPv6 networks whose addresses hold an IPv4 address (6to4, Teredo, IPv4-compatible); `is_global` is True for some of them."""
SPECIAL = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("192.88.99.0/24"))
"""IETF's own use and the old 6to4 relay, which older Pythons call global; Oracle's cloud answers questions at 192.0.0.192."""
METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")))
"""Where clouds answer questions about the machine that asks; the last is a public address of Azure."""


class BlockedAddressError(Exception):
    """A host that leads inside; the message is the reason under which it is counted. No OSError: resolvers swallow those."""


def why_forbidden(text: str, *, allow_private: bool = False) -> str:
    """The reason why an address may not be connected to, "" if it may.

    >>> why_forbidden("93.184.215.14"), why_forbidden("169.254.169.254"), why_forbidden("64:ff9b::7f00:1")
    ('', 'metadata_address', 'nat64_address')
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "no_address"
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return why_forbidden(str(mapped), allow_private=allow_private)
    if address in METADATA:
        return "metadata_address"
    if address.version == 6 and any(address in network for network in NAT64):
        return "nat64_address"
    if allow_private and (address.is_loopback or (address.is_private and not address.is_link_local and not address.is_unspecified)):
        return ""
    if address.version == 6 and any(address in network for network in CARRYING):
        return "private_address" if address.is_loopback or address.is_unspecified else "tunnel_address"
    if address.version == 4 and any(address in network for network in SPECIAL):
        return "private_address"
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return "private_address"
    return ""


def is_literal(host: str) -> bool:
    """Whether a host is written as an address."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


async def look_up(host: str, port: int) -> list[str]:
    """Ask the system for all addresses of a host."""
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class CheckedResolver(AbstractResolver):
    """Resolves hosts for aiohttp; gives nothing unless every address may be connected to."""

    def __init__(self, *, allow_private: bool, fixed: Mapping[str, str] | None = None, timeout_s: float = 10.0) -> None:
        """`fixed` answers before the name server does; its addresses are checked like all."""
        self._allow_private = allow_private
        self._fixed = dict(fixed or {})
        self._timeout_s = timeout_s

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """All addresses of a host.

        Raises:
            BlockedAddressError: one of them may not be connected to.
            OSError: there is none, or no answer in time.
        """
        if host in self._fixed:
            found = [self._fixed[host]]
        else:
            try:
                async with asyncio.timeout(self._timeout_s):
                    found = await look_up(host, port)
            except TimeoutError as error:
                raise OSError(errno.EHOSTUNREACH, f"{host}: no answer of the name server in {self._timeout_s:g} s") from error
        for address in found:
            reason = why_forbidden(address, allow_private=self._allow_private)
            if reason:
                raise BlockedAddressError(reason)
        if not found:
            raise OSError(f"{host}: the name server knows no address")
        kinds = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in found}
        wanted = [address for address in found if family in (socket.AF_UNSPEC, kinds[address])]
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kinds[address], proto=0, flags=socket.AI_NUMERICHOST)
            for address in wanted
        ]

    async def close(self) -> None:
        """Nothing to release."""


def guarded_sockets(*, allow_private: bool) -> Callable[[Any], socket.socket]:
    """Make sockets for aiohttp's connector; the last guard, with the address that is really connected to."""

    def make(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        reason = why_forbidden(str(address[0]), allow_private=allow_private)
        if reason:
            raise BlockedAddressError(reason)
        return socket.socket(family, kind, protocol)

    return make
