"""Code: indentation kept, one fence, the language where the page tells it, no line numbers, no buttons."""

from __future__ import annotations

import re
from functools import lru_cache

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract.gutters import Gutter, may_be_numbered
from mathcode_data.stages.extract.tree import Element
from mathcode_data.stages.extract.words import words

# Without any of these the text of the block is its code; substrings, because most blocks are plain.
_SPECIAL = (
    "<br", "<li", "<div", "<tr", "<td", "<button", "<p>", "<p ", "lineno", "linenum", "line-num", "ln-num", "gutter",
    "copy", "data-line", "codemirror-line", "<img", "unselectable", "\"ln", "user-select",
)  # fmt: skip
_NUMBERS = re.compile(
    r"\b(?:linenos?|lnt|ln|line-?numbers?(?:-rows)?|gutter|hljs-ln-numbers|rouge-gutter|react-syntax-highlighter-line-number"
    r"|blob-num|pre-numbering|code-line-number|lineno-container|go|copy(?:btn|-button|-btn)?|btn-copy|hljs-button|toolbar)\b"
)
_NUMBERS_EXACT = frozenset(["go"])
_LANGUAGE = re.compile(r"\b(?:language|lang|highlight|brush|sourceCode|highlight-source|code|src)[-:\s]{1,2}([A-Za-z0-9_+#.-]{1,24})")
_PREFIX = re.compile(r"^(?:(?:source|src|hl|highlight|language|lang)-)+")
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
_PLUGIN_LINE = re.compile(r"line (?:number\d|(?:alt\d )?index\d|alt\d)")
_FIRST_VERSION = {"c": "", "j": "java", "rb": "ruby"}  # "dp-c" is C#, Java or JavaScript
_NOT_PLUGIN_LANGUAGES = words("syntaxhighlighter nogutter collapsed printing plain text ie")
_WIKI_LANGUAGE = re.compile(r"\bmw-highlight-lang-([a-z0-9_+#.-]{1,24})")  # MediaWiki
_BLOCKS = frozenset(["br", "li", "div", "tr", "p", "pre"])
_BREAKS = ("<br", "<li", "<div", "<p>", "<p ")
_KEEPING_TAGS = frozenset(["pre", "listing", "xmp", "plaintext"])
_IN_LINES = words("br div span code kbd samp tt li ol b i em strong font a u s var mark small big wbr")
_WHITE_SPACE = re.compile(r"white-space\s{0,3}:\s{0,3}([a-z-]{3,12})", re.I)
_FIXED_WIDTH = re.compile(r"mono|courier|consolas|menlo", re.I)
_LINE_OF_SOURCE = re.compile(r"[ \t]*\n[ \t]*")
_LINE_OF_CODE = re.compile(r"^(?:[ \t\u00a0]{2,}\S.*|.*[;{}][ \t]*|[ \t]*(?:#|//|/\*|\$ |>>> ).*)$", re.M)
_MIN_SHARE_OF_CODE = 0.3
_MAX_WRAPPED = 60


def keeps_lines(style: str) -> bool:
    """True for an inline style that shows text as it stands in the source."""
    return bool(_WHITE_SPACE.search(style)) and _WHITE_SPACE.findall(style)[-1].lower() in ("pre", "pre-wrap", "break-spaces")


def is_laid_out_code(element: Element) -> bool:
    """True for a box whose style keeps its lines, if these are lines of code: mails and sentences stand in such boxes too."""
    style = element.get("style")
    if not keeps_lines(style) or not _may_be_code(element):
        return False
    lines = [line for line in (_shown_text(element, is_kept=True) or "").split("\n") if line.strip()]
    if len(lines) < 2:
        return False
    is_exact = _WHITE_SPACE.findall(style)[-1].lower() == "pre"
    is_fixed_width = _FIXED_WIDTH.search(style) is not None
    if is_exact and is_fixed_width:
        return True
    return (is_exact or is_fixed_width) and len(_LINE_OF_CODE.findall("\n".join(lines))) >= _MIN_SHARE_OF_CODE * len(lines)


def _may_be_code(element: Element) -> bool:
    return not element.num_formulas and 3 * element.link_chars <= element.text_chars and _is_plain(element)


def _is_plain(element: Element) -> bool:
    """True for an element with nothing but lines and inline elements in it."""
    return all(not isinstance(child, Element) or (child.tag in _IN_LINES and _is_plain(child)) for child in element.children)


def holds_lines(element: Element) -> bool:
    """True for a `<code>` with line breaks inside, or with lines that its style keeps; False where a block of code stands in it."""
    children = element.children
    if not element.attrs and len(children) == 1 and isinstance(children[0], str):
        return False
    if not _may_be_code(element):
        return False
    shown = _shown_text(element, is_kept=keeps_lines(element.get("style")))
    return shown is not None and "\n" in shown.strip()


def join_wrapped(element: Element, node: LexborNode) -> bool:
    """True for a short `<code>` of two lines in the middle of a sentence, which is one name that was wrapped; its break becomes a space.

    The words before it do not end with a colon, and the sentence goes on after it in the same line.
    """
    breaks = [index for index, child in enumerate(element.children) if isinstance(child, Element)]
    if len(breaks) != 1 or element.children[breaks[0]].tag != "br" or element.text_chars > _MAX_WRAPPED:  # type: ignore[union-attr]
        return False
    before, after = node.prev, node.next
    if before is None or after is None or before.tag != "-text" or after.tag != "-text":
        return False
    said, goes_on = (before.text_content or "").rstrip(), (after.text_content or "").lstrip()
    if said[-1:] in ("", ":", "：") or not (goes_on[:1].islower() or goes_on.startswith((",", ";", ".", ")"))):
        return False
    element.children[breaks[0]] = " "
    return True


def _shown_text(element: Element, *, is_kept: bool) -> str | None:
    """The text below an element with its line breaks, None if some of it was not copied."""
    pieces: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            pieces.append(child if is_kept else child.replace("\n", " "))
        elif isinstance(child, Element):
            inner = _shown_text(child, is_kept=is_kept) if child.raw is None else None
            if inner is None:
                return None
            pieces.append("\n" if child.tag == "br" else f"{inner}\n" if child.tag in _BLOCKS else inner)
    return "".join(pieces)


def code_text(node: LexborNode, *, is_kept: bool = True) -> str:
    """The text of a code block, without line numbers and buttons; `is_kept` says that a line of the source is a line."""
    markup = (node.html or "").lower()
    is_kept = is_kept or not _holds_any(markup, _BREAKS)
    if is_kept and not _holds_any(markup, _SPECIAL):
        text = node.text(deep=True)
    else:
        pieces: list[str] = []
        _collect(node, pieces, 0, is_kept)
        text = "".join(pieces)
    if may_be_numbered(text):
        gutter = Gutter()
        pieces = []
        _collect(node, pieces, 0, is_kept, gutter)
        text = gutter.strip("".join(pieces))
    text = text.replace("\u00a0", " ").replace("\u200b", "")
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)


def _holds_any(markup: str, signs: tuple[str, ...]) -> bool:
    """True if one of the signs stands in the markup; a plain loop is twice as fast as any()."""
    for sign in signs:  # noqa: SIM110
        if sign in markup:
            return True
    return False


def _folded(text: str, before: str) -> str:
    """A text of the source where only line breaks in the markup count; the spaces a line begins with stay."""
    if "\n" not in text:
        return text
    if before.endswith("\n") or not before:
        text = "" if text.isspace() else text.lstrip("\n")
    return _LINE_OF_SOURCE.sub(" ", text)


def _collect(node: LexborNode, pieces: list[str], depth: int, is_kept: bool, gutter: Gutter | None = None) -> None:
    """Text in order; a block element starts a new line unless one has just begun. `gutter` marks what may be line numbers."""
    child = node.first_child
    while child is not None:
        tag = child.tag or "-other"
        if tag == "-text":
            text = child.text_content or ""
            if not is_kept:
                text = _folded(text, pieces[-1] if pieces else "")
            if text:
                pieces.append(text)
        elif tag[0] != "-" and tag not in ("button", "script", "style", "svg"):
            attributes = child.attributes
            classes = attributes.get("class") or ""
            if tag == "br":
                pieces.append("\n")
            elif not _is_number(tag, classes, attributes, child):
                if gutter is not None and tag not in _BLOCKS and gutter.mark(tag, attributes, child.text(deep=True), pieces):
                    child = child.next
                    continue
                if tag in _BLOCKS and pieces and not pieces[-1].endswith("\n"):
                    pieces.append("\n")
                if depth < 200:
                    _collect(child, pieces, depth + 1, is_kept or tag in _KEEPING_TAGS, gutter)
                else:
                    pieces.append(child.text(deep=True))
                if tag in ("div", "li", "tr", "p", "pre") and pieces and not pieces[-1].endswith("\n"):
                    pieces.append("\n")
        child = child.next


def _is_number(tag: str, classes: str, attributes: dict[str, str | None], node: LexborNode) -> bool:
    style = attributes.get("style")
    if style and "user-select" in style and node.text(deep=True).strip().isdigit():  # a prompt is no number
        return True
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
        if "mw-highlight" in classes:
            wiki = _WIKI_LANGUAGE.search(classes)
            if wiki is not None and wiki[1] not in _NOT_LANGUAGES:
                return _ALIASES.get(wiki[1], wiki[1])
            continue
        for pattern in (_LANGUAGE, _HIGHLIGHT_JS):
            for match in pattern.finditer(classes):
                name = next(group for group in match.groups() if group).lower().strip("-.")
                name = _PREFIX.sub("", name)
                if name and name not in _NOT_LANGUAGES and not name.isdigit() and name[0].isalpha():
                    return _ALIASES.get(name, name)
    return ""


def plugin_language(classes: str, node: LexborNode) -> str | None:
    """The language where a plug-in laid out code in boxes, "" if it does not tell it; None for other elements.

    SyntaxHighlighter is known by its lines too: sites take its output over without the element around it.
    """
    tokens = classes.split()
    if "crayon-pre" in tokens or "js-file-line-container" in tokens:
        return ""
    if tokens[:1] == ["container"]:
        return _language_of_lines(node)
    if node.tag == "ol" and tokens[0].startswith("dp-"):  # its first version
        name = tokens[0][3:]
        return _FIRST_VERSION.get(name, _plugin_name(name))
    if "syntaxhighlighter" not in tokens:
        return None
    return _plugin_name(tokens[-1])


def _language_of_lines(container: LexborNode) -> str | None:
    """The language of SyntaxHighlighter's lines; None for a box that holds none."""
    line = container.first_child
    while line is not None and (line.tag or "-")[0] == "-":
        line = line.next
    if line is None or line.tag != "div" or _PLUGIN_LINE.match(line.attributes.get("class") or "") is None:
        return None
    for piece in container.css("code"):
        names = (piece.attributes.get("class") or "").split()
        if len(names) > 1:
            return _plugin_name(names[0])
    return ""


def _plugin_name(last: str) -> str:
    last = last.lower()
    return _ALIASES.get(last, last) if last.isalnum() and last not in _NOT_PLUGIN_LANGUAGES else ""


def code_block(element: Element, outer_classes: str) -> str:
    """A `<pre>` as a fenced block, "" if it is empty."""
    node = element.raw
    if node is None:
        return ""
    text = code_text(node, is_kept=_is_kept(element))
    if not text.strip():
        return ""
    language = language_of(
        _class_of_code(node),
        element.get("class"),
        f"language-{element.get('data-lang') or element.get('data-language') or _programming(element.get('lang'))}",
        outer_classes,
    )
    return fence(text, language or ("php" if text.startswith("<?php") else ""))


def _programming(lang: str) -> str:
    """The value of a `lang` that names a language of programming; two letters alone are those of a country's mostly."""
    return lang if len(lang) in (1, *range(3, 12)) and "-" not in lang else ""


def _is_kept(element: Element) -> bool:
    """True where a line of the source is a line of the code."""
    node = element.raw
    return node is None or node.tag in _KEEPING_TAGS or keeps_lines(element.get("style"))


def code_line(element: Element) -> str:
    """A block of code where there is only one line for it, such as a cell: each of its lines between back-ticks."""
    if element.raw is None:
        return ""
    lines = code_text(element.raw, is_kept=_is_kept(element)).split("\n")
    if len(lines) == 1:
        return inline_code(lines[0])
    return "<br>".join(_indented_code(line) for line in lines if line.strip())


def _indented_code(line: str) -> str:
    """A line of code between back-ticks; the spaces it begins with stay."""
    indent = line[: len(line) - len(line.lstrip())].replace("\t", "    ")
    code = inline_code(line)
    return code[0] + indent + code[1:] if code[1] != "`" else code


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
