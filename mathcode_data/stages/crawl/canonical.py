"""One form for every address: WHATWG parsing (ada), then what makes two spellings of one page equal.

Only http and https; no user name, fragment, default port or trailing dot of the host; no empty path segments; percent
escapes of plain characters undone; query sorted, without tracking and per-visit parameters. What the parser reads as an
address is one: `http://2130706433/` becomes `http://127.0.0.1/`, and the guard sees it.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

from ada_url import URL

KEY_BYTES = 16
MAX_RAW_CHARACTERS = 16_384
"""Longer texts are not parsed at all."""

PER_VISIT = re.compile(
    r"utm_\w+|mtm_\w+|pk_\w+|gclid|gclsrc|dclid|fbclid|msclkid|yclid|twclid|igshid|mc_cid|mc_eid|_ga|_gl|_hsenc|_hsmi|vero_id|wickedid"
    r"|sid|sessid|session_?id|phpsessid|jsessionid|aspsessionid\w*|cfid|cftoken|s?sessionhash|osclangid|zenid|oscsid",
    re.I,
)
SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;?]*", re.I)
ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
SLASHES = re.compile(r"/{2,}")
SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "go", "gob", "gov", "gouv", "mil", "ne", "net", "or", "org", "sch"})


class UrlError(ValueError):
    """No address that a crawl may have; the message is the reason under which it is counted."""


def canonical_url(text: str, base: str = "") -> str:
    """The canonical form of an address, absolute or relative to `base`.

    Raises:
        UrlError: `bad_url` or `scheme`.

    >>> canonical_url("../b/./%7Ex?z=1&utm_source=n&a=2#top", "HTTP://Example.COM.:80/a/c")
    'http://example.com/b/~x?a=2&z=1'
    """
    if len(text) > MAX_RAW_CHARACTERS:
        raise UrlError("bad_url")
    try:
        url = URL(text.strip(), base=base) if base else URL(text.strip())
    except (ValueError, UnicodeError) as error:
        raise UrlError("bad_url") from error
    if url.protocol not in ("http:", "https:"):
        raise UrlError("scheme")
    host = url.hostname.rstrip(".")
    if not host or ".." in host:
        raise UrlError("bad_url")
    port = f":{url.port}" if url.port else ""
    path = SLASHES.sub("/", SESSION_IN_PATH.sub("", _plain(url.pathname))) or "/"
    return f"{url.protocol}//{host}{port}{path}{_query(url.search)}"


def _plain(text: str) -> str:
    """Escapes of unreserved characters undone, the others in upper case (RFC 3986, section 6.2.2)."""

    def plain(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if character in UNRESERVED else match[0].upper()

    return ESCAPE.sub(plain, text)


def _query(search: str) -> str:
    pieces = [_plain(piece) for piece in search.removeprefix("?").split("&") if piece]
    kept = sorted(piece for piece in pieces if not PER_VISIT.fullmatch(piece.partition("=")[0]))
    return "?" + "&".join(kept) if kept else ""


def url_key(url: str) -> bytes:
    """Name of a canonical address: BLAKE2b-128."""
    return hashlib.blake2b(url.encode(), digest_size=KEY_BYTES).digest()


def host_of(url: str) -> str:
    """The host, without port: what politeness counts by. An IPv6 address stands without brackets."""
    return urlsplit(url).hostname or ""


def origin_of(url: str) -> str:
    """Scheme, host and port: what a robots.txt speaks for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def site_of(host: str) -> str:
    """About the registered domain: the last two labels, three under `co.uk` and its like.

    Hosts of one site lie in one partition, so that a robots.txt may redirect from `example.org` to `www.example.org`. A wrong
    guess (a public suffix that this rule does not know) costs evenness of partitions and nothing else.

    >>> site_of("www.maths.ox.ac.uk"), site_of("math.stackexchange.com")
    ('ox.ac.uk', 'stackexchange.com')
    """
    labels = host.split(".")
    if ":" in host or labels[-1].isdigit():
        return host
    num_labels = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVELS else 2
    return ".".join(labels[-num_labels:])


def partition_of(host: str, num_partitions: int) -> int:
    """Which frontier a host belongs to; the same on every machine."""
    digest = hashlib.blake2b(site_of(host).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % num_partitions
