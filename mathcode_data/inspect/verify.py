"""Check a path of any kind: checksums, counts and laws. Each problem is one line that names the file and the place."""

from __future__ import annotations

from pathlib import Path

from mathcode_data.core.documents import read_documents
from mathcode_data.core.errors import DataError, MathcodeError, VerificationError
from mathcode_data.core.fingerprint import canonical_json
from mathcode_data.core.manifest import Result, check_shards, read_result
from mathcode_data.core.storage import read_json, sha256_file
from mathcode_data.inspect.kinds import identify, sub_results
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
        return f"{len(folders)} results", [problem for folder in folders for problem in _verify_result(folder, full)]
    if kind == "checkpoint":
        return "checkpoint", _verify_checkpoint(path)
    if kind == "training":
        folders = sorted(path.glob("checkpoints/step-*"))
        return f"{len(folders)} checkpoints", [problem for folder in folders for problem in _verify_checkpoint(folder)]
    return "token shards", _verify_shards(path)


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
    """Row counts, and that no id occurs twice."""
    problems = []
    seen: dict[str, str] = {}
    counts = {shard.name: shard.rows for shard in result.manifest.shards}
    for path in result.document_shards():
        rows = 0
        try:
            for batch in read_documents(path, ["doc_id"]):
                for doc_id in batch["doc_id"].to_pylist():
                    if doc_id in seen:
                        problems.append(f"{path}: row {rows}: document {doc_id} stands in {seen[doc_id]} as well")
                    seen[doc_id] = path.name
                    rows += 1
        except DataError as error:
            problems.append(str(error))
            continue
        if rows != counts[path.name]:
            problems.append(f"{path}: {rows:,} rows, the manifest says {counts[path.name]:,}")
    return problems


def _verify_checkpoint(folder: Path) -> list[str]:
    """The record's own hash, then size and sha256 of its files; needs no torch."""
    import hashlib

    path = folder / "checkpoint.json"
    try:
        record = read_json(path)
    except DataError as error:
        return [str(error)]
    claimed = record.pop("sha256", None)
    if claimed != hashlib.sha256(canonical_json(record)).hexdigest():
        return [f"{path}: its content does not match its own sha256"]
    problems = []
    for name, expected in record["files"].items():
        file = folder / name
        if not file.exists():
            problems.append(f"{file}: missing")
        elif file.stat().st_size != expected["bytes"] or sha256_file(file) != expected["sha256"]:
            problems.append(f"{file}: size or sha256 differs from checkpoint.json")
    return problems
