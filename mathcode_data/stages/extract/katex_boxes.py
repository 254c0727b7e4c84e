"""MathML rebuilt from the boxes that KaTeX draws, for pages without its MathML.

A box says by its classes what it is (`mfrac`, `msupsub`, `op-limits`, `mtable`, ...), and a vertical list says by `top`
which of its rows is above. Automatic spaces and sizes are left out; a quad and a colour stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from mathcode_data.stages.extract.katex_colours import colour_of, coloured, join_coloured
from mathcode_data.stages.extract.katex_drawings import DELIMITERS, arrow, delimiter, is_wide_tilde
from mathcode_data.stages.extract.katex_parts import classes_of, element_of, holds, row_of, token, top_of
from mathcode_data.stages.extract.katex_tables import matrix, rules_of
from mathcode_data.stages.extract.mathml_symbols import FUNCTIONS
from mathcode_data.stages.extract.tree import Element, find_class, find_tag, text_of
from mathcode_data.stages.extract.words import words

_WIDE_SPACE = re.compile(r"margin-right:\s{0,3}([12](?:\.\d{1,5})?)em")
_INVISIBLE = words("strut pstrut vlist-s nulldelimiter frac-line arraycolsep vertical-separator mtr-glue fix hline hdashline")
_OPERATORS = words("mbin mrel mopen mclose mpunct minner")
_ATOMS = words("mord mop mbin mrel mopen mclose mpunct minner")
_FONTS = {
    "mathbb": "double-struck", "textbb": "double-struck", "mathcal": "script", "mathscr": "script", "textscr": "script",
    "mathfrak": "fraktur", "textfrak": "fraktur", "mathbf": "bold", "boldsymbol": "bold-italic", "mathrm": "normal", "textrm": "normal",
    "mathsf": "sans-serif", "textsf": "sans-serif", "mathtt": "monospace", "texttt": "monospace", "mathit": "-tex-mathit",
}  # fmt: skip
_GLYPHS = {0x200B: None, 0xE131: "ı", 0xE237: "ȷ"}  # letters without dot stand in the private area of KaTeX's font
_STROKE = "\u0338"
_RUN = re.compile(r"[0-9][0-9.,]*[0-9]|[0-9]|[^\s\u200b]")


def rebuild_katex(rendered: Element) -> tuple[Element, str]:
    """A `<math>` element for a `katex-html` box, and the tag of the equation, "" for none."""
    math = Element("math", {})
    math.children.extend(_nodes(rendered))
    tag = find_class(rendered, "tag") or find_class(rendered, "katex-tag")
    vlist = find_class(tag, "vlist") if tag is not None else None
    if tag is None or (vlist is not None and len(vlist.children) > 1):  # each row of an environment has a tag of its own
        return math, ""
    return math, "".join(text_of(tag).replace("\u200b", "").split()).strip("()")


def _nodes(element: Element, font: str = "") -> list[Element]:
    """The MathML of what is inside a box."""
    found: list[Element] = []
    after_break = False
    classes = classes_of(element)
    for child in element.children:
        if isinstance(child, str):
            found.extend(_characters(child, classes, font))
        elif isinstance(child, Element):
            inner = classes_of(child)
            if "msupsub" in inner:
                base = found if classes & _ATOMS else found[-1:]
                kept = [] if classes & _ATOMS else found[:-1]
                found = [*kept, _scripts(child, row_of(base))]
            elif "mspace" in inner:
                found.extend(_space(child, inner, after_break=after_break))
            elif not inner & _INVISIBLE and "tag" not in inner:
                nodes = _node(child, inner, font)
                colour = colour_of(child)
                if colour:
                    nodes = coloured(nodes, colour)
                if nodes and found and found[-1].children == [_STROKE]:
                    nodes[0] = token("mo", _negated(text_of(found.pop()) + text_of(nodes[0])))
                found.extend(nodes)
            after_break = "allowbreak" in inner
    return join_coloured(found)


def _node(box: Element, classes: frozenset[str], font: str) -> list[Element]:
    """The MathML of one box."""
    for name, handler in _HANDLERS.items():
        if name in classes:
            return handler(box)
    if "mrel" in classes and (find_class(box, "rlap") or find_class(box, "llap")) is not None:
        return [token("mo", _negated(text_of(box)))]
    if "mbin" in classes and text_of(box).strip() == "mod":
        return [token("mtext", "\\bmod")]
    if "mord" in classes and len(box.children) == 1 and holds(box, "mpunct"):  # the comma in 3{,}000
        return [token("mtext", text_of(box))]
    if "delimsizing" in classes:
        return [token("mo", delimiter(box, is_left=True))]
    if "mop" in classes and find_class(box, "vlist") is None:
        name = "".join(character for character in text_of(box) if not character.isspace() and character != "\u200b")
        if len(name) > 1 and name.isalpha():
            return [token("mi" if name in FUNCTIONS else "mo", name)]
    if "minner" in classes or "mord" in classes:
        fenced = _fenced(box)
        if fenced is not None:
            return [fenced]
    font = next((_FONTS[name] for name in classes if name in _FONTS), font)
    found = _nodes(box, font)
    if "transparent" in box.get("style"):
        return [element_of("mphantom", found)]
    return [row_of(found)] if len(found) > 1 and classes & _ATOMS else found


def _fraction(box: Element) -> list[Element]:
    rows = _rows(box)
    attrs: dict[str, str | None] = {} if find_class(box, "frac-line") is not None else {"linethickness": "0"}
    parts = [row_of(content) for _, content in rows if content]
    return [element_of("mfrac", [parts[0], parts[-1]], attrs)] if len(parts) >= 2 else parts


def _scripts(box: Element, base: Element) -> Element:
    """An index, an exponent or both; a list that reaches below the line is an index."""
    found = [row_of(content) for _, content in _rows(box) if content]
    if not found:
        return base
    if len(found) >= 2:
        return element_of("msubsup", [base, found[-1], found[0]])
    list_box = find_class(box, "vlist-t")
    is_index = list_box is not None and "vlist-t2" in list_box.get("class")
    return element_of("msub" if is_index else "msup", [base, found[0]])


def _root(box: Element) -> list[Element]:
    index, body = None, None
    for child in box.children:
        if isinstance(child, Element):
            if "root" in classes_of(child):
                index = next((content for _, content in _rows(child) if content), None)
            elif body is None:
                body = next((content for _, content in _rows(child, inside=True) if content), None)
    root = row_of(body or [])
    return [element_of("mroot", [root, row_of(index)])] if index else [element_of("msqrt", [root])]


def _limits(box: Element) -> list[Element]:
    """An operator with what stands above and below it: what is set small is a limit."""
    rows = [(row, content) for row, content in _rows(box) if content]
    if not rows:
        return []
    at = next((i for i, (row, _) in enumerate(rows) if not holds(row, "sizing")), 0)
    above = row_of(rows[at - 1][1]) if at > 0 else None
    below = row_of(rows[at + 1][1]) if at + 1 < len(rows) else None
    return [_stacked(row_of(rows[at][1]), below, above)]


def _stacked(base: Element, below: Element | None, above: Element | None) -> Element:
    if below is not None and above is not None:
        return element_of("munderover", [base, below, above])
    if below is not None:
        return element_of("munder", [base, below])
    return element_of("mover", [base, above]) if above is not None else base


def _accent(box: Element) -> list[Element]:
    """A letter and its accent, which may stand at the same height in the list."""
    rows = _rows(box)
    base = next((content for _, content in rows if content), [])
    mark = next((mark for row, content in rows if (mark := _mark(row, content, box, is_below=False)) is not None), None)
    return [element_of("munder" if "accentunder" in classes_of(box) else "mover", [row_of(base), mark])] if mark is not None else base


def _stretched(box: Element) -> list[Element]:
    """Braces, lines and arrows over or under something, with a label or without."""
    base: Element | None = None
    below: Element | None = None
    above: Element | None = None
    for row, content in _rows(box):
        mark = _mark(row, content, box, is_below=base is not None)
        if mark is None and not content:
            continue
        if mark is None and base is None and not holds(row, "sizing"):
            base = row_of(content)
        elif base is None:
            above = mark or row_of(content)
        else:
            below = mark or row_of(content)
    return [] if base is None else [_stacked(base, below, above)]


def _mark(row: Element, content: list[Element], box: Element, *, is_below: bool) -> Element | None:
    """The sign of a row that holds no formula but an accent, a line or a drawing."""
    if holds(row, "accent-body"):
        drawn = find_tag(row, "svg") is not None
        text = "".join(text_of(row).split()).strip("\u200b")
        return token("mo", text or ("→" if drawn else "^"), stretchy="false")
    if holds(row, "overline-line") or holds(row, "underline-line"):
        return token("mo", "_" if is_below else "‾")
    drawing = find_tag(row, "svg")
    if drawing is None or content:
        return None
    if find_class(row, "brace-center") is not None:
        return token("mo", "⏟" if is_below else "⏞")
    head = arrow(row, drawing)
    if head:
        return token("mo", head)
    return token("mo", "~" if "accent" in classes_of(box) and is_wide_tilde(drawing) else "^")


def _long_arrow(box: Element) -> list[Element]:
    """`x-arrow`: an arrow with what is written on it."""
    base, above, below = None, None, None
    for row, content in _rows(box):
        drawing = find_tag(row, "svg")
        if drawing is not None and not content:
            base = token("mo", arrow(row, drawing) or "→")
        elif content and base is None:
            above = row_of(content)
        elif content:
            below = row_of(content)
    return [] if base is None else [_stacked(base, below, above or element_of("mrow", []))]


def _matrix(box: Element) -> list[Element]:
    """A table: KaTeX draws it column by column."""
    return matrix(box, _rows)


def _fenced(box: Element) -> Element | None:
    """What `\\left` and `\\right` enclose; None for other boxes."""
    inner = [child for child in box.children if isinstance(child, Element)]
    if len(inner) < 2:
        return None
    first, last = classes_of(inner[0]), classes_of(inner[-1])
    if "mopen" not in first or "mclose" not in last or {"nulldelimiter"} <= first & last or not (_is_tall(inner[0]) or _is_tall(inner[-1])):
        return None
    middle = Element(box.tag, {})
    middle.children = list(inner[1:-1])
    opening, closing = (
        "" if "nulldelimiter" in classes_of(part) else delimiter(part, is_left=part is inner[0]) for part in (inner[0], inner[-1])
    )
    content = _nodes(middle)
    if len(content) == 1 and content[0].get("linethickness") == "0" and opening == "(":
        return element_of("mrow", [token("mo", "("), *content, token("mo", ")")])
    return element_of("mfenced", [row_of(content)], {"open": opening, "close": closing, "separators": ""})


def _is_tall(part: Element) -> bool:
    return "delimcenter" in classes_of(part) or find_class(part, "delimsizing") is not None


def _text(box: Element) -> list[Element]:
    """`\\text{...}`, which may hold formulas of its own."""
    found: list[Element] = []
    words_before: list[str] = []
    for child in box.children:
        is_formula = isinstance(child, Element) and any(
            find_class(child, name) is not None or name in classes_of(child) for name in ("mathnormal", "vlist")
        )
        if is_formula and isinstance(child, Element):
            found.extend([token("mtext", "".join(words_before))] if "".join(words_before).strip() else [])
            words_before.clear()
            found.extend(_node(child, classes_of(child), ""))
        elif isinstance(child, Element):
            words_before.append(text_of(child))
        elif isinstance(child, str):
            words_before.append(child)
    rest = "".join(words_before)
    return [*found, token("mtext", rest)] if rest.strip() else found


def _boxed(box: Element) -> list[Element]:
    return [element_of("menclose", _nodes(box), {"notation": "box"})]


def _list(box: Element) -> list[Element]:
    """A vertical list of no known kind: its rows, top first; strokes over one of them cross it out, rules belong to a table."""
    rules = rules_of(box)
    table = find_class(box, "mtable") if rules else None
    if table is not None:
        return matrix(table, _rows, rules)
    rows = _rows(box, inside=True)
    nodes = [node for _, content in rows for node in content]
    strokes = next((found for row, content in rows if not content and (found := _strokes(row))), "")
    return [element_of("menclose", nodes, {"notation": strokes})] if strokes and nodes else nodes


def _strokes(row: Element) -> str:
    """The notation of `<menclose>` for lines that KaTeX draws across a box, "" for a row that holds none."""
    if holds(row, "sout"):
        return "horizontalstrike"
    drawing = find_tag(row, "svg") if "svg-align" in classes_of(row) else None
    if drawing is None:
        return ""
    starts = [child.get("y1").rstrip("%") for child in drawing.children if isinstance(child, Element) and child.tag == "line"]
    return " ".join("downdiagonalstrike" if start == "0" else "updiagonalstrike" for start in starts)


_HANDLERS: dict[str, Callable[[Element], list[Element]]] = {
    "mfrac": _fraction,
    "sqrt": _root,
    "op-limits": _limits,
    "accent": _accent,
    "accentunder": _accent,
    "munder": _stretched,
    "mover": _stretched,
    "overline": _stretched,
    "underline": _stretched,
    "x-arrow": _long_arrow,
    "mtable": _matrix,
    "text": _text,
    "boxpad": _boxed,
    "vlist-t": _list,
}


def _rows(box: Element, *, inside: bool = False) -> list[tuple[Element, list[Element]]]:
    """The rows of a vertical list, top first, with the MathML of each; `inside`: the box is the list."""
    vlist = find_class(box, "vlist")
    if vlist is None:
        return [(box, _nodes(box))] if inside else []
    rows = sorted((child for child in vlist.children if isinstance(child, Element)), key=top_of)
    return [(row, [] if holds(row, "accent-body") else _nodes(row)) for row in rows]


def _space(box: Element, classes: frozenset[str], *, after_break: bool) -> list[Element]:
    if "newline" in classes:
        return [element_of("mspace", [], {"linebreak": "newline"})]
    match = _WIDE_SPACE.search(box.get("style"))
    return [element_of("mspace", [], {"width": f"{match[1]}em"})] if match and not after_break else []


def _characters(text: str, classes: frozenset[str], font: str) -> list[Element]:
    """Tokens of a text: numbers as they stand, letters one by one unless a font holds them together."""
    text = text.strip().translate(_GLYPHS)
    if not text:
        return []
    if classes & _OPERATORS:
        return [token("mo", DELIMITERS.get(text, text) if "mrel" not in classes else text)]
    if font and text.isalpha():
        return [token("mi", text, mathvariant=font)]
    found = []
    for piece in _RUN.findall(text):
        if piece[0].isdigit():
            found.append(token("mn", piece, mathvariant=font))
        else:
            found.append(token("mi" if piece.isalpha() else "mo", DELIMITERS.get(piece, piece), mathvariant=font))
    return found


def _negated(text: str) -> str:
    """The crossed-out form of a relation: KaTeX lays a stroke over it."""
    sign = "".join(character for character in text if not character.isspace() and character not in "\u200b\u0338\ue020/")
    return unicodedata.normalize("NFC", sign[:1] + _STROKE)
