"""Run every benchmark `tests/bench/bench_*.py` and write its result to `tests/bench/results/`.

    python tests/bench/run_all.py [--only extract,minhash] [--scale 0.1] [--repeats 3] [--output FOLDER]

A benchmark is a module with `run(options) -> Bench` or a list of them. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import RESULTS, Bench, Options, SkipError

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Names of the benchmarks, without `bench_`."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def run_one(name: str, options: Options) -> list[Bench]:
    """Run one benchmark.

    Raises:
        SkipError: a package or the real data is absent.
    """
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    try:
        module = importlib.import_module(f"bench_{name}")
    except ModuleNotFoundError as error:
        raise SkipError(f"needs the package {error.name!r}, which is not installed") from error
    given = module.run(options)
    return given if isinstance(given, list) else [given]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; returns the exit code: 0 if all of it ran or was skipped with a reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(names()), help="names, with commas (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="how much input (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--scratch", type=Path, default=Options.scratch)
    options = parser.parse_args(arguments)
    wanted = [name for name in options.only.split(",") if name]
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(names())}")
    for name in wanted:
        scratch = options.scratch / name
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            for bench in run_one(name, Options(options.repeats, options.scale, scratch=scratch)):
                path = bench.write(options.output)
                print(f"{bench.table()}\n  -> {path.name}", flush=True)
        except SkipError as error:
            print(f"{name}: skipped: {error}", flush=True)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
