"""One form for all spellings of a URL that lead to one page."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

NO_PART_OF_THE_PAGE = re.compile(
    r"(?:utm_[a-z_]+|fbclid|gclid|dclid|msclkid|yclid|mc_[ce]id|igshid|ref_src|_ga"
    r"|phpsessid|jsessionid|aspsessionid[a-z]*|cfid|cftoken)(?:=.*)?"
    r"|(?:sid|sessionid|session_id)=[0-9a-z]{16,}",
    re.IGNORECASE,
)
"""Query parameters that say who came, not which page; a short `sid` is often the number of a story."""
SESSION_IN_PATH = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
DEFAULT_PORTS = {"http": 80, "https": 443}
UNRESERVED = re.compile(r"%(4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A]|3[0-9]|2D|2E|5F|7E)", re.IGNORECASE)
ESCAPE = re.compile(r"%[0-9a-f]{2}")


def canonical_url(url: str) -> str:
    """Bring a URL to the form in which two addresses of one page are equal; "" for what is no http(s) URL.

    Scheme, `www.`, user, default port, fragment, tracking and session parameters, their order, and a closing slash do not
    count; `.` and `..` in the path are followed. A fragment `#!...` names a page of its own. A key for comparing, not an address to fetch.

    >>> canonical_url("HTTPS://user@www.Example.org:443/a%7Eb/?b=2&utm_source=x&a=1#top")
    'example.org/a~b?a=1&b=2'
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    if parts.scheme not in DEFAULT_PORTS or not host:
        return ""
    place = host if port in (None, DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    path = _without_dots(_unescape(SESSION_IN_PATH.sub("", parts.path))).rstrip("/")
    query = sorted(_unescape(pair) for pair in parts.query.split("&") if pair and not NO_PART_OF_THE_PAGE.fullmatch(pair))
    page = _unescape(f"#{parts.fragment}") if parts.fragment.startswith("!") and len(parts.fragment) > 1 else ""
    return place + path + ("?" + "&".join(query) if query else "") + page


def _without_dots(path: str) -> str:
    """Follow `.` and `..` (RFC 3986, section 5.2.4)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == ".." and kept:
            kept.pop()
        elif segment not in (".", ".."):
            kept.append(segment)
    return "".join(f"/{segment}" for segment in kept)


def _unescape(text: str) -> str:
    """Decode what never needed an escape, and write the other escapes in capitals (RFC 3986, section 6.2.2)."""
    plain = UNRESERVED.sub(lambda match: chr(int(match[1], 16)), text)
    return ESCAPE.sub(lambda match: match[0].upper(), plain)
