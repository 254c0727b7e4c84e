r"""Delimiters that a page shows as they are: `\(x\)` where MathJax is told to ignore it is an example, no formula.

In the text all that stands between `\( \)` is a formula, so such a piece is written as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mathcode_data.stages.extract.tag_names import CODE_TAGS
from mathcode_data.stages.extract.tree import Child, Element

_DELIMITED = re.compile(r"\\\((?:[^\\]|\\[^()]){0,2000}\\\)|\\\[(?:[^\\]|\\[^\[\]]){0,4000}\\\]|\\[()\[\]]")


def quote_delimiters(ignored: Iterable[Element]) -> None:
    """Turn what stands between delimiters in the texts below some elements into code, in place."""
    for element in ignored:
        _quote(element)


def _quote(element: Element) -> None:
    if element.tag in CODE_TAGS or element.raw is not None:
        return
    children: list[Child] = []
    for child in element.children:
        if isinstance(child, Element):
            _quote(child)
        if not isinstance(child, str) or "\\" not in child:
            children.append(child)
            continue
        position = 0
        for match in _DELIMITED.finditer(child):
            code = Element("code", {})
            code.children.append(match[0])
            code.text_chars = len(match[0])
            children += [child[position : match.start()], code]
            position = match.end()
        children.append(child[position:])
    element.children = children
