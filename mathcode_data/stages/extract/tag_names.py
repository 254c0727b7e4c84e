"""What the walk over a page knows of a tag by its name alone, and how it looks at the tags of which it needs to know more."""

from __future__ import annotations

from mathcode_data.stages.extract.components import COMPONENTS
from mathcode_data.stages.extract.noise import NOISE_TAGS
from mathcode_data.stages.extract.words import words

SKIPPED = words(
    "style template head link meta iframe audio video canvas map datalist textarea input"
    " applet param source track col colgroup frameset frame area base progress meter dialog rt rp"
)
RAW_TAGS = frozenset(["pre", "listing", "xmp", "plaintext"])
SCRIPTS = frozenset(["sub", "sup"])
CODE_TAGS = frozenset(["code", "kbd", "samp", "tt"])
SPECIAL_TAGS = RAW_TAGS | {
    "math",
    "script",
    "img",
    "svg",
    "mjx-container",
    "tex-math",
    "select",
    "noscript",
    "object",
    "embed",
    *COMPONENTS,
}
MAY_HOLD_PAGE = words("div section form header aside span")
MAIN_TAGS = frozenset(["main", "article"])
TELLING_TAGS = NOISE_TAGS | MAIN_TAGS | {"figcaption", "math-renderer"}  # what is to be thought of with no attribute

SKIP, PLAIN, OTHER = range(3)
# Of the plain ones, which are nearly all, nothing needs to be thought unless an attribute says so.
KINDS = dict.fromkeys([*SKIPPED, "-comment", "-doctype", "-document", "-other"], SKIP) | dict.fromkeys(
    words(
        "p div span a em strong i b ul ol li dl dt dd table thead tbody tfoot tr td th h1 h2 h3 h4 h5 h6 section br hr blockquote"
        " u s small big font cite var abbr dfn q mark time label ins del sub center caption figure header"
    ),
    PLAIN,
)
TELLING_ATTRIBUTES = frozenset(["id", "style", "role", "hidden", "itemprop", "aria-modal"])
