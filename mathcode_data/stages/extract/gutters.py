"""Line numbers that a listing carries in its own lines, under no name: `<span style="color: #008080;"> 1</span> int main()`.

They are numbers one after the other, each in an element of its own at the beginning of a line, on all lines. Numbers of the code
itself stand in such elements too, where it is coloured, but not only there.
"""

from __future__ import annotations

import re
from itertools import pairwise

_NUMBER = re.compile(r"\s{0,8}(\d{1,5})[.:|]?\s{0,4}")
_FIRST_LINES = 3
_FROM, _TO = "\ufdd0", "\ufdd1"  # around a number at the beginning of a line; pages hold neither
_MARKED = re.compile(rf"[ \t]*{_FROM}([^{_TO}\n]*){_TO}")
_MAX_BLANKS = 8


def may_be_numbered(text: str) -> bool:
    """A quick look at the first lines of a listing."""
    if not text[:_MAX_BLANKS].lstrip()[:1].isdigit():
        return False
    numbers: list[int] = []
    for line in text.split("\n", 2 * _FIRST_LINES):
        match = _NUMBER.match(line)
        if match is not None:
            numbers.append(int(match[1]))
        elif line.strip():
            return False
        if len(numbers) == _FIRST_LINES:
            break
    return len(numbers) == _FIRST_LINES and all(second == first + 1 for first, second in pairwise(numbers))


class Gutter:
    """Marks what may be line numbers while a listing is read, and takes them off it."""

    def __init__(self) -> None:
        self.kinds: set[tuple[str, str, str]] = set()
        self.others: set[tuple[str, str, str]] = set()

    def mark(self, tag: str, attributes: dict[str, str | None], text: str, pieces: list[str]) -> bool:
        """Add the text of an element that is a number at the beginning of a line, marked; false for all others."""
        if len(text) > 2 * _MAX_BLANKS or _NUMBER.fullmatch(text) is None:
            return False
        kind = (tag, attributes.get("class") or "", attributes.get("style") or "")
        if not _begins_line(pieces):
            self.others.add(kind)
            return False
        self.kinds.add(kind)
        pieces.append(f"{_FROM}{text}{_TO}")
        return True

    def strip(self, text: str) -> str:
        """The listing without its line numbers, or as it stands where they are none."""
        lines = text.split("\n")
        marked = [_MARKED.match(line) if line.strip() else None for line in lines]
        numbers = [int(match[1].strip().rstrip(".:|")) for match in marked if match is not None]
        is_gutter = len(numbers) >= _FIRST_LINES and len(self.kinds) == 1 and self.kinds.isdisjoint(self.others)
        is_gutter = is_gutter and len(numbers) == sum(bool(line.strip()) for line in lines)
        if not is_gutter or any(second != first + 1 for first, second in pairwise(numbers)):
            return text.replace(_FROM, "").replace(_TO, "")
        rest = [line[match.end() :] if match is not None else line for line, match in zip(lines, marked, strict=True)]
        width = 1 if all(line[:1] in ("", " ", "\u00a0", "\t") for line in rest) else 0
        return "\n".join(line[width:] for line in rest)


def _begins_line(pieces: list[str]) -> bool:
    for piece in reversed(pieces[-_MAX_BLANKS:]):
        if "\n" in piece:
            return not piece.rpartition("\n")[2].strip()
        if piece.strip():
            return False
    return len(pieces) <= _MAX_BLANKS
