"""Addresses of people and machines in text: e-mail addresses and public IP addresses, and what only looks like them.

Kept, as they are nobody's: addresses in domains for documentation (example.org, *.test), names that machines answer to
(git@github.com, noreply@), IP addresses of private, local, multicast and documentation networks, the well-known name servers, and
numbers with four parts that are versions (`v1.2.3.4`, `version = "4.0.30319.1"`, OIDs).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mathcode_data.stages.extract.words import words


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A piece of a text [start, end) that is to be replaced, and what it is."""

    start: int
    end: int
    kind: str
    value: str


_DOMAIN = re.compile(r"@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}([A-Za-z]{2,18}))(?![\w@(\[])")
_NAME = re.compile(r"(?<![\w.+%&/=-])[A-Za-z0-9_](?:[\w.+%-]{0,62}[\w+])?\Z")
_LOGIN = re.compile(r"://[^\s/]*\Z")
"""What stands before an `@` that separates a login from a host."""
MAX_NAME = 64
_GENERIC = words(
    "com org net edu gov mil int info biz name pro aero coop museum mobi jobs travel asia io dev app tech online site xyz"
    " cloud email ai science academy systems software solutions company group agency network digital world today space"
    " website store shop blog wiki"
)
_COUNTRIES = words(
    "ac ad ae af ag al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf cg"
    " ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh"
    " gi gl gm gn gp gq gr gt gu gw gy hk hm hn hr ht hu id ie il im in iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw"
    " ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf"
    " ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl"
    " sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn"
    " vu wf ws ye yt za zm zw"
)
_NOBODY = re.compile(
    r"(?:^|\.)(?:example\.(?:com|org|net|edu)|example|test|invalid|localhost|local|localdomain|users\.noreply\.github\.com)$", re.I
)
_MACHINES = re.compile(r"^(?:git|hg|svn|noreply|no-reply|donotreply|mailer-daemon|postmaster|nobody)$", re.I)

_IPV4 = re.compile(r"\d(?<![\w.\-]\d)\d{0,2}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w\-]|\.\w)")
_IPV6 = re.compile(r"[23](?<![\w:.].)[0-9a-fA-F]{3}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:])")
_VERSION = re.compile(
    r"(?:\bv|\bver(?:sion)?s?\b\W*|\brev(?:ision)?\b\W*|\brelease\b\W*|\bbuild\b\W*|[=~<>!^]=\s*|\boid\b\W*|\bsection\b\W*|§\s*|_version\w*\W*)[\"'(]*$",
    re.I,
)
_NETWORK = re.compile(
    r"\b(?:ip|ipv4|inet|host|hostname|addr|address|server|dns|ping|ssh|bind|listen|gateway|proxy|peer|route|subnet)\w*\W|://|@$", re.I
)
_PORT = re.compile(r":\d{2,5}\b|/\d{1,2}\b")
LOOK_BACK = 40
LOW = 32
"""Four numbers below this, without a word of networks before them, are taken for a version or a section."""
NAME_SERVERS = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222", "208.67.220.220", "4.2.2.1", "4.2.2.2"})


def find_emails(text: str) -> Iterator[Span]:
    """E-mail addresses of people.

    >>> [span.value for span in find_emails("Jane <jane.doe@uni-x.edu>, a@example.org, git@github.com, w@x.T")]
    ['jane.doe@uni-x.edu']
    """
    if "@" not in text:
        return
    for match in _DOMAIN.finditer(text):  # an "@" is rare, so the search begins there and then looks back
        domain, top = match[1].lower(), match[2].lower()
        if (top not in _GENERIC and top not in _COUNTRIES) or _NOBODY.search(domain):
            continue
        before = text[max(0, match.start() - MAX_NAME - 1) : match.start()]
        name = _NAME.search(before)
        if name is not None and not _MACHINES.match(name[0]) and not _LOGIN.search(before):
            start = match.start() - len(name[0])
            yield Span(start, match.end(), "EMAIL", text[start : match.end()])


def find_ips(text: str) -> Iterator[Span]:
    """Public IP addresses.

    >>> [span.value for span in find_ips("host 93.184.216.34, 10.0.0.1, v1.2.3.4, 192.0.2.1, [2606:4700::6810:85e5]:80")]
    ['93.184.216.34', '2606:4700::6810:85e5']
    """
    for match in _IPV4.finditer(text):
        if match[0] not in NAME_SERVERS and _is_public(match[0]) and not _is_version(text, match):
            yield Span(match.start(), match.end(), "IP_ADDRESS", match[0])
    if ":" in text:
        for match in _IPV6.finditer(text):
            value = match[0].rstrip(":") if match[0].endswith(":") and not match[0].endswith("::") else match[0]
            if _is_public(value):
                yield Span(match.start(), match.start() + len(value), "IP_ADDRESS", value)


def _is_public(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _is_version(text: str, match: re.Match[str]) -> bool:
    """Whether four numbers are a version: the words before them say so, or they are small and nothing speaks of networks."""
    line_start = text.rfind("\n", max(0, match.start() - LOOK_BACK), match.start()) + 1
    before = text[max(line_start, match.start() - LOOK_BACK) : match.start()]
    if _VERSION.search(before):
        return True
    if _NETWORK.search(before) or _PORT.match(text, match.end()):
        return False
    return all(int(part) < LOW for part in match[0].split("."))
