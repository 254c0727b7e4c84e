"""Tables of documents beside token shards, and Parquet shards of documents."""

import contextlib

from mathcode_data.core.documents import read_documents, read_schema
from mathcode_data.core.errors import DataError
from mathcode_data.shards.documents_table import read_documents_table, write_documents_table
from support.fuzzing import scratch, written
from support.stages import documents


def seeds() -> list[bytes]:
    path = scratch("documents_table") / "seed.documents.parquet"
    found = []
    for number in (1, 3, 40):
        write_documents_table(path, [(documents([f"text {n}" for n in range(number)]), [4] * number)])
        found.append(path.read_bytes())
    return found


def read(data: bytes) -> None:
    path = written("documents_table", "x.documents.parquet", data)
    for reader in (read_documents_table, read_schema, lambda shard: list(read_documents(shard))):
        with contextlib.suppress(DataError):
            reader(path)
