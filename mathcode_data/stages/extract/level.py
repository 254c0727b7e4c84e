"""Very deep pages, such as old ones whose `<font>` is never closed: the chain of elements is levelled in the parser's tree.

What hangs on the chain (sentences, formulas, tables, code) keeps its own markup and moves up, so that nothing below the depth
that can be read by recursion is lost. An `<hr>`, which is shown as nothing, stands where a block began or ended.
"""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract.expressions import WRAPPERS
from mathcode_data.stages.extract.marks import formula_kind
from mathcode_data.stages.extract.tag_names import CODE_TAGS, KINDS, SKIP, SPECIAL_TAGS

FIRST_DEPTH = 105  # elements at this depth are levelled if more than MAX_HEIGHT others are nested in them
MAX_HEIGHT = 40
_MAX_LEVELLED = 10_000  # 0.5 s; the time grows with the square, and more are nested in no page but an attack
_INLINE = WRAPPERS | CODE_TAGS | {"a", "sub", "sup", "mark", "cite", "abbr", "u", "s", "q", "ins", "del", "label", "bdi", "time"}


def level(top: LexborNode) -> bool:
    """Take the elements with more than MAX_HEIGHT others nested in them out of the subtree of `top`; False if there are none."""
    nodes = [top]
    parents = [-1]
    for index, node in enumerate(nodes):  # the list grows while it is read
        child = node.first_child if index == 0 or not _is_whole(node) else None
        while child is not None:
            if KINDS.get(child.tag or "-", SKIP + 1) != SKIP and child.tag != "-text":
                nodes.append(child)
                parents.append(index)
            child = child.next
    heights = [0] * len(nodes)
    for index in range(len(nodes) - 1, 0, -1):
        parent = parents[index]
        heights[parent] = max(heights[parent], heights[index] + 1)
    if heights[0] <= MAX_HEIGHT or sum(height >= MAX_HEIGHT for height in heights) > _MAX_LEVELLED:
        return False
    border = top.parser.create_node("hr")
    for node, height in zip(nodes[1:], heights[1:], strict=True):
        if height >= MAX_HEIGHT:  # from the top down: a child is moved once
            if node.tag not in _INLINE:
                node.insert_before(border)
                node.insert_after(border)
            node.unwrap()
    return True


def _is_whole(node: LexborNode) -> bool:
    """True for an element that is read as a whole: a formula, code, a drawing."""
    return node.tag in SPECIAL_TAGS or formula_kind(node.attributes.get("class") or "") != ""
