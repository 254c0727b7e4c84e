"""Characters and pieces of markup at which the rules of grams meet, for random texts."""

MEETING = "aé ſßİxX1²₀½⁻,.{}\\$`~()[]*_-=<>!+^%'’—–−αονАеу妈ि\u0301\u200b\xad\xa0\u2003\n\t\r\x0b\x1c\x00\x07ﬁＡ＄中文的们，。…“"
"""Markup, operators, look-alikes, marks, spaces of all kinds."""
TAGS = [
    "<b>", "</b>", "<p class='x'>", "<br/>", "<sub>", "</sub>", "<sup>", "</sup>", "<b and c>", "<i\n>", "<em", "</", "<!--",
    "-->", "＜b＞", "<td nowrap>", " = >", "<B>",
]  # fmt: skip
"""HTML."""
ENTITIES = [
    "&lt;", "&amp;", "&nbsp;", "&#215;", "&eacute;", "&#10;", "&none;", "&", ";", "＆lt；", "&gt;", "&#xe9;", "&nGt;", "&#0;", "#",
]  # fmt: skip
"""Characters by name or number, and what looks so."""
LINE_MARKS = [
    "\n> ", "\n>", "\n>>> ", "\n- ", "\n* ", ".\n- ", "\n|---|:-:|\n", "\n***", "\n// ", "\n/*", "\n * ", "\n */", "\n-- ",
    "\n% ", "%\n", "\n\t+ ", ".\n- a\n- b", "\n===", "\n *", "\r\n", "ab-\n", "-\ncd", "two-\n", "-\r\n",
]  # fmt: skip
"""What begins or ends a line."""
LINKS = [
    "](https://x.org)", "](/a \"t\")", "](x)", "］（https://x）", "](https://x.org/a_(b))", "](a/b.png)", "[", "[a",
]  # fmt: skip
"""Markdown."""
FORMULAS = [
    ".5", "\\frac", "12", ":math:`", "１", "．", "٣", "\\*", " _ ", "_{", "＞ ", "－ ", ".", "5", "\\dfrac12", ":", "\\n", "_\\",
    " \\* ",
]  # fmt: skip
"""TeX, numbers and operators."""
MARKUP = [*TAGS, *ENTITIES, *LINE_MARKS, *LINKS, *FORMULAS]
