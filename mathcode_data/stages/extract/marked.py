r"""Elements that a page marks as formulas by class or attribute, whatever renders them.

Covers StackExchange's `math-container`, arithmatex, Pandoc's and Sphinx's `math`, Wikipedia's `mwe-math-element`,
WordPress KaTeX, mathquill, Zhihu, GitHub's `math-renderer`, and the attributes `data-latex`, `data-tex`, `data-expr`,
`data-math`, `data-formula`, `data-mathml`.
"""

from __future__ import annotations

import re

from mathcode_data.stages.extract.asciimath import to_latex
from mathcode_data.stages.extract.dollars import num_words
from mathcode_data.stages.extract.images import image_formula
from mathcode_data.stages.extract.latex import clean_latex, has_any_command, is_balanced, unwrap
from mathcode_data.stages.extract.marks import is_display
from mathcode_data.stages.extract.mathjax import parse_mathml
from mathcode_data.stages.extract.mathml import convert_math
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element, find_tag
from mathcode_data.stages.extract.words import words

ATTRIBUTES = (
    "data-latex",
    "data-tex",
    "data-katex",
    "data-expr",
    "data-math",
    "data-formula",
    "data-equation",
    "data-value",
    "data-mathml",
)
HOLDS_ATTRIBUTE = re.compile("data-(?:latex|tex|katex|expr|math|formula|equation)")  # a quick look at a whole page
_SURE = frozenset(["data-latex", "data-tex", "data-katex"])
_NOT_LATEX = re.compile(r"^(?:true|false|yes|no|on|off|inline|display|block|null|none|https?:.*|[\[{]\s*\".*)$", re.I | re.S)
_SIMPLE = re.compile(r"[+-]?\d[\d.,]{0,40}|[A-Za-z]")
_MAX_OTHER_TEXT = 600


def attribute_formula(element: Element, shown: str) -> Formula | None:
    """The formula in a data attribute, if the value can be one; `shown` is the text inside the element.

    A number or a letter is a formula where the element shows nothing else: `<span data-tex="7"></span>` is read as 7,
    but the number in `<div data-math="3">Some words</div>` is an index.
    """
    for name in ATTRIBUTES:
        value = element.get(name).strip()
        if not value:
            continue
        display = is_display(element.get("class")) or element.get("data-display") in ("true", "1", "block")
        if name == "data-mathml" or value.startswith(("<math", "«math")):
            math = parse_mathml(value.translate(_WIRIS))
            formula = convert_math(math, display=True if display else None) if math is not None else None
            if formula is not None:
                return formula
            continue
        latex, wrapped = unwrap(value)
        if _NOT_LATEX.match(latex) or not _is_plausible(name, latex, element):
            continue
        if _SIMPLE.fullmatch(latex) and shown.replace("−", "-").replace(latex, "").strip():
            continue
        if len(shown) > 20 * len(latex) + _MAX_OTHER_TEXT:  # a container with a text of its own
            continue
        latex = clean_latex(latex)
        if latex:
            return Formula(latex, display or wrapped is True, "attribute", 0.95 if is_balanced(latex) else 0.5)
    return None


def labelled_formula(attrs: dict[str, str | None]) -> Formula | None:
    """The last resort for `role="math"` with no formula inside: a label with commands of LaTeX, not words to be read aloud."""
    latex = clean_latex(unwrap(attrs.get("aria-label") or "")[0])
    return Formula(latex, False, "aria-label", 0.3) if has_any_command(latex) and is_balanced(latex) else None


# WIRIS writes MathML with these in place of the signs that need escaping.
_WIRIS = str.maketrans({"«": "<", "»": ">", "¨": '"', "§": "&", "`": "'"})


def _is_plausible(name: str, latex: str, element: Element) -> bool:
    if len(latex) > 20_000:
        return False
    if name == "data-value" and "ql-formula" not in element.get("class"):  # of Quill; elsewhere a number of any kind
        return False
    if name in _SURE:
        return num_words(latex) <= 12 or has_any_command(latex)
    if has_any_command(latex) or "^" in latex or "_{" in latex:
        return True
    marked = any(word in element.get("class").lower() for word in ("math", "tex", "formula", "equation", "katex"))
    return num_words(latex) == 0 and (marked or "=" in latex or (len(latex) == 1 and latex.isalpha())) and len(latex) < 2_000


def wikipedia_formula(element: Element) -> Formula | None:
    """`mwe-math-element`: hidden MathML and a fallback image, one formula."""
    math = find_tag(element, "math")
    if math is not None:
        display = math.get("display") == "block" or "mwe-math-mathml-display" in _classes_below(element)
        formula = convert_math(math, display=display)
        if formula is not None:
            return formula
    image = find_tag(element, "img")
    return image_formula(image) if image is not None else None


def _classes_below(element: Element) -> str:
    return " ".join(child.get("class") for child in element.children if isinstance(child, Element))


def source_formula(element: Element, text: str) -> Formula | None:
    """The content of an element is LaTeX without delimiters (WordPress KaTeX, mathquill, Zhihu)."""
    latex, wrapped = unwrap(text)
    latex = clean_latex(latex)
    display = (
        wrapped is True
        or is_display(element.get("class"))
        or element.get("data-display") == "true"
        or element.get("data-katex-display") == "true"
    )
    return Formula(latex, display, "element", 0.9) if latex else None


def math_class_formula(element: Element, text: str) -> Formula | None:
    """An element of class `math`, `tex`, ... without delimiters inside; None where it reads like words."""
    classes = element.get("class").lower().split()
    latex = clean_latex(text)
    if not latex:
        return None
    is_certain = "inline" in classes or "display" in classes
    has_sign = any(sign in latex for sign in "^_=+<>") or len(latex) <= 3
    if not is_certain and not has_any_command(latex) and (num_words(latex) > 0 or not has_sign):
        return None
    display = "display" in classes or (element.tag in ("div", "p") and "inline" not in classes)
    return Formula(latex, display, "element", 0.85 if is_balanced(latex) else 0.4)


def asciimath_formula(text: str) -> Formula | None:
    """An element of class `asciimath` or `AM`."""
    latex = clean_latex(to_latex(text.strip().strip("`")))
    return Formula(latex, False, "asciimath", 0.8) if latex else None


def markup_to_latex(element: Element) -> str | None:
    """Text of an element with `<sub>` and `<sup>` as scripts; None if it holds anything but inline markup."""
    pieces: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            pieces.append(child)
            continue
        if isinstance(child, Formula) or child.raw is not None:
            return None
        inner = markup_to_latex(child)
        if inner is None:
            return None
        if child.tag in ("sub", "sup"):
            pieces.append(f"{'_' if child.tag == 'sub' else '^'}{{{inner.strip()}}}" if inner.strip() else "")
        elif child.tag == "br":
            pieces.append("\n")
        elif child.tag in _INLINE:
            pieces.append(inner)
        else:
            return None
    return "".join(pieces)


_INLINE = words("i em b strong span var font tt cite a small big u wbr nobr abbr bdi mark s p")
