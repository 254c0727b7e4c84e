r"""Sentences with choices: the small language in which the quickstart's pages are written.

`[[a|b|c]]` stands for one of several wordings and `<name>` for a computed value. Formulas stand between `$..$`
and `$$..$$` as in TeX, and `¤5` is a price of five dollars (a dollar sign proper always opens or ends a formula).

All randomness goes through `random.Random.random`, the one method whose stream Python promises to keep for a seed,
so the site has the same bytes under every Python version. A `np.random.Generator` takes 3 us for one number, and a
site needs half a million of them.
"""

import re
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import NamedTuple, TypeVar

T = TypeVar("T")

_CHOICE = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_SLOT = re.compile(r"<([a-z][a-z0-9_]*)>")
_BLANK = re.compile(r"\s+")
_CHINESE_BREAK = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef])\n\s*")


class _Slot(NamedTuple):
    name: str


class _Choice(NamedTuple):
    wordings: tuple["Phrase", ...]


Phrase = tuple["str | _Slot | _Choice", ...]


class Draw:
    """Every random decision of one page.

    >>> draw = Draw("doctest")
    >>> draw.say("[[Add|Add up]] $<a> + <b> = <c>$.", a=2, b=3, c=5).endswith("$2 + 3 = 5$.")
    True
    """

    def __init__(self, seed: str) -> None:
        self._random = Random(seed).random  # a string is hashed with SHA-512, the same on every machine

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random() < probability

    def integer(self, low: int, high: int, *, besides: Sequence[int] = ()) -> int:
        """An integer in [low, high] which is none of `besides`."""
        while True:
            value = low + int(self._random() * (high - low + 1))
            if value not in besides:
                return value

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[int(self._random() * len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All items in random order."""
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = int(self._random() * (last + 1))
            result[last], result[other] = result[other], result[last]
        return result

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items, or all if there are fewer, in their own order."""
        chosen = sorted(self.shuffled(range(len(items)))[:count])
        return [items[index] for index in chosen]

    def say(self, template: str, **values: object) -> str:
        """The template with one wording of each choice and the values in their places."""
        out: list[str] = []
        self._say(compile_phrase(template), values, out)
        return "".join(out)

    def _say(self, phrase: Phrase, values: dict[str, object], out: list[str]) -> None:
        for part in phrase:
            if isinstance(part, str):
                out.append(part)
            elif isinstance(part, _Slot):
                assert part.name in values, f"a template asks for <{part.name}>, given are {sorted(values)}"
                out.append(str(values[part.name]))
            else:
                self._say(self.pick(part.wordings), values, out)


@cache
def compile_phrase(template: str) -> Phrase:
    """Split a template into text, slots and choices; choices do not nest."""
    parts: list[str | _Slot | _Choice] = []
    position = 0
    for match in _CHOICE.finditer(template):
        parts.extend(_split_slots(template[position : match.start()]))
        parts.append(_Choice(tuple(_split_slots(wording) for wording in match.group(1).split("|"))))
        position = match.end()
    parts.extend(_split_slots(template[position:]))
    return tuple(parts)


def _split_slots(text: str) -> Phrase:
    pieces = _SLOT.split(text)
    return tuple(_Slot(piece) if index % 2 else piece for index, piece in enumerate(pieces) if piece)


def paragraphs(block: str) -> tuple[str, ...]:
    """The paragraphs of a text block, separated by empty lines, each on one line; Chinese is joined without a space.

    >>> paragraphs('''one
    ... line
    ...
    ... two''')
    ('one line', 'two')
    """
    parts = re.split(r"\n\s*\n", block)
    return tuple(_BLANK.sub(" ", _CHINESE_BREAK.sub("", part)).strip() for part in parts if part.strip())
