"""A page is followed through every result of a pipeline."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from mathcode_data.core.documents import write_documents
from mathcode_data.core.manifest import Manifest, Shard, write_manifest
from mathcode_data.core.storage import sha256_file
from mathcode_data.inspect.explain import explain, explain_text
from mathcode_data.stages.crawl.warc_out import WarcFile
from support.stages import documents, make_result


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """`pages` keeps three documents; `unique` keeps the first and drops the second."""
    pages = documents(["a", "b", "c"], score_math=[0.1, 0.2, 0.3])
    make_result(tmp_path / "pages", [pages])
    folder = tmp_path / "unique"
    folder.mkdir()
    dropped = pages.slice(1, 1).select(["doc_id", "url", "text"])
    dropped = dropped.append_column("stage", pa.array(["dedup.exact"])).append_column("reason", pa.array(["duplicate"]))
    shards = []
    for name, rows in (("documents-00000.parquet", pages.slice(0, 1)), ("dropped-00000.parquet", dropped)):
        write_documents(folder / name, iter([rows]), rows.schema)
        shards.append(Shard(name, (folder / name).stat().st_size, sha256_file(folder / name), rows=rows.num_rows))
    write_manifest(folder, Manifest("documents", [{"name": "dedup.exact"}], "f" * 32, [], shards, []))
    (tmp_path / "pipeline.json").write_text('{"results": ["pages", "unique"]}')
    return tmp_path


@pytest.mark.parametrize("by", ["url", "doc_id"])
def test_a_document_is_followed_to_where_it_was_kept_or_dropped(output: Path, by: str):
    def follow(number: int) -> list[tuple[str, str, str, str]]:
        key = {"url": f"https://example.org/{number}"} if by == "url" else {"doc_id": f"{number:032x}"}
        return [(row["result"], row["verdict"], row["stage"], row["reason"]) for row in explain(output, **key)]

    assert follow(0) == [("pages", "kept", "", ""), ("unique", "kept", "dedup.exact", "")]
    assert follow(1) == [("pages", "kept", "", ""), ("unique", "dropped", "dedup.exact", "duplicate")]
    assert follow(2) == [("pages", "kept", "", "")]
    assert follow(9) == []


def test_what_a_crawl_refused_is_found_in_its_warc_files(output: Path):
    folder = output / "web"
    folder.mkdir()
    name = "crawl-00000-000-00000.warc.gz"
    file = WarcFile(folder / name, "test")
    file.write_decision("http://a.example/private", {"outcome": "robots", "depth": 2})
    file.write_decision("http://a.example/", {"outcome": "stored", "status": 200, "signals": {"meta robots": "nofollow"}})
    file.close()
    write_manifest(
        folder,
        Manifest(
            "warc", [{"name": "crawl.focused"}], "e" * 32, [], [Shard(name, (folder / name).stat().st_size, sha256_file(folder / name))], []
        ),
    )
    (output / "pipeline.json").write_text('{"results": ["web", "pages", "unique"]}')
    (row,) = explain(output, url="http://a.example/private#top")
    assert (row["result"], row["verdict"], row["stage"], row["reason"]) == ("web", "dropped", "crawl.focused", "robots")
    assert "robots: depth 2" in explain_text([row])
    (row,) = explain(output, url="http://a.example")
    assert (row["verdict"], row["steps"][0]["why"]) == ("kept", "status 200, signals meta robots: nofollow")
    assert explain(output, url="http://a.example/other") == []
    assert len(explain(output, url="https://example.org/0")) == 2, "of a document its own results are enough"


def test_one_result_alone_says_its_own_verdict_with_scores(output: Path):
    (row,) = explain(output / "pages", url="https://example.org/1")
    assert row["document"]["score_math"] == 0.2
    assert "text" not in row["document"]
    assert explain(output / "pages") == [], "neither url nor id matches nothing"
