"""The rule filters of DeepSeek-Coder (arXiv 2401.14196, section 2.1) and of StarCoder2 (arXiv 2402.19173, section 3) for files.

`preset` names which; any rule can be set beside it. Where both have a rule they agree; each adds some:

| rule | reason | deepseek-coder | starcoder2 |
|---|---|---|---|
| lines in all | `lines` | - | more than 100,000 |
| average line | `line_average` | more than 100 characters | same, but not in languages of prose and markup |
| longest line | `line_longest` | more than 1,000 | same, but 100,000 in languages of prose and markup |
| letters | `few_letters` | less than 25 % | same; assembly of WebAssembly and 68K: letters and digits |
| XML declaration in the first 100 characters | `xml_declaration` | dropped, except XSLT | - |
| visible text of HTML | `html_text` | at least 20 % and 100 characters | same |
| JSON and YAML | `data_length` | 50 to 5,000 characters | - |
| text and data | `data_lines` | - | JSON, YAML, Text, OWL, DOT: more than 512 lines |
| text files | `text_name` | - | only README, notes, requirements and the like |
| encoded data | `encoded` | - | base64, hexadecimal or \\u runs of more than 1,024 characters, or half of the file |
| generated, minified, vendored (`code_origin.py`) | by name | dropped | dropped |

Each rule is linear in the length of the file and can be switched off.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, model_validator

from mathcode_data.core.config import Share, StageConfig
from mathcode_data.stages.read.code_origin import is_minified, origin_by_path, says_generated

LETTERS = bytes(range(65, 91)) + bytes(range(97, 123))
ASCII_LOWER = {code: code + 32 for code in range(65, 91)}
NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
XML_DECLARATION = "<?xml version="
XML_WINDOW = 100
TAG = re.compile(r"<[^<>]*>|-->")
DATA_LANGUAGES = frozenset({"JSON", "YAML"})
HIDDEN = (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"))

PROSE_LANGUAGES = frozenset({"HTML", "JSON", "Markdown", "Roff", "SMT", "TeX", "Text", "XML"})
"""StarCoder2's: lines of these may be long."""
LINED_LANGUAGES = frozenset({"Text", "JSON", "YAML", "Web Ontology Language", "Graphviz (DOT)"})
DIGIT_LANGUAGES = frozenset({"WebAssembly", "Motorola 68K Assembly"})
TEXT_NAMES = frozenset({"readme", "notes", "todo", "description", "cmakelists"})
MORE_EXTENSIONS = {
    "Graphviz (DOT)": "dot gv", "Motorola 68K Assembly": "x68", "Roff": "roff man", "SMT": "smt smt2", "Text": "txt",
    "Web Ontology Language": "owl", "WebAssembly": "wat wast",
}  # fmt: skip
"""Languages that StarCoder2 reads and DeepSeek-Coder does not."""
ENCODED = (
    re.compile(r"[A-Za-z0-9+/=\n]{64,}"),
    re.compile(r"(?:\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b)\s{0,8}){8,}"),
    re.compile(r"(?:\\u[0-9a-fA-F]{4}){8,}"),
)
"""Runs of base64, hexadecimal bytes, and \\u escapes, as StarCoder2 finds them."""

Preset = Literal["deepseek-coder", "starcoder2", "none"]
PRESETS: dict[str, dict[str, Any]] = {
    "deepseek-coder": {},
    "starcoder2": {
        "max_lines": 100_000, "max_prose_line": 100_000, "drop_xml": False, "data_characters": None, "max_data_lines": 512,
        "max_encoded_run": 1024, "max_encoded": 0.5, "only_known_texts": True,
    },
    "none": {
        "max_average_line": None, "max_line": None, "min_alphabetic": 0.0, "drop_xml": False, "data_characters": None, "min_html_text": 0.0,
        "min_html_characters": 0, "drop_generated": False, "drop_minified": False, "drop_vendored": False,
    },
}  # fmt: skip
"""What each preset says where it differs from the defaults of the fields, which are DeepSeek-Coder's."""


class CodeRules(StageConfig):
    """Which files are dropped: a preset, and single rules that replace its own."""

    preset: Preset = "deepseek-coder"
    """The rules of a paper; `none` switches all off."""
    max_average_line: float | None = Field(default=100.0, gt=0)
    """Characters per line on average; more drops the file as `line_average`."""
    max_line: int | None = Field(default=1000, gt=0)
    """Characters of the longest line; more drops the file as `line_longest`."""
    max_prose_line: int | None = Field(default=None, gt=0)
    """Characters of the longest line of HTML, JSON, Markdown, Roff, SMT, TeX, Text, XML, instead of the two rules above; null: those."""
    max_lines: int | None = Field(default=None, gt=0)
    """Lines of a file; more drop it as `lines`."""
    min_alphabetic: Share = 0.25
    """Share of letters (of any script) among the characters; less drops the file as `few_letters`."""
    drop_xml: bool = True
    """Drop files with an XML declaration in the first 100 characters, except XSLT, as `xml_declaration`."""
    data_characters: tuple[int, int] | None = (50, 5000)
    """Least and most characters of a JSON or YAML file; others drop as `data_length`."""
    max_data_lines: int | None = Field(default=None, gt=0)
    """Lines of a Text, JSON, YAML, OWL or DOT file; more drop it as `data_lines`."""
    only_known_texts: bool = False
    """Read Text files (`.txt`) and further languages of StarCoder2, and drop texts that are no readme, notes, todo, description or
    requirements, as `text_name`."""
    max_encoded_run: int | None = Field(default=None, gt=0)
    """Characters of a run of base64, hexadecimal or unicode escapes; more drop the file as `encoded`."""
    max_encoded: Share | None = None
    """Share of such runs in the file; more drops it as `encoded`."""
    min_html_text: Share = 0.2
    """Share of an HTML file that is visible text; less drops the file as `html_text`."""
    min_html_characters: int = Field(default=100, ge=0)
    """Characters of visible text of an HTML file; fewer drop the file as `html_text`."""
    drop_generated: bool = True
    """Drop files whose name or first five lines say that a program wrote them, as `generated`."""
    drop_minified: bool = True
    """Drop squeezed scripts and style sheets, as `minified`."""
    drop_vendored: bool = True
    """Drop the code of others that a repository carries along (`node_modules`, `vendor`, ...), as `vendored`."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in_preset(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("preset"), str):
            return data
        return PRESETS.get(data["preset"], {}) | data


def why_drop_name(path: str, rules: CodeRules) -> str | None:
    """The reason to drop a file for its path alone, None if that says nothing."""
    origin = origin_by_path(path)
    wanted = {"vendored": rules.drop_vendored, "minified": rules.drop_minified, "generated": rules.drop_generated}
    return origin if origin is not None and wanted[origin] else None


def why_drop(text: str, language: str, rules: CodeRules, path: str = "") -> str | None:
    """The reason to drop a file, None to keep it. `text` holds at least one character that is no white space.

    >>> why_drop("x = 1\\n" * 10, "Python", CodeRules(min_alphabetic=0.2)) is None
    False
    """
    lines = text.split("\n")
    num_lines = max(len(lines) - (not lines[-1]), 1)
    if rules.drop_generated and says_generated(lines):
        return "generated"
    if rules.drop_minified and is_minified(text, num_lines, language):
        return "minified"
    return (
        _why_drop_lines(text, max(map(len, lines)), num_lines, language, rules)
        or _why_drop_letters(text, language, rules)
        or _why_drop_data(text, num_lines, language, rules, path)
        or _why_drop_markup(text, language, rules)
    )


def _why_drop_lines(text: str, longest: int, num_lines: int, language: str, rules: CodeRules) -> str | None:
    if rules.max_lines is not None and num_lines > rules.max_lines:
        return "lines"
    if rules.max_prose_line is not None and language in PROSE_LANGUAGES:
        return "line_longest" if longest > rules.max_prose_line else None
    if rules.max_average_line is not None and len(text) > rules.max_average_line * num_lines:
        return "line_average"
    return "line_longest" if rules.max_line is not None and longest > rules.max_line else None


def _why_drop_letters(text: str, language: str, rules: CodeRules) -> str | None:
    if not rules.min_alphabetic:
        return None
    counted = num_letters(text)
    if language in DIGIT_LANGUAGES:
        counted += sum(map(text.count, "0123456789"))
    return "few_letters" if counted < rules.min_alphabetic * len(text) else None


def _why_drop_data(text: str, num_lines: int, language: str, rules: CodeRules, path: str) -> str | None:
    if language in DATA_LANGUAGES and rules.data_characters is not None:
        least, most = rules.data_characters
        if not least <= len(text) <= most:
            return "data_length"
    if rules.max_data_lines is not None and language in LINED_LANGUAGES and num_lines > rules.max_data_lines:
        return "data_lines"
    if rules.only_known_texts and language == "Text":
        base = path.lower().rsplit("/", 1)[-1]
        if "requirement" not in base and base.partition(".")[0] not in TEXT_NAMES:
            return "text_name"
    return "encoded" if is_encoded(text, rules.max_encoded_run, rules.max_encoded) else None


def _why_drop_markup(text: str, language: str, rules: CodeRules) -> str | None:
    if rules.drop_xml and language != "XSLT" and XML_DECLARATION in text[:XML_WINDOW]:
        return "xml_declaration"
    if language == "HTML" and (rules.min_html_text or rules.min_html_characters):
        visible = len(visible_text(text))
        return None if visible >= max(rules.min_html_characters, rules.min_html_text * len(text)) else "html_text"
    return None


def is_encoded(text: str, max_run: int | None, max_share: float | None) -> bool:
    """Whether a file is encoded data: a run of base64, hexadecimal or unicode escapes that is too long, or too much of them.

    >>> is_encoded("x = '" + "QUJD" * 300 + "'", 1024, 0.5), is_encoded("a word " * 300, 1024, 0.5)
    (True, False)
    """
    if max_run is None and max_share is None:
        return False
    for pattern in ENCODED:
        total = 0
        for match in pattern.finditer(text):
            length = match.end() - match.start()
            total += length
            if max_run is not None and length > max_run:
                return True
        if max_share is not None and total > max_share * len(text):
            return True
    return False


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
