"""Guide the bytes by coverage: `python tests/fuzz/run.py [READER ...] --seconds 180` (needs atheris, and PYTHONPATH=tests).

Each reader runs in a process of its own, some side by side; one line a reader with executions, coverage edges and what was found.
Findings lie in the folder of artifacts, to be read back with `--replay FILE`. `--output tests/bench/results/fuzz.json` adds the figures of
these readers and this seed to a result file.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
MEMORY_MB = 3000
STAGES = {"warc": ("read.warc",), "wet": ("read.wet",), "jsonl": ("read.jsonl",), "yaml": ("read.jsonl", "select.threshold", "dedup.exact")}
"""Modules that readers load by name, at their first use: they are instrumented too."""
LAST = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--side-by-side", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--artifacts", type=Path, default=Path("/tmp/fuzz"))
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--output", type=Path, help="a result file to add the figures to")
    options = parser.parse_args()
    known = sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.py"))
    names = options.readers or known
    if unknown := set(names) - set(known):
        parser.error(f"no reader {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if options.replay:
        load(names[0]).read(options.replay.read_bytes())
        return 0
    options.artifacts.mkdir(parents=True, exist_ok=True)
    from support.fuzzing import MEMORY, SCRATCH_VARIABLE

    parent, scratch = os.getpid(), tempfile.mkdtemp(prefix="fuzz-", dir=MEMORY)
    os.environ[SCRATCH_VARIABLE] = scratch
    try:
        return run_all(names, options)
    finally:
        if os.getpid() == parent:  # a reader that cannot begin comes by here too
            shutil.rmtree(scratch, ignore_errors=True)


def run_all(names: list[str], options: argparse.Namespace) -> int:
    """Start a child for each reader; the package is instrumented once, before the first."""
    import atheris

    with atheris.instrument_imports(include=["mathcode_data"], enable_loader_override=False):
        modules = {name: load(name) for name in names}
        for name in names:
            for stage in STAGES.get(name, ()):
                importlib.import_module(f"mathcode_data.stages.{stage}")
    waiting, running, failed = list(names), {}, 0
    figures: dict[str, dict[str, int]] = {}
    while waiting or running:
        while waiting and len(running) < options.side_by_side:
            name = waiting.pop(0)
            process = os.fork()
            if process == 0:
                fuzz(modules[name], name, options)
                os._exit(0)
            running[process] = name
        process, status = os.wait()
        name = running.pop(process)
        code = os.waitstatus_to_exitcode(status)
        figures[name] = report(name, options.artifacts / f"{name}.log", code) | {"seconds": options.seconds, "seed": options.seed}
        failed += bool(code)
    if options.output:
        keep(options.output, figures)
    return 1 if failed else 0


def keep(path: Path, figures: dict[str, dict[str, int]]) -> None:
    """Add figures to a result file; those of the same reader and seed go."""
    from support.campaign import about, added, read_campaign, write_campaign

    data = read_campaign(path, "fuzz")
    for name, found in figures.items():
        data["runs"][f"{name}, seed {found['seed']}"] = found | {"reader": name} | about("atheris")
    runs = list(data["runs"].values())
    data["facts"] = {
        "readers": len({run["reader"] for run in runs}),
        "executions": added(*({run["reader"]: run["executions"]} for run in runs)),
        "edges": {name: max(run["edges"] for run in runs if run["reader"] == name) for name in {run["reader"] for run in runs}},
        "all_executions": sum(run["executions"] for run in runs),
        "findings": sum(run["findings"] for run in runs),
        "seconds": sum(run["seconds"] for run in runs),
    }
    write_campaign(path, data | about("atheris"))


def fuzz(module: ModuleType, name: str, options: argparse.Namespace) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris

    from support.fuzzing import MAX_BYTES, try_bytes

    log = os.open(options.artifacts / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    warnings.simplefilter("ignore")
    corpus = options.artifacts / name
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(module.seeds()):
        (corpus / f"seed-{number:04d}").write_bytes(seed)
    arguments = [
        sys.argv[0], str(corpus), f"-max_total_time={options.seconds}", f"-seed={options.seed}", f"-max_len={MAX_BYTES}",
        f"-rss_limit_mb={MEMORY_MB}", "-timeout=20", f"-artifact_prefix={options.artifacts / name}.", "-print_final_stats=1",
    ]  # fmt: skip

    def one(data: bytes) -> Any:
        try_bytes(module.read, data)

    atheris.Setup(arguments, one)
    atheris.Fuzz()


def report(name: str, log: Path, code: int) -> dict[str, int]:
    """Print what came of a reader; gives its figures."""
    text = log.read_text(errors="replace")
    lines = LAST.findall(text)
    executions, edges, features = lines[-1] if lines else ("0", "0", "0")
    found = "no finding" if code == 0 else f"FOUND (code {code})"
    print(f"{name}: {int(executions):,} executions, {int(edges):,} edges, {int(features):,} features, {found}")
    if code:
        at = text.find("Uncaught Python exception")
        print(text[at if at >= 0 else -3000 :][:3000])
    sys.stdout.flush()
    return {"executions": int(executions), "edges": int(edges), "features": int(features), "findings": int(code != 0)}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", HERE / f"fuzz_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
