r"""Markup of pages that is not one piece between white space: HTML, Markdown's marks at line starts and links, quoted mail.

For comparing texts, it is taken out or spelled as a text without it would be:

- HTML tags: a name of HTML behind `<` or `</`, then attributes. An attribute without a quoted value must be one that HTML has, and a
  tag of one letter between two words or brackets must be closed in its line, so `a < b`, `a<b>c` and `x <b and c> y` are no tags.
  Within a word a tag of text is nothing, else a space; one of a block (`<p>`, `<br>`, `<td>`) is a line end. `x<sub>1</sub>` is `x_{1}`,
  `x<sup>2</sup>` is `x^{2}`, `4<sup>th</sup>` is `4th`. Of a comment the marks go, and what it holds if that is short.
- Entities that end with a semicolon are their characters: `&lt;`, `&#215;`, `&eacute;`.
- The brackets and address of a link or image: `[text](https://...)` and `![text](figures/one.png)` are `text`.
- `>` at the beginning of a line, if the line before begins with it too; three in a row are Python's prompt and stay.
- `-`, `*` or `+` and a space at the beginning of a line, if the line before ends a sentence or is of the same list.
- `//`, `--` and `%` alone at the beginning of a line of a comment, if the line before begins so; ` *` and ` */` behind a line with `/*`.
- A hyphen at the end of a line between two small letters on either side, `func-` and `tion`; that of a compound is a space,
  as within a line: behind one of `COMPOUNDS`, or before another hyphen.
- `%` behind a letter or brace at the end of a line, which hides the line end from TeX.
- Lines that draw a line, `|---|:--:|`, below another line.

The first line of a paragraph keeps its marks: they stand before all that is said there, and a minus may begin it. Numbers of
lists stay, for they are numbers.
"""

from __future__ import annotations

import functools
import html.entities
import re

import numpy as np
import xxhash
from numpy.typing import NDArray

LINE_MARK = re.compile(r"\n[ \t\r]*[-=*+|:>/%]|%\n|[a-z]-\r?\n[a-z]")

TEXT_TAGS = """
    a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark math mi mn mo mrow ms mtext nobr q rp rt ruby s samp
    small span strike strong time tt u var wbr
"""
BLOCK_TAGS = """
    address article aside audio base blockquote body br button canvas caption center col colgroup dd details dialog dir div dl dt embed
    fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html iframe img input legend li link main
    map menu meta nav noscript object ol optgroup option output p param picture pre progress script section select source style summary
    svg table tbody td template textarea tfoot th thead title tr track ul video
"""
ATTRIBUTES = """
    class id style title lang dir href src alt name width height align valign color face size border cellpadding cellspacing colspan
    rowspan bgcolor type value rel target start hidden disabled checked selected readonly required multiple autofocus autoplay controls loop
    muted async defer nowrap noshade compact open reversed download display xmlns
"""
COMPOUNDS = """
    one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty seventy eighty ninety hundred
    first second third fourth fifth sixth seventh eighth ninth tenth nth half quarter single double triple multiple full whole
    left right upper lower top bottom inner outer high low long short small large big great old new good hard soft fast slow deep wide
    well self non all real odd even open closed year month week day hour minute time part side hand point end way foot inch mile
    to of and by in on off up down out the cross square brand medium push light dark black white blue red green brown water
    mother father brother sister son daughter user line base key rock free so
"""
"""First words of compounds, `two-digit`: their hyphen stays one at a line end."""
TEXT_TAG, BLOCK_TAG, LOWERED, RAISED, ATTRIBUTE, COMPOUND = range(1, 7)
MAX_ENTITY_BYTES = 16

NUM_NAME_SLOTS, NUM_ENTITY_SLOTS = 1 << 10, 1 << 13


@functools.cache
def tables() -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """Open hash tables: names of tags and attributes and their kinds, names of entities and their UTF-8, the first byte lowest."""
    names = dict.fromkeys(TEXT_TAGS.split(), TEXT_TAG) | dict.fromkeys(BLOCK_TAGS.split(), BLOCK_TAG)
    names |= {"sub": LOWERED, "sup": RAISED} | {f"{word}-": COMPOUND for word in COMPOUNDS.split()}
    attributes = {f"={name}": ATTRIBUTE for name in ATTRIBUTES.split()}  # some are names of tags as well
    entities = {
        name[:-1]: int.from_bytes(text.encode(), "little")
        for name, text in html.entities.html5.items()
        if name.endswith(";") and len(name) <= MAX_ENTITY_BYTES + 1 and len(text.encode()) <= 8
    }
    return (*hash_table(names | attributes, NUM_NAME_SLOTS), *hash_table(entities, NUM_ENTITY_SLOTS))


def hash_table(values: dict[str, int], num_slots: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """An open hash table of names for compiled code: keys (hashes, 0 where free) and values, both of `num_slots`, a power of two."""
    keys, found = np.zeros(num_slots, np.uint64), np.zeros(num_slots, np.uint64)
    for name, value in values.items():
        key = xxhash.xxh3_64_intdigest(name.encode())
        slot = key % num_slots
        while keys[slot]:
            slot = (slot + 1) % num_slots
        keys[slot], found[slot] = key, value
    for array in (keys, found):
        array.setflags(write=False)
    return keys, found


def without_page_markup(text: str) -> str:
    """Spell a text without it.

    >>> " ".join(without_page_markup('is <i class="x">H<sub>2</sub>O</i> &lt; 5').split())
    'is H_{2}O < 5'
    """
    if not ("<" in text or "&" in text or "](" in text or LINE_MARK.search(text)):
        return text
    from mathcode_data.core.gram_markup import cleaned

    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    offsets = np.array([0, data.size], np.int64)
    offsets.setflags(write=False)
    clean = cleaned(data, offsets)
    return text if clean is None else clean.data.tobytes().decode("utf-8", "surrogatepass")
