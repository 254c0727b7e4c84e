"""Mixtures: `mixture.json` as it comes, with its own hash made anew behind edits, and the index files beside it."""

import hashlib
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import orjson

from mathcode_data.core.manifest import self_hash
from mathcode_data.core.storage import to_json
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_paths
from mathcode_data.mixture.verify import verify_mixture
from mathcode_data.shards.writer import ShardWriter
from support.fuzzing import edited_json, scratch

INDEX = ("dataset_index.npy", "dataset_sample_index.npy")


@cache
def sound() -> Path:
    """A mixture of two sources and two stages, with a replay."""
    folder = scratch("mixture")
    for name, size in (("code", 400), ("math", 90)):
        (folder / name).mkdir()
        with ShardWriter(folder / name / "part", np.uint16) as writer:
            for first in range(0, size, 10):
                writer.add(np.arange(first, first + 10) % 500)
    recipe = Recipe.model_validate({
        "name": "m", "seed": 1, "sequence_length": 8,
        "sources": {"code": {"shards": str(folder / "code")}, "math": {"shards": str(folder / "math"), "max_epochs": 3, "holdout": "10%"}},
        "stages": [{"name": "one", "tokens": {"code": 160, "math": 80}}, {"name": "two", "tokens": 80, "weights": {"code": 1, "math": 3}}],
    })  # fmt: skip
    build_mixture(recipe, [source_from_paths(name, source.shards or ()) for name, source in recipe.sources.items()], folder / "sound")
    return folder / "sound"


def seeds() -> list[bytes]:
    record = (sound() / "mixture.json").read_bytes()
    edits = [bytes([1]) + bytes([place % 256, place // 256, kind, kind * 3, 1, 0]) for place in range(0, 250, 3) for kind in (0, 2, 6)]
    return [b"\0" + record, b"\1", *edits, b"\2\x90\0\xff", b"\3\x10\0\x01"]


def read(data: bytes) -> None:
    folder = sound().parent / "x"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound(), folder)
    record = orjson.loads((folder / "mixture.json").read_bytes())
    mode, rest = (data[0] if data else 0) % 4, data[1:]
    if mode == 0:
        (folder / "mixture.json").write_bytes(rest)
    else:
        record = edited_json(record, rest) if mode == 1 else _with_changed_index(folder, INDEX[mode - 2], record, rest)
        if isinstance(record, dict):
            record["self_hash"] = self_hash(record)
        (folder / "mixture.json").write_bytes(to_json(record))
    problems = verify_mixture(folder, full=True)
    dataset = MixtureDataset(folder)
    for position in {0, len(dataset) // 2, len(dataset) - 1}:
        dataset.sample(position)
    assert mode == 1 or not problems or record, "a mixture with problems was opened without a word"


def _with_changed_index(folder: Path, name: str, record: dict, rest: bytes) -> dict:
    """Flip a byte of an index file, or cut it, and make its sha256 anew."""
    content = bytearray((folder / name).read_bytes())
    at = int.from_bytes(rest[:2], "little") % (len(content) + 1)
    if len(rest) > 2 and at < len(content):
        content[at] ^= rest[2] or 1
    else:
        del content[at:]
    (folder / name).write_bytes(content)
    record["files"][name] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return record
