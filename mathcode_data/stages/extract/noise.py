"""Which elements are noise where they stand: by name, by style, and by the words around and inside them."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract import marks
from mathcode_data.stages.extract.telling import announces_other_pages
from mathcode_data.stages.extract.words import words

NOISE_TAGS = frozenset(["nav", "footer", "aside", "menu", "button"])
# A subtree without any of these in its markup holds no formula. Words such as "equation" alone stand in many addresses.
_HINTS = (
    "\\", "$", "<math", "<su", "math-", "math\"", "math ", "math/", "mathjax", "MathJax", "mathml", "mathtex", "mathquill", "katex", "mjx-",
    "latex", "LaTeX", "[tex]", "[itex]", "codecogs", "mimetex", "equation\"", "equation?", "formula\"", "data-formula", "data-equation",
    "data-tex=", "data-expr", "data-math", "tex\"", "class=\"tex ", "eqn", "texrender", "tex.cgi", "cht=tx",
)  # fmt: skip
# A few letters of each hint, and with them the hints: markup without the letters is not looked through for these.
_BY_LETTERS = {
    letters: tuple(hint for hint in _HINTS if letters in hint)
    for letters in ("\\", "$", "<su", "ath", "tex", "TeX", "mjx", "equation", "formula", "data-e", "eqn", "codecogs", "cht=tx")
}
INLINE_TAGS = words("a span em i strong b u s small big code kbd samp tt var cite abbr dfn q mark sub sup font time label ins del bdi nobr")
_WORD = re.compile(r"[^\W\d_]{2,}")
_STREAMED = re.compile(r"[SB]:[0-9a-f]{1,6}")  # React's server sends parts of the page hidden, a script moves them into place
_HEADINGS = words("h1 h2 h3 h4 h5 h6")
_NO_LETTERS = re.compile(r"[\W_]+")
_SPOKEN_SIGNS = frozenset("/⁄∕÷+-−–±×·*^=<>≤≥,;:")  # a fraction is drawn with a line and read out with a slash
_NEVER_NOISE = words("body html main article td tr table h1 h2 h3 p li pre code")
_MAY_BE_NOISE = words("td h2 h3 p li")
_FIELDS = "textarea, [contenteditable=true], input[type=password]"
_PAGE_INSIDE = "main, [role=main], [itemprop=articleBody], .post-body"
_MAX_REPLY_FORM = 2_500


def is_noise(tag: str, attrs: dict[str, str | None], classes: str, node: LexborNode, *, by_name: bool) -> bool:
    """True for an element that is no part of the page's text: navigation, side bars, hidden parts."""
    if "hidden" in attrs and attrs["hidden"] != "until-found":
        return _STREAMED.fullmatch(attrs.get("id") or "") is None
    if tag in NOISE_TAGS:
        return not (tag == "aside" and ("footnote" in classes or _is_note(attrs) or is_quoted_post(attrs, classes)))
    style = attrs.get("style")
    if style and marks.hides(style):
        return "hidden-content" not in classes
    if tag in _NEVER_NOISE:
        return by_name and tag in _MAY_BE_NOISE and marks.is_noise_anywhere(classes)
    if tag == "span" and marks.class_facts(classes).is_hidden:  # of a block it says only that a script shows it
        return True
    if tag == "sup" and "reference" in classes.split():  # MediaWiki's marks of notes
        return True
    if by_name and "id" in attrs and _is_anchor(node, attrs["id"] or ""):
        return False
    if not by_name or (tag in INLINE_TAGS and not marks.is_noise_in_sentence(classes) and in_sentence(node)):
        return False
    return not ("sr-only" in classes or "visually-hidden" in classes) or not _is_spoken_sign(node)


def _is_note(attrs: dict[str, str | None]) -> bool:
    """True for a note of a book or article: EPUB and Sphinx say so in an attribute."""
    return any("note" in (attrs.get(name) or "") for name in ("epub:type", "role"))


def is_quoted_post(attrs: dict[str, str | None], classes: str) -> bool:
    """True for the words of another post that Discourse sets in an aside."""
    return "quote" in classes.split() and any(name in attrs for name in ("data-username", "data-topic", "data-post"))


def is_reply_form(node: LexborNode, body: LexborNode | None) -> bool:
    """True for a form to write into or to log in with, and its words: "Your answer", "Sign up"; never one that wraps the page."""
    if body is None or node.css_first(_FIELDS) is None:
        return False
    size, whole = len(node.text(deep=True)), len(body.text(deep=True))
    return 10 * size <= whole or (size <= _MAX_REPLY_FORM and 2 * size <= whole)


def _is_spoken_sign(node: LexborNode) -> bool:
    """True for one sign of mathematics between two elements, hidden because a line is drawn in its place."""
    if node.text(deep=True).strip() not in _SPOKEN_SIGNS:
        return False
    return all(_is_term(neighbour) for neighbour in (node.prev, node.next))


def _is_term(node: LexborNode | None) -> bool:
    return node is not None and (node.tag or "-")[0] != "-" and any(map(str.isalnum, node.text(deep=True)))


def _is_anchor(node: LexborNode, identifier: str) -> bool:
    """True for a section whose id is its own heading: "related-work" names a chapter there, not a list of links."""
    first = node.first_child
    while first is not None and (first.tag or "-")[0] == "-":
        first = first.next
    if first is None or first.tag not in _HEADINGS:
        return False
    title = first.text(deep=True)
    if announces_other_pages(title):
        return False
    heading = _NO_LETTERS.sub("-", title.lower()).strip("-")
    return len(identifier) > 3 and identifier.lower().replace("_", "-") in heading


def around_page_parts(body: LexborNode | None) -> frozenset[int]:
    """The nodes that are or hold a main container, to be found once: a selector costs more than most elements."""
    around: set[int] = set()
    for part in body.css(_PAGE_INSIDE) if body is not None else ():
        node: LexborNode | None = part
        while node is not None and node.mem_id not in around:
            around.add(node.mem_id)
            node = node.parent
    return frozenset(around)


def hints_at_formula(node: LexborNode, *, asciimath: bool) -> bool:
    """False only if nothing below a node can be a formula."""
    markup = node.html or ""
    for letters, hints in _BY_LETTERS.items():
        if letters in markup:
            for hint in hints:
                if hint in markup:
                    return True
    return asciimath and "`" in markup


def num_chars(nodes: list[LexborNode]) -> int:
    """Characters of some nodes, without the white space around each."""
    return sum([len(node.text(deep=True).strip()) for node in nodes])


def in_sentence(node: LexborNode) -> bool:
    """True if words stand beside an inline element, in the text of its own parent."""
    for step in ("prev", "next"):
        neighbour = getattr(node, step)
        for _ in range(6):
            if neighbour is None:
                break
            tag = neighbour.tag or ""
            if tag == "-text":
                if _WORD.search(neighbour.text_content or ""):
                    return True
            elif tag[:1] != "-" and tag not in INLINE_TAGS:
                break
            neighbour = getattr(neighbour, step)
    return False
