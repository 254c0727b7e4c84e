"""Which hosts a crawl may visit, and what becomes of the addresses that a page names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mathcode_data.stages.crawl.canonical import UrlError, canonical_url, host_of
from mathcode_data.stages.crawl.guards import is_literal, why_forbidden
from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.traps import why_refused

NO_PAGE = (
    ".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg", ".ico", ".bmp", ".tif", ".tiff", ".avif", ".css", ".js", ".mjs", ".json", ".xml",
    ".rss", ".atom", ".pdf", ".ps", ".dvi", ".djvu", ".epub", ".doc", ".docx", ".ppt", ".pptx", ".xls", ".xlsx", ".csv", ".zip", ".gz",
    ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".exe", ".dmg", ".iso", ".deb", ".rpm", ".jar", ".apk", ".mp3", ".mp4", ".m4a", ".ogg",
    ".wav", ".flac", ".avi", ".mov", ".mkv", ".webm", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".swf", ".wasm", ".bib", ".torrent",
)  # fmt: skip
"""Ends of paths that lead to no HTML."""


@dataclass(frozen=True)
class Scope:
    """Hosts of a crawl."""

    domains: tuple[str, ...] = ()
    """A domain and every host under it."""
    suffixes: tuple[str, ...] = ()
    """Ends of host names, as `.edu`."""
    hosts: frozenset[str] = frozenset()
    """Single hosts (those of the seeds)."""
    any_host: bool = False
    allow_private: bool = False

    def why_outside(self, host: str) -> str:
        """The reason to leave a host alone, "" if it is inside.

        >>> Scope(domains=("example.org",)).why_outside("notexample.org"), Scope(suffixes=(".edu",)).why_outside("math.mit.edu")
        ('out_of_scope', '')
        """
        if is_literal(host) and (reason := why_forbidden(host, allow_private=self.allow_private)):
            return reason
        if self.any_host or host in self.hosts or any(host.endswith(suffix) for suffix in self.suffixes):
            return ""
        inside = any(host == domain or host.endswith(f".{domain}") for domain in self.domains)
        return "" if inside else "out_of_scope"

    def judge(self, text: str, base: str, depth: int, limits: Limits) -> tuple[str, str]:
        """Canonical address and "", or "" and the reason against it."""
        try:
            url = canonical_url(text, base)
        except UrlError as error:
            return "", str(error)
        reason = self.why_outside(host_of(url)) or why_refused(url, depth, limits)
        if not reason and url.partition("?")[0].lower().endswith(NO_PAGE):
            reason = "no_page"
        return ("", reason) if reason else (url, "")


def judge_links(links: Iterable[str], base: str, depth: int, scope: Scope, limits: Limits) -> tuple[list[str], Counter[str]]:
    """The first `max_links` different addresses of a page that may be followed, and how many were refused, by reason."""
    found: dict[str, None] = {}
    refused: Counter[str] = Counter()
    seen: set[str] = set()
    for text in links:
        if text in seen:
            continue
        seen.add(text)
        if len(found) >= limits.max_links:
            refused["too_many_links"] += 1
            continue
        url, reason = scope.judge(text, base, depth, limits)
        if reason:
            refused[reason] += 1
        else:
            found[url] = None
    return list(found), refused
