r"""Formulas in plain text: between delimiters, as bare environments, between back-ticks where AsciiMath is on.

The text of a run of neighbours is scanned as one string in which every inline element stands as the character OBJECT,
so a formula may contain `<br>` or markup that a Markdown converter put in (`a<em>i + b</em>i` was `a_i + b_i`).
The scan is linear: an opening delimiter whose closing one is not found is remembered and not looked for again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

from mathcode_data.stages.extract.asciimath import to_latex
from mathcode_data.stages.extract.dollars import is_clearly_math, is_equation, is_formula, num_words, writes_dollars
from mathcode_data.stages.extract.latex import MAX_FORMULA_CHARACTERS, clean_latex, has_any_command, has_command, is_balanced
from mathcode_data.stages.extract.page_math import PageMath
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.words import words

OBJECT = "\ufdd0"
_ENVIRONMENTS = words(
    "equation align alignat flalign gather multline eqnarray displaymath math aligned alignedat gathered split cases"
    " array matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix CD subequations dmath dcases rcases numcases"
    " IEEEeqnarray xalignat darray prooftree"
)
BRACKETED = re.compile(r"\[(?:i?tex|math|latex|eqn)\]", re.I)  # the opening delimiters of forums
_STYLE = re.compile(r"(?:\s{0,9}&(?:amp;)?(?:s=-?\d|(?:bg|fg)=[0-9A-Za-z]{3,20})){1,3}\s{0,9}$")  # WordPress: size and colours
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


class Scanner:
    """Finds the formulas of one page's text."""

    def __init__(self, settings: PageMath, html: str = "") -> None:
        self.settings = settings
        self._html = html
        self.openers = _opener_pattern(settings)
        self.closers: dict[str, re.Pattern[str]] = {}
        self.own_escapes = {"\\$", "\\`"} & set(settings.asciimath_pairs) if settings.asciimath else set()  # Asciidoctor

    def scan(self, text: str, fill: Callable[[int, str], str | None], *, forced: bool = False) -> list[tuple[int, int, Formula]]:
        """The formulas of a text: start, end, formula, in order.

        `fill(n, piece)` turns the objects in `piece`, the first of which is the n-th of the text, into LaTeX, and
        answers None where an object cannot stand in a formula. `forced`: the page marked this text as mathematics.
        """
        hits: list[tuple[int, int, Formula]] = []
        exhausted: set[str] = set()
        position = 0
        while match := self.openers.search(text, position):
            position = match.end()
            opener = match[0]
            if opener in ("\\$", "\\`") and opener not in self.own_escapes:
                continue
            found = self._formula_at(text, match, exhausted, forced)
            if found is None:
                continue
            content, end, display, source, confidence = found
            if OBJECT in content:
                filled = fill(text.count(OBJECT, 0, match.start()), content)
                if filled is None:
                    continue
                content = filled
            latex = clean_latex(content)
            if latex:
                confidence = confidence if is_balanced(latex) else confidence / 2
                hits.append((match.start(), end, Formula(latex, display, source, confidence)))
                position = end
        return hits

    @cached_property
    def _has_dollars(self) -> bool:
        """Whether dollars enclose TeX on this page: some pairs can be nothing else, or it loads a renderer and writes no `\\(x\\)`.

        A renderer alone says little: without a configuration neither MathJax nor KaTeX reads single dollars.
        """
        if self.settings.single_dollar is not None:
            return self.settings.single_dollar
        if self.settings.loads_renderer:
            return not self._has_round or writes_dollars(self._html, min_pairs=1)
        return writes_dollars(self._html)

    @cached_property
    def _has_round(self) -> bool:
        """Whether the page writes its inline formulas as `\\(x\\)`."""
        return "\\(" in self._html and _ROUND.search(_SCRIPT.sub(" ", self._html)) is not None

    def _is_no_shell_variable(self, content: str) -> bool:
        """False for a single letter between dollars where a renderer reads `\\(x\\)`, unless that letter stands there so as well."""
        return len(content) > 1 or not (self.settings.loads_renderer and self._has_round) or f"\\({content}\\)" in self._html

    def _formula_at(self, text: str, match: re.Match[str], exhausted: set[str], forced: bool) -> tuple[str, int, bool, str, float] | None:
        """Content, end, display, source and confidence of the formula that opens at a match."""
        opener = match[0]
        if opener.startswith("\\begin"):
            return self._environment(text, match, exhausted)
        if opener == "$":
            return self._dollar(text, match.end(), forced)
        closer = self.settings.asciimath_pairs.get(opener) if self.settings.asciimath else None
        if closer is not None:
            end = text.find(closer, match.end())
            if end < 0 or end - match.end() > 2_000 or end == match.end():
                return None
            after = end + len(closer)
            is_alone = opener in self.own_escapes and not text[: match.start()].strip() and not text[after:].strip()
            return to_latex(text[match.end() : end].replace(OBJECT, " ")), after, is_alone, "asciimath", 0.8
        pair = self.settings.delimiters.get(opener) or self.settings.delimiters.get(opener.lower())
        is_guessed = pair is None and opener in _MANY_DOLLARS  # of Codeforces, on a page that lost its configuration
        if is_guessed:
            pair = (opener, opener == "$$$$$$")
        if pair is None:
            return None
        closer, display = pair
        end = self._close(text, match.end(), opener, closer, exhausted)
        if end < 0:
            return None
        content = text[match.end() : end]
        after = end + len(closer)
        if not forced and not (_is_between_many(content) if is_guessed else self._accept(opener, content)):
            return None
        if display is None:
            before = text[: match.start()].rstrip(" \t")[-1:]
            following = text[after:].lstrip(" \t")[:1]
            display = before in ("", "\n", OBJECT) and following in ("", "\n", OBJECT)
        source = "bbcode-delimiter" if opener[0] == "[" else "tex-delimiter"
        return content, after, display, source, 0.95 if self.settings.loads_renderer else 0.85

    def _accept(self, opener: str, content: str) -> bool:
        if not content.strip(" \n\t" + OBJECT):
            return False
        if opener == "$$" and not self.settings.loads_renderer:
            return is_clearly_math(content) or (num_words(content) == 0 and re.search(r"[A-Za-z0-9]", content) is not None)
        if opener in ("\\(", "\\[") and not self.settings.loads_renderer:
            return has_any_command(content) or num_words(content) == 0
        return True

    def _close(self, text: str, start: int, opener: str, closer: str, exhausted: set[str]) -> int:
        """The position of the closing delimiter outside braces; the first one if braces do not match."""
        if closer in exhausted:
            return -1
        first = text.find(closer, start)
        if first < 0:
            exhausted.add(closer)
            return -1
        if first - start > MAX_FORMULA_CHARACTERS:
            return -1
        if text.count("{", start, first) == text.count("}", start, first):
            return first
        pattern = self.closers.get(closer)
        if pattern is None:
            pattern = re.compile(r"\\[{}]|[{}]|" + re.escape(closer) + (r"|\\\\|" + re.escape(opener) if opener != closer else ""))
            self.closers[closer] = pattern
        depth = nested = 0
        for match in pattern.finditer(text, start, min(len(text), start + MAX_FORMULA_CHARACTERS)):
            token = match[0]
            if token == "{":
                depth += 1
            elif token == "}":
                depth -= 1
            elif token == closer and (depth <= 0 or (opener != closer and not nested)):
                return match.start()  # inside braces only a formula of its own may close: \(a \text{ if \(b\)}\)
            elif token == closer:
                nested -= opener != closer
            elif token == opener:
                nested += 1
        return first

    def _environment(self, text: str, match: re.Match[str], exhausted: set[str]) -> tuple[str, int, bool, str, float] | None:
        name = match["environment"]
        if name.rstrip("*") not in _ENVIRONMENTS:
            return None
        opening, closing = f"\\begin{{{name}}}", f"\\end{{{name}}}"
        if closing in exhausted:
            return None
        position = match.end()
        for _ in range(20):  # environments of the same name may be nested
            end = text.find(closing, position)
            if end < 0:
                exhausted.add(closing)
                return None
            if text.count(opening, match.start(), end) <= text.count(closing, match.start(), end) + 1:
                after = end + len(closing)
                return text[match.start() : after], after, name != "math", "tex-environment", 0.95
            position = end + len(closing)
        return None

    def _dollar(self, text: str, start: int, forced: bool) -> tuple[str, int, bool, str, float] | None:
        """A single dollar: pandoc's rule, relaxed where the page itself declares the delimiter."""
        declared = forced or self.settings.single_dollar is True
        limit = min(len(text), start + 5_000)
        end, depth = -1, 0
        for match in _DOLLAR_TOKEN.finditer(text, start, limit):
            token = match[0]
            if token == "{":
                depth += 1
            elif token == "}":
                depth -= 1
            elif token[0] == "$":
                if end < 0:
                    end = match.start()
                if depth <= 0:
                    end = match.start()
                    break
        if end <= start:
            return None
        content = text[start:end]
        if content.startswith("latex "):  # WordPress: $latex ...$
            content, declared = _STYLE.sub("", content[6:]), True
        if not content or _BLANK_LINE.search(content):
            return None
        obeys = not content[0].isspace() and not content[-1].isspace() and not text[end + 1 : end + 2].isdigit()
        plain = content.replace(OBJECT, " ").strip()
        has_math = self.settings.single_dollar is not False and self._has_dollars
        declared = declared or (has_math and not self.settings.loads_renderer and has_command(plain))
        if content[0].isdigit() and text[max(0, start - 4) : start - 1].endswith(_CURRENCIES):
            return None
        after_number = text[start - 2 : start - 1].isdigit() and not any(sign.isalpha() for sign in content)
        if forced:
            accepted = bool(plain)
        elif after_number:  # 5$-10$ is a price, 3$\times$4 is not
            accepted = False
        elif self.settings.single_dollar is False:  # the page says that it is no delimiter
            accepted = obeys and has_command(plain) and is_formula(plain, page_has_math=False)
        elif obeys:
            accepted = is_formula(plain, page_has_math=has_math) and (has_math or self._is_no_shell_variable(plain))
        else:
            accepted = declared and is_formula(plain, page_has_math=True) and not (plain[:1].isdigit() and " " in plain)
            is_price = text[end + 1 : end + 2].isdigit()  # "$5 for $6" has prices on both sides
            accepted = accepted or (declared and plain[:1].isdigit() and not is_price and (is_clearly_math(plain) or is_equation(plain)))
        if not accepted:
            return None
        is_told = forced or self.settings.single_dollar is True
        return content, end + 1, False, "tex-delimiter", 0.95 if is_told else 0.8 if self.settings.loads_renderer else 0.7


_CURRENCIES = ("US", "HK", "NT", "NZ", "AU", "CA", "SG", "AUD", "CAD", "USD")  # before the sign of a price
_DOLLAR_TOKEN = re.compile(r"\\.|[{}]|\$", re.S)


_MANY_DOLLARS = frozenset(["$$$", "$$$$$$"])
_SCRIPT = re.compile(r"<script\b[^>]{0,2000}>.*?(?:</script|\Z)", re.I | re.S)
_ROUND = re.compile(r"\\\([^<>\n]{1,400}?\\\)")


def _is_between_many(content: str) -> bool:
    """True for TeX, or a number, between three or six dollars."""
    plain = content.replace(OBJECT, " ").strip()
    return bool(plain) and (_NUMBER.fullmatch(plain) is not None or is_clearly_math(plain))


_NUMBER = re.compile(r"-?\d[\d.]{0,20}")


def _opener_pattern(settings: PageMath) -> re.Pattern[str]:
    """One pattern for every opening delimiter of a page; long ones first."""
    names = sorted(settings.delimiters, key=lambda name: -len(name))
    plain = [re.escape(name) for name in names if name != "$$"]
    if settings.asciimath:
        plain.extend(map(re.escape, settings.asciimath_pairs))
    return re.compile(r"\\[$`]|\\begin\s{0,4}\{(?P<environment>[A-Za-z]{1,20}\*?)\}|" + "|".join(plain) + r"|\${1,9}", re.I)
