"""Who survives, and what earlier results change."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.core.manifest import Manifest, Shard, read_result, write_manifest
from mathcode_data.core.storage import sha256_file
from mathcode_data.core.text import grams
from support.dedup import dedup, sharded, survivors
from support.stages import documents, make_config, run_global

SMALL = {"num_bands": 8, "rows_per_band": 2}
WORDS = [f"w{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(200)]
CHAIN = [" ".join(WORDS[start : start + 60]) for start in range(0, 60, 6)]


@pytest.mark.parametrize("name", ["dedup.exact", "dedup.minhash"])
@pytest.mark.parametrize(
    ("policy", "survivor"),
    [
        ({"keep": "newest"}, 2), ({"keep": "oldest"}, 1), ({"sources": ["b", "a"]}, 1), ({"sources": ["a"]}, 0),
        ({"keep": "newest", "sources": ["b"]}, 3), ({"keep": "highest_score", "score_column": "stars"}, 1),
    ],
)  # fmt: skip
def test_the_survivor_is_the_one_that_the_policy_names(name, policy, survivor):
    dates = ["2026-01-02T00:00:00Z", "2026-01-01T23:59:00+00:00", "2026-01-03", "2026-01-02T00:00:01Z", None]
    table = documents(["the same text"] * 5, fetched_at=dates, stars=[1, 9, 3, 4, 5])
    table = table.set_column(1, "source", pa.array(["a", "b", "a", "b", "c"]))
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1]):
        kept, _, _ = dedup(name, table.take(order), [2], **policy)
        assert kept.equals(table.slice(survivor, 1))


def finished(outcome, folder):
    """The files of an outcome as a finished result."""
    folder.mkdir()
    shards = []
    for record in outcome.records:
        for shard in record.shards:
            record.path(shard.name).rename(folder / shard.name)
            shards.append(Shard(shard.name, shard.bytes, sha256_file(folder / shard.name), rows=shard.rows))
    write_manifest(folder, Manifest("documents", [], folder.name.ljust(32, "0"), [], shards, [], outcome.facts))
    return read_result(folder)


def run_in_dumps(name, dumps, folder, **values):
    """Kept documents of dumps that are compared with all before them, one after the other."""
    kept, earlier = [], []
    for index, dump in enumerate(dumps):
        result = sharded(dump, [1] if dump.num_rows else [], folder / f"in{index}")
        outcome = run_global(name, [result], folder / f"work{index}", against=[str(r.folder) for r in earlier], **values)
        kept.append(survivors(outcome))
        earlier.append(finished(outcome, folder / f"out{index}"))
    return pa.concat_tables(kept).sort_by("doc_id")


@settings(max_examples=8)
@given(st.lists(st.sampled_from(["one", "ONE", "two", "three", "", "four"]), min_size=1, max_size=9), st.data())
def test_exact_in_dumps_keeps_what_one_run_over_all_keeps(tmp_path_factory, texts, data):
    table = documents(texts)
    cut = data.draw(st.integers(0, len(texts)))
    dumps = [table.slice(0, cut), table.slice(cut)]
    tagged = [part.set_column(1, "source", pa.array([f"dump{k}"] * part.num_rows, pa.string())) for k, part in enumerate(dumps)]
    sources = ["dump0", "dump1"]
    whole, _, _ = dedup("dedup.exact", pa.concat_tables(tagged), sources=sources, keep="longest")
    assert run_in_dumps("dedup.exact", tagged, tmp_path_factory.mktemp("d"), sources=sources, keep="longest").equals(whole)


@settings(max_examples=6)
@given(st.lists(st.sampled_from(range(10)), min_size=1, max_size=6), st.lists(st.sampled_from(range(10)), min_size=1, max_size=4))
def test_minhash_in_dumps_keeps_what_one_run_over_all_keeps_unless_clusters_merge(tmp_path_factory, old, new):
    table = documents([CHAIN[k] for k in old + new])
    dumps = [table.slice(0, len(old)), table.slice(len(old))]
    tagged = [part.set_column(1, "source", pa.array([f"dump{k}"] * part.num_rows, pa.string())) for k, part in enumerate(dumps)]
    values = {"sources": ["dump0", "dump1"], "remember": True, **SMALL}
    whole = set(dedup("dedup.minhash", pa.concat_tables(tagged), **values)[0]["doc_id"].to_pylist())
    in_dumps = set(run_in_dumps("dedup.minhash", tagged, tmp_path_factory.mktemp("d"), **values)["doc_id"].to_pylist())
    assert whole <= in_dumps
    # what is kept beyond is of the first dump: a new document joined two of its clusters
    assert all(int(doc_id, 16) < len(old) for doc_id in in_dumps - whole)


@pytest.mark.parametrize("values", [SMALL, SMALL | {"remember": True}, SMALL | {"min_similarity": 0.6}])
def test_a_new_dump_is_compared_with_what_an_earlier_one_kept(tmp_path, values):
    table = documents([CHAIN[0], "x = 1", CHAIN[0] + " more", "y = 2", CHAIN[9]])
    kept = run_in_dumps("dedup.minhash", [table.slice(0, 2), table.slice(2)], tmp_path, **values)
    assert kept.equals(table.take([0, 1, 3, 4]))


def test_a_remembered_document_that_was_dropped_still_joins(tmp_path):
    first, second, third = CHAIN[0], CHAIN[2], CHAIN[4]  # each like the next
    table = documents([first, second, third])
    bridge = {"num_bands": 30, "rows_per_band": 2}
    dumps = [table.slice(0, 2), table.slice(2)]
    assert run_in_dumps("dedup.minhash", dumps, tmp_path, **bridge, remember=True).equals(table.slice(0, 1))


def test_repositories_are_compared_as_a_whole(tmp_path):
    copies = [f"def f{k}(x): return {' + '.join(WORDS[k : k + 30])}" for k in range(0, 120, 30)]
    table = documents(
        [*copies, *copies, "other text of its own", *copies[:1], copies[0]],
        repository=["a"] * 4 + ["b"] * 4 + ["b", "c", None],
    )
    kept, _, _ = dedup("dedup.exact", table, [3])
    assert kept.num_rows == 5
    for order in (list(range(11)), [10, 8, 6, 4, 2, 0, 9, 7, 5, 3, 1]):
        folder = tmp_path / str(order[0])
        result = sharded(table.take(order), [2, 7], folder / "in")
        outcome = run_global("dedup.minhash", [result], folder / "out", unit="repository", keep="longest")
        assert survivors(outcome).equals(table.take([4, 5, 6, 7, 8, 9, 10]))
        assert outcome.facts["near_duplicate_repositories"] == 1
        assert sum(record.counters[0].dropped["near_duplicate_repository"] for record in outcome.counted) == 4


def test_the_report_shows_repositories_side_by_side_with_their_exact_similarity(tmp_path):
    words = [f"word{number}" for number in range(200)]
    one, other = " ".join(words[:100]), " ".join(words[100:])
    table = documents(
        [one, other, one, other[:-8] + " <b>changed</b>", "text of its own"], repository=["first", "first", "second", "second", "third"]
    )
    outcome = run_global("dedup.minhash", [sharded(table, [1, 3], tmp_path / "in")], tmp_path / "out", unit="repository")
    (folder,) = [record.folder for record in outcome.records if (record.folder / "report.html").exists()]
    (row,) = pq.read_table(folder / "examples.parquet").to_pylist()
    assert {row["doc_id"], row["kept_doc_id"]} == {"first", "second"}
    assert row["text"] != row["kept_text"]
    assert row["text"].startswith("word100 word101"), "the file that is in both is not shown"
    contents = [[grams(text) for text in table["text"].to_pylist()[low:high]] for low, high in ((0, 2), (2, 4))]
    a, b = ({tuple(file[i : i + 5]) for file in files for i in range(len(file) - 4)} for files in contents)
    assert row["similarity"] == pytest.approx(len(a & b) / len(a | b))
    page = (folder / "report.html").read_text()
    assert "repositories dropped" in page
    assert "<b>" not in page
    assert outcome.facts["estimates"]["sampled"]["pairs"] == 1


def test_characters_and_presets():
    config = make_config("dedup.minhash", preset="20x13", shingle_unit="characters")
    assert (config.num_bands, config.rows_per_band, config.shingle_size) == (20, 13, 24)
    assert make_config("dedup.minhash", **config.model_dump()) == config
    texts = ["质数是大于一的自然数ａｂ" * 5, "质数是大于一的自然数AB" * 5, "合数是别的数,它们不是这样的。" * 4, ""]
    kept, _, _ = dedup("dedup.minhash", documents(texts), shingle_unit="characters", shingle_size=4)
    assert kept["doc_id"].to_pylist() == [f"{row:032x}" for row in (0, 2, 3)]
