r"""Signs of structure between grams: `2(x+3) = 10` and `2x+3 = 10` have the same grams and are two equations.

Grams leave out brackets, braces, bars, factorials and primes, because prose has them as punctuation. A match of formulas must
agree in them: where the signs before a gram are not the same in benchmark and page, a run is cut (matching.py). Signs count beside
a gram of mathematics only (a number, a letter, a command, an operator, a word of `not (true or false) and true`), so prose in or without
parentheses matches as before. No
signs are: braces around one gram (`x^{2}`) or behind a command of layout (`\text{...}`), `!` and `'` that no letter, number or
bracket stands before, apostrophes of prose (`don't`), the bars of a Markdown table, and the bracket of an option or item: `(a)`.
Beside them stand the rows, cells and bars of matrices, the colon of a ratio, and which of two forms a gram has: `\Delta` or `\delta`,
`⇒` or `→`, `f(1,234)` or `f(1234)`; operators that are punctuation in prose, `!a`, `~x`, `a ? b : c`, `2 # 3`, `a @ b`; and the case of
letters where two would become one or change places (letter_cases.py). `\lvert`, `\mid` and the `\|` of a table row are bars, the marks
of lines of comments are nothing. White space, `\left`, `\right`, `\(`, `$` and full width are gone
in the folded text that is read here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from mathcode_data.core.machine_code import compiled
from mathcode_data.core.text import grams as grams_of
from mathcode_data.core.text import located_grams
from mathcode_data.stages.decontaminate.information import is_word
from mathcode_data.stages.decontaminate.letter_cases import UNKNOWN, cases_of_piece, have_other_letters
from mathcode_data.stages.decontaminate.marks_in_text import BAR, CELL, NORM_BAR, NOT, PLAIN_BAR, ROW, with_marks

NORM = "\u2016"
PREFIX = re.compile(rf"(?<![^\s(\[{{=&|^+\-*/<>!{NOT}])[!{NOT}]+(?:[(\d]|\\left\b|[a-z](?![a-z]))")
ALONE = re.compile(r"\s*\\?([!?@#]+)\s*")
FORMULA_END = re.compile(r"!(?:\$|\\[)\]])")
DOUBLE_PRIME = re.compile(r'"(?=[(+\-=*/^)])')
PREFIXES = frozenset(["!", NOT])
BETWEEN = frozenset("?@#*")
"""Operators where they stand between two letters or numbers; a star behind `!` is no gram."""
OPERATORS = frozenset(["+", "-", "*", "/", "^", "=", "<", ">", "\\leq", "\\geq", "\\cdot", "\\div", "%"])
BARS = {BAR: "|", NORM_BAR: NORM}
TO_BARS = {ord(sign): bar for sign, bar in BARS.items()}
BRACKETS = frozenset(["(", ")", "[", "]", "|", NORM, ROW, CELL, BAR, NORM_BAR])
ANY = re.compile(rf"[()\[\]{{}}|\u2016!'\"\\:?@#*{ROW}{CELL}{BAR}{NORM_BAR}{NOT}]")
EDGE = re.compile(r"\s*(?:\\" + PLAIN_BAR + r")?(\||\u2016|\\\||\\\})")
FORMS = re.compile(r"\\[A-Za-z]+|[Γ-Ωα-ωϑϕ→⟶⇒⟹←⟵⇐↔⇔⟺]|[-\u2212]>")
SECOND_FORM = re.compile(
    r"\\(?:Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega|Rightarrow|Left(?:right)?arrow|Long(?:left|right|leftright)arrow|implies|iff)"
    r"(?![A-Za-z])|[ΓΔΘΛΞΠΣΦΨΩ⇒⟹⇐⇔⟺]"
)
"""A capital Greek letter or an arrow of two lines: grams have it as the small letter, the arrow of one line."""
HAVE_FORMS = {
    *("\\gamma", "\\delta", "\\theta", "\\lambda", "\\xi", "\\pi", "\\sigma", "\\phi", "\\psi", "\\omega"),
    *("\\rightarrow", "\\leftarrow", "\\leftrightarrow"),
}
CALL, CALL_END = re.compile(r"(?:\w\(|\[)[\d,.\s]*$"), re.compile(r"[\d,.\s]*[)\]]")
LIST_MARK = re.compile(r"\(?[a-e]\)[.:,]?")
VALUES = frozenset(["true", "false"])
LOGIC = VALUES | {"and", "or", "not", "xor"}
MAX_PHRASE = 3
AFFIX = re.compile(r"(?:[^\W\d_]{2,}|[stmd])(?![^\W\d_])")
"""What stands behind an apostrophe of prose: `don't`, `l'homme`."""


class Signs(NamedTuple):
    """Signs of a text, as hashes; 0 is none."""

    before: NDArray[np.uint64]
    """Before each gram and behind the last; shape (grams + 1,)."""
    ahead: NDArray[np.uint64]
    """A bar or brace of a set directly before the gram: a run must agree in that of its first gram."""
    behind: NDArray[np.uint64]
    """Factorial, primes, bar or brace of a set directly behind the gram: a run must agree in that of its last gram."""
    opening: NDArray[np.uint64]
    """The bracket before a gram of mathematics; a run must not have two different ones before its first gram."""
    closing: NDArray[np.uint64]
    """The bracket behind it; the same at the run's end, so `[0, 1)` is not `[0, 1]`, and what is in brackets can be found."""
    cases: NDArray[np.int32]
    """Case of each letter and word, as letter_cases.py writes it."""


def signs_of(text: str) -> Signs:
    r"""Read the signs of a text, beside its grams.

    >>> def same(a, b): return bool(np.array_equal(signs_of(a).before, signs_of(b).before))
    >>> same("2(x+3)", "2x+3"), same(r"\frac{a}{b+c}", r"\frac{a}{b}+c"), same(r"2 \left( x+{3}\right)", "2(x + 3)")
    (False, False, True)
    """
    reader = _Reader()
    for raw, piece, tokens in located_grams(text, with_marks):
        reader.read(piece, tokens, raw)
        if SECOND_FORM.search(raw):
            reader.read_forms(raw, len([gram for gram, _, _ in tokens if gram]))
    return reader.signs()


class _Reader:
    """Reads pieces one after the other."""

    def __init__(self) -> None:
        self._grams: list[str] = []
        self._gaps: list[list[list[str]]] = [[]]
        """For each gram, the signs before it, each in a list of its own that a later sign may empty."""
        self._forms: dict[int, str] = {}
        """Of a gram that is written in a second form, `\\Delta`, `1,234` in a call: what tells it from the first."""
        self._ahead: list[str] = []
        self._behind: list[str] = []
        self._braces: list[tuple[list[str], int, bool]] = []
        """Open ones: the sign, how many grams stand before it, and whether a command of layout does."""
        self._listed: set[int] = set()
        """Grams that are marks of a list, perhaps."""
        self._prose: set[int] = set()
        """Letters behind an apostrophe."""
        self._is_behind_layout = self._is_quoted = False
        self._prefix = ""
        self._waiting: list[str] | None = None
        """An exclamation mark that stands alone: a factorial if an operator follows."""
        self._between: list[tuple[int, list[str]]] = []
        """Signs of `BETWEEN`, with the number of the gram behind them."""
        self._cases: list[int] = []

    def read(self, piece: str, tokens: list[tuple[str, int, int]], raw: str) -> None:
        """Read a piece, folded, with its tokens, and as it stands in the text."""
        self._cases += cases_of_piece(raw, piece, tokens)
        if self._waiting is not None and tokens:
            self._settle([gram for gram, _, _ in tokens if gram])
        if not ANY.search(piece):
            for gram, _, _ in tokens:
                self._add(gram)
            self._is_behind_layout = self._is_quoted = False
            return
        if LIST_MARK.fullmatch(piece.strip()):
            self._listed.add(len(self._grams))
        if not tokens and (alone := ALONE.fullmatch(piece)):
            self._read_alone(alone[1], raw)
            return
        at = 0
        for gram, start, end in tokens:
            self._read_gap(piece, at, start)
            if gram:
                self._is_quoted = start > 0 and piece[start - 1] == "'" and not (self._gaps[-1] and self._gaps[-1][-1][0] == "'")
                bare = piece[:start].rstrip()
                if "," in piece[start:end] and CALL.search(bare) and CALL_END.match(piece, end):
                    self._forms[len(self._grams)] = ","
                self._add(gram, NORM if bare.endswith("\\|") else bare[-1] if bare.endswith(("|", NORM, "\\{")) else "")
            self._is_behind_layout = not gram
            at = end
        self._read_gap(piece, at, len(piece))

    def _read_alone(self, signs: str, raw: str) -> None:
        """Read a piece that is such signs only."""
        if not self._grams or is_word(self._grams[-1]) or len(self._grams) - 1 in self._prose:
            return
        entry = [signs]
        if signs[0] in BETWEEN:
            self._gaps[-1].append(entry)
            self._between.append((len(self._grams), entry))
        elif self._behind[-1].endswith("!") or FORMULA_END.search(raw):
            self._gaps[-1].append(entry)
            self._behind[-1] += signs
        elif not self._gaps[-1]:
            self._waiting = entry

    def _settle(self, grams: list[str]) -> None:
        """A mark that stands alone between a number and an operator, `7 ! + 2`, or a letter and an operator that stands alone."""
        assert self._waiting is not None, "a mark waits"
        if grams and grams[0] in OPERATORS and (len(grams) == 1 or self._grams[-1][0].isdigit()):
            self._gaps[-1].append(self._waiting)
            self._behind[-1] += self._waiting[0]
        self._waiting = None

    def read_forms(self, raw: str, num_grams: int) -> None:
        """Read in which form the last grams are written in a piece as it stands in the text."""
        first = len(self._grams) - num_grams
        places = [number for number in range(first, len(self._grams)) if self._grams[number] in HAVE_FORMS]
        found = [(gram, form[0]) for form in FORMS.finditer(raw) for gram in grams_of(form[0]) if gram in HAVE_FORMS]
        if [gram for gram, _ in found] == [self._grams[number] for number in places]:
            for number, (_, form) in zip(places, found, strict=True):
                if SECOND_FORM.fullmatch(form):
                    self._forms[number] = "2"

    def _add(self, gram: str, ahead: str = "") -> None:
        if gram:
            self._grams.append(gram)
            self._gaps.append([])
            self._ahead.append(self._prefix + ahead)
            self._behind.append("")
            self._prefix = ""

    def _read_gap(self, piece: str, first: int, stop: int) -> None:
        """Read what stands between two tokens."""
        between = piece[first:stop]
        if between.isspace() or not between:
            return
        if self._grams and first > 0 and (edge := EDGE.match(between)):
            self._behind[-1] += NORM if edge[1] == "\\|" else edge[1]
        for at in range(first, stop):
            sign = piece[at]
            is_literal = at > 0 and piece[at - 1] == "\\"
            if sign in "{}":
                self._read_brace(sign, is_literal)
            elif sign in BRACKETS or (sign == ":" and _is_ratio(piece, at)):
                self._gaps[-1].append([NORM if is_literal and sign == "|" else sign])
            elif sign in "!'" and self._is_postfix(piece, first, at):
                self._gaps[-1].append([sign])
                self._behind[-1] += sign
            elif sign in PREFIXES and PREFIX.match(piece, at):
                self._gaps[-1].append([sign])
                self._prefix += sign
            elif sign in BETWEEN and (0 < at < len(piece) - 1 or (sign == "*" and piece.count("*") == 1)):
                self._between.append((len(self._grams), [sign]))
                self._gaps[-1].append(self._between[-1][1])
            elif sign == '"' and at == first and self._has_double_prime(piece, at):
                self._gaps[-1].append(["''"])
                self._behind[-1] += "''"
            if not sign.isspace() and sign not in "\\{":
                self._is_behind_layout = False

    def _read_brace(self, sign: str, is_literal: bool) -> None:
        entry = [f"\\{sign}" if is_literal else sign]
        self._gaps[-1].append(entry)
        if is_literal:
            return
        if sign == "{":
            self._braces.append((entry, len(self._grams), self._is_behind_layout))
            self._is_behind_layout = False
        elif self._braces:
            opened, num_before, is_layout = self._braces.pop()
            num_inside = len(self._grams) - num_before
            if is_layout or num_inside <= 1 or (num_inside == 2 and self._grams[num_before] in ("-", "+")):
                opened[0] = entry[0] = ""

    def _has_double_prime(self, piece: str, at: int) -> bool:
        """Whether a quotation mark is the two primes of `f"(x)`."""
        return at > 0 and len(self._grams[-1]) == 1 and piece.count('"') == 1 and DOUBLE_PRIME.match(piece, at) is not None

    def _is_postfix(self, piece: str, first: int, at: int) -> bool:
        """Whether ! is a factorial, ' a prime: directly behind a letter, a number or a bracket of mathematics."""
        sign, is_prose = piece[at], AFFIX.match(piece, at + 1) is not None
        if sign == "'" and is_prose:
            self._prose.add(len(self._grams))
        if not self._grams or at == 0 or is_word(self._grams[-1]) or len(self._grams) - 1 in self._prose:
            return False
        if not (at == first or piece[at - 1] in ")]}'!|"):
            return False
        return sign == "!" or not (is_prose or self._is_quoted or (at == first and self._grams[-1][0].isdigit()))

    def signs(self) -> Signs:
        """The signs of all that was read."""
        grams = self._grams
        is_sign = [not is_word(gram) and number not in self._prose for number, gram in enumerate(grams)]
        is_math = [
            known and (gram not in ("a", "i") or (number + 1 < len(grams) and is_sign[number + 1] and grams[number + 1] not in ("a", "i")))
            for number, (gram, known) in enumerate(zip(grams, is_sign, strict=True))
        ]
        for first, end in _logic(grams):
            is_math[first:end] = [True] * (end - first)
        for number in self._listed:
            beside = grams[max(0, number - 1) : number] + grams[number + 1 : number + 2]
            if all(gram[0].isalnum() for gram in beside):
                self._gaps[number], self._gaps[number + 1] = [], []
        for number, entry in self._between:
            if not (0 < number < len(grams) and _is_term(grams[number - 1]) and _is_term(grams[number])):
                entry[0] = ""
        self._drop_signs_of_modulus()
        is_beside = [one or other for one, other in zip([False, *is_math], [*is_math, False], strict=True)]
        before = [
            self._forms.get(number, "") + "".join(sign for (sign,) in gap if counts or sign in ("!", "'", "''"))
            for number, (gap, counts) in enumerate(zip(self._gaps, is_beside, strict=True))
        ]
        for number, gap in enumerate(self._gaps):
            if gap and gap[-1][0] in BARS and number < len(grams):
                self._ahead[number] += BARS[gap[-1][0]]
            if gap and gap[0][0] in BARS and number:
                self._behind[number - 1] += BARS[gap[0][0]]
        before = [signs.translate(TO_BARS) for signs in before]
        ahead = [sign + self._forms.get(number, "") for number, sign in enumerate(self._ahead)]
        opening = [gap[-1][0] if known and gap else "" for gap, known in zip(self._gaps, is_math, strict=False)]
        closing = [gap[0][0] if known and gap else "" for gap, known in zip(self._gaps[1:], is_math, strict=True)]
        opening, closing = [sign * (sign in ("(", "[")) for sign in opening], [sign * (sign in (")", "]")) for sign in closing]
        cases = [case if known or case <= 0 else UNKNOWN for case, known in zip(self._cases, is_math, strict=True)]
        hashes = [_hashes(signs) for signs in (before, ahead, self._behind, opening, closing)]
        return Signs(hashes[0], hashes[1], hashes[2], hashes[3], hashes[4], np.array(cases, np.int32))

    def _drop_signs_of_modulus(self) -> None:
        r"""Let `(mod 7)` and `\pmod{7}` have no brackets, and a colon none but between two numbers or two letters."""
        grams, gaps = self._grams, self._gaps
        gaps[:] = [[entry for entry in gap if entry[0]] for gap in gaps]
        for number, gap in enumerate(gaps):
            if [":"] in gap:
                beside = grams[max(0, number - 1) : number + 1] if number else []
                is_ratio = len(beside) == 2 and (all(gram[0].isdigit() for gram in beside) or max(map(len, beside)) == 1)
                gaps[number] = gap if is_ratio else [entry for entry in gap if entry[0] != ":"]
        for number, gram in enumerate(grams):
            before, behind = gaps[number], gaps[number + 1]
            opened = "(" if before and before[-1][0] == "(" else "{" if behind and behind[0][0] == "{" else ""
            if gram != "mod" or not opened:
                continue
            (before if opened == "(" else behind).pop(-1 if opened == "(" else 0)
            closing = ")" if opened == "(" else "}"
            for gap in gaps[number + 1 : number + 8]:
                if [closing] in gap:
                    gap.remove([closing])
                    break


def _is_ratio(piece: str, at: int) -> bool:
    """Whether a colon may divide: between two signs without space, or by itself."""
    if piece.strip() == ":":
        return True
    return 0 < at < len(piece) - 1 and piece[at - 1].isalnum() and piece[at + 1].isalnum()


def _is_term(gram: str) -> bool:
    """Whether a gram is a number, a letter or a command."""
    return not is_word(gram) and (gram[0].isalnum() or gram[0] == "\\")


def _logic(grams: list[str]) -> Iterator[tuple[int, int]]:
    """Runs of words of logic that are longer than `true or false`, a phrase of prose."""
    for is_logic, run in itertools.groupby(range(len(grams)), key=lambda number: grams[number] in LOGIC):
        if is_logic and len(places := list(run)) > MAX_PHRASE and not VALUES.isdisjoint(grams[places[0] : places[-1] + 1]):
            yield places[0], places[-1] + 1


def _hashes(signs: list[str]) -> NDArray[np.uint64]:
    known = {sign: xxhash.xxh3_64_intdigest(sign.encode()) if sign else 0 for sign in set(signs)}
    return np.array([known[sign] for sign in signs], np.uint64)


@compiled
def _differ(one: np.uint64, other: np.uint64) -> bool:
    return bool(one != np.uint64(0) and other != np.uint64(0) and one != other)


@compiled
def have_same_signs(text: Signs, places: NDArray[np.int64], page: Signs, starts: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    """Which runs of n grams that begin at `places` of the text and at `starts` of the page have the same signs in both."""
    is_same = np.empty(places.size, np.bool_)
    for i in range(places.size):
        place, start = places[i], starts[i]
        last, end = place + n - 1, start + n - 1
        is_equal = text.ahead[place] == page.ahead[start] and text.behind[last] == page.behind[end]
        is_equal = is_equal and not _differ(text.opening[place], page.opening[start]) and not _differ(text.closing[last], page.closing[end])
        j = 1
        while is_equal and j < n:
            is_equal = text.before[place + j] == page.before[start + j]
            j += 1
        is_same[i] = is_equal and not have_other_letters(text.cases, place, page.cases, start, n)
    return is_same
