"""Elements of web components: formulas that MathLive and wrappers of KaTeX show, and trees that the page itself declares as shadows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mathcode_data.stages.extract.latex import clean_latex, is_balanced, unwrap
from mathcode_data.stages.extract.records import Formula

COMPONENTS = {
    "math-field": False, "math-span": False, "math-div": True, "katex-element": False, "katex-expression": False, "katex-math": False,
    "katex-inline": False, "katex-display": True, "katex-block": True, "la-tex": False, "math-tex": False, "tex-inline": False,
    "tex-display": True, "d-math": False, "x-katex": False,
}  # fmt: skip
"""Known tags, and whether they stand on a line of their own."""
_SOURCES = ("expr", "expression", "katex-expr", "latex", "tex", "formula", "math", "value", "data-latex", "data-tex", "data-expr")
_DISPLAYS = ("display", "display-mode", "displaymode", "block", "mode", "data-display", "data-display-mode")
_OPTIONS = re.compile(r"display-?mode[\"']?\s{0,4}:\s{0,4}true", re.I)
_TEMPLATE = re.compile(r"<(/?)template\b([^>]{0,2000})>", re.I)
_SHADOW = re.compile(r"\bshadowroot(?:mode)?\s{0,4}=", re.I)


def component_formula(tag: str, attrs: Mapping[str, str | None], text: str) -> Formula | None:
    """The formula of a component: LaTeX in one of its attributes, else its text."""
    source = next((value for name in _SOURCES if (value := (attrs.get(name) or "").strip())), "") or text
    latex, wrapped = unwrap(source)
    latex = clean_latex(latex)
    display = COMPONENTS[tag] or wrapped is True or _OPTIONS.search(attrs.get("options") or "") is not None
    display = display or any(name in attrs and (attrs[name] or "").lower() not in ("false", "inline", "0") for name in _DISPLAYS)
    return Formula(latex, display, "element", 0.9 if is_balanced(latex) else 0.45) if latex else None


def open_shadows(html: str) -> str:
    """Templates that are shadow trees by declaration, which a browser shows at once, as elements in their place.

    >>> open_shadows('<x-y><template shadowrootmode="open"><b>1</b></template></x-y><template>2</template>')
    '<x-y><span shadowrootmode="open"><b>1</b></span></x-y><template>2</template>'
    """
    if "shadowroot" not in html:
        return html
    is_shadow: list[bool] = []

    def opened(match: re.Match[str]) -> str:
        if not match[1]:
            is_shadow.append(_SHADOW.search(match[2]) is not None)
            return f"<span{match[2]}>" if is_shadow[-1] else match[0]
        return "</span>" if is_shadow and is_shadow.pop() else match[0]

    return _TEMPLATE.sub(opened, html)
