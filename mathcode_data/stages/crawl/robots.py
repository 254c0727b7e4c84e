"""robots.txt by RFC 9309, closed where in doubt: protego behind a normaliser, and what a status means.

protego allows what it should refuse when the file begins with a byte-order mark, holds NUL bytes, is wrapped in HTML, or
names the crawler with a version (`MathCode-Data/1.0`); it passes `Crawl-delay: 1e9` on. So the bytes are made plain first.

Status: 2xx is read; 4xx means no rules (RFC 9309, 2.3.1.3) but 429 does not; 429, 5xx, a time-out, more than five redirects
and a body without one line of rules that is not empty either ("garbage", such as the start page of a web application)
refuse the origin (scheme, host and port) for an hour (2.3.1.4).
"""

from __future__ import annotations

import codecs
import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from protego import Protego

from mathcode_data.stages.contact import AGENT

TAG = re.compile(r"<(?:br|p|div|pre|li|tr|/p|/div|/pre|/li|/tr)\b[^>]{0,500}>", re.I)
ANY_TAG = re.compile(r"<[^>]{0,2000}>")
HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>", re.I | re.S)
AGENT_LINE = re.compile(r"(?im)^([ \t]*user-?agent[ \t]*:[ \t]*)([^\s#/]+)/[^\n]*$")
DELAY_LINE = re.compile(r"(?im)^[ \t]*crawl-?delay[ \t]*:[ \t]*([^#\n]*).*$")
RULE = re.compile(
    r"(?i)^[ \t]*(user-?agent|(?:dis)?allow|sitemap|crawl-?delay|host|clean-param|request-rate|visit-time|content-signal|noindex)[ \t]*:"
)
LINE = re.compile(r"^[ \t]*([A-Za-z-]+)[ \t]*:[ \t]*([^#]*)")
Verdict = Literal["rules", "no_rules", "refused"]


@dataclass(frozen=True)
class Robots:
    """What a robots.txt says; `refused` means that nothing of the host may be fetched."""

    verdict: Verdict
    reason: str = ""
    text: str = ""
    crawl_delay_s: float | None = None
    """None: the file asks for none that makes sense."""
    signals: tuple[tuple[str, str], ...] = ()
    """Content-Signal lines of our group: path prefix (`/` for all) and the signals as they stand."""
    _parsed: list[Any] = field(default_factory=list, compare=False, repr=False)

    def allows(self, url: str) -> bool:
        """Whether an address may be fetched."""
        if self.verdict != "rules":
            return self.verdict == "no_rules"
        if not self._parsed:
            self._parsed.append(Protego.parse(self.text))
        return bool(self._parsed[0].can_fetch(url, AGENT))

    def to_json(self) -> dict[str, Any]:
        """Plain data for the frontier."""
        return {"verdict": self.verdict, "reason": self.reason, "text": self.text}


def robots_from_json(data: dict[str, Any]) -> Robots:
    """Read back what `to_json` wrote."""
    if data["verdict"] != "rules":
        return Robots(data["verdict"], data["reason"])
    return parse_robots(data["text"])


def read_robots(status: int, body: bytes, *, max_bytes: int = 500 << 10) -> Robots:
    """Judge an answer that is no redirect.

    >>> read_robots(404, b"").verdict, read_robots(503, b"").verdict, read_robots(200, b"<html>shop</html>").verdict
    ('no_rules', 'refused', 'refused')
    """
    if status == 429 or status >= 500 or not 200 <= status < 500:
        return Robots("refused", f"robots_{status}")
    if status >= 300:
        return Robots("no_rules", f"robots_{status}") if status >= 400 else Robots("refused", "robots_redirects")
    text = plain_robots(body, max_bytes)
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    if not any(RULE.match(line) for line in lines) and (any(lines) or _is_markup(text, body)):
        return Robots("refused", "robots_garbage")
    return parse_robots(text)


def parse_robots(text: str) -> Robots:
    """Rules out of a normalised text."""
    try:
        rules = Protego.parse(text)
        delay = rules.crawl_delay(AGENT)
    except (ValueError, OverflowError, AttributeError, IndexError, re.error):
        return Robots("refused", "robots_garbage")
    seconds = None if delay is None or not math.isfinite(delay) or delay < 0 else float(delay)
    return Robots("rules", "", text, seconds, _signals_of_group(text), [rules])


def plain_robots(body: bytes, max_bytes: int) -> str:
    """Text of a robots.txt: cut, decoded, without marks, NULs, markup and versions of user agents; senseless delays are taken out."""
    is_cut = len(body) > max_bytes
    body = body[:max_bytes]
    text = _decode(body).replace("\0", "").replace("\ufeff", "").replace("\r\n", "\n").replace("\r", "\n")
    if is_cut:
        text = text.rpartition("\n")[0]  # a rule that is cut in the middle is another rule
    if "<" in text and re.search(r"(?i)<(?:!doctype|html|head|body|pre|p|br|div)\b", text):
        text = html.unescape(ANY_TAG.sub("", TAG.sub("\n", HIDDEN.sub("", text))))
    text = AGENT_LINE.sub(r"\1\2", text)
    return DELAY_LINE.sub(lambda match: match[0] if _is_delay(match[1]) else "", text)


def _decode(body: bytes) -> str:
    for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    head = body[:512]
    if len(head) > 3 and head[1::2].count(0) > len(head) // 3:
        return body.decode("utf-16-le", "replace")
    if len(head) > 3 and head[::2].count(0) > len(head) // 3:
        return body.decode("utf-16-be", "replace")
    return body.decode("utf-8", "replace")


def _is_delay(text: str) -> bool:
    try:
        value = float(text.strip())
    except ValueError:
        return False
    return math.isfinite(value) and value >= 0


def _is_markup(text: str, body: bytes) -> bool:
    """Whether nothing but markup was there, as opposed to an empty file or comments alone."""
    return not text.strip() and bool(body.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"))


def _signals_of_group(text: str) -> tuple[tuple[str, str], ...]:
    """Content-Signal lines that speak to us: of the group that names us, else of `*`; lines before any group speak to all."""
    found: dict[str, list[str]] = {"": [], "*": [], AGENT: []}
    names_us = False
    agents: list[str] = [""]
    in_rules = True
    for line in text.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        key, value = match[1].lower().replace("useragent", "user-agent"), match[2].strip()
        if key == "user-agent":
            agents = [] if in_rules else agents
            in_rules = False
            agents.append(value.lower())
            names_us = names_us or value.lower() == AGENT
        else:
            in_rules = True
            if key == "content-signal":
                for agent in agents:
                    if agent in found:
                        found[agent].append(value)
    own: Sequence[str] = found[AGENT] if names_us else found["*"]
    return tuple(_with_path(value) for value in (*found[""], *own))


def _with_path(value: str) -> tuple[str, str]:
    """`/path ai-train=no` or `ai-train=no`."""
    if value.startswith("/"):
        path, _, signals = value.partition(" ")
        return path, signals.strip()
    return "/", value
