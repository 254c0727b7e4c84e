r"""The smallest pieces of a converted formula: operators, text groups, and how neighbours are joined."""

from __future__ import annotations

from collections.abc import Sequence

from mathcode_data.stages.extract.mathml_symbols import (
    ASCII_OPERATORS,
    COMMANDS,
    FUNCTIONS,
    PRIMES,
    SPACED,
    to_command,
)

_TEXT_ESCAPES = str.maketrans({"{": "\\{", "}": "\\}", "%": "\\%", "#": "\\#", "$": "\\$", "&": "\\&", "_": "\\_"})


def operator(text: str, *, is_prefix: bool) -> str:
    """LaTeX of an `<mo>`, with spaces around relations and binary operators that stand between two operands."""
    text = text.strip()
    if not text:
        return ""
    if text in FUNCTIONS:
        return f"\\{text}"
    if not is_prefix and (primes := prime_marks(text)):
        return primes
    command = ASCII_OPERATORS.get(text)
    if command is None:
        if len(text) > 1 and text.isalpha() and text.isascii():
            return f"\\operatorname{{{text}}}"
        command = "".join(to_command(character) for character in text)
    if text in (",", ";"):
        return command + " "
    if text in SPACED and not (is_prefix and command in ("-", "+", "\\pm", "\\mp")):
        return f" {command} "
    return command


def prime_marks(text: str) -> str:
    """Prime characters as apostrophes, the short form that TeX raises by itself; "" for anything else.

    >>> prime_marks("′′"), prime_marks("x′")
    ("''", '')
    """
    marks = [PRIMES.get(character, "") for character in text if not character.isspace()]
    return "".join(marks) if all(marks) else ""


def text_group(text: str) -> str:
    r"""Words as `\text{...}`; white space at the ends counts, single signs stay bare."""
    folded = " ".join(text.replace("\u00a0", " ").split())
    if not folded:
        return "\\ " if "\u00a0" in text or "\u2003" in text else ""
    if len(folded) == 1 and not folded.isalpha():
        return COMMANDS.get(folded, folded)
    if "\\" in folded:  # TeX that was put into <mtext>
        return folded
    left = " " if text[0].isspace() or text[0] == "\u00a0" else ""
    right = " " if text[-1].isspace() or text[-1] == "\u00a0" else ""
    if "\n" in text:
        left = right = ""
    return f"\\text{{{left}{folded.translate(_TEXT_ESCAPES)}{right}}}"


def glue(pieces: Sequence[str]) -> str:
    """Join pieces so that no command swallows the letter after it."""
    joined: list[str] = []
    tail = ""
    for piece in pieces:
        if not piece:
            continue
        if piece[0].isalpha() and ends_in_command(tail):
            joined.append(" ")
        joined.append(piece)
        tail = piece
    return " ".join("".join(joined).split(" ")).replace("  ", " ").strip(" ")


def ends_in_command(piece: str) -> bool:
    r"""True for text that ends in a control word, such as `2\alpha`."""
    start = piece.rfind("\\")
    return start >= 0 and piece[start + 1 :].isalpha() and piece[start + 1 :].isascii()


def group(latex: str) -> str:
    """The base of a script: braces where it is more than one symbol."""
    if len(latex) <= 1 or (latex.startswith("\\") and latex[1:].isalpha()):
        return latex
    if latex.isdigit() or _is_one_group(latex):
        return latex
    if latex[0] in "([|" and latex[-1] in ")]|":
        return latex
    if latex.startswith(("\\left", "\\begin{")) and (latex.endswith("}") or "\\right" in latex[-9:]):
        return latex
    return f"{{{latex}}}"


def _is_one_group(latex: str) -> bool:
    r"""True for `\cmd{...}` and `{...}` closed at the very end."""
    start = latex.find("{")
    if start < 0 or not latex.endswith("}") or (start and not (latex[0] == "\\" and latex[1:start].isalpha())):
        return False
    depth = 0
    for position in range(start, len(latex)):
        if latex[position] == "{" and latex[position - 1] != "\\":
            depth += 1
        elif latex[position] == "}" and latex[position - 1] != "\\":
            depth -= 1
            if depth == 0:
                return position == len(latex) - 1
    return False
