"""One pass from the parser's tree to ours: formulas become Formula, noise is left out, characters are counted.

A subtree that is noise by name (navigation, side bars, ...) is looked at as text first and left out unread if nothing
in it hints at a formula; otherwise it is built, and kept aside as noise only if it really holds none.
"""

from __future__ import annotations

import re
from functools import partial

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract import level, marked, marks, tag_names
from mathcode_data.stages.extract.code_blocks import holds_lines, is_laid_out_code, join_wrapped, plugin_language
from mathcode_data.stages.extract.components import COMPONENTS, component_formula
from mathcode_data.stages.extract.delimiters import BRACKETED, OBJECT, Scanner
from mathcode_data.stages.extract.expressions import WRAPPERS, join_below
from mathcode_data.stages.extract.fallbacks import FALLBACKS, fallback
from mathcode_data.stages.extract.flat import fill_flat
from mathcode_data.stages.extract.headings import HEADINGS, split_heading
from mathcode_data.stages.extract.images import drawn_text
from mathcode_data.stages.extract.latex import clean_latex
from mathcode_data.stages.extract.literal import quote_delimiters
from mathcode_data.stages.extract.macros import Macro, take_definitions
from mathcode_data.stages.extract.mathjax import container_formula, script_formula
from mathcode_data.stages.extract.noise import (
    NOISE_TAGS,
    around_page_parts,
    hints_at_formula,
    is_noise,
    is_quoted_post,
    is_reply_form,
    num_chars,
)
from mathcode_data.stages.extract.objects import fill_objects, restore
from mathcode_data.stages.extract.page_math import PageMath
from mathcode_data.stages.extract.recognise import drawing, drop_copies, mathml_formula, picture, rendered, tex_math_formula
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.reshape import ANSWER_ITEMS, add_label, as_display, as_quote
from mathcode_data.stages.extract.tag_names import CODE_TAGS, KINDS, MAIN_TAGS, OTHER, PLAIN, SCRIPTS, SPECIAL_TAGS, TELLING_TAGS
from mathcode_data.stages.extract.tree import MAX_DEPTH, Child, Element, copy_tree, text_of

_MIN_PARAGRAPHS = 400
_DATA = frozenset(marked.ATTRIBUTES)
_MIN_PROSE = 40  # a text of this length is a sentence, not a label


class Builder:
    """Builds the tree of one page."""

    def __init__(self, html: str, settings: PageMath, *, prune: bool) -> None:
        self.settings = settings
        self.scanner = Scanner(settings, html)
        self.prune = prune
        first = html.find("data-")
        self.has_data = first >= 0 and (marked.HOLDS_ATTRIBUTE.search(html, first) is not None or "ql-formula" in html)
        self.script_ids: frozenset[str] = frozenset()
        if settings.loads_renderer and "MathJax-Element-" in html:
            self.script_ids = frozenset(re.findall(r"""id=["']?(MathJax-Element-\d{1,6})["' >]""", html))
        self.scans = settings.has_triggers or settings.asciimath
        self.has_own = any(name[0] not in "$\\[" for name in settings.delimiters)
        self.has_math_code = "language-math" in html
        self.candidates: list[Element] = []
        self.pruned_chars = 0
        self.body: LexborNode | None = None
        self.paragraph_chars = -1
        self.page_parts: frozenset[int] | None = None
        self.has_captions = False
        self.macros = settings.macros
        self.posts: list[tuple[Element, dict[str, Macro]]] = []
        self.literal: list[Element] = []

    def build(self, node: LexborNode) -> Element:
        """Build an element and everything below it."""
        element = Element(node.tag or "", node.attributes)
        self.body = node
        self._fill(node, element, 0, False, False)
        quote_delimiters(self.literal)
        if len(self.posts) == 1:
            self.settings.macros.update(self.posts.pop()[1])
        return element

    def post_macros(self) -> dict[int, dict[str, Macro]]:
        """By the identity of its element, the macros of each post that defines some: those of one answer do not change another."""
        return {id(post): {**self.settings.macros, **macros} for post, macros in self.posts if macros}

    def _fill(self, node: LexborNode, element: Element, depth: int, ignore: bool, in_link: bool) -> None:
        """Read the children of a node; add up characters and formulas."""
        child = node.first_child
        if child is None:
            return
        out = element.children
        text_chars = link_chars = prose_chars = num_formulas = 0
        scans = self.scans and not ignore
        may_rarely = self.settings.asciimath
        may_open = False
        was_text = False
        while child is not None:
            tag = child.tag or "-other"
            if tag == "-text":
                text = child.text_content or ""
                if was_text:
                    out[-1] += text  # type: ignore[operator]  # a comment stood between them
                else:
                    out.append(text)
                    was_text = True
                if not text.isspace():
                    if scans and not may_open:
                        may_open = (
                            self.has_own or "$" in text or "\\" in text or ((may_rarely or "[" in text) and self._may_open_rarely(text))
                        )
                    size = len(text)
                    text_chars += size
                    if in_link:
                        link_chars += size
                    elif size >= _MIN_PROSE:
                        prose_chars += size
            elif kind := KINDS.get(tag, OTHER):
                built: Element | Formula | None
                if kind == PLAIN and depth < level.FIRST_DEPTH and (not (attrs := child.attributes) or self._says_nothing(attrs)):
                    built = Element(tag, attrs)
                    self._fill(child, built, depth + 1, ignore, in_link or (tag == "a" and bool(attrs.get("href"))))
                else:
                    built = self._child(tag, child, depth, ignore, in_link)
                if built is None:
                    pass
                elif isinstance(built, Element):
                    was_text = False
                    text_chars += built.text_chars
                    link_chars += built.link_chars
                    num_formulas += built.num_formulas
                    prose_chars += built.prose_chars
                    if built.has_script and tag in WRAPPERS:
                        element.has_script = True
                    if tag in HEADINGS:
                        out += split_heading(built)
                        was_text = isinstance(out[-1], str)
                    else:
                        out.append(built)
                        if tag in SCRIPTS:
                            element.has_script = True
                else:
                    out.append(built)
                    was_text = False
                    num_formulas += 1
                    text_chars += len(built.latex)
                    prose_chars += len(built.latex)
            child = child.next
        element.text_chars, element.link_chars, element.prose_chars = text_chars, link_chars, prose_chars
        element.num_formulas = num_formulas
        if may_open and element.tag not in CODE_TAGS:
            self._scan(element, forced=False)
        if element.has_script and element.tag not in WRAPPERS and element.tag not in CODE_TAGS and element.tag not in SCRIPTS:
            join_below(element)

    def _says_nothing(self, attrs: dict[str, str | None]) -> bool:
        """True if no attribute tells anything: the element is what its tag says."""
        if self.has_data or self.settings.processing or not attrs.keys().isdisjoint(tag_names.TELLING_ATTRIBUTES):
            return False
        classes = attrs.get("class")
        return not classes or marks.class_facts(classes) is marks.NO_FACTS

    def _may_open_rarely(self, text: str) -> bool:
        """True for a text with a delimiter that stands for one on few pages: `[tex]` and its kin, AsciiMath's back-ticks."""
        return ("[" in text and BRACKETED.search(text) is not None) or (
            self.settings.asciimath and any(opener in text for opener in self.settings.asciimath_pairs)
        )

    def _child(self, tag: str, node: LexborNode, depth: int, ignore: bool, in_link: bool) -> Element | Formula | None:
        """The element or formula of one child, None for what is left out."""
        attrs = node.attributes
        if tag in SPECIAL_TAGS:
            return self._special(tag, attrs, node, depth)
        element = Element("div" if depth == level.FIRST_DEPTH and level.level(node) else tag, attrs)
        if not attrs:
            if tag not in TELLING_TAGS and depth < MAX_DEPTH:
                if tag not in CODE_TAGS:
                    self._fill(node, element, depth + 1, ignore, in_link)
                    return element
                self._fill(node, element, depth + 1, ignore or tag == "code", in_link)
                return self._code(tag, attrs, node) if holds_lines(element) and not join_wrapped(element, node) else element
            self.has_captions |= tag == "figcaption"
            if tag not in NOISE_TAGS:
                return self._descend(element, node, "", depth, ignore, in_link, is_main=tag in MAIN_TAGS)
            element.is_noise = True
            return self._noise(element, node, "", depth, ignore, in_link, is_main=False)
        if tag == "code" and attrs.get("data-math-style"):
            return self._code(tag, attrs, node)
        kind, classes, identifier = "", attrs.get("class"), attrs.get("id")
        of_class = of_id = marks.NO_FACTS
        if classes:
            of_class = marks.class_facts(classes)
            kind = of_class.kind
            if kind and kind not in ("forced", "source", "asciimath"):
                found = rendered(kind, element, node, self.script_ids)
                if found is not None:
                    return self._define(found.formula)
            if of_class.processing or self.settings.processing:
                was_ignored, ignore = ignore, self.settings.ignores(classes, of_class.processing, ignore)
                if ignore and not was_ignored:
                    self.literal.append(element)
            language = plugin_language(classes, node) if of_class.may_be_code else None
            if language is not None:
                return self._code("pre", {"class": f"language-{language}"}, node)
            self.has_captions |= of_class.is_caption
            if of_class.is_inline and tag == "div":
                element.tag = "span"
        if identifier:
            of_id = marks.id_facts(identifier)
        if self.has_data:
            formula = self._from_attribute(element, node)
            if formula is not None:
                return self._define(formula)
        role = attrs.get("role") or ""
        by_name = marks.is_noise_by_name(of_class, of_id, role)
        if by_name or tag in NOISE_TAGS or "style" in attrs or "hidden" in attrs or tag == "sup" or of_class.is_hidden:
            element.is_noise = is_noise(tag, attrs, classes or "", node, by_name=by_name) and not self._holds_page(tag, attrs, node)
        if tag == "form" and self.prune and not element.is_noise:
            element.is_noise = is_reply_form(node, self.body) and not self._holds_page(tag, attrs, node)
        self.has_captions |= tag == "figcaption"
        is_main = of_class.is_main or of_id.is_main or tag in MAIN_TAGS or role in MAIN_TAGS or attrs.get("itemprop") == "articleBody"
        in_link = in_link or (tag == "a" and bool(attrs.get("href")))
        if element.is_noise:
            return self._noise(element, node, kind, depth, ignore, in_link, is_main=is_main)
        if (of_class.is_post or attrs.get("itemprop") in ANSWER_ITEMS) and self.macros is self.settings.macros:
            self.macros = {}
            post = self._descend(element, node, kind, depth, ignore, in_link, is_main=is_main)
            if isinstance(post, Element):
                self.posts.append((post, self.macros))
            self.macros = self.settings.macros
            return post
        if kind or is_main or depth >= MAX_DEPTH or tag == "math-renderer":
            return self._descend(element, node, kind, depth, ignore, in_link, is_main=is_main)
        is_code = tag in CODE_TAGS
        self._fill(node, element, depth + 1, ignore or tag == "code", in_link)
        if is_code and holds_lines(element) and not join_wrapped(element, node):
            return self._code(tag, attrs, node)
        if not is_code and "white-space" in (attrs.get("style") or "") and is_laid_out_code(element):
            return self._code("pre", attrs, node)
        if role == "math" and not element.num_formulas:
            return self._define(marked.labelled_formula(attrs)) or element
        return as_quote(element) if tag == "aside" and is_quoted_post(attrs, classes or "") else element

    def _noise(
        self, element: Element, node: LexborNode, kind: str, depth: int, ignore: bool, in_link: bool, *, is_main: bool
    ) -> Element | Formula | None:
        """An element that is noise: left out unread, unless it may hold a formula."""
        if self.prune and not hints_at_formula(node, asciimath=self.settings.asciimath):
            self.pruned_chars += len(node.text(deep=True))
            return None
        return self._descend(element, node, kind, depth, ignore, in_link, is_main=is_main)

    def _special(self, tag: str, attrs: dict[str, str | None], node: LexborNode, depth: int) -> Element | Formula | None:
        """Tags that are read as a whole: formulas, scripts, pictures, code."""
        if tag in ("math", "tex-math"):
            return self._define(mathml_formula(node) if tag == "math" else tex_math_formula(node))
        if tag == "script":
            kind = attrs.get("type") or ""
            is_math = kind.lower().startswith(("math/", "text/asciimath", "text/mathml"))
            return self._define(script_formula(kind, node.text(deep=True))) if is_math else None
        if tag == "img":
            return self._define(picture(node, attrs)) or drawn_text(attrs)
        if tag == "svg":
            return self._define(drawing(node, attrs)) or (
                self._holders(node.css("foreignObject"), depth) if self.settings.has_foreign else None
            )
        if tag == "select":
            return self._holders(node.css("option"), depth)
        if tag in FALLBACKS:
            return fallback(tag, node, attrs)
        if tag in COMPONENTS:
            return self._define(component_formula(tag, attrs, node.text(deep=True)))
        if tag == "mjx-container":
            return self._define(container_formula(copy_tree(node)))
        return self._code(tag, attrs, node)

    def _holders(self, nodes: list[LexborNode], depth: int) -> Element | None:
        """Those labels of a drawing, or choices of a list, that hold a formula."""
        found = Element("span", {})
        for node in (node for node in nodes if depth < MAX_DEPTH and hints_at_formula(node, asciimath=self.settings.asciimath)):
            label = Element("span", {})
            self._fill(node, label, depth + 1, False, False)
            add_label(found, label)
        return found if found.num_formulas else None

    def _holds_page(self, tag: str, attrs: dict[str, str | None], node: LexborNode) -> bool:
        """True for a block that is noise by its name alone but holds text of the page.

        Themes say "has-sidebar" of a frame with half of the page's paragraphs in it; a "menu" without any link may be
        that of a restaurant.
        """
        if not self.prune or tag not in tag_names.MAY_HOLD_PAGE or "hidden" in attrs or "aria-modal" in attrs:
            return False
        names = f"{attrs.get('class') or ''} {attrs.get('id') or ''}".lower()
        if marks.is_overlay(names):
            return False
        is_hidden = marks.hides(attrs.get("style") or "")
        if self.page_parts is None:
            self.page_parts = around_page_parts(self.body)
        if not is_hidden and node.mem_id in self.page_parts:
            return True
        paragraphs = node.css("p")
        if not paragraphs:
            return False
        if "menu" in names and not is_hidden and node.css_first("a") is None:
            return True
        inside = num_chars(paragraphs)
        if inside < _MIN_PARAGRAPHS:
            return False
        if self.paragraph_chars < 0:
            self.paragraph_chars = num_chars(self.body.css("p")) if self.body is not None else 0
        share = 0.8 if is_hidden or tag == "aside" else 0.5  # hidden until its script has run; comments in an aside may outgrow the page
        return inside >= share * self.paragraph_chars

    def _from_attribute(self, element: Element, node: LexborNode) -> Formula | None:
        """The formula of a data attribute, None for the many elements without one."""
        return marked.attribute_formula(element, node.text(deep=True).strip()) if element.attrs.keys() & _DATA else None

    def _descend(
        self, element: Element, node: LexborNode, kind: str, depth: int, ignore: bool, in_link: bool, *, is_main: bool
    ) -> Element | Formula | None:
        """Read what is below an element; `is_main` says that its name is one of a main container."""
        if depth >= MAX_DEPTH:
            fill_flat(node, element, lambda tag, below: self._child(tag, below, MAX_DEPTH, ignore, False))
            if self.scans and not ignore and kind not in ("source", "asciimath"):
                self._scan(element, forced=False)
        else:
            self._fill(node, element, depth + 1, ignore or kind in ("source", "asciimath"), in_link)
        if kind or element.tag == "math-renderer":
            return self._settle(element, kind or "forced")
        if element.is_noise and self.prune and element.num_formulas == 0:
            self.pruned_chars += element.text_chars
            return None
        if is_main:
            self.candidates.append(element)
        return element

    def _settle(self, element: Element, kind: str) -> Element | Formula | None:
        """An element marked as a formula: scan it with the mark in mind, or take its text as LaTeX."""
        if element.num_formulas or kind == "mathquill":
            if element.num_formulas > 1:
                drop_copies(element)
            return as_display(element) if kind == "math" and element.tag == "div" else element
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
        formula = marked.math_class_formula(element, text) if text is not None and kind in ("math", "forced") else None
        return self._define(formula) if formula is not None else element

    def _code(self, tag: str, attrs: dict[str, str | None], node: LexborNode) -> Element | Formula | None:
        """Code is read when it is rendered; `language-math` is a formula (GitLab, GitHub)."""
        classes = attrs.get("class") or ""
        is_math = "language-math" in classes or "lang-math" in classes or attrs.get("lang") == "math" or "data-math-style" in attrs
        if is_math or (self.has_math_code and node.css_first("code.language-math") is not None):
            mode = "" if attrs.get("data-math-style") == "inline" else "; mode=display"
            return self._define(script_formula(f"math/tex{mode}", node.text(deep=True)))
        element = Element(tag, attrs, node)
        element.text_chars = element.prose_chars = len(node.text(deep=True))
        return element

    def _define(self, formula: Formula | None) -> Formula | None:
        """Take macro definitions out of a formula; None if nothing else was in it."""
        if formula is None:
            return None
        latex = take_definitions(formula.latex, self.macros)
        if latex == formula.latex:
            return formula
        latex = clean_latex(latex)
        return Formula(latex, formula.display, formula.source, formula.confidence) if latex else None

    def _scan(self, element: Element, *, forced: bool) -> bool:
        """Replace the formulas in the text of an element's children; True if there was one."""
        objects = [child for child in element.children if not isinstance(child, str)]
        text = "".join(child if isinstance(child, str) else OBJECT for child in element.children)
        hits = self.scanner.scan(text, partial(fill_objects, objects), forced=forced)
        if not hits:
            return False
        element.num_formulas = sum(child.num_formulas if isinstance(child, Element) else 1 for child in objects)
        remaining: list[Child] = []
        consumed = position = 0
        for start, end, hit in hits:
            consumed = restore(text[position:start], objects, consumed, remaining)
            consumed += text.count(OBJECT, start, end)
            position = end
            formula = self._define(hit)
            if formula is not None:
                remaining.append(formula)
                element.num_formulas += 1
        restore(text[position:], objects, consumed, remaining)
        element.children = remaining
        return True
