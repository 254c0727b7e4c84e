r"""Where formulas and code stand in a text, so that no line is taken out of them.

Formulas: `\( \)`, `\[ \]`, `$$ $$`, `$ $` over any lines but empty ones, LaTeX environments (`equation`, `align`, `array`,
`tikzpicture`, ...) and `<math>`. Code: fences, lines indented by four blanks or a tab, `verbatim` and `lstlisting`, `<pre>` and
`<code>`, Org's `#+begin_src`, and reStructuredText's literal blocks (the line that ends in `::`, or `.. code-block::`, and what is
indented behind it).

A mark that opens one and is never closed protects the rest of the text: a cut page ends in the middle of its formula. The
exception is a single `$`, which may be money: it protects nothing unless another closes it as Pandoc has it (no blank behind the
first or before the second, no digit behind that).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mathcode_data.stages.extract.words import words

ENVIRONMENTS = words(
    "equation eqnarray align alignat flalign xalignat xxalignat gather multline math displaymath subequations array matrix bmatrix"
    " pmatrix vmatrix Vmatrix Bmatrix smallmatrix cases dcases rcases split aligned alignedat gathered multlined dmath dgroup darray"
    " IEEEeqnarray IEEEeqnarraybox empheq prooftree tikzpicture tikzcd pspicture picture CD xy forest circuitikz axis asy pycode"
    " verbatim Verbatim BVerbatim LVerbatim SaveVerbatim spverbatim alltt lstlisting minted listing code Code algorithm algorithmic"
    " algorithm2e algpseudocode pseudocode filecontents sagesilent sageblock"
)
"""Of LaTeX, without the star."""
_TAGS = "pre|code|(?:[a-z]+:)?math|script|style|samp|kbd|tt|svg|textarea|listing|xmp|syntaxhighlight"
_OPEN = re.compile(
    r"\\begin[ \t]*\{(?P<environment>[A-Za-z0-9]+)\*?\}"
    r"|\\\((?:(?!\\\)).)*+(?:\\\)|\Z)|\\\[(?:(?!\\\]).)*+(?:\\\]|\Z)|\$\$(?:(?!\$\$).)*+(?:\$\$|\Z)"
    r"|(?<![\\$])\$(?![\s$])(?:[^$\n\\]|\\.|\n(?![ \t]*\n))*+(?<![\s\\])\$(?![\d$])"
    r"|^[ \t>]*(?P<fence>`{3,}|~{3,})(?:(?!^[ \t>]*(?P=fence)[`~]*[ \t]*$).)*+(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)"
    rf"|(?i:<(?P<tag>{_TAGS})(?=[\s>])(?:(?!</(?P=tag)\s*>).)*+(?:</(?P=tag)\s*>|\Z))"
    r"|^[ \t]*(?i:\#\+begin_(?P<block>src|example|latex|export)\b(?:(?!^[ \t]*\#\+end_(?P=block)\b).)*+(?:^[ \t]*\#\+end_(?P=block)|\Z))"
    r"|^(?: {4}|\t)[^\n]*$",
    re.DOTALL | re.MULTILINE,
)
_LITERAL = re.compile(
    r"^(?P<indent>[ \t>]*+)(?:\.\.[ \t]+(?:[\w-]+:)?(?:code-block|code|sourcecode|math|highlight|parsed-literal|raw|literalinclude"
    r"|doctest|testcode|testoutput|ipython|prompt|productionlist|graphviz|digraph)::[^\n]*|[^\n]*::[ \t]*)"
    r"(?:\n(?:[ \t>]*(?=\n|\Z)|(?P=indent)[ \t]+[^\n]*))*+$",
    re.MULTILINE,
)
_MARKS = ("\\(", "\\[", "\\begin", "$", "```", "~~~", "    ", "\t", "<", "#+", "::")


def protected_places(text: str) -> list[tuple[int, int]]:
    r"""Where formulas and code begin and end, in order and not touching each other's inside.

    >>> protected_places("a $x$ costs $5 and $6"), protected_places("\\begin{align*}\na\n\\end{align*} b")
    ([(2, 5)], [(0, 29)])
    """
    if not any(mark in text for mark in _MARKS):
        return []
    found = list(_marked(text))
    if "::" in text:
        found = sorted([*found, *(match.span() for match in _LITERAL.finditer(text))])
    merged: list[tuple[int, int]] = []
    for start, end in found:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _marked(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while (match := _OPEN.search(text, at)) is not None:
        name, at = match["environment"], match.end()
        if name is None:
            yield match.span()
        elif name in ENVIRONMENTS:
            at = _end_of_environment(text, name, at)
            yield match.start(), at


def _end_of_environment(text: str, name: str, at: int) -> int:
    """Behind its `\\end`, past environments of the same name inside it; the end of the text if there is none."""
    depth = 1
    for match in re.compile(rf"\\(begin|end)[ \t]*\{{{name}\*?\}}").finditer(text, at):
        depth += 1 if match[1] == "begin" else -1
        if not depth:
            return match.end()
    return len(text)
