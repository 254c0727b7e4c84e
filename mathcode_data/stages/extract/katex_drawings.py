"""What KaTeX draws instead of writing: long arrows, wide accents, and brackets too tall for a character."""

from __future__ import annotations

from mathcode_data.stages.extract.tree import Element, find_class, find_tag, text_of

DELIMITERS = {"∣": "|", "∥": "‖", "⟮": "(", "⟯": ")"}
_TALL = {"⎛⎜⎝": "(", "⎞⎟⎠": ")", "⎧⎨⎩": "{", "⎫⎬⎭": "}", "⟨": "⟨", "⟩": "⟩"}
_BARS = {333: ("|", "|"), 556: ("‖", "‖"), 667: ("[", "]"), 875: ("(", ")")}
"""Tall brackets that are drawn, by the width of the drawing."""


def is_wide_tilde(drawing: Element) -> bool:
    """True for the tilde among the two wide accents; the other is a hat."""
    return _view(drawing)[1] in (260, 286, 306, 312)


def arrow(row: Element, drawing: Element) -> str:
    """The arrow of a drawing that is cut at one end: the head stands at the other."""
    if find_class(row, "halfarrow-left") is not None:
        return "↔"
    aspect = next((value or "" for name, value in drawing.attrs.items() if name.lower() == "preserveaspectratio"), "")
    return "→" if aspect.startswith("xMax") else "←" if aspect.startswith("xMin") else ""


def _view(drawing: Element) -> tuple[int, int]:
    """Width and height of a drawing in its own units, 0 where it does not say."""
    box = next((value or "" for name, value in drawing.attrs.items() if name.lower() == "viewbox"), "").split()
    return (int(box[2]), int(box[3])) if len(box) == 4 and all(part.isdigit() for part in box) else (0, 0)


def delimiter(box: Element, *, is_left: bool) -> str:
    """The bracket that a box shows, also one put together from pieces."""
    text = "".join(character for character in text_of(box) if not character.isspace() and character != "\u200b")
    if not text:
        drawing = find_tag(box, "svg")
        pair = _BARS.get(_view(drawing)[0] if drawing is not None else 0, ("|", "|"))
        return pair[0] if is_left else pair[1]
    for pieces, bracket in _TALL.items():
        if text[0] in pieces:
            return bracket
    if text[0] in "⎡⎢⎣":
        return "⌈" if "⎣" not in text else "⌊" if "⎡" not in text else "["
    if text[0] in "⎤⎥⎦":
        return "⌉" if "⎦" not in text else "⌋" if "⎤" not in text else "]"
    return DELIMITERS.get(text[0], text[0])
