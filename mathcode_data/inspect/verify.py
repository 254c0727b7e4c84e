"""Check a path of any kind: checksums, counts and laws. Each problem is one line that names the file and the place."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mathcode_data.core.documents import read_documents
from mathcode_data.core.errors import DataError, MathcodeError, VerificationError
from mathcode_data.core.fingerprint import canonical_json
from mathcode_data.core.manifest import MANIFEST_NAME, Result, check_shards, read_result
from mathcode_data.core.storage import read_json, sha256_file
from mathcode_data.inspect.kinds import PIPELINE_NAME, identify, is_plain_name, sub_results
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.resolve import resolve_shards


def verify_path(path: Path, *, full: bool) -> tuple[str, list[str]]:
    """Check what is at a path.

    Args:
        path: of any kind that `kinds.identify` knows.
        full: read every byte; else sizes, headers, hashes of manifests, and counts.

    Returns:
        What was checked, in words, and the problems found.
    """
    kind = identify(path)
    if kind == "mixture":
        from mathcode_data.mixture.verify import verify_mixture

        return "mixture", verify_mixture(path, full=full)
    if kind == "result":
        return "result", _verify_result(path, full)
    if kind == "output":
        folders = sub_results(path)
        problems = _verify_marker(path)
        return f"{len(folders)} results", problems + [problem for folder in folders for problem in _verify_result(folder, full)]
    if kind == "checkpoint":
        return "checkpoint", _verify_checkpoint(path)
    if kind == "training":
        folders = sorted(path.glob("checkpoints/step-*"))
        return f"{len(folders)} checkpoints", [problem for folder in folders for problem in _verify_checkpoint(folder)]
    return "token shards", _verify_shards(path)


def _verify_marker(output: Path) -> list[str]:
    """That pipeline.json names results, and each of them is finished."""
    path = output / PIPELINE_NAME
    try:
        data = read_json(path)
    except DataError as error:
        return [str(error)]
    ids = data.get("results") if isinstance(data, dict) else None
    if not isinstance(ids, list) or not all(isinstance(name, str) and is_plain_name(name) for name in ids):
        return [f"{path}: no list of `results`, each the name of a folder beside it; the file is damaged, run the pipeline again"]
    return [f"{name}: not finished: run the pipeline again" for name in ids if not (output / name / MANIFEST_NAME).exists()]


def _verify_result(folder: Path, full: bool) -> list[str]:
    try:
        result = read_result(folder)
    except (DataError, VerificationError) as error:
        return [str(error)]
    problems = list(check_shards(result, full=full))
    for stage in result.manifest.counters:
        try:
            stage.check()
        except MathcodeError as error:
            problems.append(f"{folder}/manifest.json: {error}")
    if not problems and result.manifest.kind == "tokens":
        problems += _verify_shards(folder)
        problems += _verify_token_counts(result)
    if not problems and full and result.manifest.kind == "documents":
        problems += _verify_documents(result)
    extra = {path.name for path in folder.iterdir()} - {shard.name for shard in result.manifest.shards} - {"manifest.json"}
    return problems + [f"{folder / name}: not named in the manifest" for name in sorted(extra)]


def _verify_shards(path: Path) -> list[str]:
    problems = []
    try:
        prefixes = resolve_shards(path)
    except (DataError, VerificationError) as error:
        return [str(error)]
    for prefix in prefixes:
        try:
            TokenShard(prefix).close()
        except DataError as error:
            problems.append(str(error))
    return problems


def _verify_token_counts(result: Result) -> list[str]:
    problems = []
    for shard in result.manifest.shards:
        if shard.name.endswith(".bin"):
            prefix = (result.folder / shard.name).with_suffix("")
            with TokenShard(prefix) as found:
                if (found.num_documents, found.num_tokens) != (shard.rows, shard.tokens):
                    problems.append(
                        f"{prefix}.bin: {found.num_documents:,} documents and {found.num_tokens:,} tokens, the manifest says "
                        f"{shard.rows:,} and {shard.tokens:,}"
                    )
    return problems


def _verify_documents(result: Result) -> list[str]:
    """Row counts. Equal ids are no problem: a source that holds the same record twice gives both the same id."""
    problems = []
    counts = {shard.name: shard.rows for shard in result.manifest.shards}
    for path in result.document_shards():
        try:
            rows = sum(batch.num_rows for batch in read_documents(path, ["doc_id"]))
        except DataError as error:
            problems.append(str(error))
            continue
        if rows != counts[path.name]:
            problems.append(f"{path}: {rows:,} rows, the manifest says {counts[path.name]:,}")
    return problems


def _verify_checkpoint(folder: Path) -> list[str]:
    """The record's own hash, then size and sha256 of its files; needs no torch, which `trainer.checkpoint` loads."""
    path = folder / "checkpoint.json"
    try:
        record = read_json(path)
    except DataError as error:
        return [str(error)]
    if not isinstance(record, dict):
        return [f"{path}: a {type(record).__name__}, a checkpoint's record is a map; the checkpoint is damaged"]
    claimed = record.pop("sha256", None)
    if claimed != hashlib.sha256(canonical_json(record)).hexdigest():
        return [f"{path}: its content does not match its own sha256"]
    problems = []
    files = record.get("files")
    if not isinstance(files, dict) or not all(is_plain_name(name) and isinstance(entry, dict) for name, entry in files.items()):
        return [f"{path}: `files` is no map of file names to sizes and hashes; the checkpoint is damaged"]
    for name, expected in files.items():
        file = folder / name
        if not file.is_file():
            problems.append(f"{file}: missing")
        elif file.stat().st_size != expected.get("bytes") or sha256_file(file) != expected.get("sha256"):
            problems.append(f"{file}: size or sha256 differs from checkpoint.json")
    return problems
