"""Result files of campaigns that are run by hand, part after part: kills, faults of the disk, fuzzing.

The form is that of benchmarks (tests/bench/harness.py): machine, commit, packages, `facts`. A part that is run again, with the same seed
or for the same operations, takes the place of what the file held of it; other parts are added. Sums are made anew each time.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from support.engine import TESTS

sys.path.append(str(TESTS / "bench"))

from harness import _refuse_paths, commit, machine, versions


def read_campaign(path: Path, name: str) -> dict[str, Any]:
    """What the file holds; an empty campaign where there is none."""
    if not path.exists():
        return {"name": name, "parameters": {}, "facts": {}, "measurements": [], "ratios": {}, "runs": {}}
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if data["name"] != name:
        sys.exit(f"{path}: holds {data['name']!r}, not {name!r}; name another file with --output")
    return data


def about(*packages: str) -> dict[str, Any]:
    """Of a part: the commit and the machine it was run on, and packages beside those of benchmarks."""
    return {"code": commit(), "machine": machine(), "packages": versions() | {name: metadata.version(name) for name in packages}}


def write_campaign(path: Path, data: dict[str, Any]) -> None:
    """Write the file, sorted; refuses paths of this machine."""
    _refuse_paths(data, data["name"])
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


def ranges(numbers: set[int]) -> str:
    """Numbers as text: runs of them joined.

    >>> ranges({1, 2, 3, 7, 9, 10})
    '1-3,7,9-10'
    """
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def numbers(text: str) -> set[int]:
    """The numbers of such a text.

    >>> sorted(numbers('1-3,7,9-10')) == [1, 2, 3, 7, 9, 10], numbers('')
    (True, set())
    """
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def added(*counts: dict[str, int]) -> dict[str, int]:
    """The sum of counts by name."""
    return {name: sum(count.get(name, 0) for count in counts) for name in sorted({name for count in counts for name in count})}
