"""read.common_crawl: the pages are those of read.warc, whatever the way to them, and what cannot be had is counted."""

from __future__ import annotations

import gzip
import shutil
import tempfile

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.core.documents import PAGE_SCHEMA
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.stages.read.common_crawl_plan import Place, join_ranges, make_splits
from support.archive_server import index_rows, serve_archive, write_index
from support.stages import make_config, run_source

CONTACT = "https://maths-tests.net/crawler"
QUICK = {"contact": CONTACT, "first_backoff_s": 0.02, "max_backoff_s": 0.05, "timeout_s": 5.0}
HOSTS = ("www.maths.example", "algebra.maths.example", "news.example", "shop.example", "mathsx.example")
LANGUAGES = ("eng", "fra,eng", "zho", None)


@pytest.fixture(autouse=True)
def _locks_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture(scope="session")
def small_crawl(warc, tmp_path_factory):
    """Three WARC files of 24 responses each, with requests between them, and their index in two parts."""
    folder = tmp_path_factory.mktemp("crawl")
    number = 0
    for file in range(3):
        records = [warc.record(900 + file, b"x", "warcinfo")]
        for _ in range(24):
            url = f"https://{HOSTS[number % 5]}/{'algebra' if number % 2 else 'shop'}/{number}"
            language = LANGUAGES[number % 4]
            headers = {"WARC_Target_URI": url, "WARC_Identified_Payload_Type": "text/html"} | (
                {"X_Languages": language} if language else {}
            )
            records += [warc.record(100 + number, b"GET / HTTP/1.1\r\n" * 9, "request"), warc.page(number, **headers)]
            number += 1
        path = folder / f"crawl-data/CC-1/segments/1/warc/f-{file}.warc.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(warc.gzip(records))
    rows = index_rows(folder)
    assert len(rows) == 72
    for part in range(2):
        write_index(folder / f"cc-index/crawl=CC-1/subset=warc/part-{part}.parquet", rows[part * 36 : part * 36 + 36])
    write_index(folder / "cc-index/crawl=CC-1/subset=robotstxt/part-0.parquet", rows[:3])
    return folder


def read(folder, **values):
    return run_source("read.common_crawl", folder, **({"index": "cc-index", "base": "."} | values))


def by_warc(folder, wanted=lambda page: True) -> pa.Table:
    """What read.warc makes of the same files, filtered."""
    table, _ = run_source("read.warc", folder, paths=".")
    return table.filter(pa.array([wanted(page) for page in table.to_pylist()], pa.bool_()))


def host_of(page) -> str:
    return page["url"].split("/")[2]


def test_the_pages_are_those_of_read_warc(small_crawl):
    table, ledger = read(small_crawl)
    assert table.schema == PAGE_SCHEMA
    assert table.equals(by_warc(small_crawl))
    assert (ledger.counters.read, dict(ledger.counters.dropped), ledger.damage) == (72, {}, [])


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"domains": ["maths.example"]}, lambda p: host_of(p).endswith(".maths.example")),
        ({"hosts": ["news.example", "Shop.Example."]}, lambda p: host_of(p) in ("news.example", "shop.example")),
        (
            {"domains": ["maths.example"], "hosts": ["news.example"]},
            lambda p: host_of(p).endswith(".maths.example") or "news" in host_of(p),
        ),
        ({"url_prefixes": ["https://news.example/algebra/"]}, lambda p: "news.example/algebra/" in p["url"]),
        ({"url_prefixes": ["shop.example"]}, lambda p: host_of(p) == "shop.example"),
        ({"languages": ["en"]}, lambda p: int(p["url"].rpartition("/")[2]) % 4 in (0, 1)),
        ({"languages": ["eng"], "primary_language_only": True}, lambda p: int(p["url"].rpartition("/")[2]) % 4 == 0),
        ({"languages": ["zh", "fr"]}, lambda p: int(p["url"].rpartition("/")[2]) % 4 in (1, 2)),
        ({"domains": [f"d{n}.example" for n in range(80)] + ["maths.example"]}, lambda p: host_of(p).endswith(".maths.example")),
    ],
)
def test_conditions_select_what_a_filter_of_all_pages_selects(values, wanted, small_crawl):
    expected = by_warc(small_crawl, wanted)
    assert 0 < expected.num_rows < 72
    assert read(small_crawl, **values)[0].equals(expected)


@pytest.mark.parametrize(
    "values", [{"statuses": [404]}, {"content_types": ["application/pdf"]}, {"domains": ["aths.example"]}, {"languages": ["de"]}]
)
def test_conditions_that_nothing_meets_are_an_error(values, small_crawl):
    with pytest.raises(ConfigError, match=r"nothing in the index \(2 files.*is wanted; check domains"):
        read(small_crawl, **values)


def test_row_groups_that_cannot_hold_a_match_are_not_read(small_crawl, tmp_path):
    shutil.copytree(small_crawl, tmp_path / "c")
    for part in (tmp_path / "c/cc-index").rglob("*.parquet"):
        content = bytearray(part.read_bytes())
        content[4:400] = bytes(396)  # the first row group: algebra.maths.example and its kind in part 0, later names in part 1
        part.write_bytes(content)
    assert read(tmp_path / "c", hosts=["www.maths.example"])[0].num_rows == 15
    with pytest.raises(DataError, match=r"index: .*part-0\.parquet: row group 0: .*damaged"):
        read(tmp_path / "c", hosts=["algebra.maths.example"])


@pytest.mark.parametrize("way", ["http", "list", "files"])
def test_a_server_gives_what_the_folder_gives(way, small_crawl, tmp_path):
    with serve_archive(small_crawl) as server:
        values = {"base": server.url, **QUICK}
        if way == "list":
            lines = [str(path.relative_to(small_crawl)) for path in sorted(small_crawl.rglob("*.parquet"))]
            (tmp_path / "cc-index-table.paths.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
            values |= {"index": str(tmp_path / "cc-index-table.paths.gz")}
        if way == "files":
            values |= {"index": [f"{server.url}/cc-index/crawl=CC-1/subset=warc/part-{part}.parquet" for part in range(2)]}
        table, ledger = read(small_crawl, **values)
        assert table.equals(read(small_crawl)[0])
        assert ledger.damage == []
        assert server.overlaps(0.005) == 0, "one connection"
        assert {one.agent.partition(" ")[2] for one in server.seen} == {f"(+{CONTACT})"}
        ranges = [asked for asked in server.ranges() if asked[0].endswith(".warc.gz")]
        assert len(ranges) == 3, "neighbours come together"


def test_without_coalescing_every_record_is_a_request(small_crawl):
    with serve_archive(small_crawl) as server:
        table, _ = read(small_crawl, base=server.url, max_gap_bytes=-1, **QUICK)
        assert table.equals(read(small_crawl)[0])
        assert len(server.ranges()) == 72
        server.seen.clear()
        read(small_crawl, base=server.url, max_range_bytes=2000, **QUICK)
        assert 3 < len(server.ranges()) < 72
        assert all(stop - start <= 2000 for _, start, stop in server.ranges())


def test_over_http_nothing_is_asked_without_a_contact(small_crawl):
    with serve_archive(small_crawl) as server:
        for contact in ("", "me", "https://bot.example/", "a@b.invalid"):
            with pytest.raises(ConfigError, match="contact"):
                read(small_crawl, base=server.url, contact=contact)
        with pytest.raises(ConfigError, match="contact"):
            read(small_crawl, index=f"{server.url}/x.parquet")
        assert server.seen == []


def test_the_plan_is_the_same_for_any_order_of_the_index_and_any_place(small_crawl, tmp_path):
    def splits(folder, **values):
        stage = load_plugin("read.common_crawl").build(
            make_config("read.common_crawl", folder, **{"index": "cc-index", "base": "."} | values)
        )
        return [(split.names, split.options) for split in stage.splits()]

    shutil.copytree(small_crawl, tmp_path / "moved")
    shutil.rmtree(tmp_path / "moved/cc-index")
    write_index(tmp_path / "moved/cc-index/all.parquet", index_rows(small_crawl)[::-1], row_group_size=7)
    plans = [splits(folder, split_records=20) for folder in (small_crawl, small_crawl, tmp_path / "moved")]
    assert plans[0] == plans[1] == plans[2]
    assert [options["records"] for _, options in plans[0]] == [20, 20, 20, 12]
    cut, _ = read(small_crawl, split_records=5)
    assert cut.equals(read(small_crawl)[0]), "where the cuts lie changes no page"


def test_more_records_than_allowed_are_an_error_before_anything_is_fetched(small_crawl):
    with pytest.raises(ConfigError, match="select more than 10 records"):
        read(small_crawl, max_records=10)


def damaged_copy(small_crawl, tmp_path, change):
    """A copy of the crawl whose index rows went through `change`."""
    shutil.copytree(small_crawl, tmp_path / "c", dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "c/cc-index")
    rows = index_rows(tmp_path / "c")
    write_index(tmp_path / "c/cc-index/all.parquet", [change(number, dict(row)) for number, row in enumerate(rows)])
    return tmp_path / "c"


@pytest.mark.parametrize(
    ("change", "reason", "is_lost"),
    [
        ({"content_digest": "A" * 32}, "digest_mismatch", True),
        ({"url": "https://news.example/other"}, "url_mismatch", True),
        ({"warc_record_length": 100}, "damaged_record", True),
        ({"warc_record_offset": 10**8}, "beyond_the_end", True),
        ({"warc_filename": "crawl-data/none.warc.gz"}, "no_such_file", True),
        ({"warc_filename": "../../etc/passwd"}, "bad_index_row", False),
        ({"warc_filename": "/etc/passwd"}, "bad_index_row", False),
        ({"warc_record_offset": -1}, "bad_index_row", False),
        ({"warc_record_length": 10**9}, "too_large", False),
    ],
)
@pytest.mark.parametrize("is_http", [False, True])
def test_a_record_that_the_index_gets_wrong_is_counted_and_costs_no_other(change, reason, is_lost, is_http, small_crawl, tmp_path):
    folder = damaged_copy(small_crawl, tmp_path, lambda number, row: row | (change if number == 30 else {}))
    with serve_archive(folder) as server:
        table, ledger = read(folder, **({"base": server.url, **QUICK} if is_http else {}))
    assert table.num_rows == 71
    assert dict(ledger.counters.dropped) == {reason: 1}
    assert bool(ledger.damage) == is_lost
    if is_lost:
        assert reason in ledger.damage[0]
        assert "on_damage: accept" in ledger.damage[0]
        assert ledger.counters.facts["lost_bytes"] > 0
        assert read(folder, on_damage="accept")[1].damage == []
        with pytest.raises(DataError, match=f"{reason}.*on_damage"):
            read(folder, on_damage="fail")


def test_a_record_that_is_listed_twice_is_read_once(small_crawl, tmp_path):
    folder = damaged_copy(small_crawl, tmp_path, lambda number, row: row)
    shutil.copy(folder / "cc-index/all.parquet", folder / "cc-index/again.parquet")
    table, ledger = read(folder)
    assert (table.num_rows, dict(ledger.counters.dropped)) == (72, {"listed_twice": 72})


@pytest.mark.parametrize("wrong", ["http://aaa.example/", "https://zzz.example/x", ""])
def test_of_two_rows_for_one_record_the_one_whose_url_is_the_records_counts(wrong, small_crawl, tmp_path):
    folder = damaged_copy(small_crawl, tmp_path, lambda number, row: row)
    damaged = damaged_copy(small_crawl, tmp_path / "other", lambda number, row: row | ({"url": f"{wrong}{number}"} if wrong else {}))
    shutil.copy(damaged / "cc-index/all.parquet", folder / "cc-index/again.parquet")
    table, ledger = read(folder)
    assert (table.num_rows, dict(ledger.counters.dropped)) == (72, {"listed_twice": 72})


def test_a_base_that_has_none_of_the_files_is_an_error_that_names_it(small_crawl, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: has none of the 3 files, the first is crawl-data/.*check `base`"):
        read(small_crawl, base=str(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"index": "no-such-folder"}, "'no-such-folder' matches no file.*fetch Parquet files of the index first"),
        ({"index": []}, "no index"),
        ({"index": "https://data.commoncrawl.org/cc-index/", "contact": CONTACT}, "folders cannot be listed over HTTP"),
        ({"subsets": ["crawldiagnostics"]}, r"no Parquet file of the index there \(3 of other subsets than crawldiagnostics\)"),
        ({"domains": ["https://maths.example/"]}, "no domain or host"),
        ({"languages": ["English language"]}, "no language"),
        ({"base": ["a", "b"]}, "base"),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(values, text, small_crawl):
    with pytest.raises((ConfigError, ValueError), match=text):
        read(small_crawl, **values)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda t: t.drop_columns(["content_languages"]), "no column content_languages.*2018-39"),
        (lambda t: t.drop_columns(["warc_filename"]), "no column warc_filename"),
        (
            lambda t: t.set_column(17, "warc_record_offset", t["warc_record_offset"].cast(pa.string())),
            "warc_record_offset is string, needs an integer",
        ),
        (lambda t: t.set_column(1, "url", pa.array(range(t.num_rows))), "url is int64, needs text"),
    ],
)
def test_a_table_that_is_no_index_is_refused_by_file_and_column(make, text, small_crawl, tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(
        make(pq.read_table(small_crawl / "cc-index/crawl=CC-1/subset=warc/part-0.parquet", partitioning=None)), tmp_path / "i.parquet"
    )
    with pytest.raises(DataError, match=rf"i\.parquet: .*{text}"):
        read(small_crawl, index=str(tmp_path / "i.parquet"), languages=["en"])


PLACES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400), st.integers(1, 60)), min_size=1, max_size=40)


@given(places=PLACES, gap=st.integers(-1, 50), largest=st.integers(1, 200), split_records=st.integers(1, 9))
@settings(max_examples=60)
def test_splits_and_ranges_hold_every_record_once_in_order_and_no_bytes_that_are_not_needed(places, gap, largest, split_records):
    names, offsets, lengths = (
        [f"f{file}" for file, _, _ in places],
        [offset for _, offset, _ in places],
        [length for _, _, length in places],
    )
    columns = {"warc_filename": names, "warc_record_offset": offsets, "warc_record_length": lengths}
    rows = pa.table(columns | {"content_digest": [None] * len(names), "url": ["https://a.example/"] * len(names)})
    splits, skipped = make_splits(rows, 1000, split_records, 10**6)
    planned = [(file, place[0]) for split in splits for file, group in split.options["files"] for place in group]
    assert planned == sorted({(name, offset) for name, offset in zip(names, offsets, strict=True)})
    assert len(planned) + sum(skipped.values()) == len(names)
    for split in splits:
        assert split.options["records"] <= split_records
        for file, group in split.options["files"]:
            ranges = list(join_ranges(file, [Place(*place) for place in group], gap, largest))
            assert [place.offset for joined in ranges for place in joined.places] == [place[0] for place in group]
            for joined in ranges:
                assert joined.start == joined.places[0].offset
                assert joined.stop == max(place.stop for place in joined.places)
                assert joined.stop - joined.start <= largest or len(joined.places) == 1


def test_real_slices_give_what_read_warc_gives(shared_data, tmp_path):
    for name in (
        "whirlwind/whirlwind.warc.gz",
        "warcio/example.warc.gz",
        "pywb/iana.warc.gz",
        "pywb/dupes.warc.gz",
        "pywb/example.warc.gz",
    ):
        path = tmp_path / "archive" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shared_data / "warc" / name, path)
    write_index(tmp_path / "i.parquet", index_rows(tmp_path / "archive"), row_group_size=20)
    expected = by_warc(tmp_path / "archive")
    with serve_archive(tmp_path / "archive") as server:
        table, ledger = run_source(
            "read.common_crawl", tmp_path, index="i.parquet", base=server.url, content_types=[], statuses=[200], **QUICK
        )
    kept = table.filter(
        pa.array([page["content_type"].startswith(("text/html", "application/xhtml")) for page in table.to_pylist()], pa.bool_())
    )
    assert kept.sort_by("doc_id").equals(expected.sort_by("doc_id"))
    assert ledger.damage == []
    assert expected.num_rows == 20
