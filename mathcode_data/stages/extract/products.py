"""Upright letters in a run of plain HTML: products such as 4ab and mc<sup>2</sup>, differentials, or units and words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mathcode_data.stages.extract.mathml_symbols import COMMANDS
from mathcode_data.stages.extract.words import words

SMALL_WORDS = words("an as at be by do go he if in is it me my no of on or so to up us we ad al et la le de du en un el es pp vs")
_UNITS = words(
    "km cm mm dm nm kg mg ml ms ns hz khz mhz ghz kb mb gb tb px pt em ft in lb lbs oz hr hrs min sec mol bit bps rpm mph kph kwh"
    " kw mw kv pm bn mln mrd ppm psi atm cal ev kev mev gev pa kpa mpa dpi fps usd eur st nd rd th er re ers de ste eme am day da"
    " ha yd mi qt gal tsp db dbm ph rad deg"
)
_PRODUCT = re.compile(r"[A-Za-zα-ω]{2,3}")
_DIFFERENTIAL = re.compile(r"d[a-zα-ω]")


@dataclass(slots=True)
class Token:
    """A piece of a run: its LaTeX, its kind, and the child (by position) it stands in with its place in a text."""

    kind: str
    latex: str
    child: int
    start: int = 0
    end: int = 0


def may_be_product(word: str) -> bool:
    """True for two or three letters that are no unit."""
    return _PRODUCT.fullmatch(word) is not None and word.lower() not in _UNITS


def settle_products(tokens: list[Token]) -> list[list[Token]]:
    """The parts of a run between upright words that are no products of letters, as 4ab, mc<sup>2</sup> or dx are."""
    if not any(token.kind == "word" for token in tokens):
        return [tokens]
    letters = {token.latex for token in tokens if token.kind in ("letter", "variable")}
    is_integral = False
    parts: list[list[Token]] = [[]]
    for position, token in enumerate(tokens):
        is_integral = is_integral or token.latex == "\\int"
        if token.kind != "word":
            parts[-1].append(token)
        elif is_integral and _DIFFERENTIAL.fullmatch(token.latex):
            parts[-1].append(replace(token, kind="differential", latex=_spelled(token.latex)))
        elif _is_product(tokens, position, letters):
            parts[-1].append(replace(token, kind="letter", latex=_spelled(token.latex)))
            letters.update(token.latex)
        else:
            parts.append([])
    return parts


def _is_product(tokens: list[Token], position: int, letters: set[str]) -> bool:
    """True for letters right after a number, letters known from elsewhere in the run, or a pair with a script or between signs."""
    word = tokens[position].latex
    before = tokens[position - 1].kind if position else ""
    if before == "number":
        return True
    if word.lower() in SMALL_WORDS:
        return False
    if not word.isascii() and any(map(str.isascii, word)) and word[0] != "μ":
        return True
    if before == "space" and position > 1:
        before = tokens[position - 2].kind
    if before not in ("sign", "open"):
        return False
    if letters.issuperset(word):
        return True
    if len(word) != 2 or before != "sign":
        return False
    following = [token.kind for token in tokens[position + 1 : position + 3]]
    return word[1] in letters or (word.islower() and (following[:1] == ["sup"] or following == ["space", "sign"]))


def _spelled(word: str) -> str:
    """A product of letters as LaTeX.

    >>> _spelled("πr")
    '\\\\pi r'
    """
    pieces = [COMMANDS.get(letter, letter) for letter in word]
    return "".join(f"{piece} " if piece[0] == "\\" else piece for piece in pieces).rstrip()
