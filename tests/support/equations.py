"""Small equations at random: as trees, and written in several ways."""

import re

from hypothesis import strategies as st

ATOMS = ["x", "X", "y", "Y", "n", "2", "3", "12", r"\alpha", r"\Delta", r"\delta"]
LETTERS = ["x", "X", "y", "Y", "n"]
SPELLINGS = {r"\leq": [r"\leq ", r"\le ", "≤", "<="], r"\neg": [r"\neg ", r"\lnot ", "¬"]}
COMMAND = re.compile(r"\\[A-Za-z]+")


def equations():
    """Trees: an atom, or a tuple of kind, sign and parts."""

    def more(inside):
        bracketed = st.sampled_from(LETTERS) | st.tuples(st.just("bracket"), st.just("()"), inside)
        return st.one_of(
            st.tuples(st.just("binary"), st.sampled_from(["+", "-", "/", "=", "<", r"\leq"]), inside, inside),
            st.tuples(st.just("bracket"), st.sampled_from(["()", "[]", "||"]), inside),
            st.tuples(st.just("behind"), st.sampled_from(["!", "'", "!!", "''"]), bracketed),
            st.tuples(st.just("before"), st.sampled_from(["-", "~", "!", r"\neg"]), bracketed),
            st.tuples(st.just("script"), st.sampled_from("_^"), st.sampled_from(LETTERS), inside),
            st.tuples(st.just("call"), st.sampled_from([r"\sqrt", r"\sin", r"\vec"]), inside),
            st.tuples(st.just("fraction"), st.just(""), inside, inside),
        )

    return st.recursive(st.sampled_from(ATOMS), more, max_leaves=6).map(lambda tree: ("binary", "=", tree, "12"))


def written(tree):
    """The plain way."""
    return _tidy(_written(tree, lambda choices: choices[0]))


def spelled(tree, draw):
    """With other spaces, names and brackets; what is drawn decides."""
    return _tidy(_written(tree, draw.choice))


def are_renamed(one, other):
    """Whether two texts differ only in the case of letters, and all of those have one case in each."""
    bare = [COMMAND.sub(_as_numbers, text.replace("Solve", "").replace("now", "")) for text in (one, other)]
    if bare[0].lower() != bare[1].lower():
        return False
    return not any(a != b and (b in bare[0] or a in bare[1]) for a, b in zip(*bare, strict=True))


def _as_numbers(name):
    return str(list(name[0].encode()))


def _tidy(text):
    return re.sub(r"(\\[A-Za-z]+) +(?![A-Za-z ])", r"\1", text)


def _written(tree, choose):
    if isinstance(tree, str):
        return f"{tree} " if tree[0] == "\\" else tree
    kind, sign, *trees = tree
    parts = [_written(part, choose) for part in trees]
    space = choose(["", " "])
    if kind == "binary":
        space = " " if parts[0].endswith("!") else space  # `x!=12` says that they differ
        return f"{parts[0]}{space}{choose(SPELLINGS[sign]) if sign in SPELLINGS else sign}{space}{parts[1]}"
    if kind == "bracket":
        size = choose([("", ""), (r"\left", r"\right")])
        space = "" if sign == "||" else space
        return f"{size[0]}{sign[0]}{space}{parts[0]}{space}{size[1]}{sign[1]}"
    if kind == "behind":
        return parts[0].rstrip() + sign
    if kind == "before":
        return (choose(SPELLINGS[sign]) if sign in SPELLINGS else sign) + parts[0]
    if kind == "script":
        is_bare = isinstance(trees[1], str) and len(trees[1]) == 1 and choose([True, False])
        return f"{parts[0]}{sign}{parts[1]}" if is_bare else f"{parts[0]}{sign}{{{parts[1]}}}"
    if kind == "call":
        return f"{sign}{{{parts[0]}}}"
    return rf"\frac{{{parts[0]}}}{{{parts[1]}}}"
