"""One page: bytes in, Markdown with its formulas out. A pure function; the guard adds the deadline."""

from __future__ import annotations

import gc
import re
import unicodedata
from typing import Literal, NamedTuple

from selectolax.lexbor import LexborHTMLParser

from mathcode_data.stages.extract.boilerplate import select
from mathcode_data.stages.extract.builder import Builder
from mathcode_data.stages.extract.choices import split_choices
from mathcode_data.stages.extract.components import open_shadows
from mathcode_data.stages.extract.decode import decode
from mathcode_data.stages.extract.definitions import HOLDS_DEFINITION, take_loose_definitions
from mathcode_data.stages.extract.end_matter import drop_end_matter
from mathcode_data.stages.extract.entities import undo_escaped_twice
from mathcode_data.stages.extract.head import declared_language, page_title
from mathcode_data.stages.extract.language import page_language
from mathcode_data.stages.extract.latex import INVISIBLE_IN_TEXT
from mathcode_data.stages.extract.limits import check_limits
from mathcode_data.stages.extract.page_math import PageMath, read_page_math
from mathcode_data.stages.extract.records import MAIN_CONTENT, Formula, Page, PageInput, Scope, failed_page
from mathcode_data.stages.extract.render import Renderer
from mathcode_data.stages.extract.reshape import separate_answers
from mathcode_data.stages.extract.short_lines import MAX_LINE, is_counter, is_site_line, is_top_line
from mathcode_data.stages.extract.skip_links import drop_skip_links

__all__ = ["Formula", "Page", "PageInput", "Scope", "extract_page"]

_MIN_CHARACTERS = 250  # below it, a page that lost much more than it kept is read again without pruning
_SENTENCE = re.compile(r"^[^\W\d_][^\n`|]{79}", re.M)
_ITEM = re.compile(r"\s*(?:[-*+>]|\d+[.)]) ")
_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SENTENCE_WEIGHT, _MIN_ADDED = 60, 60
_MAX_PRUNED_SHARE = 20  # an article of two sentences stands among menus of some thousand characters
# What to leave out: all but the main content; what is noise by its name, and no list of links; nothing.
_Pruning = Literal["main", "names", "nothing"]
_WEAKER: tuple[_Pruning, ...] = ("names", "nothing")
_NUM_FIRST = 8  # blocks at the top among which the date of an article stands; further down each post of a thread has one
_PREFIX = re.compile(r"<([a-z][a-z0-9]{0,9}):math[\s>]", re.I)
_NOSCRIPT = re.compile(r"<(/?)noscript\b", re.I)
_ASCII = bytes(range(128))
# All but letters, signs and Chinese characters that are in NFC whatever stands beside them.
_MAY_COMPOSE = re.compile(
    "[^\u0080-\u02ff\u0391-\u03a9\u03b1-\u03c9\u0400-\u0482\u048a-\u052f\u2010-\u205e\u2190-\u2328\u2460-\u2ad0\u3001-\u3029\u4e00-\u9fff]"
)
_SPACES = re.compile(r"[ \t]+\n")


def extract_page(content: bytes, *, url: str = "", content_type: str = "", encoding: str = "", scope: Scope = MAIN_CONTENT) -> Page:
    r"""Extract text and formulas of one HTML page.

    >>> extract_page(b"<p>We have <script type='math/tex'>\\frac{a}{b}</script> here.</p>").text
    'We have \\(\\frac{a}{b}\\) here.'
    """
    del url  # the address decides nothing yet; it stands in the interface for rules of single sites
    collects = gc.isenabled()
    gc.disable()  # a page is a tree of some thousand objects without a cycle: looking for some costs a tenth of the time
    try:
        return _extract(content, content_type, encoding, scope)
    finally:
        if collects:
            gc.enable()


def _extract(content: bytes, content_type: str, encoding: str, scope: Scope) -> Page:
    decoded = decode(content, content_type=content_type, encoding=encoding)
    if decoded.error:
        return failed_page(decoded.error, encoding=decoded.encoding, encoding_source=decoded.source)
    html = decoded.text
    problem = check_limits(html)
    if problem:
        return failed_page(problem, encoding=decoded.encoding, encoding_source=decoded.source)
    html = split_choices(undo_escaped_twice(open_shadows(_without_prefix(html))))
    parser = LexborHTMLParser(html)
    settings = read_page_math(html)
    pruning: _Pruning = "nothing" if scope.boilerplate else "main"
    reading = _read(parser, html, settings, pruning, scope)
    if len(reading.text) < _MIN_CHARACTERS and "<noscript" in html:  # Discourse and others: the page stands there, a script draws it
        plain = _NOSCRIPT.sub(r"<\1div", html)
        shown = _read(LexborHTMLParser(plain), plain, settings, pruning, scope)
        if len(shown.text) > 2 * len(reading.text) + _MIN_CHARACTERS:
            reading = shown
    if _is_meagre(reading):
        for weaker in _WEAKER:
            whole = _read(parser, html, settings, weaker, scope)
            if len(whole.text) > len(reading.text) and (weaker == "names" or not reading.text or _adds_prose(reading, whole)):
                reading = whole
            if len(reading.text) >= _MIN_CHARACTERS and reading.pruned_chars <= 2 * _MAX_PRUNED_SHARE * len(reading.text):
                break
    text, formulas = reading.text, reading.formulas
    title = _tidy(page_title(parser, text, settings))
    error = "" if text else f"empty: no text left of {len(html):,} characters"
    language = page_language(declared_language(parser), text) if text else ""
    return Page(title, language, text, formulas, decoded.encoding, decoded.source, error, decoded.damage)


class _Reading(NamedTuple):
    """What one pass over a page found; of the characters left out as noise, those of lines about the page stand apart."""

    text: str
    formulas: tuple[Formula, ...]
    pruned_chars: int
    end_chars: int


def _read(parser: LexborHTMLParser, html: str, settings: PageMath, pruning: _Pruning, scope: Scope) -> _Reading:
    """The text and formulas of a page, read with more or less left out."""
    body = parser.body
    if body is None:
        return _Reading("", (), 0, 0)
    builder = Builder(html, settings, prune=pruning != "nothing")
    root = builder.build(body)
    if settings.has_backslash and HOLDS_DEFINITION.search(html):
        take_loose_definitions(root, settings.macros)
    separate_answers([post for post, _ in builder.posts])
    if pruning != "nothing":
        drop_skip_links(root)
    children = root.children
    if pruning == "main":
        children = select(root, builder.candidates, has_captions=builder.has_captions, comments=scope.comments)
    end_chars = drop_end_matter(children) if pruning != "nothing" else 0
    renderer = Renderer(settings.macros, builder.post_macros())
    blocks = renderer.blocks(children)
    if pruning != "nothing":
        blocks = [block for block in blocks if len(block) > MAX_LINE or not is_counter(block)]
    if pruning == "main" and sum(map(len, blocks)) >= _MIN_CHARACTERS:
        blocks = [block for block in blocks if len(block) > MAX_LINE or not is_site_line(block)]
        blocks = [block for index, block in enumerate(blocks) if index >= _NUM_FIRST or not is_top_line(block)]
        blocks = _without_last_heading(blocks)
    while blocks and blocks[-1] == "---":
        blocks.pop()
    text = _tidy("\n\n".join(blocks))
    return _Reading(text, tuple(renderer.formulas), builder.pruned_chars + root.text_chars - len(text) - end_chars, end_chars)


def _is_meagre(reading: _Reading) -> bool:
    """True for little text on a page of which much was left out; a short page with its last lines ("edit this page") is no such."""
    size = len(reading.text)
    if size + reading.end_chars >= _MIN_CHARACTERS:
        return False
    return reading.pruned_chars > (_MAX_PRUNED_SHARE * size if _SENTENCE.search(reading.text) else 2 * _MIN_CHARACTERS)


def _adds_prose(first: _Reading, whole: _Reading) -> bool:
    """True if a reading of the whole page has sentences, code or formulas that the first lacks; menus and forms are no article."""
    if len(whole.formulas) > len(first.formulas) or whole.text.count("```") > first.text.count("```"):
        return True
    return _num_prose(whole.text) > _num_prose(first.text) + _MIN_ADDED


def _num_prose(text: str) -> int:
    """Characters in lines as long as sentences, outside lists."""
    return sum(
        len(line) for line in text.split("\n") if not _ITEM.match(line) and len(line) + 2 * len(_HAN.findall(line)) >= _SENTENCE_WEIGHT
    )


def _without_last_heading(blocks: list[str]) -> list[str]:
    """Leave out a last heading under which nothing is left; several of them are a list."""
    last = next((index for index, block in enumerate(reversed(blocks)) if not block.startswith("#")), 0)
    is_short = all(len(block) <= MAX_LINE and "\n" not in block and "\\" not in block for block in blocks[len(blocks) - last :])
    return blocks[: len(blocks) - last] if last <= 2 and is_short else blocks


def _tidy(text: str) -> str:
    """NFC, no invisible characters, no spaces at line ends."""
    if not text.isascii():
        beyond = text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass")
        if INVISIBLE_IN_TEXT.search(beyond) is not None:
            text = INVISIBLE_IN_TEXT.sub("", text)
        if _MAY_COMPOSE.search(beyond) is not None and not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
    if " \n" in text or "\t\n" in text:
        text = _SPACES.sub("\n", text)
    return text.strip()


def _without_prefix(html: str) -> str:
    """`<mml:math>` and `<m:math>` as `<math>`, so that the parser sees MathML with its self-closing tags."""
    if ":math" not in html:
        return html
    for prefix in {match[1] for match in _PREFIX.finditer(html)}:
        html = re.sub(rf"<(/?){re.escape(prefix)}:(?=[a-zA-Z])", r"<\1", html)
    return html
