"""learn.domains: counts do not depend on shards, the 10 % rule with its options, prefixes that stand out, samples."""

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_data.stages.learn.domains import suggestions
from mathcode_data.stages.learn.domains_tree import wilson
from support.stages import documents, make_result, run_global


def site(urls, collected):
    """Pages, those at the positions `collected`, as a table and its collected part."""
    table = documents([f"text {i} <script>" for i in range(len(urls))], score_math=[i / len(urls) for i in range(len(urls))])
    table = table.set_column(table.column_names.index("url"), "url", pa.array(urls, pa.string()))
    return table, table.take(pa.array(sorted(collected), pa.int64()))


def find(folder, table, collected, num_shards=1, **values):
    shards = [table.take(pa.array(range(i, table.num_rows, num_shards), pa.int64())) for i in range(num_shards)]
    pages, seen = make_result(folder / "pages", shards), make_result(folder / "collected", [collected])
    outcome = run_global("learn.domains", [pages], folder, 3, collected=str(seen.folder), **values)
    files = {shard.name: record.path(shard.name) for record in outcome.records for shard in record.shards}
    rows = pq.read_table(files["domains-00000.parquet"]).to_pylist()
    candidates = [orjson.loads(line) for line in files["candidates-00000.jsonl"].read_bytes().splitlines()]
    return outcome, {row["domain"]: row for row in rows}, {found["domain"]: found for found in candidates}, files


MATH = [f"https://forum.example.org/math/{i // 5}/{i}.html" for i in range(20)]
SHOP = [f"https://shop.example.org:8080/items/{i}" for i in range(60)]
NEWS = [f"http://www.news.example.co.uk/{i}" for i in range(40)]
URLS = [*MATH, *SHOP, *NEWS, "no address", None, "https://me.github.io/a", "https://you.github.io/a"]
COLLECTED = [*range(18), 20, 85]


def test_counts_shares_and_intervals_by_registered_domain(tmp_path):
    outcome, rows, candidates, _ = find(tmp_path, *site(URLS, COLLECTED))
    assert {name: (row["pages"], row["collected"]) for name, row in rows.items()} == {
        "example.org": (80, 19), "example.co.uk": (40, 1), "me.github.io": (1, 0), "you.github.io": (1, 0),
    }  # fmt: skip
    found = rows["example.org"]
    assert (found["low"], found["high"]) == wilson(19, 80, 0.95)
    assert found["low"] < found["share"] == 0.2375 < found["high"]
    assert set(candidates) == {"example.org"}
    assert outcome.counted[0].counters[0].dropped == {"no_web_address": 2}
    assert outcome.facts["num_candidates"] == 1


def test_the_prefix_whose_own_share_is_high_is_suggested_with_samples_of_both_kinds(tmp_path):
    _, _, candidates, _ = find(tmp_path, *site(URLS, COLLECTED), num_samples=2)
    (prefix,) = suggestions(candidates["example.org"])
    assert (prefix["kind"], prefix["name"], prefix["pages"], prefix["collected"]) == ("prefix", "forum.example.org/", 20, 18)
    shown = prefix["samples"]
    assert [sample["is_collected"] for sample in shown] == [False, False, True, True]
    assert all(sample["url"] in MATH and sample["text"].endswith("<script>") and sample["score"] is not None for sample in shown)


def test_deeper_prefixes_are_found_where_the_host_is_mixed(tmp_path):
    urls = [f"https://uni.example/{part}/{i}" for part in ("maths/notes", "law", "news") for i in range(30)]
    _, _, candidates, _ = find(tmp_path, *site(urls, range(25)))
    assert [(place["name"], place["pages"]) for place in suggestions(candidates["uni.example"])] == [("uni.example/maths/", 30)]


def test_a_site_that_is_nearly_all_mathematics_is_suggested_as_a_whole(tmp_path):
    _, _, candidates, _ = find(tmp_path, *site(MATH, range(15)))
    (whole,) = suggestions(candidates["example.org"])
    assert (whole["kind"], whole["name"], whole["low"] > 0.5) == ("domain", "example.org", True)


@pytest.mark.parametrize(
    ("values", "is_found"),
    [({}, True), ({"min_share": 0.2375}, False), ({"min_pages": 81}, False), ({"rule": "low", "min_share": 0.2}, False),
     ({"unit": "host", "min_share": 0.9}, False)],
)  # fmt: skip
def test_the_rule_is_more_than_a_share_of_enough_pages(tmp_path, values, is_found):
    _, _, candidates, _ = find(tmp_path, *site(URLS, COLLECTED), **values)
    assert ("example.org" in candidates) == is_found


def test_shards_and_their_order_change_nothing(tmp_path):
    table, collected = site(URLS, COLLECTED)
    one = find(tmp_path / "one", table, collected)[3]
    two = find(tmp_path / "two", table.take(pa.array(range(table.num_rows - 1, -1, -1), pa.int64())), collected, num_shards=3)[3]
    assert {name: path.read_bytes() for name, path in one.items()} == {name: path.read_bytes() for name, path in two.items()}


def test_auto_accept_decides_by_the_lower_end_of_the_interval(tmp_path):
    decided = {}
    for bound in (0.6, 0.9):
        files = find(tmp_path / str(bound), *site(URLS, COLLECTED), auto_accept=bound)[3]
        decided[bound] = [orjson.loads(line) for line in files["decisions.jsonl"].read_bytes().splitlines()]
    assert [line["prefix"] for line in decided[0.6]] == ["forum.example.org/"]
    assert decided[0.9] == []


@pytest.mark.parametrize(("hits", "total"), [(0, 1), (1, 1), (3, 10), (999, 1000)])
def test_wilsons_interval_holds_the_share_and_narrows(hits, total):
    low, high = wilson(hits, total, 0.95)
    assert 0 <= low <= hits / total <= high <= 1
    narrow_low, narrow_high = wilson(100 * hits, 100 * total, 0.95)
    assert narrow_high - narrow_low < high - low
