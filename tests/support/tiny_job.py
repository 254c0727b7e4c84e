"""A small whole job with a stage of every kind, from JSON lines to a mixture: what tests of faults disturb."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mathcode_data.mixture.index_files import MIXTURE_NAME
from support.engine import tree_hashes

PIPELINE = """
name: tiny
seed: 1
output: out
stages:
  - read.jsonl: {{paths: in}}
  - support.toy_map: {{drop: blot, wait_s: {wait_s}}}
  - id: kept
    dedup.exact: {{}}
  - id: tokens
    tokenize: {{tokenizer: tokenizer.json, name: tiny, backend: hf, shard_tokens: {shard_tokens}}}
"""
MIXTURE = """
name: mix
seed: 3
sequence_length: 16
sources:
  tiny: {pipeline: tiny.yaml, max_epochs: 2}
stages:
  - {name: only, tokens: {tiny: 1600}}
"""
BYTES = [chr(b) if 33 <= b < 127 or 161 <= b < 173 or 174 <= b < 256 else None for b in range(256)]


def byte_tokenizer() -> dict[str, Any]:
    """A tokenizer of the 256 bytes and an end token."""
    spare = iter(range(256, 512))
    vocabulary = {char if char is not None else chr(next(spare)): number for number, char in enumerate(BYTES)}
    end = {"id": 256, "content": "<eos>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
             "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
             "vocab": vocabulary | {"<eos>": 256}, "merges": []}  # fmt: skip
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [end], "normalizer": None, "pre_tokenizer": level,
            "post_processor": None, "decoder": level, "model": model}  # fmt: skip


def write_inputs(folder: Path, *, num_files: int = 3, wait_s: float = 0.0) -> Path:
    """Input files, tokenizer, pipeline and mixture; gives the mixture's file."""
    (folder / "in").mkdir(parents=True)
    for number in range(num_files):
        rows = [{"text": f"file {number}, line {line}: {'blot' if line % 7 == 3 else 'clean'} {line % 11}" * 3} for line in range(20)]
        (folder / "in" / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    (folder / "tiny.yaml").write_text(PIPELINE.format(wait_s=wait_s, shard_tokens=500 * num_files))
    (folder / "mix.yaml").write_text(MIXTURE)
    return folder / "mix.yaml"


def tree(folder: Path) -> dict[str, str]:
    """Everything below, with what names commit and host left out of account."""
    found = tree_hashes(folder)
    path = folder / "mixture" / MIXTURE_NAME
    if path.exists():
        data = json.loads(path.read_text())
        found[f"mixture/{MIXTURE_NAME}"] = json.dumps({key: value for key, value in data.items() if key not in ("made_by", "self_hash")})
    return found
