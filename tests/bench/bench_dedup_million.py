"""`dedup.minhash` on a million documents of 1 KB by the whole engine on two processes: wall time, CPU time and memory.

Synthetic texts of random words; every tenth is a copy of another with three words changed. Memory is the sum over the driver and
its workers (unique pages). `--scale 0.01` for a look. Where others use the machine, the CPU time says more than the wall time.
"""

from __future__ import annotations

import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import ROOT, Bench, Options, peak_memory

NUM_DOCUMENTS, WORDS_PER_DOCUMENT, DOCUMENTS_PER_SHARD = 1_000_000, 150, 50_000

PIPELINE = """
name: million
seed: 1
output: out
stages:
  - id: near
    from: [{path: in}]
    dedup.minhash: {}
"""


def write_corpus(folder: Path, num_documents: int) -> int:
    """Shards of a finished result; returns the bytes of their texts."""
    from support.stages import documents, make_result

    random = np.random.default_rng(0)
    words = np.array([f"w{value:x}".translate(str.maketrans("0123456789", "ghijklmnop")) for value in range(0x1000, 0x9000)])
    texts: list[str] = []
    tables, num_bytes = [], 0
    for first in range(0, num_documents, DOCUMENTS_PER_SHARD):
        count = min(DOCUMENTS_PER_SHARD, num_documents - first)
        chosen = random.integers(0, words.size, (count, WORDS_PER_DOCUMENT))
        copies = np.arange(9, count, 10)
        chosen[copies] = chosen[copies - 9]
        chosen[copies[:, None], random.integers(0, WORDS_PER_DOCUMENT, (copies.size, 3))] = 0
        texts = [" ".join(row) for row in words[chosen]]
        num_bytes += sum(map(len, texts))
        ids = [f"{first + row:032x}" for row in range(count)]
        tables.append(documents(texts, doc_id=ids))
    make_result(folder, tables)
    return num_bytes


def run(options: Options) -> Bench:
    """Once: the engine keeps what it finished, so a second run would measure nothing."""
    sys.path.insert(0, str(ROOT / "tests"))
    from mathcode_data.runtime.pool import PoolRunner
    from support.engine import run as run_pipeline

    folder = options.scratch / "dedup_million"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    num_documents = options.scaled(NUM_DOCUMENTS)
    num_bytes = write_corpus(folder / "in", num_documents)
    path = folder / "million.yaml"
    path.write_text(PIPELINE)
    runner = PoolRunner(2)
    before = _cpu_seconds()
    start = time.perf_counter()
    with peak_memory() as peak:
        (report,) = run_pipeline(path, runner)
        runner.close()
    seconds = time.perf_counter() - start
    bench = Bench("dedup_million", {"documents": num_documents, "text_bytes": num_bytes, "preset": "14x8", "processes": 2})
    bench.add("dedup.minhash", [seconds], "document", num_documents, peak_bytes=peak[0])
    manifest: Any = report.result.manifest
    bench.facts = {
        "cpu_seconds": round(_cpu_seconds() - before, 1),
        "near_duplicates": manifest.facts["near_duplicates"],
        "estimates": manifest.facts["estimates"],
    }
    shutil.rmtree(folder, ignore_errors=True)
    return bench


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)
