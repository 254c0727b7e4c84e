"""Text of others on a terminal: bytes that would move its cursor, colour it or rename its window are shown, not obeyed."""

from __future__ import annotations

import re

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""All controls but line feed and tab, and what turns the direction of writing, so that a line would read as another."""


def harmless(text: str) -> str:
    r"""The text with its controls written as Python writes them.

    >>> harmless("a\x1b[31mb\nc\td\re")
    'a\\x1b[31mb\nc\td\\x0de'
    """
    return CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 0x100 else f"\\u{ord(found[0]):04x}", text)
