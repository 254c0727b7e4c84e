"""Check a path of any kind: checksums, counts and laws. Each problem is one line that names the file and the place."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mathcode_data.core.blocks import BLOCKS_NAME, FileBlocks, first_difference, hash_file, pack_blocks, whole_record
from mathcode_data.core.documents import read_documents
from mathcode_data.core.errors import DataError, MathcodeError, VerificationError
from mathcode_data.core.fingerprint import SEAL, canonical_json, seal_of
from mathcode_data.core.manifest import MANIFEST_NAME, Result, check_shards, read_block_hashes, read_result
from mathcode_data.core.storage import read_json, sha256_bytes, sha256_file, to_json
from mathcode_data.inspect.damage import changed_place
from mathcode_data.inspect.kinds import PIPELINE_NAME, identify, is_plain_name, sub_results
from mathcode_data.inspect.tokenizer_file import num_ids, read_tokenizer
from mathcode_data.inspect.verify_shards import Vocabulary, damaged_place, verify_shards, vocabulary_of
from mathcode_data.mixture.opened import read_mixture, shard_prefix
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.resolve import token_result
from mathcode_data.shards.tokenizer_bytes import TOKENIZER_NAME

FOREIGN_LIMITS = (
    "foreign shards without a manifest: an id changed to another legal id of the .bin, and a document edge moved between two sequences, "
    "cannot be found"
)

MARKER_KEYS = {"name", "last", "results", SEAL}
REMAKE = "remove the result's folder and run its pipeline again"
_AFTER_REVIEW = re.compile(r"round-([0-9]{1,6})-(?:added|rejected)")


def verify_path(path: Path, *, full: bool, tokenizer: Path | None = None) -> tuple[str, list[str]]:
    """Check what is at a path.

    Args:
        path: of any kind that `kinds.identify` knows.
        full: read every byte; else sizes, headers, hashes of manifests, and counts.
        tokenizer: `tokenizer.json` of shards from elsewhere: no id may be beyond it. One that lies beside them counts as theirs.

    Returns:
        What was checked, in words, and the problems found. `limits_of` says what such a check cannot find.
    """
    kind = identify(path)
    if kind == "mixture":
        from mathcode_data.mixture.verify import verify_mixture

        problems = verify_mixture(path, full=full)
        return "mixture", list(dict.fromkeys([*problems, *(_verify_sources(path, tokenizer) if full else [])]))
    if kind == "result":
        return "partial result" if _partial(path) else "result", _verify_result(path, full)
    if kind == "output":
        folders = sub_results(path)
        problems = _verify_marker(path)
        partial = sum(bool(_partial(folder)) for folder in folders)
        checked = f"{len(folders)} results" + (f", {partial} of them partial" if partial else "")
        return checked, problems + [problem for folder in folders for problem in _verify_result(folder, full)]
    if kind == "checkpoint":
        return "checkpoint", _verify_checkpoint(path)
    if kind == "training":
        folders = sorted(path.glob("checkpoints/step-*"))
        return f"{len(folders)} checkpoints", [problem for folder in folders for problem in _verify_checkpoint(folder)]
    return "token shards", verify_shards(path, full=full, vocabulary=_foreign_vocabulary(path, tokenizer) if full else None)


def limits_of(path: Path, *, full: bool, tokenizer: Path | None = None) -> list[str]:
    """What a check of this path without a finding does not say; one line each, empty where every byte was compared with a hash."""
    kind = identify(path)
    if kind == "mixture" and full:
        return _limits_of_sources(path, tokenizer)
    if kind != "shards":
        folders = [path] if kind == "result" else sub_results(path) if kind == "output" else []
        partial = [line for folder in folders for line in _partial(folder)]
        partial += _waiting_rounds(path) if kind == "output" else []
        return partial if full else [*partial, "sizes, headers and hashes of manifests alone; --full reads every byte"]
    if _is_ours(path):
        return ["the shards alone; name the folder of their result to compare them with its manifest"]
    if not full:
        return ["headers, sizes and index alone; --full reads the tokens"]
    known = tokenizer is not None or _tokenizer_beside(path) is not None
    return [FOREIGN_LIMITS, *([] if known else ["no tokenizer known (--tokenizer), so ids are only checked to be 0 or more"])]


def _verify_sources(folder: Path, tokenizer: Path | None) -> list[str]:
    """The results that a mixture's shards lie in, whole, and the ids of foreign shards."""
    from mathcode_data.mixture.verify import missing_files

    try:
        info = read_mixture(folder)
    except MathcodeError:
        return []  # said already
    problems: list[str] = []
    vocabulary = _vocabulary_of_mixture(folder, info, tokenizer)
    for source in info["sources"]:
        prefixes = [Path(os.path.normpath(shard_prefix(folder, shard))) for shard in source["shards"]]
        if source["is_ours"]:
            for parent in dict.fromkeys(prefix.parent for prefix in prefixes):
                problems += _verify_result(parent, full=True) if (parent / MANIFEST_NAME).is_file() else [f"{parent}: the result is gone"]
            continue
        for prefix in prefixes:
            if missing_files(prefix):
                continue  # verify_mixture says it, once for a source
            try:
                problems += verify_shards(prefix, full=True, vocabulary=vocabulary)
            except MathcodeError as error:
                problems.append(str(error))
    return problems


def _vocabulary_of_mixture(folder: Path, info: dict[str, Any], tokenizer: Path | None) -> Vocabulary | None:
    """What ids may be: from the tokenizer that is named, or from a result of ours in the mixture, whose sources have one tokenizer."""
    if tokenizer is not None:
        return Vocabulary(num_ids(read_tokenizer(tokenizer)))
    for source in info["sources"]:
        if source["is_ours"] and source["shards"] and info.get("tokenizer"):
            result = token_result(Path(os.path.normpath(shard_prefix(folder, source["shards"][0]))).parent)
            known = vocabulary_of(result) if result is not None else None
            return None if known is None else Vocabulary(known.size)  # others need not end their documents as ours do
    return None


def _partial(folder: Path) -> list[str]:
    """A result without all of its input is whole as a result; that it is partial is no damage, but worth a word."""
    try:
        manifest = read_result(folder).manifest
    except MathcodeError:
        return []
    lost = [*manifest.damage, *manifest.quarantined]
    more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
    return [f"{folder.name}: a partial result, without all of its input: {lost[0]}{more}"] if lost else []


def _limits_of_sources(folder: Path, tokenizer: Path | None) -> list[str]:
    try:
        info = read_mixture(folder)
        foreign = [source["name"] for source in info["sources"] if not source["is_ours"]]
        if not foreign:
            return []
        known = _vocabulary_of_mixture(folder, info, tokenizer) is not None
    except MathcodeError:
        return []
    names = ", ".join(foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
    hashed = all(shard["bin_sha256"] for source in info["sources"] for shard in source["shards"])
    lines = [] if known else [f"no tokenizer known (--tokenizer), so ids of {names} are only checked to be 0 or more"]
    return lines + (
        [] if hashed else [f"of {names} not every byte was hashed at the build (--read-all), so a changed legal id cannot be found"]
    )


def _is_ours(path: Path) -> bool:
    try:
        return token_result(path if path.is_dir() else path.parent) is not None
    except MathcodeError:
        return False


def _tokenizer_beside(path: Path) -> Path | None:
    file = (path if path.is_dir() else path.parent) / TOKENIZER_NAME
    return file if file.is_file() else None


def _foreign_vocabulary(path: Path, tokenizer: Path | None) -> Vocabulary | None:
    if _is_ours(path):
        result = token_result(path if path.is_dir() else path.parent)
        return vocabulary_of(result) if result is not None else None
    file = tokenizer or _tokenizer_beside(path)
    return None if file is None else Vocabulary(num_ids(read_tokenizer(file)))


def _verify_marker(output: Path) -> list[str]:
    """That pipeline.json names results, and each of them is finished."""
    path = output / PIPELINE_NAME
    try:
        data = read_json(path)
    except DataError as error:
        return [str(error)]
    if isinstance(data, dict) and SEAL in data and data[SEAL] != seal_of(data):
        return [f"{path}: its content does not match its own sha256: edited or damaged; run the pipeline again, which writes it anew"]
    ids = data.get("results") if isinstance(data, dict) else None
    if not isinstance(ids, list) or not all(isinstance(name, str) and is_plain_name(name) for name in ids):
        return [f"{path}: no list of `results`, each the name of a folder beside it; the file is damaged, run the pipeline again"]
    unknown = [f"{path}: has the key {key!r}, which no run writes; edited or damaged" for key in sorted(set(data) - MARKER_KEYS)]
    lost = [f"{output / name}: named in {PIPELINE_NAME} and not finished: run the pipeline again" for name in ids]
    return unknown + [
        line for name, line in zip(ids, lost, strict=True) if not (output / name / MANIFEST_NAME).exists() and not _round_of(output, name)
    ]


def _round_of(output: Path, name: str) -> str:
    """The number of the round of a recall that has its report but not yet what joins the seed; or ""."""
    match = _AFTER_REVIEW.fullmatch(name)
    is_reported = match is not None and all((output / f"round-{match[1]}{part}" / MANIFEST_NAME).is_file() for part in ("", "-recalled"))
    return match[1] if match is not None and is_reported else ""


def _waiting_rounds(output: Path) -> list[str]:
    """A line for each round of a recall behind which nothing was made yet."""
    names = sorted(folder.name.removesuffix("-recalled") for folder in output.glob("round-*-recalled"))
    return [
        f"{output / name}: {name.replace('-', ' ')} waits for review, or was the last; no page of it has joined the seed"
        for name in names
        if _round_of(output, f"{name}-added") and not (output / f"{name}-added" / MANIFEST_NAME).exists()
    ]


def _verify_result(folder: Path, full: bool) -> list[str]:
    path = folder / MANIFEST_NAME
    try:
        result = read_result(folder)
    except (DataError, VerificationError) as error:
        return [str(error) + whole_record(path)]
    except (AttributeError, TypeError, ValueError) as error:
        return [f"{path}: not what a run writes ({error!r}); remove the folder and run the pipeline again"]
    problems = list(_other_form(path)) + list(check_shards(result, full=False))
    for stage in result.manifest.counters:
        try:
            stage.check()
        except MathcodeError as error:
            problems.append(f"{path}: {error}")
    if not problems:
        problems += _changed_files(result) if full else []
        if result.manifest.kind == "tokens":
            problems += verify_shards(folder, full=full, vocabulary=vocabulary_of(result))
            problems += [] if problems else _verify_token_counts(result)
        if full:
            problems += _verify_documents(result)
    extra = {path.name for path in folder.iterdir()} - {shard.name for shard in result.manifest.shards} - {MANIFEST_NAME}
    extra -= {BLOCKS_NAME} if result.manifest.block_hashes else set()
    return problems + [f"{folder / name}: not named in the manifest" for name in sorted(extra)]


def _other_form(path: Path) -> Iterator[str]:
    """A record that reads the same and has other bytes (white space, a number in another form) was still edited."""
    found, expected = path.read_bytes(), to_json(read_json(path))
    if found != expected:
        at = next((i for i, (one, other) in enumerate(zip(found, expected, strict=False)) if one != other), min(len(found), len(expected)))
        yield f"{path}: byte {at:,}: not in the form that a run writes (sorted, indented); {REMAKE}"


def _changed_files(result: Result) -> Iterator[str]:
    """Files whose sha256 is not that of the manifest, with the place where block hashes, or files beside them, tell it."""
    record = result.manifest.block_hashes
    try:
        known, is_sound = read_block_hashes(result), True
    except MathcodeError:
        known, is_sound = {}, False
    made: dict[str, FileBlocks] = {}
    for shard in result.manifest.shards:
        path = result.folder / shard.name
        expected = known.get(shard.name)
        sha256, found = hash_file(path, expected.block_bytes if expected else None)
        if sha256 != shard.sha256:
            place = damaged_place(path.with_name(path.name.removesuffix(path.suffix)), path.suffix, shard.sha256)
            where = f": {place}" if place else "" if expected is None else changed_place(path, expected, found)
            yield f"{path}: sha256 differs from the manifest{where}; changed after the result was finished: {REMAKE}"
        elif expected is not None and expected.differing(found):
            yield f"{result.folder / BLOCKS_NAME}: the hashes of {shard.name} are not those of the file, which is whole: {REMAKE}"
        else:
            made[shard.name] = found
    if record is not None and not is_sound:
        path = result.folder / BLOCKS_NAME
        content = pack_blocks(made)
        where = f": {first_difference(path.read_bytes(), content)}" if sha256_bytes(content) == record["sha256"] else whole_record(path)
        yield f"{path}: sha256 differs from the manifest{where}; the block hashes were changed: {REMAKE}"


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
    for path in [*result.document_shards(), *result.paths("dropped-", ".parquet")]:
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
