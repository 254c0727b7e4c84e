"""One pass from the parser's tree to ours: formulas become Formula, noise is left out, characters are counted.

A subtree that is noise by name (navigation, side bars, ...) is looked at as text first and left out unread if nothing
in it hints at a formula; otherwise it is built, and kept aside as noise only if it really holds none.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract import marked, marks
from mathcode_data.stages.extract.code_blocks import plugin_language
from mathcode_data.stages.extract.delimiters import OBJECT, Scanner
from mathcode_data.stages.extract.expressions import WRAPPERS, join_below
from mathcode_data.stages.extract.images import image_formula
from mathcode_data.stages.extract.latex import clean_latex
from mathcode_data.stages.extract.macros import take_definitions
from mathcode_data.stages.extract.mathjax import container_formula, script_formula
from mathcode_data.stages.extract.mathml import convert_math
from mathcode_data.stages.extract.noise import NOISE_TAGS, hints_at_formula, is_noise, paragraph_chars
from mathcode_data.stages.extract.page_math import PageMath
from mathcode_data.stages.extract.recognise import drawing, rendered
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import MAX_DEPTH, Child, Element, copy_tree, text_of
from mathcode_data.stages.extract.words import words

_SKIPPED = words(
    "style noscript template head link meta iframe object embed audio video canvas map select datalist textarea input"
    " applet param source track col colgroup frameset frame area base progress meter dialog"
)
_RAW_TAGS = frozenset(["pre", "listing", "xmp", "plaintext"])
_SCRIPTS = frozenset(["sub", "sup"])
_CODE_TAGS = frozenset(["code", "kbd", "samp", "tt"])
_SPECIAL_TAGS = _RAW_TAGS | {"math", "script", "img", "svg", "mjx-container"}
_MIN_PARAGRAPHS = 400
_MIN_PROSE = 40  # a text of this length is a sentence, not a label
_FILLABLE = words("em i strong b sub sup a br wbr span font u s small big code var nobr")


class Builder:
    """Builds the tree of one page."""

    def __init__(self, html: str, settings: PageMath, *, prune: bool) -> None:
        self.settings = settings
        self.scanner = Scanner(settings)
        self.prune = prune
        self.has_data = marked.HOLDS_ATTRIBUTE.search(html) is not None
        self.script_ids: frozenset[str] = frozenset()
        if "MathJax-Element-" in html:
            self.script_ids = frozenset(re.findall(r"""id=["']?(MathJax-Element-\d{1,6})["' >]""", html))
        self.has_own = any(name[0] not in "$\\[" for name in settings.delimiters)
        self.has_math_code = "language-math" in html
        self.candidates: list[Element] = []
        self.pruned_chars = 0
        self.body: LexborNode | None = None
        self.paragraph_chars = -1

    def build(self, node: LexborNode) -> Element:
        """Build an element and everything below it."""
        element = Element(node.tag or "", node.attributes)
        self.body = node
        self._fill(node, element, 0, False, False)
        return element

    def _fill(self, node: LexborNode, element: Element, depth: int, ignore: bool, in_link: bool) -> None:
        """Read the children of a node; add up characters and formulas."""
        out = element.children
        scan = self.settings.has_triggers or self.settings.asciimath
        seen_trigger = False
        child = node.first_child
        while child is not None:
            tag = child.tag or "-other"
            if tag == "-text":
                text = child.text_content or ""
                if out and isinstance(out[-1], str):
                    out[-1] += text  # a comment stood between them
                else:
                    out.append(text)
                if not text.isspace():
                    size = len(text)
                    element.text_chars += size
                    if size >= _MIN_PROSE and not in_link:
                        element.prose_chars += size
                    if in_link:
                        element.link_chars += size
                    if scan and not seen_trigger:
                        seen_trigger = "$" in text or "\\" in text or "[" in text or "`" in text or self.has_own
            elif tag[0] != "-" and tag not in _SKIPPED:
                built = self._child(tag, child, depth, ignore, in_link)
                if built is not None:
                    out.append(built)
                    if isinstance(built, Element):
                        element.text_chars += built.text_chars
                        element.link_chars += built.link_chars
                        element.num_formulas += built.num_formulas
                        element.prose_chars += built.prose_chars
                        if tag in _SCRIPTS or (built.has_script and tag in WRAPPERS):
                            element.has_script = True
                    else:
                        element.num_formulas += 1
                        element.text_chars += len(built.latex)
                        element.prose_chars += len(built.latex)
            child = child.next
        if seen_trigger and not ignore and element.tag not in _CODE_TAGS:
            self._scan(element, forced=False)
        if element.has_script and element.tag not in WRAPPERS and element.tag not in _CODE_TAGS and element.tag not in _SCRIPTS:
            join_below(element)

    def _child(self, tag: str, node: LexborNode, depth: int, ignore: bool, in_link: bool) -> Element | Formula | None:
        """The element or formula of one child, None for what is left out."""
        attrs = node.attributes
        if tag in _SPECIAL_TAGS:
            return self._special(tag, attrs, node)
        element = Element(tag, attrs)
        kind = ""
        if attrs:
            classes = attrs.get("class") or ""
            if classes:
                kind, processing = marks.class_marks(classes)
                if kind and kind not in ("forced", "math", "source", "asciimath"):
                    found = rendered(kind, element, node, self.script_ids)
                    if found is not None:
                        return self._define(found.formula)
                if processing:
                    ignore = processing < 0
                if "syntaxhighlighter" in classes or "crayon" in classes:  # a quick look at the many class attributes
                    language = plugin_language(classes)
                    if language is not None:
                        return self._code("pre", {"class": f"language-{language}"}, node)
            if self.has_data:
                formula = self._from_attribute(element, node)
                if formula is not None:
                    return self._define(formula)
            element.is_noise = is_noise(tag, attrs, classes, node) and not self._holds_page(tag, attrs, node)
        else:
            element.is_noise = tag in NOISE_TAGS
        if element.is_noise and self.prune and not hints_at_formula(node, asciimath=self.settings.asciimath):
            self.pruned_chars += len(node.text(deep=True))
            return None
        return self._descend(element, node, kind, depth, ignore, in_link or (tag == "a" and bool(attrs.get("href"))))

    def _special(self, tag: str, attrs: dict[str, str | None], node: LexborNode) -> Element | Formula | None:
        """Tags that are read as a whole: formulas, scripts, pictures, code."""
        if tag == "math":
            return self._define(convert_math(copy_tree(node)))
        if tag == "script":
            kind = attrs.get("type") or ""
            is_math = kind.lower().startswith(("math/", "text/asciimath", "text/mathml"))
            return self._define(script_formula(kind, node.text(deep=True))) if is_math else None
        if tag == "img":
            return self._define(image_formula(Element(tag, attrs)))
        if tag == "svg":
            return self._define(drawing(node, attrs))
        if tag == "mjx-container":
            return self._define(container_formula(copy_tree(node)))
        return self._code(tag, attrs, node)

    def _holds_page(self, tag: str, attrs: dict[str, str | None], node: LexborNode) -> bool:
        """True for a block that is noise by its name alone but holds text of the page.

        Themes say "has-sidebar" of a frame with half of the page's paragraphs in it; a "menu" without any link may be
        that of a restaurant.
        """
        if not self.prune or tag not in ("div", "section", "form") or "hidden" in attrs or attrs.get("role") or "aria-modal" in attrs:
            return False
        names = f"{attrs.get('class') or ''} {attrs.get('id') or ''}".lower()
        if marks.hides(attrs.get("style") or "") or marks.is_overlay(names) or node.css_first("p") is None:
            return False
        if "menu" in names and node.css_first("a") is None:
            return True
        if self.paragraph_chars < 0:
            self.paragraph_chars = paragraph_chars(self.body)
        inside = paragraph_chars(node)
        return inside >= _MIN_PARAGRAPHS and 2 * inside >= self.paragraph_chars

    def _from_attribute(self, element: Element, node: LexborNode) -> Formula | None:
        """The formula of a data attribute, None for the many elements without one."""
        if not any(name in element.attrs for name in marked.ATTRIBUTES):
            return None
        return marked.attribute_formula(element, node.text(deep=True).strip())

    def _descend(self, element: Element, node: LexborNode, kind: str, depth: int, ignore: bool, in_link: bool) -> Element | Formula | None:
        if depth >= MAX_DEPTH:
            element.children.append(node.text(deep=True, separator=" "))
            element.text_chars = len(element.children[0]) if isinstance(element.children[0], str) else 0
            return element
        self._fill(node, element, depth + 1, ignore or kind in ("source", "asciimath"), in_link)
        if kind or element.tag == "math-renderer":
            return self._settle(element, kind or "forced")
        if element.is_noise and self.prune and element.num_formulas == 0:
            self.pruned_chars += element.text_chars
            return None
        attrs = element.attrs
        if attrs:
            get = attrs.get
            if marks.is_main(element.tag, get("class") or "", get("id") or "", get("role") or "") or get("itemprop") == "articleBody":
                self.candidates.append(element)
        elif element.tag in ("main", "article"):
            self.candidates.append(element)
        return element

    def _settle(self, element: Element, kind: str) -> Element | Formula | None:
        """An element marked as a formula: scan it with the mark in mind, or take its text as LaTeX."""
        if element.num_formulas:
            return _as_display(element) if kind == "math" and element.tag == "div" else element
        text = marked.markup_to_latex(element)
        if kind == "katex":  # not rendered: what KaTeX was to read
            kind = "source" if "katex-eq" in element.get("class") else "math"
        if kind == "source":
            formula = marked.source_formula(element, text if text is not None else text_of(element))
            return self._define(formula) if formula is not None else element
        if kind == "asciimath":
            formula = marked.asciimath_formula(text_of(element))
            return self._define(formula) if formula is not None else element
        if self._scan(element, forced=True):
            return element
        if text is not None and kind in ("math", "forced"):
            formula = marked.math_class_formula(element, text)
            if formula is not None:
                return self._define(formula)
        return element

    def _code(self, tag: str, attrs: dict[str, str | None], node: LexborNode) -> Element | Formula | None:
        """Code is read when it is rendered; `language-math` is a formula (GitLab, GitHub)."""
        classes = attrs.get("class") or ""
        inner = node.css_first("code.language-math") if self.has_math_code else None
        if inner is not None or "language-math" in classes or "lang-math" in classes or attrs.get("data-math-style"):
            return self._define(script_formula("math/tex; mode=display", node.text(deep=True)))
        element = Element(tag, attrs, node)
        element.text_chars = element.prose_chars = len(node.text(deep=True))
        return element

    def _define(self, formula: Formula | None) -> Formula | None:
        """Take macro definitions out of a formula; None if nothing else was in it."""
        if formula is None:
            return None
        latex = take_definitions(formula.latex, self.settings.macros)
        if latex == formula.latex:
            return formula
        latex = clean_latex(latex)
        return Formula(latex, formula.display, formula.source, formula.confidence) if latex else None

    def _scan(self, element: Element, *, forced: bool) -> bool:
        """Replace the formulas in the text of an element's children; True if there was one."""
        objects = [child for child in element.children if not isinstance(child, str)]
        text = "".join(child if isinstance(child, str) else OBJECT for child in element.children)

        def fill(first: int, piece: str) -> str | None:
            return _fill_objects(objects, first, piece)

        hits = self.scanner.scan(text, fill, forced=forced)
        if not hits:
            return False
        element.num_formulas = sum(child.num_formulas if isinstance(child, Element) else 1 for child in objects)
        remaining: list[Child] = []
        consumed = position = 0
        for start, end, hit in hits:
            consumed = _restore(text[position:start], objects, consumed, remaining)
            consumed += text.count(OBJECT, start, end)
            position = end
            formula = self._define(hit)
            if formula is not None:
                remaining.append(formula)
                element.num_formulas += 1
        _restore(text[position:], objects, consumed, remaining)
        element.children = remaining
        return True


def _as_display(element: Element) -> Element:
    """A block marked as mathematics that holds one rendered formula and nothing else shows it as display."""
    only = [child for child in element.children if not (isinstance(child, str) and child.isspace())]
    if len(only) == 1 and isinstance(only[0], Formula):
        element.children = [Formula(only[0].latex, True, only[0].source, only[0].confidence)]
    return element


def _restore(piece: str, objects: list[Element | Formula], consumed: int, out: list[Child]) -> int:
    """Append a piece of plain text with its objects put back; return how many objects have been used."""
    for index, part in enumerate(piece.split(OBJECT)):
        if index:
            out.append(objects[consumed])
            consumed += 1
        if part:
            out.append(part)
    return consumed


def _fill_objects(objects: list[Element | Formula], first: int, piece: str) -> str | None:
    """LaTeX of a piece of text with inline elements in it; None if one of them cannot stand in a formula."""
    parts = piece.split(OBJECT)
    pieces = [parts[0]]
    for offset, part in enumerate(parts[1:]):
        child = objects[first + offset]
        if isinstance(child, Formula) or child.tag not in _FILLABLE or child.num_formulas:
            return None
        inner = text_of(child)
        if child.tag in ("br", "wbr"):
            inner = "\n" if child.tag == "br" else ""
        elif child.tag in ("em", "i"):
            inner = f"_{inner}_"  # what a Markdown converter took for emphasis
        elif child.tag in ("strong", "b"):
            inner = f"__{inner}__"
        elif child.tag in ("sub", "sup"):
            inner = f"{'_' if child.tag == 'sub' else '^'}{{{inner}}}"
        pieces.append(inner)
        pieces.append(part)
    return "".join(pieces)
