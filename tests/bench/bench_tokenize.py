"""Documents to token shards: `tokenize` beside datatrove's MegatronDocumentTokenizer, on one Parquet shard of Python source.

Both read the same shard and use the same tokenizer.json on one thread, as a worker does. Ours also checks the tokenizer in
a child process, orders the documents by a keyed hash, hashes what it wrote and writes the table of where each document came from; the peer
writes them in input order. With DeepSeek-LLM's tokenizer ours uses the single split instead of the six steps.
"""

from __future__ import annotations

import gzip
import os
import shutil
import sysconfig
from pathlib import Path
from typing import Any

from harness import ROOT, Bench, Options, SkipError

NUM_BYTES = 20_000_000
TOKENIZERS = {"gpt-2": "<|endoftext|>", "deepseek-llm": "<｜end▁of▁sentence｜>"}


def python_texts(num_bytes: int) -> list[str]:
    """Source files of the standard library, in name order, until there are `num_bytes` of them."""
    texts, total = [], 0
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if "site-packages" in path.parts or total >= num_bytes:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        if text:
            texts.append(text)
            total += len(text.encode())
    return texts


class Ours:
    """The whole stage, all phases in this process."""

    def __init__(self, result: Any, tokenizer: Path, folder: Path) -> None:
        self.result, self.tokenizer, self.folder = result, tokenizer, folder

    def __call__(self) -> dict[str, int]:
        """Tokens and documents written."""
        from support.stages import run_global

        shutil.rmtree(self.folder, ignore_errors=True)
        outcome = run_global("tokenize", [self.result], self.folder, tokenizer=str(self.tokenizer))
        return {"tokens": outcome.facts["num_tokens"], "documents": outcome.facts["num_documents"]}


class Peer:
    """datatrove's Parquet reader and Megatron writer."""

    def __init__(self, result: Any, tokenizer: Path, end: str, folder: Path) -> None:
        self.result, self.tokenizer, self.end, self.folder = result, tokenizer, end, folder

    def __call__(self) -> dict[str, int]:
        """Tokens and documents written."""
        from datatrove.pipeline.readers import ParquetReader
        from datatrove.pipeline.tokens import MegatronDocumentTokenizer

        shutil.rmtree(self.folder, ignore_errors=True)
        reader = ParquetReader(str(self.result.folder), glob_pattern="documents-*.parquet", id_key="doc_id")
        writer = MegatronDocumentTokenizer(str(self.folder), tokenizer_name_or_path=str(self.tokenizer), eos_token=self.end)
        for _ in writer.run(reader()) or ():
            pass
        index = next(self.folder.glob("*.idx"))
        itemsize = 4 if self.end == TOKENIZERS["deepseek-llm"] else 2
        return {"tokens": index.with_suffix(".bin").stat().st_size // itemsize, "documents": (index.stat().st_size - 42) // 20}


def run(options: Options) -> list[Bench]:
    """One race per tokenizer."""
    import sys

    sys.path.insert(0, str(ROOT / "tests"))
    from support.stages import documents, make_result

    try:
        from loguru import logger

        logger.disable("datatrove")
        import datatrove.pipeline.tokens  # noqa: F401
    except ImportError as error:
        raise SkipError(f"the peer needs a package that is not installed: {error}") from error
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    source, folder = options.shared() / "tokenizers", options.scratch / "tokenize"
    shutil.rmtree(folder, ignore_errors=True)
    texts = python_texts(options.scaled(NUM_BYTES))
    num_bytes = sum(len(text.encode()) for text in texts)
    result = make_result(folder / "in", [documents(texts)])
    benches = []
    for name, end in TOKENIZERS.items():
        tokenizer = folder / f"{name}.tokenizer.json"
        tokenizer.write_bytes(gzip.decompress((source / f"{name}.tokenizer.json.gz").read_bytes()))
        bench = Bench(f"tokenize_{name.replace('-', '_')}", {"documents": len(texts), "text_bytes": num_bytes, "tokenizer": name})
        contenders = {
            "tokenize": Ours(result, tokenizer, folder / "ours"),
            "datatrove MegatronDocumentTokenizer": Peer(result, tokenizer, end, folder / "peer"),
        }
        bench.facts = bench.race(contenders, "byte", num_bytes, repeats=options.repeats)
        benches.append(bench)
    return benches
