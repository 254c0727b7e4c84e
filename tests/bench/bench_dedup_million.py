"""`dedup.minhash` on a million documents of 1 KB by the whole engine on two processes: wall time, CPU time and memory.

Synthetic texts of random words; every tenth is a copy of another with three words changed. Memory is the sum over the driver and
its workers (unique pages). `--scale 0.01` for a look. Where others use the machine, the CPU time says more than the wall time.

Peer: datatrove's four MinHash steps with the same preset on two processes. It would need hours, so it gets the first documents only, and so
do we a second time: for a part this small most of our time is the start of processes.
"""

from __future__ import annotations

import importlib.util
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from harness import ROOT, Bench, Options, peak_memory

NUM_DOCUMENTS, WORDS_PER_DOCUMENT, DOCUMENTS_PER_SHARD = 1_000_000, 150, 50_000
NUM_PEER_DOCUMENTS, NUM_PROCESSES = 10_000, 2

PIPELINE = """
name: million
seed: 1
output: out
stages:
  - id: near
    from: [{path: in}]
    dedup.minhash: {}
"""


def write_corpus(folder: Path, num_documents: int, documents_per_shard: int = DOCUMENTS_PER_SHARD) -> int:
    """Shards of a finished result; returns the bytes of their texts."""
    from support.stages import documents, make_result

    random = np.random.default_rng(0)
    words = np.array([f"w{value:x}".translate(str.maketrans("0123456789", "ghijklmnop")) for value in range(0x1000, 0x9000)])
    texts: list[str] = []
    tables, num_bytes = [], 0
    for first in range(0, num_documents, documents_per_shard):
        count = min(documents_per_shard, num_documents - first)
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


def deduplicate(folder: Path) -> Any:
    """Our stage on `folder/in`; gives its result. The engine keeps what it finished, so a second run there would measure nothing."""
    from mathcode_data.runtime.pool import PoolRunner
    from support.engine import run as run_pipeline

    path = folder / "million.yaml"
    path.write_text(PIPELINE)
    runner = PoolRunner(NUM_PROCESSES)
    (report,) = run_pipeline(path, runner)
    runner.close()
    return report.result


def deduplicate_with_datatrove(folder: Path) -> int:
    """The peer on `folder/in`: signatures, bands, clusters, the documents that stay; gives their number."""
    import xxhash
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter
    from loguru import logger

    logger.disable("datatrove")
    config = MinhashConfig()
    reader = ParquetReader(str(folder / "in"), glob_pattern="documents-*.parquet", id_key="doc_id")
    sign = MinhashDedupSignature(str(folder / "signatures"), config)
    sign._hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())  # xxhash 4 takes no str, which datatrove 0.10 hands it
    steps: list[tuple[list[Any], int]] = [
        ([reader, sign], NUM_PROCESSES),
        ([MinhashDedupBuckets(str(folder / "signatures"), str(folder / "bands"), config=config)], config.num_buckets),
        ([MinhashDedupCluster(str(folder / "bands"), str(folder / "clusters"), config=config)], 1),
        ([reader, MinhashDedupFilter(str(folder / "clusters")), ParquetWriter(str(folder / "kept"))], NUM_PROCESSES),
    ]
    for number, (pipeline, tasks) in enumerate(steps):
        logs = str(folder / f"logs-{number}")
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=NUM_PROCESSES, logging_dir=logs).run()
    return sum(pq.read_metadata(path).num_rows for path in (folder / "kept").rglob("*.parquet"))


def compare(bench: Bench, folder: Path, num_documents: int) -> dict[str, int]:
    """Time both on the same few documents; gives how many each kept."""
    for name in ("ours", "peer"):
        (folder / name).mkdir(parents=True)
    num_bytes = write_corpus(folder / "ours" / "in", num_documents, documents_per_shard=-(-num_documents // NUM_PROCESSES))
    shutil.copytree(folder / "ours" / "in", folder / "peer" / "in")
    start = time.perf_counter()
    result = deduplicate(folder / "ours")
    bench.add("dedup.minhash, part", [time.perf_counter() - start], "document", num_documents)
    start = time.perf_counter()
    kept = deduplicate_with_datatrove(folder / "peer")
    bench.add("datatrove, four steps, part", [time.perf_counter() - start], "document", num_documents)
    return {"documents": num_documents, "text_bytes": num_bytes, "kept by ours": result.manifest.num_rows, "kept by datatrove": kept}


def run(options: Options) -> Bench:
    """All documents once by ours, the first of them by both."""
    sys.path.insert(0, str(ROOT / "tests"))
    folder = options.scratch / "dedup_million"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    num_documents = options.scaled(NUM_DOCUMENTS)
    num_bytes = write_corpus(folder / "in", num_documents)
    before = _cpu_seconds()
    start = time.perf_counter()
    with peak_memory() as peak:
        manifest = deduplicate(folder).manifest
    seconds = time.perf_counter() - start
    parameters = {"documents": num_documents, "text_bytes": num_bytes, "preset": "14x8", "processes": NUM_PROCESSES}
    bench = Bench("dedup_million", parameters)
    bench.add("dedup.minhash", [seconds], "document", num_documents, peak_bytes=peak[0])
    bench.facts = {
        "cpu_seconds": round(_cpu_seconds() - before, 1),
        "near_duplicates": manifest.facts["near_duplicates"],
        "estimates": manifest.facts["estimates"],
    }
    shutil.rmtree(folder)
    if importlib.util.find_spec("datatrove") and importlib.util.find_spec("spacy"):
        bench.facts["part"] = compare(bench, folder, min(num_documents, NUM_PEER_DOCUMENTS))
        bench.comparisons = [(ours, "datatrove, four steps, part") for ours in ("dedup.minhash", "dedup.minhash, part")]
        shutil.rmtree(folder)
    return bench


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)
