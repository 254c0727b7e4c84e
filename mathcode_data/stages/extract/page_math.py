r"""What a page says about its mathematics: does it load MathJax or KaTeX, with which delimiters and macros?

Read from the raw text, without running any script: MathJax 2 (`MathJax.Hub.Config({tex2jax: {inlineMath: ...}})`),
MathJax 3 and 4 (`MathJax = {tex: {inlineMath: ..., macros: ...}}`) and KaTeX's auto-render (`delimiters: [{left: ...,
right: ..., display: ...}]`). All patterns are bounded, so they are linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from itertools import islice

from mathcode_data.stages.extract.macros import Macro, from_config

# Plain substrings of the lower-cased page: fifty times faster than one pattern that ignores case. A search of a whole page is
# still a two-hundredth of the time for it, so what several have in common is searched first.
_LOADERS = {
    b"math": (b"mathjax", b"mathquill", b"asciimath", b"latexmathml", b"jsmath", b"math-container", b"math-renderer", b"mathml"),
    b"atex": (b"katex", b"vlatex"),
    b"tex2jax": (b"tex2jax",),
    b"temml": (b"temml",),
}
_TRIGGERS = {
    b"$": (b"$",),
    b"\\": (b"\\(", b"\\[", b"\\begin"),
    b"tex]": (b"[tex]", b"[itex]", b"[latex]"),
    b"math]": (b"[math]",),
    b"[eqn]": (b"[eqn]",),
}
_MAX_NEAR = 50
_NEAR_BYTES = 12  # before and after what is searched first stands the rest of each loader
_PAIRS = re.compile(r"""["']?\b(inlineMath|displayMath)["']?\s{0,20}:\s{0,20}(\{\s{0,20}["']\[\+\]["']\s{0,20}:\s{0,20})?\[""")
_PAIR = re.compile(
    r"""\s{0,200}(?:,\s{0,200})?\[\s{0,40}("[^"\n]{1,24}"|'[^'\n]{1,24}')\s{0,40},\s{0,40}("[^"\n]{1,24}"|'[^'\n]{1,24}')"""
    r"""\s{0,40},?\s{0,40}\]"""
)
_KATEX_PAIR = re.compile(
    r"""\bleft["']?\s{0,20}:\s{0,20}("[^"\n]{1,24}"|'[^'\n]{1,24}')\s{0,20},\s{0,40}["']?right["']?\s{0,20}:\s{0,20}"""
    r"""("[^"\n]{1,24}"|'[^'\n]{1,24}')(?:\s{0,20},\s{0,40}["']?display["']?\s{0,20}:\s{0,20}(true|false|!0|!1))?"""
)
_MACROS = re.compile(r"""["']?\b[mM]acros["']?\s{0,20}:\s{0,20}\{""")
_ASCIIMATH = re.compile(r"asciimath2jax|input/asciimath|asciimath\s{0,4}:\s{0,4}\{|am_(?:chtml|htmlormml|svg)|src=[^>\s]{0,200}asciimath")
_ASCIIMATH_OFF = re.compile(r"""asciimath2jax\s{0,10}:\s{0,10}\{\s{0,60}["']?ignoreClass["']?\s{0,9}:\s{0,9}["']\.\*""")
_ASCIIMATH_PAIRS = re.compile(
    r"""\basciimath(?:2jax)?["']?\s{0,20}:\s{0,20}\{[^{}]{0,400}?\bdelimiters["']?\s{0,20}:\s{0,20}"""
    r"""(\{\s{0,20}["']\[\+\]["']\s{0,20}:\s{0,20})?\["""
)
_ASCIIMATH_WORDS = (b"asciimath", b"am_chtml", b"am_htmlormml", b"am_svg")
_ONLOAD = re.compile(r"""\bonload\s{0,3}=\s{0,3}(["'])""", re.I)
_MAX_HANDLERS = 50
_SCRIPT = re.compile(r"<(?:script|SCRIPT|Script)\b")
_SETTINGS = ("inlineMath", "displayMath", "delimiters", "acros", "eClass", "HtmlClass")  # one of them in each configuration
_CLASSES = re.compile(r"""\b(ignore|process)(?:Html)?Class["']?\s{0,20}:\s{0,20}("[^"\n]{1,200}"|'[^'\n]{1,200}')""")
_DEFAULT_CLASSES = frozenset(["tex2jax_ignore", "tex2jax_process", "mathjax_ignore", "mathjax_process"])  # known to marks.py
_PLAIN_NAME = re.compile(r"[\w-]{1,60}")
_JS_ESCAPE = re.compile(r"\\(.)", re.S)


@dataclass(slots=True)
class PageMath:
    r"""The settings of one page. `single_dollar` is None where the page does not say.

    `delimiters` maps an opening string to its closing string and to display; `\(`, `\[` and `$$` are always in it.
    """

    has_backslash: bool = False
    loads_renderer: bool = False
    has_triggers: bool = False
    single_dollar: bool | None = None
    asciimath: bool = False
    asciimath_pairs: dict[str, str] = field(default_factory=lambda: {"`": "`"})
    delimiters: dict[str, tuple[str, bool | None]] = field(default_factory=dict)
    macros: dict[str, Macro] = field(default_factory=dict)
    processing: dict[str, bool] = field(default_factory=dict)
    """Classes that the page itself names: below them the delimiters count (true) or do not (false)."""
    has_foreign: bool = False
    """Drawings of the page may hold HTML and MathML."""

    def ignores(self, classes: str, processing: int, ignore: bool) -> bool:
        """Whether delimiters below an element with these classes do not count; `processing` is what well-known ones among them say."""
        if processing:
            ignore = processing < 0
        named = [self.processing[name] for name in classes.split() if name in self.processing]
        return not any(named) if named else ignore


# None: display where the formula stands alone on its lines.
DEFAULT_DELIMITERS: dict[str, tuple[str, bool | None]] = {
    "\\(": ("\\)", False),
    "\\[": ("\\]", True),
    "$$": ("$$", True),
    "[tex]": ("[/tex]", None),
    "[itex]": ("[/itex]", False),
    "[math]": ("[/math]", None),
    "[latex]": ("[/latex]", None),
    "[eqn]": ("[/eqn]", True),
}


def read_page_math(html: str) -> PageMath:
    """Collect the settings; cheap for the many pages without mathematics."""
    settings = PageMath(has_backslash="\\" in html, delimiters=dict(DEFAULT_DELIMITERS))
    raw = html.encode("utf-8", "surrogatepass").lower()  # ASCII only: a text beyond it takes ten times as long
    settings.has_foreign = b"<foreignobject" in raw
    settings.has_triggers = _holds_one(raw, _TRIGGERS)
    if settings.has_triggers and b"[itex]" in raw:  # its counterpart: Physics Forums
        settings.delimiters["[tex]"] = ("[/tex]", True)
    settings.loads_renderer = _holds_one(raw, _LOADERS)
    if not settings.loads_renderer:
        return settings
    if any(word in raw for word in _ASCIIMATH_WORDS):
        settings.asciimath = _ASCIIMATH.search(html.lower()) is not None and _ASCIIMATH_OFF.search(html) is None
    for script in _scripts(html):
        _read_script(script, settings)
    for handler in _handlers(html):
        _read_script(handler, settings)
    return settings


def _holds_one(raw: bytes, names: dict[bytes, tuple[bytes, ...]]) -> bool:
    """True if a name stands in the page; those that share some letters are looked for around these only."""
    for letters, sharing in names.items():
        first = raw.find(letters)
        if first >= 0:
            around = _around(raw, letters, first) if len(sharing) > 1 else raw
            for name in sharing:
                if name in around:
                    return True
    return False


def _around(raw: bytes, letters: bytes, first: int) -> bytes:
    """What stands around each occurrence of some letters; the rest of the page where there are many."""
    pieces: list[bytes] = []
    position = first
    while position >= 0:
        if len(pieces) == _MAX_NEAR:
            pieces.append(raw[max(0, position - _NEAR_BYTES) :])
            break
        pieces.append(raw[max(0, position - _NEAR_BYTES) : position + len(letters) + _NEAR_BYTES])
        position = raw.find(letters, position + 1)
    return b"\n".join(pieces)


def _scripts(html: str) -> list[str]:
    """The bodies of the inline scripts that could hold a configuration."""
    found = []
    for match in _SCRIPT.finditer(html):
        start = html.find(">", match.end())
        end = html.find("</", start) if start >= 0 else -1
        while end >= 0 and html[end + 2 : end + 8].lower() != "script":
            end = html.find("</", end + 2)
        if end < 0:
            break
        if end - start < 100_000:
            body = html[start + 1 : end]
            if any(word in body for word in _SETTINGS) and ("Math" in body or "acros" in body or "delimiters" in body):
                found.append(body)
    return found


def _handlers(html: str) -> list[str]:
    """What KaTeX's auto-render is told where it is called as soon as it is loaded, in an attribute of its script."""
    if "renderMathInElement" not in html:
        return []
    found = []
    for match in islice(_ONLOAD.finditer(html), _MAX_HANDLERS):
        end = html.find(match[1], match.end())
        if 0 < end - match.end() < 100_000 and "renderMathInElement" in (body := html[match.end() : end]):
            found.append(unescape(body))
    return found


def _read_script(script: str, settings: PageMath) -> None:
    for match in _PAIRS.finditer(script):
        is_display = match[1] == "displayMath"
        position = match.end()
        seen_dollar = False
        while pair := _PAIR.match(script, position):
            seen_dollar |= _add_pair(settings, pair[1], pair[2], is_display)
            position = pair.end()
        if not is_display and (seen_dollar or not match[2]):  # MathJax 4's "[+]" adds to what is set already
            settings.single_dollar = seen_dollar
    if settings.asciimath and (match_pairs := _ASCIIMATH_PAIRS.search(script)):
        settings.asciimath_pairs = _asciimath_pairs(script, match_pairs)
    if "delimiters" in script:
        pairs = list(_KATEX_PAIR.finditer(script))
        for pair in pairs:
            _add_pair(settings, pair[1], pair[2], pair[3] in ("true", "!0"))
        if pairs:
            settings.single_dollar = any(_unquote(pair[1]) == "$" for pair in pairs)
    if "Class" in script:
        for match in _CLASSES.finditer(script):
            names = {name for name in _unquote(match[2]).split("|") if _PLAIN_NAME.fullmatch(name)} - _DEFAULT_CLASSES
            settings.processing.update(dict.fromkeys(names, match[1] == "process"))
    for match in _MACROS.finditer(script):
        settings.macros.update(from_config(script[match.end() : match.end() + 50_000]))


def _asciimath_pairs(script: str, match: re.Match[str]) -> dict[str, str]:
    """The delimiters of AsciiMath; those after MathJax 3's "[+]" are added to the back-tick."""
    pairs: dict[str, str] = {"`": "`"} if match[1] else {}
    position = match.end()
    while pair := _PAIR.match(script, position):
        left, right = _unquote(pair[1]), _unquote(pair[2])
        if left and right and not left.isalnum() and "<" not in left:
            pairs[left] = right
        position = pair.end()
    return pairs or {"`": "`"}


def _add_pair(settings: PageMath, left: str, right: str, display: bool) -> bool:
    """Add one configured pair; True if it is the single dollar."""
    left, right = _unquote(left), _unquote(right)
    if left == "$" and right == "$":
        return True
    if left and right and not left.isalnum() and not left.isspace() and "<" not in left and left != "`":
        settings.delimiters[left] = (right, display)
        if left not in DEFAULT_DELIMITERS:
            settings.has_triggers = True
    return False


def _unquote(literal: str) -> str:
    return _JS_ESCAPE.sub(r"\1", literal[1:-1]).strip()
