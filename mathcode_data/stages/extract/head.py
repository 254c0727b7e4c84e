"""What a page says of itself: its title, with formulas as in the text, and the language that it claims."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mathcode_data.stages.extract.delimiters import Scanner
from mathcode_data.stages.extract.latex import clean_latex
from mathcode_data.stages.extract.macros import expand
from mathcode_data.stages.extract.page_math import PageMath

MAX_TITLE_CHARACTERS = 1_000
_FENCE = "```"


def page_title(parser: LexborHTMLParser, text: str, settings: PageMath) -> str:
    r"""The `<title>`, else the first heading of the extracted text, else what the page gives to social networks.

    A title is never drawn by MathJax, but authors write `$x^2$` in it as in the text: it becomes `\(x^2\)`.
    """
    node = _title_node(parser)
    title = node.text(deep=True).strip() if node is not None else ""
    if title:
        return _with_formulas(" ".join(title.split())[:MAX_TITLE_CHARACTERS], settings)
    heading = parser.css_first("h1")
    if heading is not None:
        lines = text.split(_FENCE, 1)[0].split("\n")
        rendered = next((line[2:] for line in lines if line.startswith("# ")), "")
        return (rendered or " ".join(heading.text(deep=True).split()))[:MAX_TITLE_CHARACTERS]
    social = parser.css_first('meta[property="og:title"]')
    title = (social.attributes.get("content") or "") if social is not None else ""
    return _with_formulas(" ".join(title.split())[:MAX_TITLE_CHARACTERS], settings)


def _title_node(parser: LexborHTMLParser) -> LexborNode | None:
    """The `<title>` of the head: nearly always a child of it, found without a selector, which costs as much as fifty nodes."""
    head = parser.head
    node = head.first_child if head is not None else None
    while node is not None:
        tag = node.tag
        if tag == "title":
            return node
        if tag == "noscript":  # what stands in it is read as elements
            break
        node = node.next
    return head.css_first("title") if head is not None and node is not None else None


def _with_formulas(title: str, settings: PageMath) -> str:
    r"""The formulas of a title between `\( \)`, whatever delimiters it has, with the page's macros expanded."""
    if not any(sign in title for sign in "$\\[") and not any(name in title for name in settings.delimiters):
        return title
    pieces, position = [], 0
    for start, end, formula in Scanner(settings).scan(title, lambda _, __: None):
        latex = clean_latex(expand(formula.latex, settings.macros))
        pieces += [title[position:start], f"\\({latex}\\)"]
        position = end
    return "".join(pieces) + title[position:]


def declared_language(parser: LexborHTMLParser) -> str:
    """The language a page claims: on `<html>`, on `<body>`, in a meta element; "" where it claims none."""
    for node in (parser.root, parser.body):
        if node is not None:
            attributes = node.attributes
            declared = attributes.get("lang") or attributes.get("xml:lang")
            if declared and declared.strip():
                return declared
    head = parser.head
    if head is None:
        return ""
    for meta in head.css("meta[content]"):
        attributes = meta.attributes
        name = (attributes.get("http-equiv") or attributes.get("name") or attributes.get("property") or "").lower()
        if name in ("content-language", "og:locale", "dc.language"):
            return attributes.get("content") or ""
    return ""
