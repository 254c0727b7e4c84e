"""MinHash signatures: the `sign` phase of `dedup.minhash` beside datatrove's MinhashDedupSignature, on one Parquet shard.

Both read the same shard on one thread and write 14 bands of 8 64-bit hashes of 5-grams. The peer tokenises with spaCy, drops
operators and turns numbers to 0; ours keeps both. The documents are textbook articles, then Python source.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tarfile
from pathlib import Path
from typing import Any

import zstandard
from harness import ROOT, Bench, Options, SkipError

NUM_DOCUMENTS = 1000
MAX_CHARACTERS = 30_000  # the peer takes minutes for a file of megabytes


def texts(data: Path, num_documents: int) -> list[str]:
    """Articles of a textbook, then source files of the standard library in name order."""
    found: list[str] = []
    with (data / "text" / "cp_algorithms_md.tar.zst").open("rb") as raw:
        stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith(".md") else None
                if content is not None:
                    found.append(content.read().decode())
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if len(found) >= num_documents:
            break
        if "site-packages" not in path.parts:
            found.append(path.read_bytes().decode("utf-8", "replace"))
    return [text[:MAX_CHARACTERS] for text in found if text.strip()][:num_documents]


class Ours:
    """Phase 1 of our stage."""

    def __init__(self, result: Any, folder: Path) -> None:
        self.result, self.folder = result, folder

    def __call__(self) -> int:
        """Documents signed."""
        import numpy as np

        from mathcode_data.core import text
        from mathcode_data.core.stage import Task
        from mathcode_data.stages.dedup.signing import sign_shard
        from support.stages import make_config

        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        text._HASHES.known.clear()  # every run starts as a fresh worker does
        text._TOKENS.known.clear()
        item = {"path": str(self.result.document_shards()[0])}
        config = make_config("dedup.minhash")
        sign_shard(Task(index=0, item=item, folder=self.folder, config=config, inputs=[self.result.folder], seed=0, stage="dedup.minhash"))
        return int(np.load(self.folder / "signed.npy").size)


class Peer:
    """datatrove's Parquet reader and stage 1."""

    def __init__(self, result: Any, folder: Path) -> None:
        self.result, self.folder = result, folder

    def __call__(self) -> int:
        """Documents signed."""
        import xxhash
        from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
        from datatrove.pipeline.readers import ParquetReader

        shutil.rmtree(self.folder, ignore_errors=True)
        reader = ParquetReader(str(self.result.folder), glob_pattern="documents-*.parquet", id_key="doc_id")
        step = MinhashDedupSignature(str(self.folder), MinhashConfig())
        step._hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())  # xxhash 4 takes no str, which datatrove 0.10 hands it
        step.run(reader())
        return (self.folder / "bucket_000" / "00000.minhash.sig").stat().st_size // 68


def run(options: Options) -> Bench:
    """Race the two on the same documents."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.stages import documents, make_result

    try:
        from loguru import logger

        logger.disable("datatrove")
        import datatrove.pipeline.dedup.minhash  # noqa: F401
        import spacy  # noqa: F401
    except ImportError as error:
        raise SkipError(f"the peer needs a package that is not installed: {error}") from error
    folder = options.scratch / "minhash"
    shutil.rmtree(folder, ignore_errors=True)
    found = texts(options.shared(), options.scaled(NUM_DOCUMENTS))
    num_bytes = sum(len(text.encode()) for text in found)
    result = make_result(folder / "in", [documents(found)])
    bench = Bench("minhash", {"documents": len(found), "text_bytes": num_bytes, "num_bands": 14, "rows_per_band": 8, "shingle_grams": 5})
    contenders = {
        "dedup.minhash sign": Ours(result, folder / "ours"),
        "datatrove MinhashDedupSignature": Peer(result, folder / "peer"),
    }
    bench.facts = {"signed": bench.race(contenders, "byte", num_bytes, repeats=options.repeats)}
    return bench
