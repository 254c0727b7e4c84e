"""Manifests of results and done records of tasks, with their own hashes made anew behind edits."""

import orjson

from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.manifest import check_shards, read_block_hashes, read_result, self_hash
from mathcode_data.core.storage import to_json
from mathcode_data.inspect.verify import verify_path
from mathcode_data.runtime.plan import record_from_json
from support.fuzzing import edited_json, scratch, written
from support.stages import documents, make_result

DONE = {
    "key": "k-0", "attempt": "00000.ab", "index": 0,
    "shards": [{"name": "a.parquet", "bytes": 3, "sha256": "0" * 64, "rows": 1, "tokens": 0}],
    "values": {"n": 1}, "counters": [{"stage": "s", "read": 1, "kept": 1, "dropped": {}, "facts": {}}], "damage": [], "seconds": {"s": 0.1},
}  # fmt: skip


def sound() -> bytes:
    folder = scratch("manifest") / "x"
    if not (folder / "manifest.json").exists():
        make_result(folder, [documents(["a", "b"])])
        (folder / "sound").write_bytes((folder / "manifest.json").read_bytes())
    return (folder / "sound").read_bytes()


def seeds() -> list[bytes]:
    edits = [bytes([mode, place, 0, kind, kind * 3, 1, 0]) for mode in (1, 2) for place in range(40) for kind in (0, 2, 6)]
    return [b"\0" + sound(), b"\1", b"\2", *edits]


def read(data: bytes) -> None:
    mode, rest = (data[0] if data else 0) % 3, data[1:]
    content = orjson.loads(sound())
    if mode == 2:
        record = edited_json(DONE, rest)
        if isinstance(record, dict):
            record["self_hash"] = fingerprint({key: value for key, value in record.items() if key != "self_hash"})
        record_from_json(record, scratch("manifest"), key="k-0")
        return
    if mode == 1:
        content = edited_json(content, rest)
        content["self_hash"] = self_hash(content)
    folder = written("manifest", "x/manifest.json", rest if mode == 0 else to_json(content)).parent
    verify_path(folder, full=True)
    result = read_result(folder)
    list(check_shards(result, full=True))
    result.document_shards()
    read_block_hashes(result)
