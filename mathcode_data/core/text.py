r"""What two texts have in common: the one normalisation and the one kind of gram for deduplication and decontamination.

A **gram** is a word, a number, a LaTeX command, an operator or a single CJK character. White space, case, look-alike
characters, markup and ordinary punctuation do not count, the dashes of sentences neither (core/dashes.py); numbers and operators do,
so `3x + 5 = 20` is not `7x - 11 = 2.5`. `×` and `\times` are `*`, `x²` is `x^2`, `.5` is `0.5`, `α` is `\alpha`, `\dfrac` is `\frac`;
`\left`, `\quad` and fonts are nothing.

Markup of pages (core/markup.py), the lines of code fences and long dashes are taken out first. Then everything is decided inside one
piece between white space, so a text's grams are its pieces' grams, one after the other. Pieces repeat: they are remembered as packed
hashes. Speed of `gram_hashes` on one core, on first sight and once most pieces are known: textbook Markdown 8 and 16 MB/s, PreTeXt 11
and 32, Python source 11 and 33, Chinese pages 15 and 39; of `normalise` 12 to 53 MB/s (virtual AMD EPYC, Python 3.11, other work beside).

These functions compare texts; documents are stored in NFC and never changed by them.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

import numpy as np
import xxhash
from numpy.typing import NDArray

from mathcode_data.core.dashes import without_dashes
from mathcode_data.core.lookalikes import DISGUISED, DISGUISES, GREEK_BETWEEN_LATIN, GREEK_NAMES, translation
from mathcode_data.core.markup import without_page_markup

Value = TypeVar("Value")

VERSION = "5"
"""Part of the version of every stage that compares texts; raised when any text gets other grams."""

MAX_REMEMBERED = 1 << 18  # about 60 MB per process once all are words; formulas and other uses (grams, folds) come on top
MAX_PIECE_CHARACTERS = 48  # longer ones (Chinese sentences, base64) hardly ever come again

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
GREEK = "\u0370-\u03ff\u1f00-\u1fff"
SYMBOLS = "\u2190-\u23ff\u25a0-\u25ff\u27c0-\u27ef\u2900-\u2bff"

FENCE = re.compile(r"^[ \t>]*(?:`{3,}|~{3,})[^\n`]*$", re.MULTILINE)
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
RAISED = re.compile("[⁰¹²³⁴-⁹⁺-ⁿⁱ₀-₎ₐ-ₜ¼-¾⅐-⅟™℠]+")
RAISED_KINDS = re.compile("(?P<power>[⁰¹²³⁴-⁹⁺-ⁿⁱ]+)|(?P<index>[₀-₎ₐ-ₜ]+)|(?P<fraction>[¼-¾⅐-⅟])")
THOUSANDS = re.compile(r"(?:\{,\}|,\\!)(?=\d{3})")
ROLE = re.compile(r":[a-z]+:(?=`)")  # of reStructuredText: `:math:`
FRACTION = re.compile(r"(\\[dtc]?frac)(\d)(?=\d)")  # TeX takes one digit: `\frac12` is a half
# the set in front lets the search skip ahead: 4 times as fast as two alternatives
MARKUP = re.compile(r"[\\$`~](?:(?<=\\)(?:[\\()\[\],;:!]|(?:begin|end)\{[a-z]{1,30}\*?\})|(?<=[$`~])[$`~]*)")

NEW_MARKUP = re.compile(r"<(?=[a-z/])|&(?=[a-z#])|\](?=\()")  # of `&amp;lt;` one step is taken, and no more the next time

MINUS_RUN = re.compile(r"-{2,}(?=(>)?)")  # so that no long dash is left

# Every alternative begins with its first character, so that others are refused at once, and matches a run from its start
# without giving back: all of these are linear.
MINUS = r"-(?<!--)(?:(?<![^\W\d_]{2}-)-*+|-*+(?![^\W\d_]{2}))"  # not the hyphen of well-known
TIMES = (  # not the stars of *emphasis*; `\*` is a star as well
    r"\*(?:(?<!\S\*)\**+(?!\S)|(?<!\S\\\*)(?<=\\\*)\**+(?!\S)"
    r"|(?:(?<=[\w)}\]]\*)|(?<=[\w)}\]]\\\*))\**+(?=[\w(\[{\\.+-]))"
)
SUBSCRIPT = (  # nor the lines of _emphasis_; `_` alone and `_{` are no emphasis
    r"_(?:(?<!\S_)(?:(?!\S)|(?=[{\\]))"
    r"|(?:(?<=[^\W_]_)|(?<=[)}\]]_)|(?<=[^\W_]\\_)|(?<=[)}\]]\\_))_*+(?=[\w{\\(]))"
)
BEFORE_POINT = r" =(\[{,:+\-*/<>^_|&"
"""What a number may begin behind with its point, `x=.5`; behind a word, a bracket or another point that is a full stop."""
NUMBER = rf"\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.(?<![^{BEFORE_POINT}]\.)\d+"
OTHERS = rf"{NUMBER}|\\[a-z]+|[=<>!]=|->|[+/=<>^%]|{MINUS}|{TIMES}|{SUBSCRIPT}"
ASCII_TOKEN = re.compile(rf"[a-z]+|{OTHERS}")

LAYOUT = """
    begin end left right middle big bigl bigr bigg biggl biggr displaystyle textstyle scriptstyle limits nolimits quad qquad hspace
    vspace phantom hfill text textrm textbf textit textsf texttt mathrm mathbf mathit mathsf mathtt mathbb mathcal mathfrak mathscr
    boldsymbol bm pmb bf rm it sf tt cal emph mbox hbox operatorname boxed fbox nonumber notag ldots dots cdots dotsc dotsb dotsm
    hline noindent par newline item centering n r t lvert rvert vert mid
"""
"""LaTeX commands that change how a formula looks and not what it says, the bar by its names, and the white space of strings, `\\n`."""
FUNCTIONS = """
    sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp lim max min sup inf gcd lcm det dim ker deg arg mod
"""
"""LaTeX commands that are words as well."""
SYNONYMS = dict.fromkeys(["\\" + name for name in LAYOUT.split()], "") | {"\\" + name: name for name in FUNCTIONS.split()} | {
    "!=": r"\neq", "<=": r"\leq", ">=": r"\geq", "->": r"\rightarrow", r"\ne": r"\neq", r"\le": r"\leq", r"\ge": r"\geq",
    r"\leqslant": r"\leq", r"\geqslant": r"\geq", r"\to": r"\rightarrow", r"\longrightarrow": r"\rightarrow",
    r"\implies": r"\rightarrow", r"\iff": r"\leftrightarrow", r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac",
    r"\dbinom": r"\binom", r"\tbinom": r"\binom", r"\land": r"\wedge", r"\lor": r"\vee", r"\lnot": r"\neg",
    r"\varepsilon": r"\epsilon", r"\varphi": r"\phi", r"\vartheta": r"\theta", r"\varnothing": r"\emptyset",
    r"\degree": r"\circ", r"\lt": "<", r"\gt": ">", r"\ast": "*", r"\times": "*", r"\bmod": "mod", r"\pmod": "mod",
}  # fmt: skip


def normalise(text: str) -> str:
    r"""Bring a text to the form in which two copies of it are equal: case, white space, look-alikes and markup are gone.

    `normalise(normalise(text)) == normalise(text)`, and the normalised text has the same grams.

    >>> normalise("Ｗhat  is $x² − 1$?\n")
    'what is x^2 - 1 ?'
    """
    bare = _prepared(text)
    folded = _fold(bare) if bare.isascii() else " ".join(_FOLDS.of(bare.split()))
    return " ".join(NEW_MARKUP.sub(r"\g<0> ", folded).split())


def grams(text: str) -> list[str]:
    r"""List the grams of a text, in order.

    >>> grams(r"Solve \(3x + 5 \le 1{,}020.5\), a well-known one!")
    ['solve', '3', 'x', '+', '5', '\\leq', '1020.5', 'a', 'well', 'known', 'one']
    """
    return list(itertools.chain.from_iterable(_GRAMS.of(_prepared(text).split())))


def located_grams(text: str, rewrite: Callable[[str], str] = str) -> Iterator[tuple[str, str, list[tuple[str, int, int]]]]:
    r"""Yield the pieces of a text, folded ones, and their tokens: gram ("" is layout), beginning and end in the folded piece.

    The grams are those of `grams`, and what stands between them can be read too. `rewrite` may mark what is no gram, in the text without
    its markup.

    >>> list(located_grams(r"\(2 \left(x+1"))
    [('\\(2', ' 2', [('2', 1, 2)]), ('\\left(x+1', '\\left(x+1', [('', 0, 5), ('x', 6, 7), ('+', 7, 8), ('1', 8, 9)])]
    """
    pieces = _without_breaks(rewrite(without_page_markup(text))).split()
    for piece, folded in zip(pieces, _fold_pieces(pieces), strict=True):
        found = (ASCII_TOKEN if folded.isascii() else _token_pattern()).finditer(folded)
        yield piece, folded, [(_gram(token[0]), token.start(), token.end()) for token in found]


def gram_hashes(text: str) -> NDArray[np.uint64]:
    """Hash the grams of a text, in order: xxh3_64 of each gram's UTF-8. Read-only; equal on every machine.

    >>> hashes = gram_hashes("a b a")
    >>> hashes.size, bool(hashes[0] == hashes[2] != hashes[1])
    (3, True)
    """
    return np.frombuffer(b"".join(_HASHES.of(_prepared(text).split())), dtype="<u8")


def hashes_of_pieces(pieces: list[str]) -> list[bytes]:
    """Packed hashes of the grams of each piece, a text without white space; for core/gram_scanner.py."""
    return _HASHES.of(pieces)


def ngram_hashes(hashes: NDArray[np.uint64], n: int) -> NDArray[np.uint64]:
    """Hash every run of n grams; the run that begins at gram i has index i.

    Two different runs agree with probability 2**-64; order counts.

    Returns:
        Shape (max(0, hashes.size - n + 1),).

    Raises:
        ValueError: n < 1.
    """
    return _finish(deque(_states(hashes, n), maxlen=1).pop())


def runs_up_to(hashes: NDArray[np.uint64], n: int) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    """Yield (length, `ngram_hashes(hashes, length)`) for length 1, 2 .. n; a length costs one step, not length steps.

    Raises:
        ValueError: n < 1.
    """
    for length, state in enumerate(_states(hashes, n), start=1):
        yield length, _finish(state)


MIX = np.uint64(0x9E3779B97F4A7C15)
FINAL = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))  # splitmix64 (Steele, Lea, Flood 2014)


def _states(hashes: NDArray[np.uint64], n: int) -> Iterator[NDArray[np.uint64]]:
    if n < 1:
        raise ValueError(f"runs of {n} grams do not exist; n must be at least 1")
    state = hashes * MIX
    yield state
    for length in range(2, n + 1):
        state = state[: max(0, hashes.size - length + 1)]
        state = ((state ^ (state >> np.uint64(29))) + hashes[length - 1 :]) * MIX
        yield state


def _finish(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Let all 64 bits depend on all grams."""
    mixed = (state ^ (state >> np.uint64(30))) * FINAL[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * FINAL[1]
    return mixed ^ (mixed >> np.uint64(31))


def _prepared(text: str) -> str:
    """Take out markup of pages, fences, a paragraph's end each, and the dashes of sentences; all else is decided piece by piece."""
    return _without_breaks(without_page_markup(text))


def _without_breaks(text: str) -> str:
    return without_dashes(FENCE.sub("\n\n", text) if "```" in text or "~~~" in text else text)


def _fold(text: str) -> str:
    """Normalise all but white space; a whole text or any part between white space, with the same outcome."""
    if text.isascii():
        folded = text.lower()
    else:
        folded = unicodedata.normalize("NFKC", RAISED.sub(_spell_out, text)).translate(_translation())
        folded = unicodedata.normalize("NFKC", folded.casefold())
        if DISGUISES.search(folded):
            folded = DISGUISED.sub(lambda match: GREEK_BETWEEN_LATIN[match[0]], folded)
    if CONTROL.search(folded):
        folded = CONTROL.sub("", folded)
    if "{,}" in folded or ",\\!" in folded:
        folded = THOUSANDS.sub(",", folded)
    if ":`" in folded:
        folded = ROLE.sub(" ", folded)
    folded = MARKUP.sub(" ", folded)
    if "frac" in folded:
        folded = FRACTION.sub(r"\1 \2 ", folded)
    return MINUS_RUN.sub(lambda run: "- " if run[1] else "-", folded) if "--" in folded else folded


def _spell_out(match: re.Match[str]) -> str:
    """Write superscripts after ^, subscripts after _, a fraction after a space, no trade mark; NFKC alone would glue them on."""
    signs = {"power": "^", "index": "_", "fraction": " "}
    return "".join(signs[run.lastgroup or ""] + _spelled(run[0], run.lastgroup) for run in RAISED_KINDS.finditer(match[0]))


def _spelled(run: str, kind: str | None) -> str:
    plain = unicodedata.normalize("NFKC", run)
    return plain if kind == "fraction" or len(run) == 1 else f"{{{plain}}}"


@functools.cache
def _translation() -> dict[int, str | None]:
    return translation()


@functools.cache
def _token_pattern() -> re.Pattern[str]:
    """Tokens of any script. Combining marks belong to the word they stand in; `re` alone would split Hindi words at vowels."""
    marks = "".join(chr(code) for code in range(0x300, 0x20000) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
    letters = rf"[^\W\d_{CJK}{GREEK}]+"
    words = rf"[a-z]++(?![^\x00-\x7f])|[{CJK}]|[{GREEK}]{{3,}}|[{GREEK}]|{letters}(?:[{marks}]+(?:{letters})?)*"
    return re.compile(rf"{words}|{OTHERS}|[{SYMBOLS}]")


def _gram(token: str) -> str:
    """The gram that a token stands for; "" for layout."""
    if token in GREEK_NAMES:
        return "\\" + GREEK_NAMES[token]
    if token[0].isdigit():
        return token.replace(",", "")
    if token[0] == ".":
        return f"0{token}"
    return SYNONYMS.get(token, "-" if token.startswith("--") else token)


def _fold_pieces(pieces: list[str]) -> list[str]:
    """Fold pieces, those of each kind in one go: the calls cost more than the characters."""
    kinds: tuple[list[str], list[str]] = ([], [])
    for piece in pieces:
        kinds[piece.isascii()].append(piece)
    folded = [iter(_fold("\n".join(kind)).split("\n")) for kind in kinds]
    return [next(folded[piece.isascii()]) for piece in pieces]


def _tokens(pieces: list[str]) -> Iterator[list[str]]:
    for folded in _fold_pieces(pieces):
        yield (ASCII_TOKEN if folded.isascii() else _token_pattern()).findall(folded)


def _grams_of_pieces(pieces: list[str]) -> Iterator[tuple[str, ...]]:
    for tokens in _tokens(pieces):
        yield tuple(gram for token in tokens if (gram := _gram(token)))


def _hashes_of_pieces(pieces: list[str]) -> Iterator[bytes]:
    tokens = list(_tokens(pieces))
    packed = iter(_TOKENS.of(list(itertools.chain.from_iterable(tokens))))
    for found in tokens:
        yield b"".join(itertools.islice(packed, len(found)))


def _hashes_of_tokens(tokens: list[str]) -> Iterator[bytes]:
    for token in tokens:
        gram = _gram(token)
        yield xxhash.xxh3_64_intdigest(gram.encode("utf-8", "surrogatepass")).to_bytes(8, "little") if gram else b""


class _Remembered(Generic[Value]):
    """Values of a pure function of short strings; all are forgotten when there are too many, so memory is bounded."""

    def __init__(self, function: Callable[[list[str]], Iterable[Value]]) -> None:
        self._function = function
        self.known: dict[str, Value] = {}

    def of(self, keys: list[str]) -> list[Value]:
        """Values of many strings; the function sees those that are not remembered, each once."""
        found = list(map(self.known.get, keys))
        if None not in found:
            return found  # type: ignore[return-value]
        places = [place for place, value in enumerate(found) if value is None]
        unknown = list(dict.fromkeys([keys[place] for place in places]))
        fresh = dict(zip(unknown, self._function(unknown), strict=True))
        if len(self.known) + len(fresh) > MAX_REMEMBERED:
            self.known.clear()
        self.known.update((key, value) for key, value in fresh.items() if len(key) <= MAX_PIECE_CHARACTERS)
        for place in places:
            found[place] = fresh[keys[place]]
        return found  # type: ignore[return-value]


_TOKENS = _Remembered(_hashes_of_tokens)
_HASHES = _Remembered(_hashes_of_pieces)
_GRAMS = _Remembered(_grams_of_pieces)
_FOLDS = _Remembered(_fold_pieces)
