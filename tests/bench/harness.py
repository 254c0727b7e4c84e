"""Benchmarks: ours and a peer by turns in one process, and what came out as one JSON file.

    python tests/bench/run_all.py --only minhash            measure, write tests/bench/results/minhash.json
    python tests/bench/harness.py compare OLD.json NEW.json  exit code 1 if something became slower

Speeds of two machines say nothing about each other, so a comparison refuses another CPU, number of cores, or other
parameters. On a shared machine the ratio of ours to a peer that ran beside it is what counts: its median over the
rounds moves far less than either time. Nothing here asserts a time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
SAMPLE_S = 0.05  # a look at all children takes milliseconds
DEFAULT_THRESHOLD = 0.9
NAMED_PACKAGES = (
    "datatrove", "fastokens", "fastwarc", "gigatoken", "megatron-core", "numpy", "pyarrow", "selectolax", "tokenizers", "torch",
    "trafilatura", "triton", "warcio",
)  # fmt: skip


class SkipError(Exception):
    """A benchmark cannot run here: a package or the real data is absent. The message says which."""


@dataclass(frozen=True)
class Options:
    """How much to run. `scale` multiplies the amount of input; 0.1 is for a look."""

    repeats: int = 5
    scale: float = 1.0
    data: Path = ROOT.parent / "shared" / "data"
    scratch: Path = Path("/tmp/mathcode-bench")

    def shared(self) -> Path:
        """The folder of real data.

        Raises:
            SkipError: it is absent.
        """
        if not self.data.is_dir():
            raise SkipError("no folder of real data beside the checkout (../shared/data)")
        return self.data

    def scaled(self, amount: int) -> int:
        """That much of the input, at least 1."""
        return max(1, round(amount * self.scale))


@dataclass(frozen=True)
class Measurement:
    """Runs of one contender: `amount` units of work took each of `seconds`."""

    label: str
    seconds: tuple[float, ...]
    unit: str
    amount: float
    peak_bytes: int | None = None

    @property
    def median_s(self) -> float:
        return statistics.median(self.seconds)

    def to_json(self) -> dict[str, Any]:
        """Plain data; `peak_bytes` is memory above what the process held before the run, children included."""
        low, high = _quantile(self.seconds, 0.2), _quantile(self.seconds, 0.8)
        return {
            "label": self.label,
            "unit": self.unit,
            "amount": self.amount,
            "seconds": [round(value, 6) for value in self.seconds],
            "median_s": round(self.median_s, 6),
            "p20_s": round(low, 6),
            "p80_s": round(high, 6),
            "per_second": _significant(self.amount / self.median_s),
            "peak_bytes": self.peak_bytes,
        }


@dataclass
class Bench:
    """A benchmark: what was measured, with which parameters."""

    name: str
    parameters: dict[str, Any]
    measurements: list[Measurement] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    """What else came out and has no time: documents found, bytes written."""
    comparisons: list[tuple[str, str]] = field(default_factory=list)

    def add(self, label: str, seconds: Sequence[float], unit: str, amount: float, *, peak_bytes: int | None = None) -> None:
        """Add the runs of one contender.

        Raises:
            ValueError: no run, a time that is not positive, or a label that was used.
        """
        if not seconds or min(seconds) <= 0 or amount <= 0:
            raise ValueError(f"{self.name}: {label}: {len(seconds)} runs of {amount} {unit}; every run takes a time above 0")
        if label in {done.label for done in self.measurements}:
            raise ValueError(f"{self.name}: {label} was measured already; give each contender its own label")
        self.measurements.append(Measurement(label, tuple(seconds), unit, amount, peak_bytes))

    def race(self, contenders: Mapping[str, Callable[[], Any]], unit: str, amount: float, *, repeats: int = 5) -> dict[str, Any]:
        """Run the contenders by turns, the first of them being ours; returns what each gave back in the warm-up.

        Two runs of each are not timed: one warms it up, in one its memory is measured. The order turns round after
        every round, so that no contender always follows the same one.
        """
        given = {label: function() for label, function in contenders.items()}
        peaks = {}
        for label, function in contenders.items():
            with peak_memory() as peak:
                function()
            peaks[label] = peak[0]
        seconds: dict[str, list[float]] = {label: [] for label in contenders}
        for turn in range(repeats):
            order = list(contenders) if turn % 2 == 0 else list(contenders)[::-1]
            for label in order:
                start = time.perf_counter()
                contenders[label]()
                seconds[label].append(time.perf_counter() - start)
        for label in contenders:
            self.add(label, seconds[label], unit, amount, peak_bytes=peaks[label])
        first, *others = contenders
        self.comparisons += [(first, other) for other in others]
        return given

    def ratio(self, ours: str, peer: str) -> float:
        """How many times faster ours is: median over the rounds where both ran as often, else of the medians."""
        found = {measurement.label: measurement for measurement in self.measurements}
        a, b = found[ours], found[peer]
        per_unit = [theirs / b.amount / (own / a.amount) for own, theirs in zip(a.seconds, b.seconds, strict=False)]
        if len(a.seconds) == len(b.seconds):
            return statistics.median(per_unit)
        return (b.median_s / b.amount) / (a.median_s / a.amount)

    def to_json(self) -> dict[str, Any]:
        """Plain data with the machine (CPU model and cores, never its name), the commit and the packages."""
        data = {
            "name": self.name,
            "parameters": self.parameters,
            "facts": self.facts,
            "measurements": [measurement.to_json() for measurement in self.measurements],
            "ratios": {f"{ours} / {peer}": _significant(self.ratio(ours, peer)) for ours, peer in self.comparisons},
            "machine": machine(),
            "code": commit(),
            "packages": versions(),
        }
        _refuse_paths(data, self.name)
        return data

    def write(self, folder: Path = RESULTS) -> Path:
        """Write NAME.json, sorted; returns its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(self.to_json(), indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def table(self) -> str:
        """A few lines for people."""
        lines = [f"{self.name}  {json.dumps(self.parameters, sort_keys=True)}"]
        for row in (measurement.to_json() for measurement in self.measurements):
            memory = "" if row["peak_bytes"] is None else f"  +{row['peak_bytes'] / 1e6:,.0f} MB"
            spread = f"[{row['p20_s']:.3f} .. {row['p80_s']:.3f}]"
            lines.append(f"  {row['label']:<34} {row['median_s']:9.3f} s {spread:<20} {row['per_second']:>14,} {row['unit']}/s{memory}")
        lines += [f"  {ours} / {peer}: {self.ratio(ours, peer):.2f}x" for ours, peer in self.comparisons]
        return "\n".join(lines)


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Largest memory of this process and its children during the block, above what it was before; in element 0."""
    peak = [0]
    before = _resident()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(SAMPLE_S):
            peak[0] = max(peak[0], _resident() - before)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
        peak[0] = max(peak[0], _resident() - before)


def _resident() -> int:
    own = psutil.Process()
    total = own.memory_info().rss
    for child in own.children(recursive=True):
        try:
            total += child.memory_full_info().uss  # a forked child shares most of its resident pages with us
        except psutil.NoSuchProcess:
            continue  # ended between the two calls
    return int(total)


def machine() -> dict[str, Any]:
    """CPU model, usable cores and how busy they were."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0))
    load = round(os.getloadavg()[1] / cores, 2)  # of the last five minutes; far above 1, others worked here too
    return {"cpu": model, "cores": cores, "load_per_core": load, "python": platform.python_version(), "system": sys.platform}


def commit() -> dict[str, Any]:
    """Commit of the checkout, and whether files differ from it (results of benchmarks aside)."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False, timeout=30)
        return done.stdout.strip() if done.returncode == 0 else ""

    changed = git("status", "--porcelain", "--", "mathcode_data", "tests/bench", ":!tests/bench/results")
    return {"commit": git("rev-parse", "--short=12", "HEAD"), "is_dirty": bool(changed)}


def versions() -> dict[str, str]:
    """Installed versions of the packages that benchmarks use."""
    found = {}
    for name in NAMED_PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _refuse_paths(value: Any, place: str) -> None:
    if isinstance(value, str) and (value.startswith(("/", "~")) or platform.node() in value.split()):
        raise ValueError(f"{place}: {value!r} names this machine; results hold names relative to the repository or none")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_paths(item, f"{place}.{key}")
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse_paths(item, f"{place}[{index}]")


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])


def _significant(value: float) -> float | int:
    """Four significant digits."""
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded >= 1000 else rounded


def compare(old: dict[str, Any], new: dict[str, Any], threshold: float = DEFAULT_THRESHOLD) -> list[str]:
    """Lines for people; those that begin with "SLOWER" fell below `threshold` times the old value.

    Ratios to a peer are compared where there are any, else the speeds themselves.

    Raises:
        ValueError: the two were measured on different machines or with different parameters.
    """
    for key in ("name", "parameters", "machine.cpu", "machine.cores"):
        pair = []
        for result in (old, new):
            value: Any = result
            for step in key.split("."):
                value = value[step]
            pair.append(value)
        if pair[0] != pair[1]:
            raise ValueError(f"{key} differs: {pair[0]!r} and {pair[1]!r}; these results cannot be compared")
    if old["ratios"] and new["ratios"]:
        before, after, unit = old["ratios"], new["ratios"], "x"
    else:
        before, after = ({row["label"]: row["per_second"] for row in result["measurements"]} for result in (old, new))
        unit = "/s"
    lines = []
    for label in sorted(before.keys() & after.keys()):
        change = after[label] / before[label]
        verdict = "SLOWER" if change < threshold else "ok    "
        lines.append(f"{verdict} {label}: {before[label]:,} -> {after[label]:,} {unit} ({change:.2f})")
    lines += [f"gone   {label}" for label in sorted(before.keys() - after.keys())]
    lines += [f"new    {label}" for label in sorted(after.keys() - before.keys())]
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two results; returns the exit code: 0 as fast, 1 slower, 2 not comparable."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("compare", help="compare two results of one benchmark")
    command.add_argument("old", type=Path)
    command.add_argument("new", type=Path)
    command.add_argument("--threshold", type=float, default=DEFAULT_THRESHOLD, help="new / old below this is slower (default: %(default)s)")
    options = parser.parse_args(arguments)
    old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (options.old, options.new))
    try:
        lines = compare(old, new, options.threshold)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(lines))
    return int(any(line.startswith("SLOWER") for line in lines))


if __name__ == "__main__":
    sys.exit(main())
