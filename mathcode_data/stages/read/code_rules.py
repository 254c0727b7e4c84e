"""The rule filters of DeepSeek-Coder for source files (arXiv 2401.14196, section 2.1, after StarCoder).

Each rule is linear in the length of the file and can be switched off.
"""

from __future__ import annotations

import re

from pydantic import Field

from mathcode_data.core.config import Share, StageConfig

LETTERS = bytes(range(65, 91)) + bytes(range(97, 123))
ASCII_LOWER = {code: code + 32 for code in range(65, 91)}
NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
XML_DECLARATION = "<?xml version="
XML_WINDOW = 100
TAG = re.compile(r"<[^<>]*>|-->")
GENERATED = re.compile(
    r"auto-?generated|automatically generated|generated (?:by|from|automatically)|do not (?:edit|modify)|@generated",
    re.IGNORECASE,
)
GENERATED_LINES = 5
DATA_LANGUAGES = frozenset({"JSON", "YAML"})
HIDDEN = (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"))


class CodeRules(StageConfig):
    """Which files are dropped; the defaults are the paper's."""

    max_average_line: float | None = Field(default=100.0, gt=0)
    """Characters per line on average; more drops the file as `line_average`."""
    max_line: int | None = Field(default=1000, gt=0)
    """Characters of the longest line; more drops the file as `line_longest`."""
    min_alphabetic: Share = 0.25
    """Share of letters (of any script) among the characters; less drops the file as `few_letters`."""
    drop_xml: bool = True
    """Drop files with an XML declaration in the first 100 characters, except XSLT, as `xml_declaration`."""
    data_characters: tuple[int, int] | None = (50, 5000)
    """Least and most characters of a JSON or YAML file; others drop as `data_length`."""
    min_html_text: Share = 0.2
    """Share of an HTML file that is visible text; less drops the file as `html_text`."""
    min_html_characters: int = Field(default=100, ge=0)
    """Characters of visible text of an HTML file; fewer drop the file as `html_text`."""
    drop_generated: bool = True
    """Drop files that say in their first five lines that a program wrote them, as `generated`."""


def why_drop(text: str, language: str, rules: CodeRules) -> str | None:
    """The reason to drop a file, None to keep it. `text` holds at least one character that is no white space.

    >>> why_drop("x = 1\\n" * 10, "Python", CodeRules(min_alphabetic=0.2)) is None
    False
    """
    lines = text.split("\n")
    num_lines = max(len(lines) - (not lines[-1]), 1)
    if rules.drop_generated and GENERATED.search("\n".join(lines[:GENERATED_LINES])[: GENERATED_LINES * 1000]):
        return "generated"
    if rules.max_average_line is not None and len(text) > rules.max_average_line * num_lines:
        return "line_average"
    if rules.max_line is not None and max(map(len, lines)) > rules.max_line:
        return "line_longest"
    if rules.min_alphabetic and num_letters(text) < rules.min_alphabetic * len(text):
        return "few_letters"
    if rules.drop_xml and language != "XSLT" and XML_DECLARATION in text[:XML_WINDOW]:
        return "xml_declaration"
    if language in DATA_LANGUAGES and rules.data_characters is not None:
        least, most = rules.data_characters
        return None if least <= len(text) <= most else "data_length"
    if language == "HTML":
        visible = len(visible_text(text))
        return None if visible >= max(rules.min_html_characters, rules.min_html_text * len(text)) else "html_text"
    return None


def num_letters(text: str) -> int:
    """Count letters of any script.

    >>> num_letters("aé1 中")
    3
    """
    if text.isascii():
        content = text.encode()
        return len(content) - len(content.translate(None, LETTERS))
    letters = len(text.encode("ascii", "ignore")) - len(text.encode("ascii", "ignore").translate(None, LETTERS))
    return letters + sum(sum(map(str.isalpha, run)) for run in NOT_ASCII.findall(text))


def visible_text(html: str) -> str:
    """Text of an HTML file without comments, scripts, styles, tags and runs of white space; linear on any input.

    >>> visible_text("<p>a <b>b</b><script>c</script>")
    'a b'
    """
    for begin, end in HIDDEN:
        html = _cut_between(html, begin, end)
    return " ".join(TAG.sub("", html).split())


def _cut_between(text: str, begin: str, end: str) -> str:
    """Remove the first marker and all up to the second, ignoring case; to the end where the second is missing."""
    lower = text.lower()
    if len(lower) != len(text):  # a few capitals (as in Turkish) have a longer lower-case form
        lower = text.translate(ASCII_LOWER)
    parts, position = [], 0
    while (start := lower.find(begin, position)) >= 0:
        parts.append(text[position:start])
        position = lower.find(end, start + len(begin))
        if position < 0:
            return "".join(parts)
    parts.append(text[position:])
    return "".join(parts)
