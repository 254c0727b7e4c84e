r"""The prose of a document: its text without formulas, code and addresses, which no measure of language should see."""

from __future__ import annotations

import re

_FENCED = re.compile(r"^(`{3,})[^`\n]*\n.*?(?:^\1`*[ \t]*$|\Z)", re.M | re.S)
_FORMULA = re.compile(r"\\\([^\\]*(?:\\[^)][^\\]*)*\\\)|\\\[[^\\]*(?:\\[^\]][^\\]*)*\\\]")
_DOLLARS = re.compile(r"\$\$[^$]{1,4000}\$\$|\$(?!\s)[^$\n]{1,400}(?<!\s)\$(?!\d)")
_ENVIRONMENT = re.compile(r"\\begin\{([a-zA-Z]{1,20}\*?)\}.*?\\end\{\1\}", re.S)
_COMMAND = re.compile(r"\\[a-zA-Z]+\*?(?:\{[^{}\n]{0,80}\})?")
_INLINE_CODE = re.compile(r"`[^`\n]{1,400}`")
_ADDRESS = re.compile(r"https?://[^\s<>\"']{1,2000}|www\.[^\s<>\"']{1,2000}")


def without_formulas(text: str) -> str:
    r"""The text with a blank for every formula, in whatever delimiters, and for commands that stand outside.

    >>> without_formulas(r"Let \(x \in \mathbb{R}\) be real.")
    'Let   be real.'
    """
    if "\\" in text:
        text = _FORMULA.sub(" ", text)
        if "\\begin" in text:
            text = _ENVIRONMENT.sub(" ", text)
    if "$" in text:
        text = _DOLLARS.sub(" ", text)
    return _COMMAND.sub(" ", text) if "\\" in text else text


def without_code(text: str) -> str:
    """The text without fenced blocks, code between back-ticks and addresses."""
    if "`" in text:
        text = _FENCED.sub(" ", text) if "```" in text else text
        text = _INLINE_CODE.sub(" ", text)
    return _ADDRESS.sub(" ", text) if "http" in text or "www." in text else text


def prose_of(text: str) -> str:
    r"""The prose alone.

    >>> prose_of("Soit \\(G\\) un groupe :\n```python\nprint(1)\n```\nfini").split()
    ['Soit', 'un', 'groupe', ':', 'fini']
    """
    return without_formulas(without_code(text))
