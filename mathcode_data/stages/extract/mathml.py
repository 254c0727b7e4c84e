r"""MathML to LaTeX: a TeX annotation if there is one, else the alternative text, else the structure itself.

Annotations of other kinds (Content MathML, llamapun words, StarMath) are ignored. The conversion by structure covers
Presentation MathML as MathJax, KaTeX, LaTeXML, Word and journal back ends write it, and Content MathML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from mathcode_data.stages.extract.katex_colours import COLOUR
from mathcode_data.stages.extract.latex import clean_latex, has_command, is_balanced
from mathcode_data.stages.extract.mathml_symbols import (
    COMMANDS,
    FUNCTIONS,
    NAMED_SPACES,
    VARIANTS,
    alphabet_of,
    to_command,
)
from mathcode_data.stages.extract.mathml_tokens import glue, operator, text_group
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element, text_of

_TEX_ENCODINGS = ("tex", "latex")
_OPEN = {"(": ")", "[": "]", "{": "}", "|": "|", "‖": "‖", "∥": "∥", "⟨": "⟩", "⌊": "⌋", "⌈": "⌉", "❲": "❳"}
_PMOD = re.compile(r"(?:\\left)?\(\s?\\(?:mathrm|operatorname|text)\{\s?mod\s?\}(?:\\[,:; ]|~|\s){0,4}([^()]{1,60}?)(?:\\right)?\)")
_SPOKEN = re.compile(r"(?:^|\s)(?:over|plus|minus|times|equals?|sub|super|squared|cubed|root|fraction|divided|open|close)(?:\s|$)", re.I)
_TALL = re.compile(r"\\(?:d?frac|sum|prod|int|sqrt|begin|binom|genfrac|bigcup|bigcap|overset|underset)(?![a-zA-Z])|\^\{")


def convert_math(math: Element, *, display: bool | None = None) -> Formula | None:
    """The formula of a `<math>` element; None where it holds nothing."""
    if display is None:
        display = math.get("display") == "block" or math.get("mode") == "display"
    annotation = tex_annotation(math)
    if annotation:
        return Formula(annotation, display, "mathml-annotation", 1.0)
    alternative = clean_latex(math.get("alttext"))
    if alternative and is_balanced(alternative) and _is_tex_alternative(alternative):
        return Formula(alternative, display, "mathml-alttext", 0.95)
    children = parts(math)
    if not children:
        raw = clean_latex(text_of(math))  # LaTeX or plain text inside <math>, seen on mirrors of wikis
        return Formula(raw, display, "mathml-text", 0.3) if raw else None
    latex = clean_latex(row(children))
    return Formula(latex, display, "mathml", 0.8) if latex else None


def _is_tex_alternative(text: str) -> bool:
    """Alternative text may be LaTeX or words to be read aloud."""
    if has_command(text) or "\\" in text or "^" in text or "_" in text:
        return True
    if any(len(word) > 4 and word not in FUNCTIONS for word in re.findall("[a-zA-Z]+", text)):
        return False
    return re.search(r"[a-zA-Z]{2,} [a-zA-Z]{2,}", text) is None and _SPOKEN.search(text) is None


def tex_annotation(math: Element) -> str:
    """The TeX annotation below a `<math>` element, cleaned, or ""."""
    for child in math.children:
        if not isinstance(child, Element):
            continue
        tag = local_name(child.tag)
        if tag == "annotation":
            if any(name in child.get("encoding").lower() for name in _TEX_ENCODINGS):
                latex = clean_latex(text_of(child))
                if latex:
                    return latex
        elif tag in ("semantics", "mrow", "mstyle", "math"):
            found = tex_annotation(child)
            if found:
                return found
    return ""


def local_name(tag: str) -> str:
    """The tag without a prefix such as `mml:`."""
    return tag.rsplit(":", 1)[-1] if ":" in tag else tag


def parts(element: Element) -> list[Element]:
    """The elements below; stray text counts as `<mtext>`, annotations do not count."""
    found: list[Element] = []
    for child in element.children:
        if isinstance(child, Element):
            tag = local_name(child.tag)
            if tag not in ("annotation", "annotation-xml", "mprescripts", "none", "script", "style") or (
                tag in ("mprescripts", "none") and local_name(element.tag) == "mmultiscripts"
            ):
                found.append(child)
        elif isinstance(child, str) and not child.isspace() and local_name(element.tag) in _ROWS:
            wrapped = Element("mi" if len(child.strip()) == 1 else "mtext", {})
            wrapped.children.append(child)
            found.append(wrapped)
    return [_selected(element, found)] if found and local_name(element.tag) == "maction" else found


def _selected(action: Element, choices: list[Element]) -> Element:
    """The one child of a `<maction>` that is shown; the others are messages and other forms of it."""
    number = action.get("selection").strip()
    index = int(number) - 1 if number.isdigit() and len(number) < 4 else 0
    return choices[index] if 0 <= index < len(choices) else choices[0]


_ROWS = frozenset(["mrow", "mstyle", "mpadded", "merror", "semantics", "mtd", "msqrt", "mphantom", "menclose"])


def convert(element: Element) -> str:
    """LaTeX of any MathML element; unknown ones are rows."""
    handler = _handlers().get(local_name(element.tag))
    if handler is not None:
        return handler(element)
    children = parts(element)
    if not children:
        return text_group(text_of(element))
    if element.get(COLOUR):
        return f"\\textcolor{{{element.get(COLOUR)}}}{{{row(children)}}}"
    return row(children)


def row(children: Sequence[Element]) -> str:
    """LaTeX of neighbours, with matrices, binomials and tall brackets seen as wholes."""
    from mathcode_data.stages.extract.mathml_layout import fenced_group

    pieces: list[str] = []
    index = 0
    while index < len(children):
        child = children[index]
        group = fenced_group(children, index)
        if group is not None:
            pieces.append(group[0])
            index += group[1]
            continue
        if local_name(child.tag) == "mo":
            is_prefix = not pieces or _is_operator_end(pieces[-1])
            pieces.append(operator(text_of(child), is_prefix=is_prefix))
        else:
            pieces.append(convert(child))
        index += 1
    latex = _PMOD.sub(r"\\pmod{\1}", glue(pieces)) if "mod" in "".join(pieces) else glue(pieces)
    first, last = children[0] if children else None, children[-1] if children else None
    if first is not None and last is not None and len(pieces) == len(children) > 2 and _are_tall(first, last, latex):
        return "\\left" + latex[: -len(pieces[-1])] + "\\right" + pieces[-1]
    return latex


def _is_operator_end(piece: str) -> bool:
    return piece.rstrip().endswith(("=", "(", "[", "{", ",", "<", ">", "+", "-", "\\leq", "\\geq", "\\to", "\\cdot"))


def _are_tall(first: Element, last: Element, latex: str) -> bool:
    if local_name(first.tag) != "mo" or local_name(last.tag) != "mo" or first.get("stretchy") == "false":
        return False
    closing = _OPEN.get(text_of(first).strip())
    if closing is None or closing != text_of(last).strip():
        return False
    is_tall = _TALL.search(latex) is not None or (_stretches(first) and _stretches(last))
    return is_tall and _are_partners(latex, text_of(first).strip())


def _are_partners(latex: str, opening: str) -> bool:
    """True if the first bracket of a formula is closed by the last, as in `(a)` but not in `(a)+(b)`."""
    if opening not in "([":
        return True
    closing = _OPEN[opening]
    depth = 0
    for match in re.finditer(rf"[{re.escape(opening + closing)}]", latex):
        depth += 1 if match[0] == opening else -1
        if depth == 0:
            return match.end() == len(latex)
    return False


def _stretches(fence: Element) -> bool:
    """True where the source says that a bracket grows with what it holds."""
    if fence.get("stretchy") == "false":
        return False
    return fence.get("stretchy") == "true" or fence.get("fence") == "true" or fence.get("data-mjx-texclass") in ("OPEN", "CLOSE")


def identifier(element: Element) -> str:
    """`<mi>`: one letter is italic, several are a function or an upright word."""
    text = text_of(element).strip()
    if not text:
        return ""
    variant = VARIANTS.get(element.get("mathvariant"), "")
    if len(text) == 1:
        plain, alphabet = alphabet_of(text)
        command = COMMANDS.get(plain, plain)
        alphabet = variant or alphabet
        if alphabet == "mathrm" and command.startswith("\\"):
            return command
        return f"\\{alphabet}{{{command}}}" if alphabet else command
    if text in FUNCTIONS:
        return f"\\{text}"
    body = "".join(to_command(character) if not character.isalnum() else _letter(character) for character in text)
    if any(alphabet_of(character)[1] for character in text) or body.startswith("\\"):
        return "".join(to_command(character) for character in text)
    if variant and variant != "mathrm":
        return f"\\{variant}{{{body}}}"
    if element.get("mathvariant") == "italic":
        return f"\\mathit{{{body}}}"
    if not body.isascii() or not any(character.isalpha() for character in text):
        return text_group(text) if not body.isascii() else body
    return f"\\mathrm{{{body}}}"


def _letter(character: str) -> str:
    plain, _ = alphabet_of(character)
    return COMMANDS.get(plain, plain)


def number(element: Element) -> str:
    """`<mn>`: digits, which may carry an alphabet of their own."""
    text = "".join(text_of(element).split())
    body = "".join(to_command(character) if not character.isdigit() else alphabet_of(character)[0] for character in text)
    variant = VARIANTS.get(element.get("mathvariant"), "")
    return f"\\{variant}{{{body}}}" if variant and variant != "mathrm" else body


def _operator(element: Element) -> str:
    return operator(text_of(element), is_prefix=True)


def _text(element: Element) -> str:
    inner = parts(element)
    if inner:  # MathML inside text
        return row(inner)
    return text_group(text_of(element))


def _space(element: Element) -> str:
    following = row(parts(element)) if element.children else ""  # an unclosed <mspace> swallows its neighbours
    if element.get("linebreak") == "newline":
        return "\\\\ " + following
    size = _width(element.get("width"))
    return next((f"{command} " if command[-1].isalpha() else command for least, command in _SPACES if size >= least), "") + following


_SPACES = ((1.9, "\\qquad"), (0.9, "\\quad"), (0.3, "\\ "), (0.25, "\\;"), (0.2, "\\:"), (0.1, "\\,"))
_WIDTH = re.compile(r"(-?\d{0,4}(?:\.\d{0,6})?)\s{0,2}(em|ex|px|pt|mu)")
_UNITS = {"em": 1.0, "ex": 0.43, "px": 1 / 16, "pt": 1 / 10, "mu": 1 / 18}


def _width(text: str) -> float:
    """A width in em, 0 for one that cannot be read."""
    if text in NAMED_SPACES:
        return NAMED_SPACES[text]
    match = _WIDTH.match(text)
    return float(match[1]) * _UNITS[match[2]] if match and match[1].strip("-.") else 0.0


def _phantom(element: Element) -> str:
    inner = row(parts(element))
    return f"\\phantom{{{inner}}}" if inner else ""


def _nothing(_: Element) -> str:
    return ""


_TOKENS: dict[str, Callable[[Element], str]] = {
    "mi": identifier,
    "mn": number,
    "mo": _operator,
    "mtext": _text,
    "ms": _text,
    "mspace": _space,
    "mphantom": _phantom,
    "mprescripts": _nothing,
    "none": _nothing,
    "malignmark": _nothing,
    "maligngroup": _nothing,
    "annotation": _nothing,
    "annotation-xml": _nothing,
}


@cache
def _handlers() -> dict[str, Callable[[Element], str]]:
    """All handlers; the composite ones call back into this module, hence the late import."""
    from mathcode_data.stages.extract.mathml_content import CONTENT
    from mathcode_data.stages.extract.mathml_layout import COMPOSITES

    return {**CONTENT, **_TOKENS, **COMPOSITES}
