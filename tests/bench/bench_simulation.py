"""100,000 shards on 1,000 workers with 1 % failures, simulated (simulate_engine.py), from times of real shards and the real driver.

Real: seconds and bytes of some WARC shards of the pages in ../shared/data, read and extracted by the engine here, from their done
records; and the driver's seconds per task from engine.json. Scaled: a shard of Common Crawl has 1 GB and takes its bytes times
the seconds per byte of a drawn real one. Real shards of a few MB differ more from each other than files of 1 GB, so the spread,
and with it the tail, is on the large side.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import RESULTS, Bench, Options, SkipError
from simulate_engine import Scenario, simulate

PAGES = Path(__file__).parents[2] / "data"
MAX_SHARD_BYTES = 6_000_000
PIPELINE = """
name: shards
output: out
stages:
  - read.warc: {{paths: [{paths}]}}
  - extract.html: {{}}
"""


def run(options: Options) -> Bench:
    """Measure real shards, then simulate."""
    shards = measure_shards(options)
    costs = driver_costs()
    measured = tuple((float(shard["bytes"]), shard["seconds"]) for shard in shards)
    scenario = replace(Scenario(), shards=options.scaled(Scenario.shards), measured=measured, **costs)
    bench = Bench("simulation", {"shards": scenario.shards, "workers": scenario.workers, "failure_share": scenario.failure_share})
    pages, seconds = sum(shard["pages"] for shard in shards), sum(shard["seconds"] for shard in shards)
    bench.facts["real_shards"] = {
        "shards": shards,
        "text_bytes_per_text": round(sum(shard["text_bytes"] for shard in shards) / sum(shard["texts"] for shard in shards)),
        "texts_per_page": round(sum(shard["texts"] for shard in shards) / pages, 4),
        "pages_per_s": round(pages / seconds, 1),
        "bytes_per_s": round(sum(shard["bytes"] for shard in shards) / seconds),
    }
    for label, change in {
        "1 % failures": {},
        "no failures": {"failure_share": 0.0, "poison_shards": 0},
        "10 % failures": {"failure_share": 0.1},
        "10,000 workers": {"workers": 10_000},
        "shards of 100 MB": {"bytes_per_shard": 1e8},
    }.items():
        bench.facts[label] = simulate(replace(scenario, **change))[1]
    return bench


def _text_bytes(work: Path, index: int) -> int:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found = pq.read_table(work / "out" / f"{index:05d}" / f"documents-{index:05d}.parquet", columns=["text"])
    return int(pc.sum(pc.binary_length(found["text"])).as_py() or 0)


def driver_costs() -> dict[str, float]:
    """Seconds of the driver per task, as measured; a third of it is taken for the assignment."""
    path = RESULTS / "engine.json"
    if not path.exists():
        return {}
    facts = json.loads(path.read_text(encoding="utf-8"))["facts"]
    each = float((facts.get("ours, pool, disk") or facts["ours, pool"])["driver_s_per_task"])
    return {"assign_s": each / 3, "settle_s": each * 2 / 3}


def measure_shards(options: Options) -> list[dict[str, Any]]:
    """Run the first fused pass over small WARC shards of real pages; bytes, pages and seconds from the done records."""
    from mathcode_data.core.interrupt import Interrupt
    from mathcode_data.runtime import update
    from mathcode_data.runtime.driver import RunSettings, run_plan
    from mathcode_data.runtime.graph import Graph
    from mathcode_data.runtime.inline import InlineRunner
    from mathcode_data.runtime.pipeline import load_pipeline
    from mathcode_data.runtime.progress import Progress

    files = [path for path in sorted(PAGES.glob("*/*.warc.gz")) if path.stat().st_size <= MAX_SHARD_BYTES]
    if not files:
        raise SkipError("no WARC files under data/; lay them out with tests/bench/real_input.py")
    options.scratch.mkdir(parents=True, exist_ok=True)
    file = options.scratch / "shards.yaml"
    file.write_text(PIPELINE.format(paths=", ".join(os.fspath(path) for path in files)), encoding="utf-8")
    (node,) = Graph().add(load_pipeline(file)).values()
    run_plan(node.work, update._pass_plan(node, []), RunSettings(InlineRunner(), Progress(), Interrupt()), "shards")
    shards = []
    for path in sorted((node.work / "done").glob("*.json")):
        record = json.loads(path.read_bytes())
        size = files[record["index"]].stat().st_size
        pages = record["counters"][0]["kept"]
        shards.append({
            "bytes": size, "pages": pages, "texts": record["counters"][-1]["kept"], "text_bytes": _text_bytes(node.work, record["index"]),
            "seconds": round(sum(record["seconds"].values()), 3),
        })  # fmt: skip
    return shards
