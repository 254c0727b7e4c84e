"""Text of others where people read it: what would move a cursor, rename a window, hide or turn text around is shown, not obeyed."""

from __future__ import annotations

import re

_INVISIBLE = "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f"
"""Marks that turn text around, end a line or hide it, letters that cannot be seen, and halves of surrogate pairs."""
CONTROLS = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_INVISIBLE}]")
"""These, and all controls but line feed and tab."""
IN_JSON = re.compile(f"[\x7f-\x9f{_INVISIBLE}]")
"""What JSON lets stand as it is."""


def harmless(text: str) -> str:
    r"""The text with its controls written as Python writes them.

    >>> harmless("a\x1b[31mb\nc\td\re")
    'a\\x1b[31mb\nc\td\\x0de'
    """
    return CONTROLS.sub(lambda found: _code(found[0]), text)


def visible(text: str) -> str:
    """The same for a page, where any end of a line is one.

    >>> visible("a\\x00b\\u202ec\\r\\n")
    'a\\\\x00b\\\\u202ec\\n'
    """
    return harmless(text.replace("\r\n", "\n").replace("\r", "\n"))


def harmless_json(text: str) -> str:
    r"""JSON of the same value in which no such character stands.

    >>> harmless_json('["\x9b1m", "\U000e0041"]')
    '["\\u009b1m", "\\udb40\\udc41"]'
    """
    return IN_JSON.sub(lambda found: "".join(f"\\u{unit:04x}" for unit in _units(found[0])), text)


def _units(character: str) -> list[int]:
    content = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(content[at : at + 2]) for at in range(0, len(content), 2)]


def _code(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
