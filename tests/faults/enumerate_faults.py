"""Make every operation on the disk of a small job fail, one at a time, and look what stands afterwards (SQLite's method).

    LD_PRELOAD=disk_faults.so python tests/faults/enumerate_faults.py SCENARIO --scratch DIR --errors ENOSPC,EIO --modes once,stays

One process imports everything and forks a child per fault, so that a fault costs what the job itself costs. Per case: the job runs
until the fault ends it; what stands is checked; the same job runs again without faults; its tree is compared with that of an
undisturbed run. A line of JSON per case goes to standard output, the last line sums up. `--output tests/bench/results/faults.json` adds
the cases to a result file: part after part, until every operation was tried.

`support.faulty_storage` compiles the library and calls this from tests.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import functools
import gc
import json
import os
import random
import re
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import scenarios

from support.campaign import about, added, numbers, ranges, read_campaign, write_campaign

MODES = {"once": 0, "stays": 1, "short": 2, "read": 3, "unreadable": 4}
"""The operation fails and the next succeed; it and all after it fail; a write takes half of its bytes, then as `stays`. The last two
count what opens and reads files instead (not loads from mapped ones): one fails; it and all further ones of that file fail."""
READS = ("read", "unreadable")
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EDQUOT": errno.EDQUOT}
DEADLINE_S = 60.0
ARROW_LINE = re.compile(r"/arrow/.*Error ignored when destroying file")


@functools.cache
def shim() -> ctypes.CDLL:
    """The preloaded library."""
    library = ctypes.CDLL(None)
    library.fault_count.restype = library.fault_failures.restype = ctypes.c_long
    library.fault_what.restype = ctypes.c_char_p
    return library


def forked(work: Callable[[], int], said: Path) -> tuple[int, str]:
    """Call in a child; gives its exit code and what it said on standard error."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            code = work()
        except BaseException:  # noqa: BLE001  (the child must not go on as its parent)
            traceback.print_exc()
        finally:
            shim().fault_disarm()
            sys.stderr.flush()
            os._exit(code)
    deadline = time.monotonic() + DEADLINE_S
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status), said.read_text(errors="replace")
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            return -9, f"{said.read_text(errors='replace')}\nno end after {DEADLINE_S} s"
        time.sleep(0.001)


def is_one_line(said: str, folder: Path) -> bool:
    """Whether the user is told once, with a path; Arrow's C++ may add that closing the file failed too."""
    lines = [line for line in said.splitlines() if not ARROW_LINE.search(line)]
    return len(lines) == 1 and lines[0].startswith("error: ") and str(folder) in lines[0]


class Enumeration:
    """One scenario: its beginning, its undisturbed end, and the operations between."""

    def __init__(self, scenario: scenarios.Scenario, scratch: Path) -> None:
        self.scenario, self.scratch = scenario, scratch
        self.prepared, self.case, self.said = scratch / "prepared", scratch / "case", scratch / "said"
        self.prepared.mkdir(parents=True)
        code, text = forked(lambda: 0 * bool(scenario.prepare(self.prepared)), self.said)
        assert code == 0, f"{scenario.name}: cannot be prepared: {text}"
        self.before = scenario.state(self.prepared)
        self.operations, self.reads = self._list(MODES["once"]), self._list(MODES["read"])
        self.after = scenario.state(self.case)
        code, text = forked(lambda: scenario.finish(self.case), self.said)
        assert code == 0, f"{scenario.name}: what follows ended with {code}: {text}"
        self.expected = scenario.tree(self.case)

    def _list(self, mode: int) -> list[list[str]]:
        """Kind and path of each operation of an undisturbed run that this mode counts."""
        operations = self.scratch / "operations"
        code, text = self._run(0, 0, mode, operations)
        assert code == 0, f"{self.scenario.name}: the undisturbed run ended with {code}: {text}"
        lines = operations.read_text().splitlines()
        operations.unlink()
        return [line.split(" ", 2)[1:] for line in lines]

    def _run(self, number: int, error: int, mode: int, operations: Path | None = None) -> tuple[int, str]:
        shutil.rmtree(self.case, ignore_errors=True)
        shutil.copytree(self.prepared, self.case)
        report = self.scratch / "report"

        def work() -> int:
            if operations is not None:
                shim().fault_list(os.open(operations, os.O_WRONLY | os.O_CREAT, 0o600))
            shim().fault_arm(os.fsencode(self.case), number, error, mode)
            try:
                return self.scenario.act(self.case)
            finally:
                shim().fault_disarm()
                report.write_text(json.dumps([shim().fault_failures(), os.fsdecode(shim().fault_what())]))

        code, text = forked(work, self.said)
        self.failures, self.what = json.loads(report.read_text()) if report.exists() else (0, "")
        report.unlink(missing_ok=True)
        return code, text

    def try_fault(self, number: int, error: str, mode: str) -> dict[str, Any]:
        """Make one operation fail and judge what comes of it."""
        code, text = self._run(number, ERRORS[error], MODES[mode])
        found: dict[str, Any] = {
            "number": number,
            "error": error,
            "mode": mode,
            "what": self.what,
            "code": code,
            "said": text.strip()[-600:],
            "stands": self._stands(),
        }
        if not self.failures:
            return found | {"problems": [], "was_met": False}
        problems = [] if code == 6 else [f"exit code {code}"]
        if code and not is_one_line(text, self.case):
            problems.append("not one line that names a path")
        if code == 0 and self.scenario.tree(self.case) == self.expected:
            problems = []
            found["is_harmless"] = True
        problems += self._standing()
        again, text = forked(lambda: self.scenario.act(self.case) or self.scenario.finish(self.case), self.said)
        if again:
            problems.append(f"the next run ended with {again}: {text.strip()[-600:]}")
        elif (tree := self.scenario.tree(self.case)) != self.expected:
            names = sorted(name for name in tree.keys() | self.expected.keys() if tree.get(name) != self.expected.get(name))
            problems.append(f"the next run left other files: {', '.join(names[:6])}")
        return found | {"problems": problems, "was_met": True}

    def _stands(self) -> str:
        """The state after the fault, in a word: of a job that makes several results some may be there and the next not yet."""
        state = self.scenario.state(self.case)
        return "old" if state == self.before else "new" if state == self.after else "between"

    def _standing(self) -> list[str]:
        problems = self.scenario.damage(self.case)
        for name, value in self.scenario.state(self.case).items():
            if value not in (self.before.get(name), self.after.get(name)):
                problems.append(f"{name} is neither as before nor as after")
        return problems


def draw(operations: list[list[str]], mode: str, wanted: str, seed: int) -> list[int]:
    """Numbers of operations that can fail so: `all`, or so many, drawn without repetition (the first and the last among them)."""
    able = [number for number, (kind, _) in enumerate(operations, 1) if mode != "short" or kind == "write"]
    if wanted == "all" or int(wanted) >= len(able):
        return able
    return sorted({able[0], able[-1], *random.Random(seed).sample(able[1:-1], max(0, int(wanted) - 2))})


def outcome(found: dict[str, Any]) -> str:
    """What came of a case, in a few words."""
    if found["problems"]:
        return "problem"
    if found.get("is_harmless"):
        return "no matter: the run went on and all bytes are right"
    return f"exit code {found['code']}, {found['stands']} state, the next run has the bytes of an undisturbed one"


def keep(path: Path, name: str, operations: list[list[str]], cases: dict[str, dict[str, set[int]]]) -> None:
    """Add cases to a result file; a case that was tried before gets its new outcome. Of a job that has changed nothing older stays."""
    data = read_campaign(path, "faults")
    kinds = [kind for kind, _ in operations]
    counted = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    run = data["runs"].get(name)
    if run is None or run["operations_by_kind"] != counted:
        run = {"cases": {}}
    for way, found in cases.items():
        held = {words: numbers(text) for words, text in run["cases"].get(way, {}).items()}
        tried = set().union(*found.values())
        merged = {words: (held.get(words, set()) - tried) | found.get(words, set()) for words in held.keys() | found.keys()}
        run["cases"][way] = {words: ranges(which) for words, which in merged.items() if which}
    sums: dict[str, dict[str, int]] = {}
    met: set[int] = set()
    for way in run["cases"].values():
        for words, text in way.items():
            met |= numbers(text)
            for number in numbers(text):
                of_kind = sums.setdefault(kinds[number - 1], {})
                of_kind[words] = of_kind.get(words, 0) + 1
    run |= {"operations": len(operations), "operations_by_kind": counted, "operations_that_failed": len(met), "outcomes_by_kind": sums,
            "faults": sum(sum(part.values()) for part in sums.values()),
            "problems": sum(part.get("problem", 0) for part in sums.values())} | about()  # fmt: skip
    data["runs"][name] = run
    parts = data["runs"].items()
    data["facts"] = {field: {name: part[field] for name, part in parts} for field in ("operations", "operations_that_failed", "faults")}
    data["facts"] |= {"problems": sum(part["problems"] for _, part in parts), "all_faults": sum(part["faults"] for _, part in parts),
                      "outcomes": added(*(of_kind for _, part in parts for of_kind in part["outcomes_by_kind"].values()))}  # fmt: skip
    write_campaign(path, data | about())


def main() -> int:
    """Run the cases that were asked for; 1 if one of them shows a problem."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", choices=scenarios.NAMES)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--errors", default="ENOSPC,EIO,EDQUOT")
    parser.add_argument("--modes", default="once,stays,short")
    parser.add_argument("--numbers", default="all", help="all, or how many operations are drawn for each error and mode")
    parser.add_argument("--part", default="1/1", help="2/3: every third of the chosen operations, from the second on")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no case after so many")
    parser.add_argument("--only", type=int, help="one operation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="a result file to add these cases to")
    parser.add_argument("--quiet", action="store_true", help="say only the cases with problems, and the sum")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: setattr(asked, "seconds", 0.0))  # begin no case more, and sum up
    scenarios.make_ready()
    gc.freeze()  # what is imported is shared by all forks
    start = time.monotonic()
    enumeration = Enumeration(scenarios.scenario(asked.scenario), asked.scratch)
    tried = bad = left = 0
    harmless: dict[str, int] = {}
    cases: dict[str, dict[str, set[int]]] = {}
    for place, (error, mode) in enumerate((error, mode) for error in asked.errors.split(",") for mode in asked.modes.split(",")):
        counted = enumeration.reads if mode in READS else enumeration.operations
        chosen = [asked.only] if asked.only else draw(counted, mode, asked.numbers, asked.seed + place)
        part, parts = map(int, asked.part.split("/"))
        for number in chosen[part - 1 :: parts]:
            if time.monotonic() - start > asked.seconds:
                left += 1
                continue
            found = enumeration.try_fault(number, error, mode)
            tried += found["was_met"]
            bad += bool(found["problems"])
            if found.get("is_harmless"):
                kind, _, path = found["what"].partition(" ")
                name = re.sub(r"[0-9a-f]{16,}|[0-9]+", "#", f"{kind} {Path(path).name}")
                harmless[name] = harmless.get(name, 0) + 1
            if found["was_met"]:
                cases.setdefault(f"{error} {mode}", {}).setdefault(outcome(found), set()).add(number)
            if found["problems"] or not asked.quiet:
                print(json.dumps(found), flush=True)
    kinds: dict[str, int] = {}
    for kind, _ in enumeration.operations + enumeration.reads:
        kinds[kind] = kinds.get(kind, 0) + 1
    summary = {"scenario": asked.scenario, "operations": len(enumeration.operations), "kinds": kinds, "faults": tried, "harmless": harmless,
               "problems": bad, "left": left, "seconds": round(time.monotonic() - start, 1)}  # fmt: skip
    print(json.dumps(summary), flush=True)
    if asked.output:
        for reads, counted in ((False, enumeration.operations), (True, enumeration.reads)):
            chosen_cases = {way: found for way, found in cases.items() if (way.split()[1] in READS) == reads}
            if chosen_cases:
                keep(asked.output, f"{asked.scenario}{', reading' if reads else ''}", counted, chosen_cases)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
