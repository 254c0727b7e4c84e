r"""Formulas drawn as images: the LaTeX stands in the address, in the alternative text or in a data attribute.

The address is trusted more than the alternative text where a service takes LaTeX in it; class names of known plug-ins
(`tex`, `latex`, `mwe-math-fallback-image-inline`, `ql-img-inline-formula`, `x-ck12-math`, ...) mark the rest. An image
of no known kind counts only if its alternative text, or its address, holds commands of mathematics or is clearly a formula.
"""

from __future__ import annotations

import html
import re
from urllib.parse import unquote, unquote_plus

from selectolax.lexbor import LexborHTMLParser

from mathcode_data.stages.extract.latex import clean_latex, has_any_command, has_command, is_balanced, unwrap
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element
from mathcode_data.stages.extract.words import words

# Services that take the formula as a parameter of the query.
_QUERY_SERVICES = re.compile(
    r"latex\.php|equation\?|tex\.z-dn\.net/\?|/render/math\?|chart\?|math\.now\.sh|math\.vercel\.app|tex2img\.php|eqn2img|/latex\?"
    r"|latexrender|/tex\?|math\.jianshu\.com/math\?|render_math|eq_latex|math\.cgi\?(?:tex|formula)=|pix\.php",
    re.I,
)
_PARAMETER = re.compile(r"[?&](?:latex|tex|math|chl|eq|equation|formula|from|expression|m|code|formdata|f)=([^&#]{1,9000})", re.I)
# Services whose whole query, or rest of the path, is the formula.
_RAW_QUERY = re.compile(
    r"(?:codecogs\.com/(?:eq|png|gif|svg|pdf|emf|swf)?[a-z.]{0,12}|(?:gif|png|svg|pdf)\.(?:latex|image|download)"
    r"|mathtex\.cgi|mimetex\.(?:cgi|php|exe)|mathtran|textogif|/tex\.cgi|latex2png|texrender|/mtex\.cgi|/eq\.cgi"
    r"|mimetex|mathtex|cgi-bin/[a-z]{0,9}tex[a-z.]{0,6})\?([^#]{1,9000})",
    re.I,
)
_PATH = re.compile(
    r"(?:codecogs\.com/(?:png|gif|svg)\.latex/|i\.upmath\.me/(?:svg|png)/|tex\.s2cms\.ru/(?:svg|png)/|/formula/|/flx/math/(?:inline|block|alignat)/"
    r"|latex\.numberempire\.com/render\?)([^#]{1,9000})",
    re.I,
)
_SOURCES = ("src", "data-src", "data-original", "data-lazy-src", "data-actualsrc")
_CLASSES = words(
    "tex latex latexblock latexcenter latexinline math mathtex mimetex texrender equation_image equation formula"
    " mwe-math-fallback-image-inline mwe-math-fallback-image-display ql-img-inline-formula"
    " ql-img-displayed-equation quicklatex-auto-format x-ck12-math x-ck12-block-math x-ck12-hwpmath"
    " wirisformula mathimg math-inline math-display math-block tex2jax eqn inlinemath displaymath mathimage teximage"
    " ee_img formulainl formuladsp inlineformula displayformula numberedequation"
)
_DISPLAY_CLASSES = words(
    "mwe-math-fallback-image-display ql-img-displayed-equation x-ck12-block-math latexcenter latexblock math-display math-block displaymath"
    " formuladsp displayformula numberedequation"
)
_DISPLAY_ENVIRONMENTS = ("\\begin{align", "\\begin{equation", "\\begin{gather", "\\begin{eqnarray", "\\begin{multline")
_DISPLAY_MODE = re.compile(r"[?&]mode=display\b", re.I)
_LAST_BREAK = re.compile(r"(?<!\\)(?:\\\\\s*)+$")
_DRAWN = re.compile(r"\S\n[ \t]*(?:\S|\n)|\S {2,}\S|^ +\S|[-_─—=]{3,}", re.M)
_LABELS = re.compile(
    r"^[\[(【]?(?:latex|tex|equation|eqn?|formula|rendered by quicklatex\.com|img|image|math"
    r"|公式|数学公式|數學公式|数式|图片|方程)\s*\d{0,4}[\])】]?\s*:?$",
    re.I,
)
_FILE_NAME = re.compile(r"^(?:https?:)?//\S|^data:|^[\w./-]{1,80}\.(?:png|gif|jpe?g|svg|webp)$", re.I)


def image_formula(element: Element) -> Formula | None:
    """The formula an `<img>` shows, or None for an ordinary picture."""
    classes = frozenset(element.get("class").lower().split())
    alternative, is_data = _alternative(element)
    if _is_drawn(alternative):
        alternative = ""
    address = next((element.get(name) for name in _SOURCES if element.get(name) and "data:" not in element.get(name)[:5]), "")
    display = bool(classes & _DISPLAY_CLASSES) or element.get("eeimg") == "2" or _DISPLAY_MODE.search(address) is not None
    is_zhihu = "eeimg" in element.attrs or "zhihu.com/equation" in address
    if alternative:
        latex, wrapped = unwrap(alternative)
        is_marked = is_data or bool(classes & _CLASSES) or "eeimg" in element.attrs
        is_service = bool(address) and _is_service(address)
        if is_service and not _agrees(latex, address):
            is_service = False
        if not _has_sign(latex) and address_formula(address):  # words such as "formula 2" beside the LaTeX itself
            is_marked = is_service = False
        if (is_marked and _could_be_math(latex)) or is_service or (wrapped is not None and _could_be_math(latex)) or _is_certain(latex):
            display = display or wrapped is True or latex.startswith(_DISPLAY_ENVIRONMENTS)
            return _formula(latex, display, "image-alt", 0.9 if is_marked or is_service else 0.6, breaks=is_zhihu)
    if address:
        latex = address_formula(address)
        if latex:
            latex, wrapped = unwrap(latex)
            return _formula(latex, display or wrapped is True, "image-url", 0.9, breaks=is_zhihu)
        latex = _telling_address(address)
        if latex:
            latex, wrapped = unwrap(latex)
            return _formula(latex, display or wrapped is True, "image-url", 0.7, breaks=False)
    if alternative and _is_written(alternative):
        return _formula(alternative, display, "image-alt", 0.5, breaks=False)
    return None


def drawn_text(attrs: dict[str, str | None]) -> Element | None:
    """What tex4ht writes for a formula: a drawing of it in characters, which is no LaTeX; code where it is displayed."""
    alternative = (attrs.get("alt") or "").strip("\n").rstrip()
    if not _is_drawn(alternative) or _CLASSES.isdisjoint((attrs.get("class") or "").lower().split()):
        return None
    is_display = not _DISPLAY_CLASSES.isdisjoint((attrs.get("class") or "").lower().split())
    if is_display:
        node = LexborHTMLParser(f"<pre>\n{html.escape(alternative)}</pre>").css_first("pre")
        found = Element("pre", {}, node)
    else:
        found = Element("span", {})
        found.children.append(" ".join(alternative.split()))
    found.text_chars = found.prose_chars = len(alternative)
    return found


def _is_drawn(alternative: str) -> bool:
    """True for lines that are set one below the other: no command, and blanks or strokes that mean a place on the paper."""
    is_plain = "^" not in alternative and "_{" not in alternative and not has_any_command(alternative)
    return is_plain and "\n" in alternative.strip() and _DRAWN.search(alternative) is not None


def address_formula(address: str) -> str:
    """The LaTeX inside the address of a rendering service, decoded, or "".

    >>> address_formula("https://latex.codecogs.com/svg.image?%5Cfrac%7Ba%7D%7Bb%7D")
    '\\\\frac{a}{b}'
    """
    address = html.unescape(address) if "&amp;" in address else address
    if _QUERY_SERVICES.search(address):
        if "chart?" in address and "cht=tx" not in address:
            return ""
        match = _PARAMETER.search(address)
        return _decode(match[1], is_parameter=True) if match else ""
    match = _RAW_QUERY.search(address)
    if match:
        query = match[1]
        parameter = re.match(r"(?:latex|tex|eq|formdata|formula)=([^&]+)", query, re.I)
        return _decode(parameter[1], is_parameter=True) if parameter else _decode(query)
    match = _PATH.search(address)
    if match:
        latex = _decode(match[1], plus=False)
        return latex if "\\" in latex or "^" in latex or "_" in latex or "=" in latex else ""
    return ""


def _telling_address(address: str) -> str:
    """LaTeX in the address of a service that is not known: commands in a value of its query or in its path; else "".

    >>> _telling_address("https://tex.example.org/?f=%5Cfrac12"), _telling_address("//example.org/?f=x%5E2&a=b")
    ('\\\\frac12', '')
    """
    if "\\" not in address and "%" not in address:
        return ""
    address = html.unescape(address) if "&amp;" in address else address
    head, _, query = address.partition("?")
    is_tex = _TEX_ADDRESS.search(head) is not None
    for value in (part.partition("=")[2] or part for part in query.split("&", _MAX_VALUES)):
        latex = _decode(value, is_parameter=True) if "%" in value or "\\" in value else ""
        if latex and (_is_certain(latex) or (is_tex and _is_written(latex, has_relation=False))):
            return latex
    start = _ESCAPED_COMMAND.search(head)
    if start is None:
        return ""
    latex = _ENDING.sub("", unquote(head[head.rfind("/", 0, start.start()) + 1 :]))
    latex = unquote(latex) if "%5C" in latex else latex
    return latex if _is_certain(latex) else ""


def _is_written(text: str, *, has_relation: bool = True) -> bool:
    """True for plain text that can be nothing but a formula: single letters and numbers around signs, with a relation between two sides.

    >>> _is_written("x^2 + y^2 = z^2"), _is_written("a_n = a_{n-1} + 2"), _is_written("team photo_1"), _is_written("fig_2=b.png")
    (True, True, False, False)
    """
    if not 3 <= len(text) <= _MAX_WRITTEN or _WRITTEN.fullmatch(text) is None or not is_balanced(text):
        return False
    if not has_relation:
        return _SCRIPTED.search(text) is not None or _SIDES.search(text) is not None
    return _SIDES.search(text) is not None and any(map(str.isalpha, text)) and len(text.split("=")) < 6


_MAX_VALUES, _MAX_WRITTEN = 20, 300
_TEX_ADDRESS = re.compile(r"tex|math|formula|equation|eqn", re.I)
_ESCAPED_COMMAND = re.compile(r"%(?:25)?5C[a-zA-Z]{2}")
_ENDING = re.compile(r"\.(?:png|gif|svg|jpe?g|webp)$", re.I)
_OPERAND = r"A-Za-z0-9α-ωΑ-Ω²³¹⁰-₎∞"
_SIDES = re.compile(rf"[{_OPERAND})\]}}|'′!]\s?(?:=|[<>]=?|≤|≥|≠|≈|≡|∈|⊂|→)\s?[-+−±√({{\[|{_OPERAND}]")
_SCRIPTED = re.compile(r"[A-Za-z0-9)\]}][_^](?:\{[^{}]{1,40}\}|[A-Za-z0-9])")
_WRITTEN = re.compile(
    r"(?:(?:sin|cos|tan|cot|log|exp|lim|max|min|gcd|lcm|mod|det)(?![A-Za-z])|[A-Za-z]{1,2}(?![A-Za-z])|[α-ωΑ-Ω0-9²³¹⁰-₎∞]"
    r"|[-+−–*/=<>≤≥≠≈≡±×·÷∈∪∩⊂→√^_(){}\[\]|,.!'′: ])+"
)


def _is_service(address: str) -> bool:
    return (
        _QUERY_SERVICES.search(address) is not None
        or _RAW_QUERY.search(address) is not None
        or "codecogs" in address
        or "/math/render/" in address
        or "latex.artofproblemsolving" in address
        or "quicklatex" in address
    )


def _agrees(alternative: str, address: str) -> bool:
    """Alternative text beside a service address is the formula unless it is a label such as "latex" or a file name."""
    if not _could_be_math(alternative):
        return False
    inside = address_formula(address)
    return not inside or has_command(alternative) or not has_command(inside)


def _decode(text: str, *, plus: bool = True, is_parameter: bool = False) -> str:
    is_form = plus and "+" in text and _is_form(text, is_parameter=is_parameter)
    decoded = unquote_plus(text) if is_form else unquote(text)
    decoded = decoded.replace("&space;", " ").replace("&plus;", "+").replace("&hash;", "#")
    return html.unescape(decoded).replace("<br />", " ").replace("<br>", " ")


def _is_form(text: str, *, is_parameter: bool) -> bool:
    """True where a plus sign is a blank: in a query encoded as forms are, the sign itself would be %2B.

    Markdown converters escape braces and backslashes in any address, but leave the signs in _RESERVED as they are.
    """
    escaped = text.upper()
    if "%20" in escaped or " " in text:
        return False
    if "%2B" in escaped:
        return True
    return _FORM.fullmatch(text) is not None and "%" in text and (is_parameter or any(sign in escaped for sign in _RESERVED))


_FORM = re.compile(r"[\w.~*!'()%+-]+", re.A)
_RESERVED = ("%3D", "%2C", "%3B", "%2F", "%3A", "%26", "%3F", "%40", "%24")


def _alternative(element: Element) -> tuple[str, bool]:
    """What stands in for the image, best first; and whether it is LaTeX by the name of its attribute."""
    for name in ("data-equation-content", "data-latex", "data-tex", "data-formula", "alt", "title"):
        value = element.get(name).strip()
        if value and not _LABELS.match(value) and not _FILE_NAME.match(value):
            if "&" in value and ";" in value:
                value = html.unescape(value)
            if "%5C" in value or "%7B" in value:
                value = unquote(value)
            return value, name.startswith("data-")
    return "", False


def _could_be_math(text: str) -> bool:
    """For images whose class says formula: everything but words."""
    if not text or _LABELS.match(text):
        return False
    if "\\" in text or "^" in text or "_" in text or "=" in text or len(text) <= 3:
        return True
    return re.search(r"[a-zA-Z]{4,}", text) is None


def _has_sign(text: str) -> bool:
    """True for what may be LaTeX by its signs, or by being a single letter."""
    return len(text) == 1 or any(sign in text for sign in "\\^_={}<>+")


def _is_certain(text: str) -> bool:
    """For images of no known kind: commands of mathematics and balanced braces."""
    return has_command(text) and is_balanced(text) and re.search(r"(?:[a-zA-Z]{3,}[ ,.]+){4}", text) is None


def _formula(latex: str, display: bool, source: str, confidence: float, *, breaks: bool) -> Formula | None:
    """`breaks`: a line break at the end is the way to say display, as on Zhihu; elsewhere it says nothing."""
    latex = clean_latex(latex)
    kept = _LAST_BREAK.sub("", latex).rstrip()
    display = display or (breaks and kept != latex.rstrip())
    latex = kept
    return Formula(latex, display, source, confidence if is_balanced(latex) else confidence / 2) if latex else None
