"""Records and archives lead nowhere but below their own folder."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import orjson
import pytest
import torch

from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.core.fingerprint import canonical_json, fingerprint
from mathcode_data.core.manifest import read_result, self_hash
from mathcode_data.core.storage import sha256_bytes, to_json
from mathcode_data.mixture.opened import read_mixture
from mathcode_data.runtime.plan import record_from_json
from mathcode_data.stages.select.domains_decisions import read_decisions
from mathcode_data.trainer.checkpoint import open_checkpoint, save_checkpoint
from support.stages import documents, make_result, run_source

NAMES = [
    "../secret", "../../etc/passwd", "/etc/passwd", "a/../../b", "..", ".", "", "a\0b", "a\\b", "CON", "nul.txt", "x" * 300, ".hidden",
    "\u202egpj.exe", "a\nb",
]  # fmt: skip


@pytest.fixture
def opened(monkeypatch):
    """Every file that is opened for reading, by name."""
    names: list[str] = []
    original = io.open

    def watched(file, *arguments, **options):
        names.append(str(file))
        return original(file, *arguments, **options)

    monkeypatch.setattr(io, "open", watched)
    return names


@pytest.mark.parametrize("name", NAMES)
def test_no_record_leads_out_of_its_root(tmp_path: Path, opened: list[str], name: str):
    """A manifest, a done record and a checkpoint that are whole by their own hash, and name a file elsewhere."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    result = make_result(tmp_path / "result", [documents(["a"])]).folder
    data = orjson.loads((result / "manifest.json").read_bytes())
    data["shards"][0]["name"] = name
    (result / "manifest.json").write_bytes(to_json(data | {"self_hash": self_hash(data)}))
    opened.clear()
    with pytest.raises(DataError, match="shard name"):
        read_result(result)
    shard = {"name": name, "bytes": 6, "sha256": "0" * 64, "rows": 1, "tokens": 0}
    body = {"key": "k", "index": 0, "shards": [shard], "values": {}, "counters": [], "damage": []}
    assert record_from_json(body | {"self_hash": fingerprint(body)}, tmp_path, key="k") is None
    sound = {"key": "k", "index": 0, "shards": [shard | {"name": "a"}], "values": {}, "counters": [], "damage": []}
    assert record_from_json(sound | {"self_hash": fingerprint(sound)}, tmp_path, key="k") is not None
    folder = save_checkpoint(tmp_path / "checkpoints", {"step": 1}, {"model": {"a": torch.zeros(2)}}, keep=1)
    record = orjson.loads((folder / "checkpoint.json").read_bytes())
    record.pop("sha256")
    record["files"][name] = record["files"].pop("model.safetensors")
    record["tensors"]["model/a"]["chunks"][0]["file"] = name
    (folder / "checkpoint.json").write_bytes(to_json(record | {"sha256": sha256_bytes(canonical_json(record))}))
    with pytest.raises(VerificationError, match="file name"):
        open_checkpoint(folder)
    assert str(secret) not in opened


def test_a_checkpoint_takes_no_part_from_a_file_that_its_record_does_not_list(tmp_path: Path):
    folder = save_checkpoint(tmp_path / "checkpoints", {"step": 1}, {"model": {"a": torch.zeros(2)}}, keep=1)
    record = orjson.loads((folder / "checkpoint.json").read_bytes())
    record.pop("sha256")
    record["tensors"]["model/a"]["chunks"][0]["file"] = "../../elsewhere.safetensors"
    (folder / "checkpoint.json").write_bytes(to_json(record | {"sha256": sha256_bytes(canonical_json(record))}))
    with pytest.raises(VerificationError, match="not what a save writes"):
        open_checkpoint(folder)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "mixture.json/../x", "other.npy"])
def test_a_mixture_has_no_files_but_its_own(tmp_path: Path, name: str):
    from mathcode_data.mixture.build import build_mixture
    from mathcode_data.mixture.recipe import Recipe
    from mathcode_data.mixture.sources import source_from_paths
    from mathcode_data.shards.writer import ShardWriter

    (tmp_path / "code").mkdir()
    with ShardWriter(tmp_path / "code" / "part", "uint16") as writer:
        writer.add(range(100))
    recipe = Recipe.model_validate({
        "name": "m", "seed": 1, "sequence_length": 8, "sources": {"code": {"shards": str(tmp_path / "code")}},
        "stages": [{"name": "one", "tokens": {"code": 64}}],
    })  # fmt: skip
    build_mixture(recipe, [source_from_paths("code", [tmp_path / "code"])], tmp_path / "mixture")
    path = tmp_path / "mixture" / "mixture.json"
    data = orjson.loads(path.read_bytes())
    data["files"][name] = {"bytes": 1, "sha256": "0" * 64}
    path.write_bytes(to_json(data | {"self_hash": self_hash(data)}))
    with pytest.raises(DataError, match="no file of a mixture"):
        read_mixture(tmp_path / "mixture")


@pytest.mark.parametrize("line", ['{"decision": "accept", "prefix": "../../etc/passwd"}', '{"decision": "accept", "domain": "/etc/passwd"}',
                                  '{"decision": "accept", "prefix": "file:///etc/passwd"}',
                                  '{"decision": "accept", "domain": "a.example/../b"}'])  # fmt: skip
def test_a_decision_names_a_host_and_never_a_file(tmp_path: Path, line: str):
    (tmp_path / "d.jsonl").write_text(line + "\n")
    with pytest.raises(DataError, match=r"d\.jsonl:1"):
        read_decisions(tmp_path / "d.jsonl")


@pytest.mark.parametrize("name", ["../outside.py", "/tmp/outside.py", "a/../../outside.py", "C:\\outside.py", "link.py"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_reading_an_archive_writes_nothing(tmp_path: Path, name: str, kind: str):
    place = tmp_path / "in" / f"x.{kind}"
    place.parent.mkdir()
    code = b"x = 1\n" * 40
    if kind == "zip":
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr(name, code)
            archive.writestr("ok.py", code)
    else:
        with tarfile.open(place, "w") as archive:
            for member, target in ((name, ""), ("ok.py", ""), ("link.py", "/etc/passwd"), ("up.py", "../../outside.py")):
                entry = tarfile.TarInfo(member)
                entry.size = 0 if target else len(code)
                entry.type, entry.linkname = (tarfile.SYMTYPE, target) if target else (tarfile.REGTYPE, "")
                archive.addfile(entry, None if target else io.BytesIO(code))
    before = {path.relative_to(tmp_path) for path in tmp_path.rglob("*")}
    table, _ = run_source("read.code", tmp_path, paths=["in"], repository_depth=1)
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*")} == before
    assert all(".." not in path and not path.startswith("/") for path in table["path"].to_pylist())
    assert not any("root:" in text for text in table["text"].to_pylist())


def test_a_mixture_of_another_machine_is_not_followed_over_the_network():
    from mathcode_data.mixture.opened import shard_prefix
    from mathcode_data.shards.remote import RemotePath

    with pytest.raises(DataError, match="lies on another machine's disk"):
        shard_prefix(RemotePath("s3://bucket/mixture"), {"path": "/etc/passwd"})
    with pytest.raises((DataError, ConfigError), match="leaves"):
        shard_prefix(RemotePath("s3://bucket/mixture"), {"path": "../../other/x"})
