"""Lists of many choices: the parser's time for a `<select>` grows with the square of its options, so long ones are cut into several."""

from __future__ import annotations

import re

_MANY = 1_000
_PIECE = 250
_TAG = re.compile(r"<(/?)(select|option)\b", re.I)


def split_choices(html: str) -> str:
    """The page with its long lists in pieces; the same object for the many pages without one.

    >>> split_choices("<select><option>a<option>b</select>")
    '<select><option>a<option>b</select>'
    """
    if html.count("<") < _MANY or html.count("<option") + html.count("<OPTION") < _MANY:
        return html
    pieces: list[str] = []
    position = number = 0
    is_inside = False
    for match in _TAG.finditer(html):
        if match[2].lower() == "select":
            is_inside, number = not match[1], 0
        elif is_inside and not match[1]:
            number += 1
            if number % _PIECE == 0:
                pieces += [html[position : match.start()], "</select><select>"]
                position = match.start()
    return "".join([*pieces, html[position:]])
