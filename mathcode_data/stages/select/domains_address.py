"""Web addresses as places in a tree: registered domain, host, folders of the path.

`https://www.Math.example.co.uk:8080/questions/12/title?tab=1` is the domain `example.co.uk`, the host `math.example.co.uk` (no
`www.`, no port) and the folders `questions`, `12`. What stands behind the last `/` is the page, not a folder.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

MAX_URL_CHARACTERS = 4000
MAX_HOST_CHARACTERS = 253
HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII)
UNRESERVED = re.compile("%(2[dDeE]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])")


class Address(NamedTuple):
    """Where a page lies."""

    host: str
    folders: tuple[str, ...]


def parse_address(url: str | None) -> Address | None:
    """Split a URL; None where it names no host (no address, a path, another scheme, a damaged one).

    >>> parse_address("https://www.Math.example.co.uk:8080/questions/12/title?tab=1")
    Address(host='math.example.co.uk', folders=('questions', '12'))
    >>> parse_address("mailto:me@example.org") is None
    True
    """
    if not url or len(url) > MAX_URL_CHARACTERS:
        return None
    try:
        parts = urlsplit(url.strip())
        host = plain_host(parts.hostname or "")
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or host is None:
        return None
    return Address(host, tuple(split_path(parts.path)[:-1]))


def split_path(path: str) -> list[str]:
    """Segments of a path, the last being the page; empty ones and `.` go, `..` climbs, needless %-escapes are undone.

    >>> split_path("/a//b/%7Eme/./c/../page.html")
    ['a', 'b', '~me', 'page.html']
    """
    segments: list[str] = []
    *folders, page = UNRESERVED.sub(lambda found: unquote_to_bytes(found[0]).decode(), path).split("/")
    for segment in folders:
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    return [*segments, page]


def plain_host(host: str) -> str | None:
    """A host in lower case and ASCII, without `www.`; None where it can be none.

    >>> plain_host("WWW.Bücher.example."), plain_host("a b")
    ('xn--bcher-kva.example', None)
    """
    host = host.lower().rstrip(".")
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return None
    host = host.removeprefix("www.")
    is_host = len(host) <= MAX_HOST_CHARACTERS and (HOST.fullmatch(host) or ":" in host)
    return host if host and is_host else None


@functools.lru_cache(maxsize=100_000)
def registered_domain(host: str) -> str:
    """The part of a host that one owner registered, by the Public Suffix List; the host itself where the list gives none.

    Places that hand out sub-domains count as suffixes: two sites on github.io have two owners.

    >>> registered_domain("maths.example.co.uk"), registered_domain("me.github.io"), registered_domain("192.0.2.1")
    ('example.co.uk', 'me.github.io', '192.0.2.1')
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return str(_suffixes().privatesuffix(host) or host)
    return host


@functools.cache
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
