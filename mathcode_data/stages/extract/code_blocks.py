"""Code: indentation kept, one fence, the language where the page tells it, no line numbers, no buttons."""

from __future__ import annotations

import re
from functools import lru_cache

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract.tree import Element
from mathcode_data.stages.extract.words import words

# Without any of these the text of the block is its code; substrings, because most blocks are plain.
_SPECIAL = (
    "<br", "<li", "<div", "<tr", "<td", "<button", "<p>", "<p ", "lineno", "linenum", "line-num", "ln-num", "gutter",
    "copy", "data-line", "<img", "unselectable",
)  # fmt: skip
_NUMBERS = re.compile(
    r"\b(?:linenos?|lnt|ln|line-?numbers?(?:-rows)?|gutter|hljs-ln-numbers|rouge-gutter|react-syntax-highlighter-line-number"
    r"|blob-num|pre-numbering|code-line-number|lineno-container|go|copy(?:btn|-button|-btn)?|btn-copy|hljs-button|toolbar)\b"
)
_NUMBERS_EXACT = frozenset(["go"])
_LANGUAGE = re.compile(r"\b(?:language|lang|highlight|brush|sourceCode|highlight-source|code)[-:\s]{1,2}([A-Za-z0-9_+#.-]{1,24})")
_PREFIX = re.compile(r"^(?:(?:source|hl|highlight|language|lang)-)+")
_HIGHLIGHT_JS = re.compile(r"\bhljs\s+([a-z0-9_+#-]{1,20})|\bsourceCode\s+([a-z0-9_+#-]{1,20})|\bprettyprint\s+lang-([a-z]{1,12})")
_ALIASES = {
    "python3": "python", "py": "python", "ipython3": "python", "ipython2": "python", "ipython": "python", "js": "javascript",
    "ts": "typescript", "c++": "cpp", "shell": "bash", "sh": "bash", "console": "console", "shell-session": "console",
    "doctest": "pycon", "ipycon": "pycon", "yml": "yaml", "golang": "go",
}  # fmt: skip
_NOT_LANGUAGES = words(
    "default none text plain plaintext txt nohighlight block snippet wrapper container box source highlighter-rouge rouge"
    " notranslate content area toolbar dark light line lines inline primary copy header body sample example literal"
)
_NOT_PLUGIN_LANGUAGES = words("syntaxhighlighter nogutter collapsed printing plain text ie")
_BLOCKS = frozenset(["br", "li", "div", "tr", "p"])


def code_text(node: LexborNode) -> str:
    """The text of a code block, without line numbers and buttons."""
    markup = (node.html or "").lower()
    if not any(sign in markup for sign in _SPECIAL):
        text = node.text(deep=True)
    else:
        pieces: list[str] = []
        _collect(node, pieces, 0)
        text = "".join(pieces)
    text = text.replace("\u00a0", " ").replace("\u200b", "")
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)


def _collect(node: LexborNode, pieces: list[str], depth: int) -> None:
    """Text in order; a block element starts a new line unless one has just begun."""
    child = node.first_child
    while child is not None:
        tag = child.tag or "-other"
        if tag == "-text":
            pieces.append(child.text_content or "")
        elif tag[0] != "-" and tag not in ("button", "script", "style", "svg"):
            attributes = child.attributes
            classes = attributes.get("class") or ""
            if tag == "br":
                pieces.append("\n")
            elif not _is_number(tag, classes, attributes):
                if tag in _BLOCKS and pieces and not pieces[-1].endswith("\n"):
                    pieces.append("\n")
                if depth < 200:
                    _collect(child, pieces, depth + 1)
                else:
                    pieces.append(child.text(deep=True))
                if tag in ("div", "li", "tr", "p") and pieces and not pieces[-1].endswith("\n"):
                    pieces.append("\n")
        child = child.next


def _is_number(tag: str, classes: str, attributes: dict[str, str | None]) -> bool:
    if "unselectable" in classes or (tag == "td" and "data-line-number" in attributes and "code" not in classes):
        return True
    match = _NUMBERS.search(classes)
    if match is None:
        return False
    return match[0] not in _NUMBERS_EXACT and not (match[0] == "ln" and tag == "code")


@lru_cache(maxsize=8_192)
def language_of(*class_lists: str) -> str:
    """The language from class attributes, innermost first; "" where none tells it.

    >>> language_of("", "highlight-python3 notranslate"), language_of("hljs cpp"), language_of("highlight")
    ('python', 'cpp', '')
    """
    for classes in class_lists:
        if not classes:
            continue
        for pattern in (_LANGUAGE, _HIGHLIGHT_JS):
            for match in pattern.finditer(classes):
                name = next(group for group in match.groups() if group).lower().strip("-.")
                name = _PREFIX.sub("", name)
                if name and name not in _NOT_LANGUAGES and not name.isdigit() and name[0].isalpha():
                    return _ALIASES.get(name, name)
    return ""


def plugin_language(classes: str) -> str | None:
    """The language where a class says that a plug-in laid out code in boxes, "" if it does not tell it; None for other elements."""
    tokens = classes.split()
    if "crayon-pre" in tokens:
        return ""
    if "syntaxhighlighter" not in tokens:
        return None
    last = tokens[-1].lower()
    return _ALIASES.get(last, last) if last.isalnum() and last not in _NOT_PLUGIN_LANGUAGES else ""


def code_block(element: Element, outer_classes: str) -> str:
    """A `<pre>` as a fenced block, "" if it is empty."""
    node = element.raw
    if node is None:
        return ""
    text = code_text(node)
    if not text.strip():
        return ""
    language = language_of(
        _class_of_code(node),
        element.get("class"),
        f"language-{element.get('data-lang') or element.get('data-language')}",
        outer_classes,
    )
    return fence(text, language)


def _class_of_code(node: LexborNode) -> str:
    """The class of the `<code>` in a block, nearly always its first element; a selector would cost more than the rest."""
    first = node.first_child
    while first is not None and (first.tag or "-")[0] == "-":
        first = first.next
    inner = first if first is not None and first.tag == "code" else node.css_first("code")
    return (inner.attributes.get("class") or "") if inner is not None else ""


def fence(text: str, language: str) -> str:
    """A fence longer than any run of back-ticks inside."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    ticks = "`" * (longest + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def inline_code(text: str) -> str:
    """Text between back-ticks; none around nothing."""
    text = " ".join(text.split())
    if not text:
        return ""
    if "`" not in text:
        return f"`{text}`"
    ticks = "``" if "``" not in text else "```"
    return f"{ticks} {text} {ticks}"
