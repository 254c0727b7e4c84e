"""Documents to token shards, end to end: Parquet (zstd) in, `.bin/.idx` out, each contender a process of its own on one thread.

    python tests/bench/bench_tokenize.py [--scale 0.1] [--repeats 2] [--output FOLDER]

Ours is the command `mathcode-data run` on a pipeline of one stage, with one worker: it also checks the tokenizer in a child
process, proves its back end against Hugging Face's library, compares a share of the documents, puts documents into a seeded
order, hashes and fsyncs what it writes, and writes the table of where each document came from. The peers are datatrove's
Parquet reader with MegatronDocumentTokenizer, and `tokenizers.encode_batch_fast` with our own ShardWriter; both write the
documents in input order. All read the same shard and use the same tokenizer.json; the start of the process counts for all.
Contenders take turns. All must give the same number of tokens with the same sum of ids; sources that hold the text of an end
token are therefore left out, for datatrove makes control tokens of it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import RESULTS, ROOT, Bench, Options, SkipError

NUM_BYTES = {"gpt-2": 150_000_000, "deepseek-llm": 40_000_000}  # a peer takes one to two minutes for either
NUM_ROUNDS = {"gpt-2": 1, "deepseek-llm": 1}
END = {"gpt-2": "<|endoftext|>", "deepseek-llm": "<｜end▁of▁sentence｜>"}
OURS, DATATROVE, TOKENIZERS = "mathcode-data run", "datatrove MegatronDocumentTokenizer", "tokenizers.encode_batch_fast + ShardWriter"
ONE_THREAD = {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
PIPELINE = """
name: bench
seed: 1
output: results
stages:
  - id: tokens
    from: {path: ../in}
    tokenize: {tokenizer: ../tokenizer.json}
"""


def python_texts(num_bytes: int) -> list[str]:
    """Source files of the standard library, then of installed packages, in name order, until there are `num_bytes` of them."""
    texts, total = [], 0
    seen: set[Path] = set()
    for folder in (Path(sysconfig.get_paths()["stdlib"]), Path(sysconfig.get_paths()["purelib"])):
        for path in sorted(folder.rglob("*.py")):
            if total >= num_bytes:
                return texts
            if path in seen or (folder.name != "site-packages" and "site-packages" in path.parts):
                continue
            seen.add(path)
            text = path.read_bytes().decode("utf-8", "replace")
            if text and not any(end in text for end in END.values()):
                texts.append(text)
                total += len(text.encode())
    return texts


def datatrove_peer(folder: Path, end: str) -> None:
    """datatrove's Parquet reader and Megatron writer."""
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.tokens import MegatronDocumentTokenizer
    from loguru import logger

    logger.disable("datatrove")
    reader = ParquetReader(str(folder / "in"), glob_pattern="documents-*.parquet", id_key="doc_id")
    writer = MegatronDocumentTokenizer(str(folder / "out"), tokenizer_name_or_path=str(folder / "tokenizer.json"), eos_token=end)
    for _ in writer.run(reader()) or ():
        pass


def tokenizers_peer(folder: Path, end: str) -> None:
    """Hugging Face's library at its fastest, on the same batches as ours, into our own writer."""
    import numpy as np
    import pyarrow.parquet as pq
    import tokenizers

    from mathcode_data.shards.format import token_dtype
    from mathcode_data.shards.writer import ShardWriter

    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.encode_special_tokens = True
    end_ids = [tokenizer.token_to_id(end)]
    dtype = token_dtype(max(tokenizer.get_vocab().values()))
    (folder / "out").mkdir()
    with ShardWriter(folder / "out" / "tokens", dtype) as writer, pq.ParquetFile(folder / "in" / "documents-00000.parquet") as file:
        for batch in file.iter_batches(1024, columns=["text"]):
            for encoding in tokenizer.encode_batch_fast(batch.column(0).to_pylist(), add_special_tokens=False):
                writer.add(np.array(encoding.ids + end_ids, dtype=dtype))


PEERS: dict[str, Callable[[Path, str], None]] = {DATATROVE: datatrove_peer, TOKENIZERS: tokenizers_peer}


def command_of(label: str, folder: Path, end: str) -> list[str]:
    """What runs a contender as a process."""
    if label != OURS:
        return [sys.executable, __file__, "--peer", label, str(folder), end]
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out").mkdir()
    (folder / "out" / "pipeline.yaml").write_text(PIPELINE, encoding="utf-8")
    return [sys.executable, "-m", "mathcode_data.cli", "run", str(folder / "out" / "pipeline.yaml"), "--workers", "1", "--json"]


def run_process(label: str, folder: Path, end: str) -> tuple[float, dict[str, Any]]:
    """Run a contender; returns its seconds, and what it used and wrote."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    command = command_of(label, folder, end)
    log = folder / "log.txt"
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=os.environ | ONE_THREAD, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{label}: exit code {process.returncode}: {log.read_text(encoding='utf-8', errors='replace')[-1000:]}")
    used = {"cpu_s": round(usage.ru_utime + usage.ru_stime, 2), "largest_process_bytes": usage.ru_maxrss * 1024}
    if label == OURS:
        facts = json.loads((folder / "out" / "results" / "tokens" / "manifest.json").read_text(encoding="utf-8"))["facts"]
        used |= {name: facts[name] for name in ("backend_version", "spot_check")}
    return seconds, used | written(folder / "out")


def written(folder: Path) -> dict[str, int]:
    """Tokens, documents and the sum of all ids in the shards under a folder."""
    from mathcode_data.shards.reader import TokenShard

    found = {"tokens": 0, "documents": 0, "sum_of_ids": 0}
    indexes = [path for path in folder.rglob("*.idx") if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    for index in indexes:
        with TokenShard(index.with_suffix("")) as shard:
            found["tokens"] += shard.num_tokens
            found["documents"] += shard.num_documents
            found["sum_of_ids"] += sum(int(shard.document(number).sum(dtype="int64")) for number in range(shard.num_documents))
    return found


def race(name: str, folder: Path, texts: list[str], rounds: int) -> Bench:
    """Let the contenders take turns on one tokenizer, ours before and after every other; the peers change places after every round."""
    num_bytes = sum(len(text.encode()) for text in texts)
    bench = Bench(f"tokenize_{name.replace('-', '_')}", {"documents": len(texts), "text_bytes": num_bytes, "tokenizer": name, "threads": 1})
    labels = [OURS, DATATROVE, TOKENIZERS]
    seconds: dict[str, list[float]] = {label: [] for label in labels}
    for turn in range(rounds):
        one, two = labels[1:] if turn % 2 == 0 else labels[:0:-1]
        for label in (OURS, one, OURS, two, OURS):
            taken, bench.facts[label] = run_process(label, folder, END[name])
            seconds[label].append(taken)
            print(f"{name}: {label}: {taken:.2f} s, {bench.facts[label]['cpu_s']} s of CPU", file=sys.stderr, flush=True)
    sums = {label: (bench.facts[label]["tokens"], bench.facts[label]["documents"], bench.facts[label]["sum_of_ids"]) for label in labels}
    if len(set(sums.values())) > 1:
        raise RuntimeError(f"{name}: the contenders do not give the same tokens: {sums}")
    for label in labels:
        bench.add(label, seconds[label], "byte", num_bytes)
    bench.comparisons += [(OURS, label) for label in labels[1:]]
    return bench


def run(options: Options) -> list[Bench]:
    """One race per tokenizer."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.stages import documents, make_result

    try:
        import datatrove.pipeline.tokens  # noqa: F401
    except ImportError as error:
        raise SkipError(f"the peer needs a package that is not installed: {error}") from error
    source = options.shared() / "tokenizers"
    benches = []
    for name, num_bytes in NUM_BYTES.items():
        folder = options.scratch / f"tokenize-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        texts = python_texts(options.scaled(num_bytes))
        make_result(folder / "in", [documents(texts)])
        (folder / "tokenizer.json").write_bytes(gzip.decompress((source / f"{name}.tokenizer.json.gz").read_bytes()))
        benches.append(race(name, folder, texts, min(options.repeats, NUM_ROUNDS[name])))
        shutil.rmtree(folder)
    return benches


def main() -> int:
    """Run both races and write their results; or, in a child, run one peer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="how much input (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=2, help="rounds at most (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--scratch", type=Path, default=Options.scratch)
    parser.add_argument("--peer", nargs=3, metavar=("LABEL", "FOLDER", "END"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        label, folder, end = options.peer
        PEERS[label](Path(folder), end)
        return 0
    for bench in run(Options(options.repeats, options.scale, scratch=options.scratch)):
        print(f"{bench.table()}\n  {json.dumps(bench.facts)}\n  -> {bench.write(options.output).name}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
