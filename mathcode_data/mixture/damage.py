"""Where a file of a mixture was changed, and which samples or windows lie there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathcode_data.core.blocks import BLOCKS_NAME, FileBlocks, first_difference, hash_file, pack_blocks, say_spans
from mathcode_data.core.errors import MathcodeError
from mathcode_data.core.manifest import load_block_hashes
from mathcode_data.core.storage import sha256_bytes
from mathcode_data.mixture.index_files import DTYPES, npy_header
from mathcode_data.mixture.packed import HEADER_BYTES, OFFSETS, OFFSETS_NAME, PIECES, PIECES_NAME


def where_changed(folder: Path, info: dict[str, Any], name: str) -> str:
    """What follows on `PATH: sha256 differs`: the spans of bytes, and what they hold; empty for a mixture without block hashes."""
    record = info["files"].get(BLOCKS_NAME)
    if record is None:
        return ""
    try:
        if name == BLOCKS_NAME:
            return _in_the_table(folder, info, record)
        known = load_block_hashes(folder / BLOCKS_NAME, record)[name]
        found = hash_file(folder / name, known.block_bytes)[1]
    except (MathcodeError, OSError, KeyError):
        return ""
    spans = known.differing(found)
    return f": {say_spans(spans)} ({_rows(name, info['num_samples'], spans[0])})" if spans else ""


def _in_the_table(folder: Path, info: dict[str, Any], record: dict[str, Any]) -> str:
    """The table follows from the files beside it, where they are whole, so it is made again and compared."""
    made: dict[str, FileBlocks] = {}
    for name, expected in info["files"].items():
        if name != BLOCKS_NAME:
            sha256, made[name] = hash_file(folder / name)
            if sha256 != expected["sha256"]:
                return ""
    content = pack_blocks(made)
    if sha256_bytes(content) != record["sha256"]:
        return ""
    return f": {first_difference((folder / BLOCKS_NAME).read_bytes(), content)}"


def _rows(name: str, num_samples: int, span: tuple[int, int]) -> str:
    """Rows of a file in a span of bytes, in words."""
    header, item, what = {
        OFFSETS_NAME: (HEADER_BYTES, OFFSETS.itemsize, "windows"),
        PIECES_NAME: (HEADER_BYTES, PIECES.itemsize, "pieces"),
    }.get(name, (len(npy_header(name, num_samples)), DTYPES[name].itemsize, "samples") if name in DTYPES else (0, 1, "bytes"))
    parts = ["the header"] if span[0] < header else []
    if span[1] > header:
        parts.append(f"{what} {max(span[0] - header, 0) // item:,} to {(span[1] - 1 - header) // item:,}")
    return ", ".join(parts)
