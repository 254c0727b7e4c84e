"""Rounds of recall on real pages: what each round collects, judged by labels that no round sees.

pipelines/math_round.yaml as it is, but for domains: those with half of their pages collected are accepted without a person. The peer is
its own first round, one classifier trained on the seed and cut at the same budget of tokens: what everybody does who does not go on.
Labels are the pages' sets ("mathematics" or not), so a share of what counts as wrong is physics or the index page of a mathematical site.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness import ROOT, Bench, Options

AUTOMATIC = ("min_pages: 10}", "min_pages: 10, auto_accept: 50%}")


def facts_of(report: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a round's report that stand in the table of the command."""
    found = {name: report[name] for name in ("pages", "pages_scored", "tokens", "num_domains", "num_candidates", "model_sha256")}
    found |= {"new_share": report.get("new_share")}
    return found | {name: report[name] | {"share": round(report[name]["share"], 4)} for name in ("precision", "recall")}


def run(options: Options) -> Bench:
    """Once: finished rounds are never made again."""
    options.shared()
    from real_input import lay_out

    folder = options.scratch / "recall"
    shutil.rmtree(folder, ignore_errors=True)
    counts = lay_out(folder / "data", "deepseek-llm")
    pipeline = folder / "pipelines/math_round.yaml"
    pipeline.parent.mkdir()
    text = (ROOT / "pipelines/math_round.yaml").read_text(encoding="utf-8")
    if AUTOMATIC[0] not in text:
        raise SystemExit(f"pipelines/math_round.yaml has no {AUTOMATIC[0]!r}; mend this benchmark")
    pipeline.write_text(text.replace(*AUTOMATIC), encoding="utf-8")
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "mathcode_data.cli", "recall", pipeline], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"recall ended with {done.returncode}: {done.stderr[-500:]}")
    reports = [json.loads(path.read_text()) for path in rounds_of(folder / "results/math-round")]
    bench = Bench("recall", {"pages": counts, "automatic": "50 %"})
    bench.add("extraction and all rounds", [seconds], "page", sum(counts.values()))
    bench.facts = {f"round {report['round']}": facts_of(report) for report in reports}
    bench.facts["one round"] = {name: round(reports[0][name]["share"], 4) for name in ("precision", "recall")}
    shutil.rmtree(folder)
    return bench


def rounds_of(folder: Path) -> list[Path]:
    """report.json of every round, in order."""
    return sorted(folder.glob("round-*/report.json"), key=lambda path: int(path.parent.name.removeprefix("round-")))
