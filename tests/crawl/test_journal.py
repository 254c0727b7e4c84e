"""A torn journal gives every whole page, none twice, wherever it was torn."""

from __future__ import annotations

import errno
from io import BytesIO
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from mathcode_data.stages.crawl.fetch import Answer
from mathcode_data.stages.crawl.journal import EVENTS, Journal, only_worker
from mathcode_data.stages.crawl.warc_out import WarcFile, is_whole


def page(number: int, **more) -> Answer:
    body = f"<p>page {number}</p>".encode()
    headers = [("Content-Type", "text/html"), ("Transfer-Encoding", "chunked")]
    stamp = "2026-01-01T00:00:00Z"
    return Answer(
        f"http://a.org/{number}",
        200,
        "HTTP/1.1 200 OK",
        headers,
        b"GET / HTTP/1.1\r\nHost: a.org\r\n\r\n",
        stamp,
        BytesIO(body),
        len(body),
        **more,
    )


def write(journal: Journal, numbers: range, outcome: str = "stored") -> None:
    for number in numbers:
        journal.write({"kind": "done", "key": f"{number:02x}", "outcome": outcome}, page(number), decision={"outcome": outcome})


def stored(folder: Path) -> list[tuple[str, str]]:
    with (folder / "x.warc.gz").open("rb") as file:
        return [(record.rec_type, record.rec_headers.get_header("WARC-Target-URI") or "") for record in ArchiveIterator(file)]


def responses(folder: Path) -> list[str]:
    return [url.rpartition("/")[2] for kind, url in stored(folder) if kind == "response"]


def test_a_journal_cut_at_any_byte_goes_on_to_the_same_pages(tmp_path: Path):
    whole = Journal(tmp_path / "whole", "x.warc.gz", "test")
    write(whole, range(4))
    whole.close()
    events, warc = ((tmp_path / "whole" / name).read_bytes() for name in (EVENTS, "x.warc.gz"))
    for cut in [*range(0, len(warc), 401), len(warc)]:
        for events_cut in (len(events) // 3, len(events) - 1, len(events)):
            folder = tmp_path / f"{cut}-{events_cut}"
            folder.mkdir()
            (folder / "x.warc.gz").write_bytes(warc[:cut])
            (folder / EVENTS).write_bytes(events[:events_cut])
            journal = Journal(folder, "x.warc.gz", "test")
            known = [event["key"] for event in journal.events]
            assert known == [f"{number:02x}" for number in range(len(known))]
            write(journal, range(len(known), 4))
            out = folder / "out"
            out.mkdir()
            assert journal.finish(out) == ["x.warc.gz"]
            assert responses(out) == ["0", "1", "2", "3"], f"WARC cut at {cut}, events at {events_cut}"


def test_damage_in_the_middle_of_the_archive_drops_what_follows(tmp_path: Path):
    journal = Journal(tmp_path, "x.warc.gz", "test")
    write(journal, range(4))
    journal.close()
    content = bytearray((tmp_path / "x.warc.gz").read_bytes())
    content[journal.events[1]["end"] + 40] ^= 255
    (tmp_path / "x.warc.gz").write_bytes(content)
    again = Journal(tmp_path, "x.warc.gz", "test")
    again.close()
    assert [event["key"] for event in again.events] == ["00", "01"]


def test_only_whole_members_are_whole(tmp_path: Path):
    journal = Journal(tmp_path, "x.warc.gz", "test")
    write(journal, range(2))
    journal.close()
    path, ends = tmp_path / "x.warc.gz", [event["end"] for event in journal.events]
    assert all(is_whole(path, end) for end in [0, *ends])
    assert not any(is_whole(path, end) for end in range(ends[0] + 1, ends[0] + 60))
    assert not is_whole(path, ends[1] + 1)


def test_a_page_leaves_response_request_and_decision_with_digests(tmp_path: Path):
    journal = Journal(tmp_path, "x.warc.gz", "test agent")
    write(journal, range(1))
    write(journal, range(1, 2), "noindex")
    journal.write({"kind": "done", "key": "02", "outcome": "stored"}, page(2, truncated="length"), decision={})
    journal.close()
    assert [kind for kind, _ in stored(tmp_path)] == [
        "warcinfo",
        "response",
        "request",
        "metadata",
        "metadata",
        "response",
        "request",
        "metadata",
    ]
    with (tmp_path / "x.warc.gz").open("rb") as file:
        for record in ArchiveIterator(file, check_digests="raise"):
            content = record.content_stream().read()
            if record.rec_type == "response":
                assert b"page" in content
                assert record.http_headers.get_header("Transfer-Encoding") is None
                assert (record.rec_headers.get_header("WARC-Truncated") == "length") == content.endswith(b"page 2</p>")
            if record.rec_type == "metadata" and b"noindex" in content:
                assert record.rec_headers.get_header("WARC-Concurrent-To") is None


def test_two_processes_never_work_on_one_partition(tmp_path: Path):
    with only_worker(tmp_path / "lock"), pytest.raises(BlockingIOError), only_worker(tmp_path / "lock"):
        pass
    with only_worker(tmp_path / "lock"):
        pass


def test_a_warc_file_whose_closing_failed_is_not_closed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    journal = Journal(tmp_path, "x.warc.gz", "test")
    write(journal, range(2))

    def close_on_a_full_disk(file: WarcFile) -> None:
        file._file.close()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(WarcFile, "close", close_on_a_full_disk)
        with pytest.raises(OSError, match="No space left"):
            journal.close()
    journal.close()  # what a `finally` does
    assert responses(tmp_path) == ["0", "1"]
