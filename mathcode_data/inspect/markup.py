"""HTML that hostile text cannot break out of: escaping, links, tables, and the page around it all.

The page runs no script and loads nothing: its Content-Security-Policy allows the one style sheet it bears, by hash.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import unicodedata
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from mathcode_data.core.terminal import visible
from mathcode_data.inspect.style_sheet import STYLE

MAX_URL_CHARACTERS = 2000
LINK_SCHEMES = ("http", "https")
BREAKS = re.compile(r"(?<=[a-z0-9][._/-])(?=[A-Za-z])")
"""Where long names may go on in the next line."""


def escape(value: Any) -> str:
    """Text for an element or a quoted attribute.

    >>> escape('<script>"&\\x1b')
    '&lt;script&gt;&quot;&amp;\\\\x1b'
    """
    return html.escape(visible(str(value)), quote=True)


def link(url: str, words: str | None = None) -> str:
    """A link where the address is plain http or https with a host; else its text.

    >>> link("javascript:alert(1)")
    '<span class="address">javascript:alert(1)</span>'
    """
    shown = escape(words if words is not None else url)
    if not is_safe_url(url):
        return f'<span class="address">{shown}</span>'
    return f'<a class="address" href="{escape(url)}" rel="noopener noreferrer nofollow" target="_blank">{shown}</a>'


def is_safe_url(url: str) -> bool:
    """Whether a browser would open it as a web page, at the host that it shows.

    >>> [is_safe_url(url) for url in ("https://a.example/?q=1", "//a.example", "data:text/html,x", "http://a\\n.example", "https://a@b.example")]
    [True, False, False, False, False]
    """
    if len(url) > MAX_URL_CHARACTERS or any(c.isspace() or unicodedata.category(c)[0] == "C" for c in url) or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in LINK_SCHEMES and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


class Raw(str):
    """Markup that is already safe, as a cell of a table."""

    __slots__ = ()


class Percent(float):
    """A share, shown in percent."""

    __slots__ = ()


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = "") -> str:
    """A table; numbers stand to the right, in figures of one width; it scrolls by itself where the screen is narrow."""
    is_number = [bool(rows) and all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(headers))]
    head = "".join(f'<th scope="col"{_class(right)}>{escape(name)}</th>' for name, right in zip(headers, is_number, strict=True))
    body = "".join(f"<tr>{''.join(_td(cell, right) for cell, right in zip(row, is_number, strict=True))}</tr>" for row in rows)
    shown = f"<caption>{escape(caption)}</caption>" if caption else ""
    name = escape(caption or ", ".join(headers))
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}"><table>{shown}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _td(cell: Any, is_number: bool) -> str:
    if isinstance(cell, Raw):
        return f'<td class="drawn">{cell}</td>' if cell.startswith("<svg") else f"<td>{cell}</td>"
    return f"<td{_class(is_number)}>{BREAKS.sub('<wbr>', escape(cell_text(cell)))}</td>"


def cell_text(cell: Any) -> str:
    """A value as it stands in a table."""
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, Percent):
        return f"{cell:.2%}" if 0 < cell < 0.001 else f"{cell:.1%}"
    if isinstance(cell, float):
        return f"{cell:,.3f}" if abs(cell) < 10 else f"{cell:,.1f}"
    return str(cell)


def section(title: str, *parts: str, note: str = "") -> str:
    """A part of the page; nothing where it would be empty."""
    body = "".join(parts)
    if not body:
        return ""
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{said}{body}</section>"


def figures(pairs: Sequence[tuple[str, str]]) -> str:
    """Key figures in a row: (number, what it counts)."""
    return (
        '<dl class="figures">' + "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(number)}</dd></div>" for number, name in pairs) + "</dl>"
    )


def bullets(lines: Sequence[str]) -> str:
    """A list of plain lines."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>" if lines else ""


def page(kind: str, title: str, subtitle: str, body: str, footer: Sequence[str]) -> str:
    """The whole document."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    commands = "".join(f"<li><code>{escape(command)}</code></li>" for command in footer)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(title)} · {escape(kind)}</title><style>{STYLE}</style></head>\n<body><main>"
        f'<header><p class="kind">{escape(kind)}</p><h1>{escape(title)}</h1><p class="subtitle">{escape(subtitle)}</p></header>\n'
        f"{body}\n<footer><p>Look further:</p><ul>{commands}</ul></footer></main></body></html>\n"
    )
