r"""Escapes of JSON and of strings in source code, taken out of a copy of the pages that have them.

A benchmark item in a page may stand in a string: `{"question": "Let \\(x\\) be\nof order \u4e8c"}`. Its grams are those of what the string
says, so pages are read with the escapes undone, and what was found is put back to where it stood. Line by line:

- `\uXXXX` is its character, also as two surrogates; white space and control characters are a space.
- `\\frac`, two backslashes and a command of LaTeX, is the command; a line break of TeX never stands there. Names that are English words
  too (`\\in`) count only in a line that has a quotation mark before them or other such commands.
- In a line with such signs of a string, and none of TeX's own (`\frac`, `\(` with one backslash), all is undone as JSON has it: `\\`,
  `\n`, `\t`, `\"`.
- `\n` and `\t` glued to a word behind a quotation mark, `24 rows\nof tulips`, are white space if that is no command of LaTeX.

Different equations do not become equal: what is undone is what whoever reads the string gets. Only lines with an escape are looked at.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_data.core.gram_entities import utf_8
from mathcode_data.core.gram_hash import hash_codes
from mathcode_data.core.gram_markup import Clean, edited, original_places
from mathcode_data.core.gram_scanner import Grams, buffers
from mathcode_data.core.gram_tags import LINE_END, SPACE, is_letter, value_of
from mathcode_data.core.gram_words import HIGH, ONES, bytes_before, load_8
from mathcode_data.core.lookalikes import GREEK_NAMES, SIGNS
from mathcode_data.core.machine_code import as_variable, compiled
from mathcode_data.core.markup import hash_table
from mathcode_data.core.text import FUNCTIONS, LAYOUT, SYNONYMS

BACKSLASH, SMALL_N, SMALL_T, SMALL_R, SMALL_U, DOUBLE_QUOTE, QUOTE, DOLLAR = 0x5C, 0x6E, 0x74, 0x72, 0x75, 0x22, 0x27, 0x24
ALL_BACKSLASHES, ALL_ENDS = (np.uint64(sign * 0x0101010101010101) for sign in (BACKSLASH, LINE_END))
SHORT_ESCAPES = frozenset(b"bfnrtuvxa0NU\"'/\\")
"""What may stand behind one backslash in a string of JSON, Python or C."""
COMMANDS = """
    frac dfrac tfrac cfrac binom dbinom tbinom sqrt sum prod int iint iiint oint lim cdot cdotp times div pm mp leq geq le ge lt gt ne neq
    approx equiv sim simeq cong propto infty partial nabla in notin ni subset subseteq supset supseteq cup cap bigcup bigcap emptyset
    varnothing forall exists neg lnot land lor wedge vee to mapsto implies iff rightarrow leftarrow Rightarrow Leftarrow leftrightarrow
    Leftrightarrow longrightarrow Longrightarrow circ degree angle triangle perp parallel mid nmid vert Vert lvert rvert lVert rVert lfloor
    rfloor lceil rceil langle rangle oplus otimes left right begin end text textbf textit textrm texttt emph mathrm mathbf mathit mathbb
    mathcal mathfrak mathscr mathsf operatorname boldsymbol bm overline underline overrightarrow overset underset stackrel widehat widetilde
    hat bar vec dot ddot tilde overbrace underbrace displaystyle limits nolimits quad qquad hspace vspace hline cline multicolumn boxed
    pmod bmod mod choose over atop substack setminus backslash prime ldots cdots vdots ddots dots star ast dagger ell hbar Re Im aleph
    Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega varepsilon varphi vartheta varrho varsigma varpi item label ref cite
    includegraphics section subsection tag nonumber newline newcommand renewcommand noindent rule raisebox rm bf it sf tt cal ce
    top bot therefore because square blacksquare diamond bullet asymp gg ll prec succ preceq succeq doteq models vdash ominus odot
    xrightarrow xleftarrow norm rank trace tr rho tau theta nu not null near natural ker nearrow nwarrow rvert rbrace lbrace rbrack lbrack
    triangleq textstyle textsuperscript textsubscript textcolor toprule midrule bottomrule thinspace nobreak nolinebreak nopagebreak
    relax require root rightharpoonup rightleftharpoons restriction rad toggle tfrac title textwidth thanks table tabular nabla ncong
    nleq ngeq nless ngtr nsubseteq nsupseteq nparallel nexists nrightarrow nRightarrow nsim newpage newtheorem node renewenvironment
"""
WORDS = """
    in to over left right text sum mid min max sup angle triangle times star prime not dot bar hat sin tan sec cot arg deg mod begin end
    square diamond bullet top bot cap cup int because therefore models item label ref cite section title table node root near natural null
    rank trace norm require relax rule limits it choose tag boxed bar log exp ni ne le ge lt gt ll gg pm mp nu mu pi xi chi rho tau eta psi
    phi tr rad big middle par centering dots div lim det dim circ sim neg theta omega alpha beta gamma delta sigma lambda degree inf
"""
"""Those of them that are words besides, or come about by chance in a path or a name."""
KNOWN, WORD = 1, 2
NUM_SLOTS = 1 << 11
MAX_NAME_BYTES = 16


@functools.cache
def _tables() -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.bool_]]:
    """An open hash table of names of commands, and which bytes may stand behind a backslash in a string."""
    names = [*COMMANDS.split(), *LAYOUT.split(), *FUNCTIONS.split(), *GREEK_NAMES.values(), *SIGNS.values()]
    names += [command[1:] for pair in SYNONYMS.items() for command in pair if command[:1] == "\\"]
    kinds = {name: KNOWN for name in names if len(name) > 1} | dict.fromkeys(WORDS.split(), WORD)
    keys, values = hash_table(kinds, NUM_SLOTS)
    may_follow = np.zeros(256, np.bool_)
    may_follow[list(SHORT_ESCAPES)] = True
    may_follow.setflags(write=False)
    return keys, values, may_follow


def without_escapes(texts: pa.Array) -> tuple[pa.Array, Clean | None]:
    """Texts as their strings say, and what was moved to get there; None where nothing was."""
    data, offsets = buffers(texts)
    first, last = int(offsets[0]), int(offsets[-1])
    room = (last - first) // 2 + 2
    edits, spelled = np.empty((room, 4), np.int64), np.empty(room, np.uint64)
    number = _find(data, offsets, edits, spelled, *_tables())
    if not number:
        return texts, None
    clean = edited(data, offsets, edits[:number], spelled)
    found = [None, pa.py_buffer(clean.offsets.tobytes()), pa.py_buffer(clean.data.tobytes())]
    return pa.Array.from_buffers(pa.large_string(), len(texts), found), clean


def plain_text(text: str) -> str:
    r"""A text without its escapes.

    >>> plain_text(r'{"q": "3 \\times 4\nis \u4e8c"}')
    '{"q": "3 \\times 4\nis 二"}'
    """
    if "\\" not in text:
        return text
    plain: str = without_escapes(pa.array([text.encode("utf-8", "replace").decode()], pa.large_string()))[0][0].as_py()
    return plain


def places_with_escapes(grams: Grams, texts: pa.Array, clean: Clean) -> NDArray[np.int64]:
    """Where grams of texts without escapes stand in the texts as they were."""
    places, (_, offsets) = grams.places.copy(), buffers(texts)
    original_places(places, grams.ends, offsets - offsets[0], clean.offsets, clean.moves)
    return places


@compiled
def _next(data: NDArray[np.uint8], at: int, stop: int, sign: int, signs: np.uint64) -> int:
    """The next byte of one value."""
    while at + 8 <= stop:
        other = load_8(data, at) ^ signs
        found = (other - ONES) & ~other & HIGH
        if found != np.uint64(0):
            return at + int(bytes_before(found & (np.uint64(0) - found)))
        at += 8
    while at < stop and data[at] != sign:
        at += 1
    return at


@compiled
def _hex(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """The number that four digits at `at` write; -1 if there are not four."""
    if at + 4 > stop:
        return -1
    code = 0
    for i in range(at, at + 4):
        digit = int(data[i])
        if 0x30 <= digit <= 0x39:
            digit -= 0x30
        elif 0x61 <= (digit | 0x20) <= 0x66:
            digit = (digit | 0x20) - 0x57
        else:
            return -1
        code = code * 16 + digit
    return int(code)


@compiled
def _character(data: NDArray[np.uint8], at: int, stop: int) -> Any:
    r"""The character written as `uXXXX` at `at`, behind its backslashes, and where it ends; -1 if there is none."""
    if at >= stop or data[at] != SMALL_U:
        return -1, at
    code, end = _hex(data, at + 1, stop), at + 5
    if 0xD800 <= code <= 0xDFFF:
        low = end
        while low < stop and low < end + 2 and data[low] == BACKSLASH:
            low += 1
        second = _hex(data, low + 1, stop) if low > end and low < stop and data[low] == SMALL_U else -1
        if code >= 0xDC00 or not 0xDC00 <= second <= 0xDFFF:
            return -1, at
        return 0x10000 + ((code - 0xD800) << 10) + (second - 0xDC00), low + 5
    if 0 <= code < 0x20 or 0x7F <= code < 0xA0:
        return SPACE, end
    return code, end


@compiled
def _name_end(data: NDArray[np.uint8], at: int, stop: int) -> int:
    while at < stop and is_letter(data[at]):
        at += 1
    return at


@compiled
def _kind(data: NDArray[np.uint8], at: int, end: int, keys: NDArray[np.uint64], kinds: NDArray[np.uint64]) -> int:
    """Of what kind the command is whose name stands there; 0 if it is none."""
    if end - at < 2 or end - at > MAX_NAME_BYTES:
        return 0
    return int(value_of(hash_codes(data, at, end), keys, kinds))


@compiled
def _run_end(data: NDArray[np.uint8], at: int, stop: int) -> int:
    while at < stop and data[at] == BACKSLASH:
        at += 1
    return at


@compiled
def _read_line(
    data: NDArray[np.uint8], at: int, line: int, stop: int, keys: NDArray[np.uint64], kinds: NDArray[np.uint64],
    may_follow: NDArray[np.bool_],
) -> Any:  # fmt: skip
    """Whether a line has escapes at all, signs of a string and signs of TeX; and where its first quotation mark stands."""
    quote = line
    while quote < stop and data[quote] != DOUBLE_QUOTE and data[quote] != QUOTE:
        quote += 1
    has_any = is_string = is_tex = False
    while at < stop:
        end = _run_end(data, at, stop)
        size = end - at
        if end >= stop:
            break
        following, name_end = data[end], end
        if is_letter(following):
            name_end = _name_end(data, end, stop)
        if size <= 2 and _character(data, end, stop)[0] >= 0:
            is_string = True
        elif size == 1:
            has_any = has_any or (following in (SMALL_N, SMALL_T, SMALL_R) and name_end > end + 1 and quote < at)
            if following == DOUBLE_QUOTE:
                is_string = is_string or quote < at
            elif not may_follow[following] or (name_end > end + 2 and _kind(data, end, name_end, keys, kinds) > 0):
                is_tex = True
        elif size == 2:
            kind = _kind(data, end, name_end, keys, kinds)
            is_string = is_string or kind == KNOWN or (quote < at and (kind == WORD or following in (0x29, 0x5D, DOLLAR)))
        elif size == 3:
            is_string = is_string or (following == DOUBLE_QUOTE and quote < at)
        at = _next(data, name_end if name_end > end else end, stop, BACKSLASH, ALL_BACKSLASHES)
    return has_any or is_string, is_string, is_tex, quote


@compiled
def _undo_one(
    data: NDArray[np.uint8], at: int, end: int, stop: int, is_string: bool, is_tex: bool, is_quoted: bool,
    keys: NDArray[np.uint64], kinds: NDArray[np.uint64],
) -> Any:  # fmt: skip
    """What comes in place of the backslashes from `at` to `end`: where that part ends, or `at` if nothing changes, the bytes, how many."""
    size = end - at
    code, behind = _character(data, end, stop)
    if code >= 0 and size <= 2:
        spelled, num = utf_8(code)
        return behind, spelled, num
    following = data[end] if end < stop else SPACE
    name_end = _name_end(data, end, stop)
    kept = np.uint64(0x5C5C5C5C5C5C5C5C)
    if is_string and not is_tex:
        num = min(size // 2, 7)
        if size % 2 == 0 or end >= stop:
            return (end, kept, num) if size > 1 else (at, kept, 0)
        spaced = kept & ((np.uint64(1) << np.uint64(8 * num)) - np.uint64(1))
        if following == SMALL_N:
            return end + 1, spaced | (np.uint64(LINE_END) << np.uint64(8 * num)), num + 1
        if following in (SMALL_T, SMALL_R):
            return end + 1, spaced | (np.uint64(SPACE) << np.uint64(8 * num)), num + 1
        return (end, kept, num) if following in (DOUBLE_QUOTE, QUOTE, 0x2F) else (at, kept, 0)
    if size == 2:
        kind = _kind(data, end, name_end, keys, kinds)
        return (end, kept, 1) if is_string and kind > 0 else (at, kept, 0)
    if size == 1 and is_quoted and not is_tex and following in (SMALL_N, SMALL_T, SMALL_R) and name_end > end + 1:
        is_macro = name_end < stop and data[name_end] in (0x7B, 0x5F, 0x5E, 0x5B, DOLLAR, 0x28)
        if not is_macro and _kind(data, end, name_end, keys, kinds) == 0:
            return end + 1, np.uint64(LINE_END if following == SMALL_N else SPACE), 1
    return at, kept, 0


@compiled
def _find(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], edits: NDArray[np.int64], spelled: NDArray[np.uint64],
    keys: NDArray[np.uint64], kinds: NDArray[np.uint64], may_follow: NDArray[np.bool_],
) -> int:  # fmt: skip
    """Write what is to be undone: first byte, byte behind the last, and how many bytes of `spelled` come in their place."""
    number = as_variable(0)
    for text in range(offsets.size - 1):
        first, stop = offsets[text], offsets[text + 1]
        at = _next(data, first, stop, BACKSLASH, ALL_BACKSLASHES)
        while at < stop:
            line_end = _next(data, at, stop, LINE_END, ALL_ENDS)
            line = at
            while line > first and data[line - 1] != LINE_END:
                line -= 1
            has_any, is_string, is_tex, quote = _read_line(data, at, line, line_end, keys, kinds, may_follow)
            while has_any and at < line_end:
                end = _run_end(data, at, line_end)
                behind, bytes_, num = _undo_one(data, at, end, line_end, is_string, is_tex, quote < at, keys, kinds)
                if behind > at:
                    edits[number, 0], edits[number, 1], edits[number, 2], spelled[number] = at, behind, num, bytes_
                    number += 1
                at = _next(data, max(end, behind), line_end, BACKSLASH, ALL_BACKSLASHES)
            at = _next(data, line_end, stop, BACKSLASH, ALL_BACKSLASHES)
    return number
