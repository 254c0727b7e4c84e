"""Run the stage `tokenize` in tests and read its shards back."""

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from mathcode_data.shards.reader import TokenShard
from mathcode_data.stages.learn import probe_tokenizer
from mathcode_data.stages.tokenize import tokenizer_file
from support.stages import make_result, run_global


def probe_here(patch):
    """Look at tokenizer files in this process; a child takes half a second."""
    patch.setattr(tokenizer_file, "run_in_child", lambda function, message, **_: probe_tokenizer.probe(message))


def tokenize(folder, tables, tokenizer, seed=0, **values):
    config = values | ({"tokenizer": str(tokenizer)} if tokenizer is not None else {})
    return run_global("tokenize", [make_result(folder / "in", tables)], folder, seed, **config)


def files_of(outcome):
    return {shard.name: record.path(shard.name).read_bytes() for record in outcome.records for shard in record.shards}


def read_back(outcome):
    """(doc_id, ids) of every document in shard order."""
    rows = []
    for record in outcome.records:
        for shard in record.shards:
            if shard.name.endswith(".bin"):
                prefix = record.folder / shard.name.removesuffix(".bin")
                table = pq.read_table(record.folder / f"{prefix.name}.documents.parquet").to_pylist()
                with TokenShard(prefix) as tokens:
                    assert tokens.num_documents == len(table) == shard.rows
                    assert tokens.num_tokens == shard.tokens
                    start = 0
                    for number, row in enumerate(table):
                        ids = [int(token) for token in tokens.document(number)]
                        assert (row["token_start"], row["num_tokens"]) == (start, len(ids))
                        start += len(ids)
                        rows.append((row["doc_id"], ids))
    return rows


def split(table, num_shards, is_reversed=False):
    shards = [table.take(pa.array(range(shard, table.num_rows, num_shards), pa.int64())) for shard in range(num_shards)]
    return shards[::-1] if is_reversed else shards


def edited(small_tokenizer, folder, **changes):
    data = orjson.loads((small_tokenizer / "tokenizer.json").read_bytes()) | changes
    path = folder / "edited.json"
    path.write_bytes(orjson.dumps(data))
    return path


def gpt2_like(small_tokenizer, folder):
    """The small tokenizer with GPT-2's pre-tokenizer, which every library knows."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    folder.mkdir(exist_ok=True)
    return edited(small_tokenizer, folder, pre_tokenizer=byte_level)
