r"""What KaTeX leaves in a page: an annotation in its MathML, or only the rendering, from which the source is rebuilt.

The rebuilt form is marked "reconstructed": spacing and some commands are lost (issue KaTeX/KaTeX#4110 asks for pages
without annotation). CSDN and others strip the tags of the MathML part: its last line is then the source.
"""

from __future__ import annotations

import re

from mathcode_data.stages.extract.latex import clean_latex
from mathcode_data.stages.extract.mathml import convert_math
from mathcode_data.stages.extract.mathml_symbols import OVER_ACCENTS, to_command
from mathcode_data.stages.extract.mathml_tokens import glue, group
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element, copy_tree, find_class, find_tag, text_of

_BLANK_LINE = re.compile(r"\n[ \t\r\f\v]*\n")
_TOP = re.compile(r"top:\s{0,3}(-?[0-9.]{1,12})em")


def katex_formula(element: Element, *, display: bool) -> Formula | None:
    """The formula of a `.katex` or `.katex-display` element."""
    display = display or "katex-display" in element.get("class").split()
    hidden = find_class(element, "katex-mathml")
    math = find_tag(hidden if hidden is not None else element, "math")
    if math is not None:
        formula = convert_math(math, display=display or math.get("display") == "block")
        if formula is not None:
            source = "katex-annotation" if formula.source == "mathml-annotation" else formula.source
            return Formula(formula.latex, formula.display, source, formula.confidence)
    if hidden is not None:
        lines = [line.strip() for line in _BLANK_LINE.split(text_of(hidden)) if line.strip()]
        latex = clean_latex(lines[-1]) if lines else ""
        if latex:
            return Formula(latex, display, "katex-annotation", 0.8)
    rendered = element if "katex-html" in element.get("class") else find_class(element, "katex-html")
    if rendered is not None:
        if rendered.raw is not None:
            rendered = copy_tree(rendered.raw)
        latex = clean_latex(_rebuild(rendered))
        if latex:
            return Formula(latex, display, "reconstructed", 0.4)
    return None


def _rebuild(element: Element) -> str:
    pieces: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            pieces.extend(to_command(character) for character in child.strip())
        elif isinstance(child, Element):
            _add(child, pieces)
    return glue(pieces)


def _add(child: Element, pieces: list[str]) -> None:
    """Append one box of the rendering; scripts go to the piece before them."""
    classes = child.get("class").split()
    if "strut" in classes or "pstrut" in classes or "vlist-s" in classes or "nulldelimiter" in classes:
        return
    if "mspace" in classes:
        return
    if "mfrac" in classes:
        rows = _rows(child)
        if len(rows) >= 2:
            pieces.append(f"\\frac{{{rows[0]}}}{{{rows[-1]}}}")
        return
    if "msupsub" in classes:
        rows = _rows(child)
        base = group(pieces.pop()) if pieces else ""
        if len(rows) >= 2:
            pieces.append(f"{base}_{{{rows[-1]}}}^{{{rows[0]}}}")
        elif rows:
            mark = "_" if "vlist-t2" in (child.get("class") + _first_class(child)) else "^"
            pieces.append(base + (f"^{{{rows[0]}}}" if mark == "^" else f"_{{{rows[0]}}}"))
        return
    if "sqrt" in classes:
        rows = _rows(child)
        pieces.append(f"\\sqrt{{{rows[-1] if rows else ''}}}")
        return
    if "op-limits" in classes:
        _limits(child, pieces)
        return
    if "accent" in classes:
        rows = _rows(child)
        mark = OVER_ACCENTS.get(rows[0].strip(), "hat") if rows else "hat"
        pieces.append(f"\\{mark}{{{rows[-1] if rows else ''}}}")
        return
    text = _rebuild(child)
    if text:
        if "mrel" in classes or "mbin" in classes:
            text = f" {text} "
        elif "mop" in classes and text.isalpha() and len(text) > 1:
            text = f"\\{text} "
        elif "text" in classes:
            text = f"\\text{{{text_of(child)}}}"
        elif "mathbb" in classes:
            text = f"\\mathbb{{{text}}}"
        elif "mathbf" in classes:
            text = f"\\mathbf{{{text}}}"
        elif "mathcal" in classes:
            text = f"\\mathcal{{{text}}}"
        pieces.append(text)


def _limits(child: Element, pieces: list[str]) -> None:
    """An operator with what stands above and below it."""
    rows = _rows(child)
    base_at = next((i for i, text in enumerate(rows) if text.startswith("\\") or text.isalpha()), 0)
    if not rows:
        return
    base = rows[base_at].strip()
    base = f"\\{base}" if base.isalpha() and len(base) > 1 else base
    upper = f"^{{{rows[0]}}}" if base_at > 0 else ""
    lower = f"_{{{rows[-1]}}}" if base_at < len(rows) - 1 else ""
    pieces.append(base + lower + upper)


def _first_class(element: Element) -> str:
    return next((child.get("class") for child in element.children if isinstance(child, Element)), "")


def _rows(element: Element) -> list[str]:
    """The boxes of a vertical list as LaTeX, top first."""
    vlist = find_class(element, "vlist")
    if vlist is None:
        return []
    found: list[tuple[float, str]] = []
    for child in vlist.children:
        if isinstance(child, Element):
            match = _TOP.search(child.get("style"))
            text = _rebuild(child)
            if text.strip():
                found.append((float(match[1]) if match else 0.0, text))
    return [text for _, text in sorted(found, key=lambda pair: pair[0])]
