r"""The ways in which web pages carry a formula: one function for each, from LaTeX to HTML.

`render(form, latex, is_display)` gives the markup and the formula as an extractor should find it: the LaTeX itself
except for bare environments, where `\begin{...}` belongs to the formula.
"""

import hashlib
import html
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

from mathcode_data.quickstart.mathml import Element, to_mathml

_MATHML = "http://www.w3.org/1998/Math/MathML"
_SUPERSCRIPT = re.compile(r"\^\{([^{}]*)\}")
_SUBSCRIPT = re.compile(r"_\{([^{}]*)\}")
_VARIABLE = re.compile(r"(&[a-z]+;)|([A-Za-z]+)")
_PLAIN_TEXT = {r"\times": "&times;", r"\cdot": "&middot;", r"\div": "&divide;", r"\ldots": "...", r"\cdots": "...",
               r"\le": "&le;", r"\ge": "&ge;", r"\ne": "&ne;", r"\approx": "&asymp;", r"\pm": "&plusmn;",
               r"\pi": "&pi;", r"\lambda": "&lambda;"}  # fmt: skip


def _text(latex: str) -> str:
    return html.escape(latex, quote=False)


def _dollar(latex: str, is_display: bool) -> str:
    return f"$${_text(latex)}$$" if is_display else f"${_text(latex)}$"


def _parenthesis(latex: str, is_display: bool) -> str:
    return rf"\[{_text(latex)}\]" if is_display else rf"\({_text(latex)}\)"


def _bare_align(latex: str, is_display: bool) -> str:
    return _text(latex) if is_display else f"${_text(latex)}$"


def _mathjax2(latex: str, is_display: bool) -> str:
    if is_display:
        return f'<span class="MathJax_Preview"></span><script type="math/tex; mode=display">{latex}</script>'
    return f'<span class="MathJax_Preview"></span><script type="math/tex">{latex}</script>'


def _mathjax3(latex: str, is_display: bool) -> str:
    tree = to_mathml(latex)
    glyphs = "".join(
        f"<mjx-{leaf.tag}>" + "".join(f'<mjx-c class="mjx-c{ord(letter):X}"></mjx-c>' for letter in leaf.text) + f"</mjx-{leaf.tag}>"
        for leaf in tree.leaves()
    )
    display = ' display="true"' if is_display else ""
    block = "block" if is_display else "inline"
    return (
        f'<mjx-container class="MathJax CtxtMenu_Attached_0" jax="CHTML"{display} tabindex="0" '
        f'style="font-size: 119.6%; position: relative;"><mjx-math class="MJX-TEX" aria-hidden="true">{glyphs}</mjx-math>'
        f'<mjx-assistive-mml unselectable="on" display="{block}"><math xmlns="{_MATHML}"'
        f"{' display=' + chr(34) + 'block' + chr(34) if is_display else ''}>{tree.markup()}</math></mjx-assistive-mml>"
        "</mjx-container>"
    )


def _katex_class(leaf: Element) -> str:
    if leaf.tag == "mo":
        return {"=": "mrel", "≡": "mrel", "(": "mopen", ")": "mclose", ",": "mpunct"}.get(leaf.text, "mbin")
    return "mord mathnormal" if leaf.tag == "mi" else "mord"


def _katex(latex: str, is_display: bool) -> str:
    tree = to_mathml(latex)
    glyphs = "".join(f'<span class="{_katex_class(leaf)}">{html.escape(leaf.text)}</span>' for leaf in tree.leaves())
    block = ' display="block"' if is_display else ""
    out = (
        f'<span class="katex"><span class="katex-mathml"><math xmlns="{_MATHML}"{block}><semantics>{tree.markup()}'
        f'<annotation encoding="application/x-tex">{_text(latex)}</annotation></semantics></math></span>'
        f'<span class="katex-html" aria-hidden="true"><span class="base"><span class="strut" style="height:1em;"></span>'
        f"{glyphs}</span></span></span>"
    )
    return f'<span class="katex-display">{out}</span>' if is_display else out


def _mathml(latex: str, is_display: bool) -> str:
    block = ' display="block"' if is_display else ""
    return f'<math xmlns="{_MATHML}"{block}>{to_mathml(latex).markup()}</math>'


def _mml_prefix(latex: str, is_display: bool) -> str:
    block = ' display="block"' if is_display else ""
    return f"<mml:math{block}>{to_mathml(latex).markup('mml:')}</mml:math>"


def _wikipedia(latex: str, is_display: bool) -> str:
    kind, block = ("display", ' display="block"') if is_display else ("inline", "")
    wrapped = html.escape(rf"{{\displaystyle {latex}}}")
    image = hashlib.sha256(latex.encode()).hexdigest()[:40]
    return (
        f'<span class="mwe-math-element mwe-math-element-{kind}"><span class="mwe-math-mathml-{kind} '
        f'mwe-math-mathml-a11y" style="display: none;"><math{block} xmlns="{_MATHML}" alttext="{wrapped}"><semantics>'
        f'<mstyle displaystyle="true" scriptlevel="0">{to_mathml(latex).markup()}</mstyle>'
        f'<annotation encoding="application/x-tex">{wrapped}</annotation></semantics></math></span>'
        f'<img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/{image}" '
        f'class="mwe-math-fallback-image-{kind}" aria-hidden="true" style="vertical-align: -0.838ex;" '
        f'alt="{wrapped}"></span>'
    )


def _latex_php(latex: str, is_display: bool) -> str:
    alt = html.escape(latex)
    image = (
        f'<img src="https://s0.wp.com/latex.php?latex={quote_plus(latex)}&#038;bg=ffffff&#038;fg=000000&#038;s=0" '
        f'alt="{alt}" title="{alt}" class="latex" />'
    )
    return f'<div style="text-align:center">{image}</div>' if is_display else image


def _codecogs(latex: str, is_display: bool) -> str:
    source = quote(latex if is_display else rf"\inline {latex}", safe=r"\{}^_=()/,!|:;'*-").replace("%20", "&space;")
    image = f'<img src="https://latex.codecogs.com/svg.image?{source}" title="formula" border="0" />'
    return f'<div class="eq" align="center">{image}</div>' if is_display else image


def _img_tex(latex: str, is_display: bool) -> str:
    name = hashlib.sha256(latex.encode()).hexdigest()[:16]
    image = f'<img class="tex" src="/tex/{name}.png" alt="{html.escape(latex)}">'
    return f"<center>{image}</center>" if is_display else image


def subsup(latex: str) -> str | None:
    """A simple formula in plain HTML with sub and sup, or None if it needs more than that.

    >>> subsup("x^{2} - 1")
    '<i>x</i><sup>2</sup> - 1'
    """
    text = re.sub(r"\\[A-Za-z]+", lambda found: _PLAIN_TEXT.get(found.group(), "\\"), _text(latex))
    text = _VARIABLE.sub(lambda found: found.group(1) or f"<i>{found.group(2)}</i>", text)
    text = _SUPERSCRIPT.sub(r"<sup>\1</sup>", _SUBSCRIPT.sub(r"<sub>\1</sub>", text))
    return None if set("\\{}^_") & set(text) else text


def _subsup(latex: str, is_display: bool) -> str:
    text = subsup(latex)
    if text is None:
        return _img_tex(latex, is_display)
    return f"<blockquote>{text}</blockquote>" if is_display else text


def _stackexchange(latex: str, is_display: bool) -> str:
    return f'<span class="math-container">{_dollar(latex, is_display)}</span>'


def _pandoc(latex: str, is_display: bool) -> str:
    kind = "display" if is_display else "inline"
    return f'<span class="math {kind}">{_parenthesis(latex, is_display)}</span>'


def _data_tex(latex: str, is_display: bool) -> str:
    tag = "div" if is_display else "span"
    display = ' data-display="true"' if is_display else ""
    return f'<{tag} class="formula" data-tex="{html.escape(latex)}"{display}></{tag}>'


_RENDERERS: dict[str, Callable[[str, bool], str]] = {
    "dollar": _dollar,
    "parenthesis": _parenthesis,
    "mathjax2": _mathjax2,
    "mathjax3": _mathjax3,
    "katex": _katex,
    "mathml": _mathml,
    "mml_prefix": _mml_prefix,
    "wikipedia": _wikipedia,
    "latex_php": _latex_php,
    "codecogs": _codecogs,
    "img_tex": _img_tex,
    "subsup": _subsup,
    "bare_align": _bare_align,
    "stackexchange": _stackexchange,
    "pandoc": _pandoc,
    "data_tex": _data_tex,
}
FORMS = tuple(_RENDERERS)
DOLLAR_IS_SPECIAL = frozenset({"dollar", "bare_align", "stackexchange"})
"""Forms in which a price must be written `\\$5`, as the page's MathJax reads single dollars."""


def render(form: str, latex: str, is_display: bool) -> tuple[str, str]:
    """The HTML of a formula, and its LaTeX as an extractor should give it back."""
    if form == "bare_align" and is_display:
        latex = _as_environment(latex)
    return _RENDERERS[form](latex, is_display), latex


def _as_environment(latex: str) -> str:
    if latex.startswith(r"\begin{aligned}"):
        return latex.replace("{aligned}", "{align}")
    return rf"\begin{{equation}} {latex} \end{{equation}}"


_CDN = "https://cdn.jsdelivr.net/npm"
_MATHJAX3 = f'<script id="MathJax-script" async src="{_CDN}/mathjax@3/es5/tex-mml-chtml.js"></script>'
_DOLLARS = r"""<script>window.MathJax = {tex: {inlineMath: [["$", "$"], ["\\(", "\\)"]], processEscapes: true}};</script>
"""
_MATHJAX2_CONFIG = r"""<script type="text/x-mathjax-config">
MathJax.Hub.Config({tex2jax: {inlineMath: [["$", "$"], ["\\(", "\\)"]], processEscapes: true}});
</script>
"""
_MATHJAX2 = '<script async src="https://cdnjs.cloudflare.com/ajax/libs/mathjax/2.7.9/MathJax.js?config=TeX-AMS_CHTML"></script>'
_KATEX = f'<link rel="stylesheet" href="{_CDN}/katex@0.16.9/dist/katex.min.css">'
HEADS = {
    "dollar": _DOLLARS + _MATHJAX3,
    "bare_align": _DOLLARS + _MATHJAX3,
    "parenthesis": _MATHJAX3,
    "pandoc": _MATHJAX3,
    "mathjax3": _MATHJAX3,
    "mathjax2": _MATHJAX2,
    "stackexchange": _MATHJAX2_CONFIG + _MATHJAX2,
    "katex": _KATEX,
    "data_tex": _KATEX + f'\n<script defer src="{_CDN}/katex@0.16.9/dist/katex.min.js"></script>',
}
"""What a form needs in the head of the page; absent means nothing."""
