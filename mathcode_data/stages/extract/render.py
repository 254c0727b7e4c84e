r"""Tree to Markdown: headings, lists, quotes, definition lists, code, tables; formulas between `\( \)` and `\[ \]`.

Links and emphasis keep their words and lose their marks: addresses and asterisks carry no mathematics. Nothing is
escaped, inside formulas or outside; only `|` in the words of a table cell is. The bars of a formula in a cell are written as
`\vert`, so that who splits a row at its bars finds its cells.
"""

from __future__ import annotations

import re
from functools import lru_cache

from mathcode_data.stages.extract import tables
from mathcode_data.stages.extract.code_blocks import code_block, code_line, fence, inline_code, language_of
from mathcode_data.stages.extract.latex import INVISIBLE, clean_latex, without_bars
from mathcode_data.stages.extract.latexml import equation_group, is_equation_group, without_style
from mathcode_data.stages.extract.macros import Macro, expand
from mathcode_data.stages.extract.numbering import Numbering
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.reshape import BETWEEN
from mathcode_data.stages.extract.scripts import alone, join_carrier, note_mark, script_text, take_tail
from mathcode_data.stages.extract.tree import Child, Element, text_of
from mathcode_data.stages.extract.words import words

_BREAK = "\ufdd1"
_HEADINGS = {"h1": "# ", "h2": "## ", "h3": "### ", "h4": "#### ", "h5": "##### ", "h6": "###### "}
_BLOCKS = words(
    "p div section article main header footer aside nav figure figcaption details summary form fieldset address center"
    " body html dd dt li legend caption tbody thead tfoot tr td th hgroup menu noscript legend dir search"
)
_TRANSPARENT = words("span em i strong b u s small big font cite var abbr dfn q mark time label ins del bdi nobr")
_CODE = frozenset(["code", "kbd", "samp", "tt"])
# Signs that the style sheet puts around an element: Sphinx's colon, the space after arXiv's "Abstract:"; LaTeXML's notes are boxes.
_SET_OFF = {"classifier": (" : ", ""), "ltx_note_outer": (" (", ")"), "descriptor": ("", " ")}
_PILCROWS = frozenset(["¶", "#", "§", "🔗", "", "^", "[edit]", "[编辑]", "[編集]", "Link", "↩", "\u21a9\ufe0e", "\u21a9\ufe0f", "⏎"])
_SPACES_AROUND_BREAK = re.compile(f" *{_BREAK} *")
_MANY_BREAKS = re.compile(f"{_BREAK}{_BREAK}+")
_INNER = re.compile(r"\\\((.*?)\\\)")
_CODE_CLASSES = ("highlight", "language-", "lang-", "brush:", "sourceCode", "code-block", "codehilite")


class Renderer:
    """Renders the tree of one page and collects its formulas in the order of the text."""

    def __init__(self, macros: dict[str, Macro], post_macros: dict[int, dict[str, Macro]] | None = None) -> None:
        self.macros = macros
        self.post_macros = post_macros or {}
        self.formulas: list[Formula] = []
        self.outer_classes = ""
        self.in_cell = False
        self.in_item = False

    def render(self, children: list[Child]) -> str:
        """The Markdown of some neighbours."""
        return "\n\n".join(self.blocks(children))

    def blocks(self, children: list[Child]) -> list[str]:
        """The Markdown blocks of some neighbours, each without blank lines at its ends."""
        out: list[str] = []
        inline: list[str] = []
        self._walk(children, out, inline)
        _flush(out, inline)
        return out

    def _walk(self, children: list[Child], out: list[str], inline: list[str]) -> None:
        for child in children:
            if isinstance(child, str):
                inline.append(child)
            elif isinstance(child, Element):
                tag = child.tag
                if tag in _BLOCKS:
                    if inline:
                        _flush(out, inline)
                    self._block(child, out)
                elif tag in _TRANSPARENT and child.raw is None and not (tag == "span" and child.attrs.get("class") in _SET_OFF):
                    self._walk(child.children, out, inline)
                else:
                    self._element(child, out, inline)
            elif child.display:
                _flush(out, inline)
                text = self._formula(child)
                if text:
                    out.append(text)
            else:
                inline.append(self._formula(child))

    def _formula(self, formula: Formula) -> str:
        latex = formula.latex
        if self.macros:
            latex = clean_latex(expand(latex, self.macros))
            formula = Formula(latex, formula.display, formula.source, formula.confidence)
        if not latex:
            return ""
        if self.in_cell and "|" in latex:
            latex = without_bars(latex)
            formula = Formula(latex, formula.display, formula.source, formula.confidence)
        self.formulas.append(formula)
        return f"\\[{latex}\\]" if formula.display else f"\\({latex}\\)"

    def _element(self, element: Element, out: list[str], inline: list[str]) -> None:
        """Everything but blocks and what only sets off words."""
        tag = element.tag
        if tag == "br":
            inline.append(_BREAK)
        elif tag in _HEADINGS:
            _flush(out, inline)
            text = self.inline(element.children)
            if text:
                out.append(text if self.in_cell else _HEADINGS[tag] + text)
        elif tag == "a":
            if element.has_script and (mark := note_mark(element)):
                inline.append(mark)
            elif not (element.text_chars <= 6 and not element.num_formulas and text_of(element).strip() in _PILCROWS):
                self._walk(element.children, out, inline)
        elif tag in _CODE:
            self._code(element, out, inline)
        elif tag in ("sub", "sup"):
            self._script(element, out, inline)
        elif tag in ("ul", "ol"):
            _flush(out, inline)
            self._list(element, out)
        elif tag == "dl":
            _flush(out, inline)
            self._definitions(element, out)
        elif tag == "table":
            _flush(out, inline)
            self._table(element, out)
        elif tag == "blockquote":
            _flush(out, inline)
            blocks = self.blocks(element.children)
            quoted = "\n\n".join(blocks)
            if self.in_cell:
                out += blocks
            elif quoted:
                out.append("\n".join("> " + line if line else ">" for line in quoted.split("\n")))
        elif element.raw is not None:
            if tag not in ("span", "svg"):
                _flush(out, inline)
                block = code_line(element) if self.in_cell else code_block(element, self.outer_classes)
                if block:
                    out.append(block)
        elif tag == "hr":
            _flush(out, inline)
            if element.attrs == BETWEEN and out and not out[-1].startswith("#") and not self.in_cell:
                out.append("---")
        elif tag == "span" and (signs := _SET_OFF.get(element.get("class"))) is not None:
            inline.append(signs[0])
            self._walk(element.children, out, inline)
            inline.append(signs[1])
        else:
            self._walk(element.children, out, inline)

    def _block(self, element: Element, out: list[str]) -> None:
        if self.post_macros and id(element) in self.post_macros:
            outer_macros, self.macros = self.macros, self.post_macros.pop(id(element))
            self._block(element, out)
            self.macros = outer_macros
            return
        outer = self.outer_classes
        classes = element.attrs.get("class")
        if classes and _tells_language(classes):
            self.outer_classes = f"{classes} {outer}"  # the innermost first
        inline: list[str] = []
        self._walk(element.children, out, inline)
        _flush(out, inline)
        self.outer_classes = outer

    def inline(self, children: list[Child]) -> str:
        """Everything on one line: for headings, cells and terms."""
        return " ".join(self.blocks(children)).replace("\n", " ")

    def _code(self, element: Element, out: list[str], inline: list[str]) -> None:
        """Inline code; one that holds a block or a formula is walked instead."""
        if element.num_formulas or any(isinstance(child, Element) and child.raw is not None for child in element.children):
            self._walk(element.children, out, inline)
            return
        if element.raw is not None:
            if self.in_cell:
                inline.append(code_line(element))
                return
            _flush(out, inline)
            out.append(code_block(element, self.outer_classes))
            return
        text = text_of(element)
        num_breaks = text.strip().count("\n")
        if num_breaks and (len(text) > 80 or (num_breaks > 1 and element.tag == "samp")) and not self.in_cell:
            _flush(out, inline)
            out.append(f"```\n{text.strip()}\n```")
        else:
            inline.append(inline_code(text))

    def _script(self, element: Element, out: list[str], inline: list[str]) -> None:
        if element.num_formulas:
            self._walk(element.children, out, inline)
            return
        before = take_tail(inline)
        inline.append(before)
        text = script_text(element, before.rstrip()[-40:])
        inline.append(text if text[:2] not in ("_{", "^{") else self._expression(inline, text))

    def _expression(self, inline: list[str], script: str) -> str:
        """A script with what carries it as a formula, taken off the text before it; alone where that is not clear."""
        before = take_tail(inline)
        last = self.formulas[-1] if self.formulas and self.formulas[-1].source == "sub-sup" else None
        if last is not None and before.endswith(f"\\({last.latex}\\)"):
            self.formulas.pop()
            kept, latex = before[: -len(last.latex) - 4], last.latex + script
        else:
            is_apart = script[0] == "_" or not any(map(str.isalpha, script))  # "a b", both raised, are ways back from a note
            kept, latex = join_carrier(before.rstrip() if is_apart else before, script)
            if latex and "\\(" in latex and not self._takes_back(latex):
                kept, latex = before, ""
            latex = latex.replace("\\(", "").replace("\\)", "")
        if not latex:
            inline.append(before)
            text, is_formula = alone(script, before)
            return self._formula(Formula(text, False, "sub-sup", 0.4)) if is_formula else text
        inline.append(kept)
        return self._formula(Formula(latex, False, "sub-sup", 0.6))

    def _takes_back(self, latex: str) -> bool:
        """Take back the last formulas, if they are those that stand in a bracket, which becomes one formula with its script."""
        inner = _INNER.findall(latex)
        last = self.formulas[-len(inner) :]
        if [formula.latex for formula in last if formula.source == "sub-sup"] != inner:
            return False
        del self.formulas[-len(inner) :]
        return True

    def _list(self, element: Element, out: list[str]) -> None:
        numbering = Numbering(element)
        items: list[str] = []
        is_tight = True
        in_item, self.in_item = self.in_item, True
        for child in element.children:
            if isinstance(child, str):
                if child.isspace():
                    continue
                blocks = self.blocks([child])
            elif isinstance(child, Formula) or child.tag != "li":
                blocks = self.blocks([child])
            else:
                blocks = self.blocks(child.children)
            if not blocks:
                continue
            mark = numbering.mark(child)
            body = blocks[0]
            if self.in_cell:
                body = " ".join(blocks)
            elif len(blocks) > 1:
                has_lists_only = all(block.startswith(("- ", "1. ", "a. ", "i. ")) for block in blocks[1:])
                is_tight = is_tight and has_lists_only
                body = ("\n" if has_lists_only else "\n\n").join(blocks)
            items.append(mark + _indent(body, " " * len(mark)))
        self.in_item = in_item
        if items and self.in_cell:  # a cell is one line: no mark at its start, a sign between the items
            listed = tables.on_a_line([item.removeprefix("- ") for item in items])
            out.append(f"({listed})" if in_item else listed)
        elif items:
            out.append(("\n" if is_tight else "\n\n").join(items))

    def _definitions(self, element: Element, out: list[str]) -> None:
        """Terms as paragraphs, their definitions after a colon; a list without terms is only indentation."""
        has_terms = any(isinstance(child, Element) and _has_term(child) for child in element.children)
        if has_terms and self.in_cell:
            out.append(self._definitions_on_a_line(element))
            return
        for child in element.children:
            if isinstance(child, Element) and child.tag == "dd" and has_terms:
                body = "\n\n".join(self.blocks(child.children))
                if body:
                    out.append(": " + _indent(body, "  "))
            elif isinstance(child, Element) and child.tag == "div":
                self._definitions(child, out)
            else:
                out.extend(self.blocks([child]))

    def _definitions_on_a_line(self, element: Element) -> str:
        """Terms with their definitions in a cell."""
        text = joint = ""
        for child in element.children:
            is_group = isinstance(child, Element) and child.tag == "div" and _has_term(child)
            piece = self._definitions_on_a_line(child) if is_group and isinstance(child, Element) else self.inline([child])
            if piece:
                is_meaning = isinstance(child, Element) and child.tag == "dd"
                text += (": " if is_meaning and joint == "; " else "; " if text else "") + piece
                joint = "" if is_meaning else "; "
        return text

    def _table(self, element: Element, out: list[str]) -> None:
        rows = tables.rows_of(element)
        caption = next((c for c in element.children if isinstance(c, Element) and c.tag == "caption"), None)
        if caption is not None:
            out.extend(self.blocks(caption.children))
        if not rows:
            out.extend(self.blocks([child for child in element.children if child is not caption]))
            return
        if tables.is_layout(element, rows):
            self._layout(element, rows, out)
            return
        if not self.in_cell and (lines := tables.listing(rows)) is not None:
            out.append(fence("\n".join(lines).rstrip(), language_of(element.get("class"), self.outer_classes)))
            return
        texts = [[self._cell(cell) for cell in row] for row in rows]
        if self.in_cell:  # Markdown has no table in a table
            inner = tables.on_a_line([", ".join(filter(None, line)) for line in texts if any(line)])
            if inner:
                out.append(inner)
            return
        table = tables.markdown_table(rows, texts)
        if table:
            out.append(table)

    def _layout(self, element: Element, rows: list[list[Element]], out: list[str]) -> None:
        if is_equation_group(element):
            out.extend(self.blocks(equation_group(element, rows)))
            return
        classes = element.get("class")
        is_equation = "ltx_eq" in classes or "disp-formula" in classes
        is_labelled = any(name in classes for name in ("field-list", "footnote", "citation"))
        for row in rows:
            label = ""
            for cell in sorted(row, key=_is_number) if is_equation else row:
                names = cell.get("class")
                if any(name in names for name in ("lineno", "gutter", "lntd-num", "linenos")) and "code" not in names.split():
                    continue
                if is_equation:
                    _make_display(cell)
                blocks = self.blocks(cell.children)
                if is_equation:
                    blocks = [block for block in blocks if block not in ",.;:"]
                if is_labelled and cell is row[0] and len(row) > 1:
                    label = " ".join(blocks)
                    continue
                if label and blocks and not blocks[0].startswith(("- ", "1. ", "```", "| ", "> ", "\\[")):
                    blocks[0] = f"{label} {blocks[0]}"
                elif label:
                    blocks.insert(0, label)
                label = ""
                out.extend(blocks)

    def _cell(self, cell: Element) -> str:
        """One cell on one line; a bar in it is escaped, but for formulas, which have none."""
        if self.in_cell:
            return self.inline(cell.children)
        num_before = len(self.formulas)
        in_item, self.in_item, self.in_cell = self.in_item, False, True
        text = self.inline(cell.children)
        self.in_item, self.in_cell = in_item, False
        return tables.escape_bars(text, self.formulas[num_before:]) if "|" in text else text


@lru_cache(maxsize=8_192)
def _tells_language(classes: str) -> bool:
    """True for a class attribute that may name the language of the code below."""
    return any(name in classes for name in _CODE_CLASSES)


def _is_number(cell: Element) -> bool:
    """True for the cell with the number of an equation, which LaTeXML may set on its left."""
    return "ltx_eqn_eqno" in cell.get("class")


def _has_term(element: Element) -> bool:
    return element.tag == "dt" or (
        element.tag == "div" and any(isinstance(child, Element) and child.tag == "dt" for child in element.children)
    )


def _make_display(element: Element) -> None:
    """Formulas in an equation table are displayed, whatever their own mark says."""
    for index, child in enumerate(element.children):
        if isinstance(child, Formula):
            if not child.display:
                element.children[index] = Formula(without_style(child.latex), True, child.source, child.confidence)
        elif isinstance(child, Element):
            _make_display(child)


def _indent(text: str, indent: str) -> str:
    if "\n" not in text:
        return text
    return "\n".join(indent + line if line and index else line for index, line in enumerate(text.split("\n")))


def _flush(out: list[str], inline: list[str]) -> None:
    """Close the paragraph under way: fold white space, honour line breaks."""
    if not inline:
        return
    text = " ".join("".join(inline).split())
    inline.clear()
    if not text or (len(text) <= 3 and not INVISIBLE.sub("", text)):
        return
    if _BREAK in text:
        text = _SPACES_AROUND_BREAK.sub(_BREAK, text).strip(_BREAK)
        text = _MANY_BREAKS.sub("\n\n", text).replace(_BREAK, "\n")
        out.extend(part for part in text.split("\n\n") if part)
        return
    out.append(text)
