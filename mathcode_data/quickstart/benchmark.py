"""The quickstart's own tiny benchmark: twenty invented word problems, of which one is planted in the crawled site.

The words are fixed and the numbers come from the seed. Decontamination must find the planted one and nothing else.
"""

from pathlib import Path
from typing import NamedTuple

import orjson

from mathcode_data.core.storage import write_bytes
from mathcode_data.quickstart.article import Article, heading, paragraph
from mathcode_data.quickstart.grammar import Draw

BENCHMARK_FILE = "benchmark.jsonl"
PLANTED_ITEM = 7
"""Which of the items (counted from 0) stands on a page of the site."""


class _Puzzle(NamedTuple):
    text: str
    answer: int


def _puzzles(draw: Draw) -> list[_Puzzle]:
    """The problems with their answers; each text has its own story, so that they share no run of ten words."""
    a, b, c = draw.integer(3, 9), draw.integer(11, 29), draw.integer(2, 6)
    d, e, f = draw.integer(31, 59), draw.integer(c + 1, 8), draw.integer(12, 20)
    ordinal = ("third", "fourth", "fifth", "sixth", "seventh")[c - 2]
    return [
        _Puzzle(f"Odalys keeps {a} beehives and every hive gives {b} jars of honey in a summer. She trades {c} jars for a wheel "
                "of cheese. How many jars does Odalys still own?", a * b - c),
        _Puzzle(f"A puppet maker carves {e} marionettes a week and paints each with {a} colours. How many coats of colour does "
                f"she lay on in {c} weeks?", e * a * c),
        _Puzzle(f"The night ferry to Skarholm carries {d} lorries on its lower deck and {f} fewer on the upper one. How many "
                "lorries sail that night?", 2 * d - f),
        _Puzzle(f"Bartholomew reads {b} pages of his whaling saga before breakfast and {f} pages after supper. After how many "
                f"pages has he finished {e} such days?", (b + f) * e),
        _Puzzle(f"Three cousins split a treasure of {3 * d} copper buttons evenly, and the youngest loses {c} of hers down a "
                "drain. How many buttons are left to the youngest cousin?", d - c),
        _Puzzle(f"A windmill grinds {b} sacks of rye on a calm day and twice as many in a gale. How much rye, in sacks, does it "
                f"grind in {c} calm days and {a} gales?", b * c + 2 * b * a),
        _Puzzle(f"Professor Quimby's umbrella stand holds {d} umbrellas until {e} visitors each borrow one and {c} of them bring "
                "theirs back wet. How many umbrellas stand there now?", d - e + c),
        _Puzzle(f"A glassblower named Ferrucio fills {e} crates with {f} goblets each, but a startled goat knocks over one crate "
                f"and only {c} goblets in it survive. How many whole goblets can Ferrucio ship?", (e - 1) * f + c),
        _Puzzle(f"Lanterns for the river feast hang in {a} rows of {f}. The wind blows out {b} of them. How many lanterns keep "
                "burning over the water?", a * f - b),
        _Puzzle(f"Zainab swims {e} lengths on Monday and on each following day {c} more than the day before. How many lengths does "
                "she swim on Friday?", e + 4 * c),
        _Puzzle(f"A museum guard walks {f} rounds per shift, each of {b} minutes, and rests for {a} minutes in all. How long is "
                "the shift of this guard, in minutes?", f * b + a),
        _Puzzle(f"In the orchard of Mistress Penhallow stand {d} quince trees; {e} of them bear nothing and the rest carry {a} "
                "fruits apiece. How large is the quince harvest?", (d - e) * a),
        _Puzzle(f"An accordion has {d} buttons on one side and {b} on the other, and {c} of all these stick in damp weather. How "
                "many of its buttons move freely when it rains?", d + b - c),
        _Puzzle(f"A caravan of {a} camels carries {f} bolts of silk per camel; at the oasis the merchants sell {b} bolts and buy "
                f"{e} others. With how many bolts do they march on?", a * f - b + e),
        _Puzzle(f"Grandfather Ilmari whittles {c} spoons an hour and burns every {ordinal} one in the stove. He whittles for "
                f"{(c + 1) * e} hours. How many spoons escape the stove?", c * (c + 1) * e - c * e),
        _Puzzle(f"The tide pool shelters {f} hermit crabs. Each of {e} children adds {c} crabs and a gull eats {a}. How many "
                "hermit crabs hide in the pool at dusk?", f + e * c - a),
        _Puzzle(f"A tram with {d} seats leaves the depot half an hour late with {f} riders; at each of {c} stops {e} climb aboard "
                "and nobody gets off. How many riders does the tram hold then?", f + c * e),
        _Puzzle(f"Seamstress Wilhelmina sews {b} sequins on a sleeve and the same on the other, then {d} on the collar. How many "
                f"sequins glitter on {c} such costumes?", (2 * b + d) * c),
        _Puzzle(f"A chess club of {2 * f} members meets in pairs, and {c} boards stay unused although the cupboard is empty. How "
                "many chess boards does that club possess?", f + c),
        _Puzzle(f"Kettledrums are tuned in sets of {e}. The orchestra of Vessby owns {a} sets and lends {c} drums to a circus. How "
                "many kettledrums remain in Vessby?", e * a - c),
    ]  # fmt: skip


def benchmark_items(seed: int) -> list[dict[str, str]]:
    """Twenty problems with `question` and `answer` (a whole number in digits)."""
    return [{"question": text, "answer": str(answer)} for text, answer in _puzzles(Draw(f"{seed}/benchmark"))]


def write_benchmark(folder: Path, seed: int) -> Path:
    """Write the items as JSON Lines and return the file."""
    path = folder / BENCHMARK_FILE
    write_bytes(path, b"".join(orjson.dumps(item) + b"\n" for item in benchmark_items(seed)))
    return path


def planted_article(seed: int) -> Article:
    """A page of word problems with worked solutions, one of which is an item of the benchmark, word for word."""
    item = benchmark_items(seed)[PLANTED_ITEM]
    draw = Draw(f"{seed}/planted")
    n, k = draw.integer(12, 40), draw.integer(3, 9)
    return Article(
        "Word problems with multiplication, worked out",
        (
            paragraph(
                "To solve a word problem, name the unknown number, write an equation for it, and check the solution by putting it "
                "back into the equation. Two examples follow; each uses the product of two numbers."
            ),
            heading("Example 1"),
            paragraph(f"There are ${n}$ books on each of ${k}$ shelves. Let $x$ be the number of all books."),
            paragraph(f"Then $x = {n} \\times {k}$, so $x = {n * k}$. To check the solution, divide: ${n * k} : {k} = {n}$."),
            heading("Example 2"),
            paragraph(item["question"]),
            heading("Solution"),
            paragraph(
                "Let $c$ be the number of crates, $g$ the number of goblets in a crate and $s$ the number that survive. The unknown "
                "number is $x = (c - 1) \\times g + s$, because one crate of the $c$ crates is lost."
            ),
            paragraph(f"With the numbers of the problem the equation gives $x = {item['answer']}$, and that is the solution."),
        ),
    )
