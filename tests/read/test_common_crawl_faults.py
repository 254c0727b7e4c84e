"""read.common_crawl and servers that fail: pauses and turns as promised, the same pages afterwards, an end where that is wiser."""

from __future__ import annotations

import email.utils
import multiprocessing
import ssl
import tempfile
import time
from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError, ResourceError
from mathcode_data.stages.read import common_crawl_http
from mathcode_data.stages.read.common_crawl_archive import Manners, open_archive
from mathcode_data.stages.read.common_crawl_patience import Patience, Turns
from support.archive_server import ArchiveServer, index_rows, serve_archive, write_index
from support.stages import run_source

QUICK = {"contact": "https://maths-tests.net/crawler", "first_backoff_s": 0.01, "max_backoff_s": 0.02, "timeout_s": 5.0}


@pytest.fixture(autouse=True)
def _locks_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture(scope="module")
def crawl(warc, tmp_path_factory):
    """Two WARC files of six pages and their index."""
    folder = tmp_path_factory.mktemp("crawl")
    for file in range(2):
        (folder / f"f-{file}.warc.gz").write_bytes(warc.gzip([warc.page(6 * file + number) for number in range(6)]))
    write_index(folder / "index/all.parquet", index_rows(folder))
    return folder


def read(folder: Path, server: ArchiveServer | None = None, **values):
    return run_source("read.common_crawl", folder, index="index", base=server.url if server else ".", **(QUICK | values))


@pytest.mark.parametrize(
    "faults",
    [
        ["503"], ["503:0", "503:soon"], ["429:0", "500", "502", "504", "408"], ["403", "403"], ["reset", "reset"], ["cut"], ["other_range"],
        ["wrong_bytes"], ["whole"], ["reset", "503", "cut", "wrong_bytes"],
    ],
)  # fmt: skip
def test_what_passes_leaves_no_trace_in_the_pages(faults, crawl):
    with serve_archive(crawl, faults=list(faults)) as server:
        table, ledger = read(crawl, server)
        assert server.faults == [], "every fault was met"
    assert table.equals(read(crawl)[0])
    assert (dict(ledger.counters.dropped), dict(ledger.counters.facts), ledger.damage) == ({}, {}, [])


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_retry_after_is_waited_for_in_both_forms(form, crawl):
    with serve_archive(crawl) as server:
        server.faults = ["503:1" if form == "seconds" else f"503:{email.utils.formatdate(time.time() + 2, usegmt=True)}"]
        read(crawl, server)
        first, second, *_ = server.seen
    assert second.at - first.until >= (1.0 if form == "seconds" else 0.9)  # the date has whole seconds


def test_a_server_that_refuses_is_asked_three_times_and_then_left_alone(crawl):
    with serve_archive(crawl, faults=["403"] * 9) as server:
        with pytest.raises(ResourceError, match=r"HTTP status 403, 3 times; the server refuses us.*run again") as error:
            read(crawl, server)
        assert len(server.seen) == 3
    assert error.value.exit_code == 6
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("fault", ["503", "500", "reset", "cut", "slow"])
def test_a_server_that_never_answers_ends_the_run_after_all_tries(fault, crawl):
    with serve_archive(crawl, faults=[fault] * 9) as server:
        with pytest.raises(ResourceError, match=r"f-0\.warc\.gz: .*3 times; what is committed is kept"):
            read(crawl, server, max_tries=3, timeout_s=0.3 if fault == "slow" else 5.0)
        assert len(server.seen) == 3


def test_a_record_that_stays_wrong_is_asked_for_twice_more_but_not_when_nearly_all_are(crawl):
    with serve_archive(crawl, faults=["wrong_bytes"] * 99) as server:
        table, ledger = read(crawl, server)
        assert len(server.seen) == 2 + 10 * 2
    assert table.num_rows == 0
    assert dict(ledger.counters.dropped) == {"damaged_record": 12}
    assert "damaged_record; 12 records lost" in ledger.damage[0]


@pytest.mark.parametrize(("fault", "text"), [("302", "HTTP status 302"), ("401", "HTTP status 401"), ("400", "HTTP status 400")])
def test_an_answer_that_more_tries_do_not_mend_is_an_error_at_once(fault, text, crawl):
    with serve_archive(crawl, faults=[fault]) as server:
        with pytest.raises(ConfigError, match=f"{text}.*`base`"):
            read(crawl, server)
        assert len(server.seen) == 1


def test_a_large_file_from_a_server_without_ranges_is_refused_and_not_downloaded(crawl, monkeypatch):
    monkeypatch.setattr(common_crawl_http, "MAX_WHOLE_BYTES", 100)
    with serve_archive(crawl, faults=["whole"]) as server, pytest.raises(ConfigError, match="does not answer byte ranges"):
        read(crawl, server)


def test_a_file_that_a_server_sends_whole_is_asked_for_once(crawl):
    with serve_archive(crawl, faults=["whole"] * 12) as server:
        assert read(crawl, server, max_gap_bytes=-1)[0].num_rows == 12
        assert len(server.seen) == 2


def test_an_archive_that_became_shorter_loses_what_is_beyond_its_end(crawl, warc, tmp_path):
    (tmp_path / "c").mkdir()
    content = (crawl / "f-0.warc.gz").read_bytes()
    cut = sum(row["warc_record_length"] for row in index_rows(crawl) if row["warc_filename"] == "f-0.warc.gz") // 2
    (tmp_path / "c/f-0.warc.gz").write_bytes(content[:cut])
    (tmp_path / "c/f-1.warc.gz").write_bytes((crawl / "f-1.warc.gz").read_bytes())
    for gap in (-1, 64 << 10):
        with serve_archive(tmp_path / "c") as server:
            table, ledger = read(crawl, server, max_gap_bytes=gap)
        assert table.num_rows == 6 + 3
        assert dict(ledger.counters.dropped) == {"beyond_the_end": 3}


def test_pauses_double_up_to_a_bound_with_jitter_and_a_short_one_follows_a_broken_connection():
    patience = Patience(first_backoff_s=60.0, max_backoff_s=900.0)
    longest = [patience.wait_s(n, "busy", None, lambda low, high: high) for n in range(1, 7)]
    assert longest == [90.0, 180.0, 360.0, 720.0, 900.0, 900.0]
    assert [patience.wait_s(n, "refused", None, lambda low, high: low) for n in (1, 2, 5)] == [60.0, 120.0, 600.0]
    assert patience.wait_s(1, "broken", None, lambda low, high: high) == 1.5
    assert Patience(60.0, 60.0).wait_s(1, "refused", None) == 60.0
    assert patience.wait_s(1, "busy", 7.0) == 7.0
    assert patience.wait_s(1, "busy", 10.0**9) == 3600.0, "a Retry-After of 30 years is bounded"
    waits = {patience.wait_s(1, "busy", None) for _ in range(20)}
    assert len(waits) == 20
    assert all(60.0 <= wait <= 90.0 for wait in waits)


def test_a_server_of_others_is_given_long_pauses(crawl):
    with pytest.raises(ConfigError, match=r"first_backoff_s is 0\.01; a server of others"):
        open_archive("https://data.commoncrawl.org", Manners("https://maths-tests.net/crawler", patience=Patience(0.01)))
    assert open_archive("https://data.commoncrawl.org", Manners("https://maths-tests.net/crawler")).is_remote


def _ask(url: str, folder: str, name: str) -> None:
    tempfile.tempdir = folder
    archive = open_archive(url, Manners("https://maths-tests.net/crawler", patience=Patience(0.01, 0.02)))
    for _ in range(3):
        with archive.turn():
            archive.read_range(name, 0, 50)
            archive.read_range(name, 50, 90)


@pytest.mark.parametrize("connections", [1, 3])
def test_processes_of_one_machine_together_have_no_more_requests_on_their_way_than_allowed(connections, crawl, tmp_path):
    with serve_archive(crawl, delay_s=0.03) as server:
        if connections == 1:
            context = multiprocessing.get_context("fork")
            workers = [context.Process(target=_ask, args=(server.url, str(tmp_path), f"f-{n % 2}.warc.gz")) for n in range(3)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join(100)
            assert [worker.exitcode for worker in workers] == [0, 0, 0]
            assert len(server.seen) == 18
            assert server.overlaps(0.01) == 0
        else:
            turns = Turns("a", connections, tmp_path / "locks")
            with turns.take(), turns.take(), turns.take():
                files = list((tmp_path / "locks").iterdir())
            assert len(files) == 3


def test_a_pause_holds_for_others_too_and_one_from_before_a_restart_for_nobody(tmp_path):
    turns = Turns("a", 1, tmp_path / "locks")
    with turns.take():
        pass
    (pause,) = [tmp_path / "locks" / f"{path.name.partition('.')[0]}.pause" for path in (tmp_path / "locks").iterdir()]
    over_at = time.monotonic() + 0.3
    pause.write_text(repr(over_at))
    with Turns("a", 1, tmp_path / "locks").take():
        assert time.monotonic() >= over_at
    pause.write_text(repr(time.monotonic() + 10**6))
    start = time.monotonic()
    with turns.take():
        assert time.monotonic() - start < 60.0


def test_s3_is_read_through_pyarrow(crawl, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with serve_archive(crawl, bucket="commoncrawl") as server:
        values = {"index": "index", "base": "s3://commoncrawl", "s3_endpoint": server.url}
        table, ledger = run_source("read.common_crawl", crawl, **(QUICK | values))
        assert {path for path, _, _ in server.ranges()} == {"commoncrawl/f-0.warc.gz", "commoncrawl/f-1.warc.gz"}
    assert table.equals(read(crawl)[0])
    assert ledger.damage == []


def test_other_protocols_are_read_through_fsspec(crawl):
    pytest.importorskip("fsspec", reason="the extra 'remote' is not installed")
    values = {"index": f"file://{crawl}/index", "base": f"file://{crawl}"}
    table, _ = run_source("read.common_crawl", crawl, **(QUICK | values))
    assert table.equals(read(crawl)[0])


def test_https_is_read_under_a_trusted_certificate_and_refused_at_once_under_any_other(crawl, tmp_path, monkeypatch):
    trustme = pytest.importorskip("trustme", reason="certificates for the test are made by trustme")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with serve_archive(crawl, tls=context) as server:
        assert server.url.startswith("https://")
        with pytest.raises(ConfigError, match="certificate is not trusted.*SSL_CERT_FILE"):
            read(crawl, server)
        assert server.seen == []
        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        table, ledger = read(crawl, server)
        assert len(server.ranges()) == 2
    assert table.equals(read(crawl)[0])
    assert ledger.damage == []
