r"""Formulas in plain HTML: `<i>a</i><sub><i>n</i></sub> = <i>a</i><sub>1</sub>` is `a_{n} = a_{1}`.

A run of neighbours becomes a formula if everything in it reads as mathematics (single letters, numbers, signs, functions,
scripts), if it holds a script, and if it is clearly no unit, isotope, chemical formula or mark of a note: an italic letter
carries the script, or the run holds a sign such as `=` and a script on a lower-case letter or a number.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

from mathcode_data.stages.extract.mathml_symbols import COMMANDS, FUNCTIONS
from mathcode_data.stages.extract.products import SMALL_WORDS, Token, may_be_product, settle_products
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Child, Element, text_of
from mathcode_data.stages.extract.words import words

VARIABLE_TAGS = words("i em var")
WRAPPERS = words("i em var span font b strong big small nobr")
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>\d+(?:[.,]\d+)*)|(?P<word>[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u03ff\u2102-\u2138]+)|(?P<dots>\.{3}|…|⋯)|(?P<sign>[-+−–×·⋅∙*/÷±∓=<>≤≥≠≈≡∼∈∉⊂⊆→⇒∪∩∘])"
    r"|(?P<arguments>[(\[][A-Za-z0-9](?:,\s?[A-Za-z0-9]){1,4}[)\]])|(?P<open>[(\[{|])|(?P<close>[)\]}]|[!'′’°])|(?P<big>[∑∏∫√∞∂∇∀∃])"
)
_LIMITED = words("\\sum \\prod \\int")
_TYPED = {"−": "-", "–": "-", "*": "*", "…": "\\ldots", "...": "\\ldots", "⋯": "\\cdots", "’": "'", "′": "'", "·": "\\cdot"}
_MARKS = words("st nd rd th tm sm")
_PAIRS = {")": "(", "]": "[", "}": "{"}
_NAME = re.compile(r"[A-Za-z0-9]{1,12}")
_DOTS_IN_SUM = re.compile(r"([+-]|\\times|\\cdot) ?\\ldots")
_MAX_TOKENS = 200
_NESTED = re.compile(r"[_^]\{")
_CHARGED = re.compile(r"\d{0,2}\^\{\d?[+-]\}")  # of an ion of chemistry


def join_scripts(children: list[Child]) -> list[Child] | None:
    """The children with their runs of mathematics as formulas; None if there are none."""
    tokens: list[Token] = []
    runs: list[list[Token]] = []
    for index, child in enumerate(children):
        found = _tokens(child, index)
        for token in found:
            if token.kind == "stop":
                runs.append(tokens)
                tokens = []
            else:
                tokens.append(token)
    runs.append(tokens)
    runs = [part for tokens in runs for part in settle_products(tokens)]
    formulas = [
        (run[0], run[-1], _latex(run))
        for tokens in runs
        if (pieces := _pieces(tokens)) and (sizes := Counter(token.child for token in tokens if token.kind != "space"))
        for run in pieces
        if _is_formula(run) and _takes_whole_elements(run, sizes, children)
    ]
    return _replace(children, formulas) if formulas else None


def join_below(element: Element) -> int:
    """Join the scripts of an element and of the inline elements in it; how many formulas there were."""
    joined = join_scripts(element.children)
    found = 0
    if joined is not None:
        found = sum(isinstance(child, Formula) for child in joined) - sum(isinstance(child, Formula) for child in element.children)
        element.children = joined
    for child in element.children:
        if isinstance(child, Element) and child.has_script and child.tag in WRAPPERS:
            found += join_below(child)
    element.num_formulas += found
    return found


def _takes_whole_elements(run: list[Token], sizes: Counter[int], children: list[Child]) -> bool:
    """True if no element is cut by the ends of a run; `sizes` is how many tokens there are of each child."""
    for index in {run[0].child, run[-1].child}:
        if isinstance(children[index], Element) and sum(token.child == index and token.kind != "space" for token in run) != sizes[index]:
            return False
    return True


def _tokens(child: Child, index: int) -> list[Token]:
    if isinstance(child, str):
        return _text_tokens(child, index, italic=False)
    if isinstance(child, Element) and child.raw is None and not child.num_formulas:
        if child.tag in ("sub", "sup"):
            latex = _script(child)
            return [Token("sub" if child.tag == "sub" else "sup", latex, index) if latex else Token("stop", "", index)]
        if child.tag in WRAPPERS and len(child.children) <= 20 and child.text_chars <= 60:
            inner = _inner(child, index, italic=child.tag in VARIABLE_TAGS)
            if inner is not None:
                return inner
    return [Token("stop", "", index)]


def _inner(element: Element, index: int, *, italic: bool) -> list[Token] | None:
    """The tokens of an inline element that holds mathematics only; None where it holds anything else."""
    found: list[Token] = []
    for child in element.children:
        if isinstance(child, str):
            found += _text_tokens(child, index, italic=italic)
        elif isinstance(child, Element) and child.tag in WRAPPERS and child.raw is None:
            inner = _inner(child, index, italic=italic or child.tag in VARIABLE_TAGS)
            if inner is None:
                return None
            found += inner
        else:
            found += _tokens(child, index)
    return found if found and all(token.kind not in ("stop", "word") for token in found) else None


def _text_tokens(text: str, index: int, *, italic: bool) -> list[Token]:
    """Tokens of a text; what is no mathematics is one "stop"."""
    found: list[Token] = []
    position = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if match.start() > position and (not found or found[-1].kind != "stop"):
            found.append(Token("stop", "", index))
        position = match.end()
        token = _token(kind, match[0], italic=italic)
        token.child, token.start, token.end = index, match.start(), match.end()
        if token.kind != "stop" or not found or found[-1].kind != "stop":
            found.append(token)
    if position < len(text) and (not found or found[-1].kind != "stop"):
        found.append(Token("stop", "", index))
    return found


def _token(kind: str, text: str, *, italic: bool) -> Token:
    if kind == "word":
        if len(text) == 1:
            return Token("variable" if italic else "letter", COMMANDS.get(text, text), 0)
        if text in FUNCTIONS:
            return Token("function", f"\\{text}", 0)
        if italic and len(text) == 2 and text.isascii() and text.lower() not in SMALL_WORDS:
            return Token("variable", text, 0)
        return Token("word", text, 0) if not italic and may_be_product(text) else Token("stop", "", 0)
    if kind == "space":
        return Token("space", " ", 0)
    if kind == "arguments":
        return Token("close", text, 0)
    if text in "{}":
        return Token("open" if text == "{" else "close", f"\\{text}", 0)
    return Token(kind, _TYPED.get(text) or COMMANDS.get(text, text), 0)


def _script(element: Element) -> str:
    """The inside of a script as LaTeX, "" for what is no script of mathematics."""
    if any(isinstance(child, Element) and child.tag == "a" for child in element.children):
        return ""  # a note
    name = text_of(element).strip()
    if element.tag == "sup" and name.lower() in _MARKS:
        return ""
    if _NAME.fullmatch(name) and not any(isinstance(child, Element) and child.tag in ("sub", "sup") for child in element.children):
        return name
    inner = element.children
    tokens = [token for index, child in enumerate(inner) for token in _script_tokens(child, index)]
    parts = settle_products(tokens)
    if not 0 < len(tokens) <= _MAX_TOKENS or len(parts) > 1 or any(token.kind == "stop" for token in parts[0]):
        return ""
    return _latex(parts[0]).strip()


def _script_tokens(child: Child, index: int) -> list[Token]:
    """As `_tokens`, with commas, which stand in indices."""
    if isinstance(child, str):
        parts = child.split(",")
        found = _text_tokens(parts[0], index, italic=False)
        for part in parts[1:]:
            found += [Token("sign", ",", index), *_text_tokens(part.lstrip(), index, italic=False)]
        return found
    return _tokens(child, index)


def _pieces(tokens: list[Token]) -> list[list[Token]]:
    """Cut a run where two words of prose only look like mathematics, and trim it to balanced brackets."""
    if len(tokens) < 2 or not any(token.kind in ("sub", "sup") for token in tokens):
        return []
    pieces: list[list[Token]] = []
    current: list[Token] = []
    has_sign = has_limits = False
    for position, token in enumerate(tokens):
        if token.kind == "space" and current and _separates(tokens, position, has_sign=has_sign, has_limits=has_limits):
            pieces.append(current)
            current = []
            has_sign = has_limits = False
        else:
            current.append(token)
            has_sign = has_sign or token.kind == "sign"
            has_limits = has_limits or token.latex in _LIMITED
    pieces.append(current)
    return [trimmed for piece in pieces for trimmed in _balanced(piece)]


_NO_BEGINNING = words("space close sub sup dots")
_OPERANDS = words("number letter variable function sub sup close dots big differential")


def _separates(tokens: list[Token], position: int, *, has_sign: bool, has_limits: bool) -> bool:
    """True for a space between two operands that are no product; the run before it holds a sign, or a sum with limits."""
    before, after = tokens[position - 1], tokens[position + 1] if position + 1 < len(tokens) else None
    if after is None or before.kind not in _OPERANDS or after.kind not in _OPERANDS:
        return after is not None and before.kind in ("sub", "sup", "close") and after.kind == "open" and position + 2 < len(tokens)
    if after.kind in ("variable", "function", "big") and before.kind in ("variable", "sub", "sup", "close", "function"):
        return False
    if before.kind in ("function", "dots", "big") or after.kind == "dots":
        return False
    if after.kind == "differential":
        return False
    if after.kind == "letter" and _carries(tokens, position + 1) and has_limits:
        return False
    if before.kind in ("sub", "sup") and _carrier(tokens, position - 1).kind in ("function", "big"):  # log_2 8
        return False
    return not (before.kind == "number" and after.kind in ("variable", "letter") and has_sign)


def _carries(tokens: list[Token], position: int) -> bool:
    return position + 1 < len(tokens) and tokens[position + 1].kind in ("sub", "sup")


def _carrier(tokens: list[Token], position: int) -> Token:
    """What carries the script at a position, perhaps below another script."""
    while position > 0 and tokens[position].kind in ("sub", "sup"):
        position -= 1
    return tokens[position]


def _balanced(piece: list[Token]) -> list[list[Token]]:
    """The parts of a run between brackets that have no partner, without signs at the ends."""
    stack: list[int] = []
    lonely: list[int] = []
    for position, token in enumerate(piece):
        if token.latex == "|":
            continue
        if token.kind == "open":
            stack.append(position)
        elif token.kind == "close" and token.latex.lstrip("\\") in _PAIRS:
            if stack and piece[stack[-1]].latex.lstrip("\\") == _PAIRS[token.latex.lstrip("\\")]:
                stack.pop()
            else:
                lonely.append(position)
    cuts = sorted([*stack, *lonely])
    bounds = [-1, *cuts, len(piece)]
    return [trimmed for left, right in pairwise(bounds) if right - left <= 2 * _MAX_TOKENS and (trimmed := _trim(piece[left + 1 : right]))]


def _trim(piece: list[Token]) -> list[Token]:
    start, end = 0, len(piece)
    while end > start and piece[end - 1].kind in ("space", "sign", "open", "dots", "big") and piece[end - 1].latex != "\\infty":
        end -= 1
    while start < end and (piece[start].kind in _NO_BEGINNING or (piece[start].kind == "sign" and not _is_minus(piece, start))):
        if piece[start].latex[:1] in ("(", "[") and start + 1 < end and piece[start + 1].kind in ("sub", "sup"):
            break  # arguments that carry a script, [0,1]^n
        start += 1
    if end - start > 2 and piece[start].latex == "(" and piece[end - 1].latex == ")" and _partner(piece, start) == end - 1:
        return _trim(piece[start + 1 : end - 1])  # words in brackets around it
    bars = sum(token.latex == "|" for token in piece[start:end])
    return piece[start:end] if bars % 2 == 0 else []


def _partner(piece: list[Token], start: int) -> int:
    """The position of the bracket that closes the one at `start`."""
    depth = 0
    for position in range(start, len(piece)):
        depth += (piece[position].kind == "open") - (piece[position].latex.lstrip("\\") in _PAIRS)
        if depth == 0:
            return position
    return -1


def _is_minus(piece: list[Token], start: int) -> bool:
    """A leading sign that belongs to the number after it."""
    return piece[start].latex in ("-", "+", "\\pm") and start + 1 < len(piece) and piece[start + 1].kind != "space"


def _is_formula(run: list[Token]) -> bool:
    if len(run) > _MAX_TOKENS:
        return False
    scripted = [(run[i - 1], run[i]) for i in range(1, len(run)) if run[i].kind in ("sub", "sup")]
    if not scripted:
        return False
    signs = {token.latex for token in run if token.kind == "sign"}
    if any(base.kind in ("variable", "function") for base, _ in scripted):
        return not _is_numbering(run)
    if any(base.latex in _LIMITED for base, _ in scripted) and len(run) > len(scripted) + 1:
        return True
    if _is_nested(scripted) or _is_family(scripted):
        return True
    if not signs:
        return False
    return any(
        (base.kind == "letter" and (base.latex[-1].islower() or script.kind == "sup") and not script.latex.endswith(("+", "-")))
        or (base.kind == "number" and script.kind == "sup" and len(run) > 3)
        or (base.kind == "close" and script.kind == "sup" and script.latex[-1:].isalnum())
        for base, script in scripted
    )


def _is_nested(scripted: list[tuple[Token, Token]]) -> bool:
    """True where a script carries another, which is no charge of an ion."""
    bases = ("letter", "number", "close")
    return any(base.kind in bases and _NESTED.search(script.latex) and not _CHARGED.fullmatch(script.latex) for base, script in scripted)


def _is_family(scripted: list[tuple[Token, Token]]) -> bool:
    """True for a bracket that carries a script, with letters in it that do so too, (a_n)_{n>=1}; or with arguments, [a,b]^n.

    What is in the brackets is no formula of chemistry: a small letter, or one with an index that is no number.
    """
    closing = [(base, script) for base, script in scripted if base.kind == "close" and base.latex[-1] in ")]}"]
    if not closing:
        return False
    if any(base.latex[0] in "([" and not (script.latex.isdigit() and base.latex[1].isdigit()) for base, script in closing):
        return True
    return any(base.kind == "letter" and (base.latex[-1].islower() or not script.latex.isdigit()) for base, script in scripted)


def _is_numbering(run: list[Token]) -> bool:
    """True for a lone letter with a mark on it that is no index: `<i>p</i><sup>th</sup>`."""
    return len(run) == 2 and run[1].latex in ("th", "st", "nd", "rd", "s", "er", "e")


def _latex(run: list[Token]) -> str:
    pieces: list[str] = []
    for token in _rooted(run):
        text = token.latex
        if token.kind in ("sub", "sup"):
            text = f"{'_' if token.kind == 'sub' else '^'}{{{text}}}"
        elif pieces and text[:1].isalpha() and re.search(r"\\[a-zA-Z]+$", pieces[-1]):
            pieces.append(" ")
        pieces.append(text)
    return _DOTS_IN_SUM.sub(r"\1 \\cdots", re.sub(r"\s+", " ", "".join(pieces)))


def _rooted(run: list[Token]) -> list[Token]:
    """The run with each root sign before one clear argument as one token; a raised number may stand under the line or outside."""
    if not any(token.latex == "\\surd" for token in run):
        return run
    found: list[Token] = []
    position = 0
    while position < len(run):
        end = _argument_end(run, position + 1) if run[position].latex == "\\surd" else 0
        if end:
            inner = run[position + 1 : end]
            inner = inner[1:-1] if inner[0].kind == "open" else inner
            found.append(replace(run[position], kind="letter", latex=f"\\sqrt{{{_latex(inner)}}}"))
        else:
            found.append(run[position])
        position = max(end, position + 1)
    return found


def _argument_end(run: list[Token], start: int) -> int:
    """Where the argument of a root ends that begins at `start`; 0 where it is not clear."""
    if start >= len(run):
        return 0
    if run[start].latex == "(":
        end = _partner(run, start) + 1
    elif run[start].kind in ("number", "letter", "variable"):
        end = start + 1
        while end < len(run) and run[end].kind == "sub":
            end += 1
    else:
        return 0
    return end if end > start + (run[start].latex == "(") * 2 and not (end < len(run) and run[end].kind in ("sup", "sub")) else 0


def _replace(children: list[Child], formulas: list[tuple[Token, Token, str]]) -> list[Child]:
    """Put formulas in place of the children, or parts of texts, that they were read from."""
    out: list[Child] = []
    child, offset = 0, 0
    for first, last, latex in formulas:
        while child < first.child:
            _append(out, children[child], offset)
            child, offset = child + 1, 0
        text = children[child]
        if isinstance(text, str) and first.start > offset:
            out.append(text[offset : first.start])
        out.append(Formula(latex, False, "sub-sup", 0.7))
        child, offset = (last.child, last.end) if isinstance(children[last.child], str) else (last.child + 1, 0)
    while child < len(children):
        _append(out, children[child], offset)
        child, offset = child + 1, 0
    return out


def _append(out: list[Child], child: Child, offset: int) -> None:
    if isinstance(child, str):
        child = child[offset:]
        if not child:
            return
    out.append(child)
