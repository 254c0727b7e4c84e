"""The quickstart as a newcomer runs it: how long it takes, and the tables that README shows.

Counts are the same on every machine with the same Python (its standard library is the source of code), times are not. After a new
result, README gets the lines that `python tests/bench/bench_quickstart.py` prints; a test compares the two
(tests/project/test_readme_numbers.py).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from typing import Any

from harness import RESULTS, Bench, Options

WORKERS = 2
PARTS = (re.compile(r"result +stage "), re.compile(r"stage +source +tokens asked"), re.compile(r"\d[\d,]* steps, "))
"""How the parts of the output begin that are kept."""
SHOWN = ("math-pages", "dedup.exact", "dedup.minhash", "math-documents", "read.code", "tokenizer", "math", "code")
"""Results that README shows; the others make the classifier, or are like these."""


def run(options: Options) -> Bench:
    """Run it once, in a new folder."""
    bench = Bench("quickstart", {"workers": WORKERS})
    command = [sys.executable, "-m", "mathcode_data.cli", "quickstart", str(options.scratch / "quickstart"), "--workers", str(WORKERS)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "250"})
    seconds = time.perf_counter() - start
    assert done.returncode == 0, f"the quickstart ended with {done.returncode}: {done.stderr[-2000:]}"
    parts = [part.strip("\n").splitlines() for part in done.stdout.split("\n\n")]
    kept = [part for pattern in PARTS for part in parts if pattern.match(part[0])]
    assert len(kept) == len(PARTS), f"not the parts that README shows: {done.stdout}"
    bench.facts |= {
        "results": rows(kept[0]),
        "mixture": [line.rstrip() for line in kept[1]],
        "training": [line.rstrip() for line in kept[2]],
        "steps": int(kept[2][0].partition(" ")[0].replace(",", "")),
        "python_of_the_code": sys.version.split()[0],
    }
    bench.add("quickstart", [seconds], "run", 1)
    return bench


def rows(lines: list[str]) -> list[dict[str, str]]:
    """The printed table of results by its headers; a column is as wide as what no line has a space across."""
    width = max(map(len, lines))
    padded = [line.ljust(width) for line in lines]
    is_gap = [all(line[at : at + 2] == "  " for line in padded) for at in range(width)]
    starts = [0] + [at + 2 for at in range(width - 2) if is_gap[at] and not is_gap[at + 1]]
    cells = [[line[a:b].strip() for a, b in zip(starts, [*starts[1:], width], strict=True)] for line in padded]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]


def readme_lines(facts: dict[str, Any]) -> list[str]:
    """What README shows of a result file's facts."""
    table, name = [["result", "stage", "in", "kept", "dropped", "tokens", "seconds"]], ""
    for row in facts["results"]:
        name = row["result"] or name
        if name in SHOWN:
            changed = ", ".join(row.get("changed", "-").split(", ")[:2])
            note = "" if changed in ("", "-") else f"  ({changed})"
            table.append([row["result"], row["stage"], row["in"], row["kept"], row["dropped"] + note, row["tokens"], row["seconds"]])
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    left = (0, 1, 4)
    lines = [
        "  ".join(cell.ljust(width) if at in left else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in table
    ]
    return [line.rstrip() for line in [*lines, "", *facts["mixture"], "", *facts["training"]]]


if __name__ == "__main__":
    print("\n".join(readme_lines(json.loads((RESULTS / "quickstart.json").read_text(encoding="utf-8"))["facts"])))
