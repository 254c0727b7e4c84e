"""select.domains: uncollected pages under accepted places, every other page accounted for."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.plugins import load_plugin
from support.stages import documents, make_config, make_result, run_global

URLS = [
    "https://m.example/a/1",
    "https://m.example/a/2",
    "https://m.example/shop/3",
    "https://n.example/4",
    "no address",
    "https://m.example/5",
]


def take(folder, lines, **values):
    table = documents([f"text {i}" for i in range(len(URLS))])
    table = table.set_column(table.column_names.index("url"), "url", pa.array(URLS, pa.string()))
    pages = make_result(folder / "pages", [table.slice(0, 3), table.slice(3)])
    collected = make_result(folder / "collected", [table.slice(1, 1)])
    (folder / "d.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    outcome = run_global("select.domains", [pages], folder, decisions="d.jsonl", collected=str(collected.folder), **values)
    urls = [
        url for record in outcome.records for shard in record.shards for url in pq.read_table(record.path(shard.name))["url"].to_pylist()
    ]
    dropped: dict[str, int] = {}
    for record in outcome.counted:
        for reason, number in record.counters[0].dropped.items():
            dropped[reason] = dropped.get(reason, 0) + number
    return urls, dropped, outcome.facts


ACCEPT = {"decision": "accept", "domain": "m.example"}
REJECT = {"decision": "reject", "prefix": "m.example/shop/"}


def test_uncollected_pages_under_accepted_places_are_taken(tmp_path):
    urls, dropped, facts = take(tmp_path, [ACCEPT, REJECT])
    assert urls == [URLS[0], URLS[5]]
    assert dropped == {"collected": 1, "decided_otherwise": 1, "not_decided": 2}
    assert (facts["accepted"], facts["rejected"], facts["num_documents"]) == (["m.example"], ["m.example/shop/"], 2)


def test_decisions_on_places_without_a_page_are_named(tmp_path):
    lost = [{"decision": "reject", "prefix": "m.example/shpo/"}, {"decision": "accept", "domain": "absent.example"}]
    taken = take(tmp_path, [ACCEPT, REJECT, *lost])
    assert taken[2]["unmatched"] == ["absent.example", "m.example/shpo/"]
    (tmp_path / "again").mkdir()
    wide = [ACCEPT, REJECT, {"decision": "accept", "prefix": "m.example/shop/"}, {"decision": "clear", "domain": "absent.example"}]
    assert take(tmp_path / "again", wide)[2]["unmatched"] == []


def test_rejected_pages_can_be_taken_as_hard_negatives(tmp_path):
    assert take(tmp_path, [ACCEPT, REJECT], take="reject")[0] == [URLS[2]]


def test_no_decision_takes_nothing(tmp_path):
    assert take(tmp_path, [])[0] == []


def test_missing_and_wrong_decisions_are_errors_before_any_work(tmp_path):
    with pytest.raises(ConfigError, match="no decisions"):
        load_plugin("select.domains").build(make_config("select.domains"))
    (tmp_path / "d.jsonl").write_text("nonsense\n")
    with pytest.raises(DataError, match=r"d\.jsonl:1:"):
        load_plugin("select.domains").build(make_config("select.domains", tmp_path, decisions="d.jsonl"))
