"""The marks of list items as a browser shows them: `start`, `value`, `reversed`, letters and Roman numerals."""

from __future__ import annotations

import re

from mathcode_data.stages.extract.tree import Child, Element

_INTEGER = re.compile(r"-?\d{1,6}")
_STYLE = re.compile(r"list-style(?:-type)?\s{0,3}:[^;]{0,60}?\b((?:lower|upper)-(?:alpha|latin|roman))", re.I)
_TYPES = {"lower-alpha": "a", "lower-latin": "a", "upper-alpha": "A", "upper-latin": "A", "lower-roman": "i", "upper-roman": "I"}
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"),
    (4, "iv"), (1, "i"),
)  # fmt: skip
_MAX_ROMAN = 3_999


class Numbering:
    """Counts the items of one list."""

    def __init__(self, items: Element) -> None:
        self.is_ordered = items.tag == "ol"
        self.number, self.step, self.type = 1, 1, "1"
        if not self.is_ordered or not items.attrs:
            return
        style = _STYLE.search(items.get("style"))
        self.type = _TYPES[style[1].lower()] if style is not None else items.get("type").strip()
        if "reversed" in items.attrs:
            self.step = -1
            self.number = sum(isinstance(child, Element) and child.tag == "li" for child in items.children)
        self.number = _integer(items.get("start"), self.number)

    def mark(self, item: Child) -> str:
        """What stands before the next item, with the space after it."""
        if not self.is_ordered:
            return "- "
        number = _integer(item.get("value"), self.number) if isinstance(item, Element) and item.tag == "li" else self.number
        self.number = number + self.step
        return f"{numeral(number, self.type)}. "


def _integer(value: str, default: int) -> int:
    return int(value) if _INTEGER.fullmatch(value.strip()) else default


def numeral(number: int, kind: str) -> str:
    """A number as the attribute `type` of a list asks for: digits, letters or a Roman numeral.

    >>> numeral(4, "1"), numeral(28, "a"), numeral(28, "A"), numeral(14, "i"), numeral(9, "I"), numeral(0, "a")
    ('4', 'ab', 'AB', 'xiv', 'IX', '0')
    """
    if kind in ("a", "A") and number > 0:
        text = ""
        while number > 0:
            number, rest = divmod(number - 1, 26)
            text = chr(ord(kind) + rest) + text
        return text
    if kind in ("i", "I") and 0 < number <= _MAX_ROMAN:
        text = ""
        for size, sign in _ROMAN:
            times, number = divmod(number, size)
            text += sign * times
        return text if kind == "i" else text.upper()
    return str(number)
