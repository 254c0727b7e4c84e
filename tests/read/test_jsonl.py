"""read.jsonl: strict lines, bounded memory, and the first bad line named."""

from __future__ import annotations

import gzip
import json

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.documents import TEXT_SCHEMA
from mathcode_data.core.errors import ConfigError
from support.command import call
from support.stages import run_source

COMPRESS = {"a.jsonl": bytes, "a.jsonl.gz": gzip.compress, "a.jsonl.zst": zstandard.compress}


def read(content: bytes, folder, name="a.jsonl", **values):
    (folder / name).write_bytes(content)
    return run_source("read.jsonl", folder, paths=[name], **values)


@pytest.mark.parametrize("name", COMPRESS)
def test_plain_gzip_and_zstandard_give_the_same_documents(name, tmp_path):
    lines = "".join(json.dumps({"id": n, "text": f"text {n}", "url": f"https://example.org/{n}"}) + "\n" for n in range(50))
    table, ledger = read(COMPRESS[name](lines.encode()), tmp_path, name, id_key="id", url_key="url")
    assert table.schema == TEXT_SCHEMA
    assert table.column("text").to_pylist() == [f"text {n}" for n in range(50)]
    assert table.column("url").to_pylist()[7] == "https://example.org/7"
    assert len(set(table.column("doc_id").to_pylist())) == 50
    assert ledger.damage == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "a", "n": NaN}', "nan"),
        (b'{"text": "a", "n": -Infinity}', "infinity"),
        (b'{"text": "a", "text": "b"}', "duplicate_key"),
        (b'{"text": "a", "m": {"k": 1, "k": 2}}', "duplicate_key"),
        (b'{"text": "a", "m": ' + b"[" * 100_000, "nested_too_deep"),
        (b'{"text": "a", "m": ' + b'{"k": ' * 100_000, "nested_too_deep"),
        (b'{"text": "a", "n": 18446744073709551616}', "integer_too_large"),
        (b'{"text": "a", "n": ' + b"9" * 100_000 + b"}", "integer_too_large"),
        (b'{"text": "a"} {"text": "b"}', "trailing_garbage"),
        (b'{"text": "a"', "not_json"),
        (b'{"text": "a\x01b"}', "not_json"),
        (b"not json", "not_json"),
        (b'["text"]', "not_an_object"),
        (b'{"n": 1}', "text_missing"),
        (b'{"text": null}', "text_is_null"),
        (b'{"text": 5}', "text_is_number"),
        (b'{"text": ["a"]}', "text_is_list"),
        (b"\xff\xfe{\x00}\x00", "not_utf8"),
        (b'{"text": "' + b"x" * 400_000 + b'"}', "line_too_long"),
    ],
)
def test_a_bad_line_is_dropped_under_its_reason_and_named(line, reason, tmp_path):
    content = b'{"text": "first"}\n' + line + b'\n{"text": "last"}\n'
    table, ledger = read(content, tmp_path, max_line_bytes=300_000 if reason == "line_too_long" else "100MB")
    assert table.column("text").to_pylist() == ["first", "last"]
    assert dict(ledger.counters.dropped) == {reason: 1}
    (message,) = ledger.damage
    assert f"a.jsonl: line 2: {reason}" in message
    _, ledger = read(content, tmp_path, bad_lines="accept", max_line_bytes=300_000 if reason == "line_too_long" else "100MB")
    assert ledger.damage == []


@given(
    rows=st.lists(st.tuples(st.sampled_from(["", "u1", "u2"]), st.sampled_from([0, 1, "1", "a"]), st.sampled_from("xyz")), max_size=12),
    keys=st.sampled_from([{}, {"id_key": "id"}, {"url_key": "url"}, {"id_key": "id", "url_key": "url"}]),
    at=st.integers(0, 12),
)
def test_equal_ids_mean_equal_documents_however_the_input_is_cut_into_files(rows, keys, at, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ids")
    rows = [("", 0, "first"), *rows, ("", 0, "last")]
    lines = [json.dumps({"url": url, "id": number, "text": text}) for url, number, text in rows]
    (folder / "a.jsonl").write_text("\n".join(lines[: at + 1]))
    (folder / "b.jsonl").write_text("\n".join(lines[at + 1 :]) or "\n")
    table, _ = run_source("read.jsonl", folder, paths=["*.jsonl"], **keys)
    names = [(url if keys == {"url_key": "url"} else "", str(number) if "id_key" in keys else "", text) for url, number, text in rows]
    assert len(set(zip(names, table.column("doc_id").to_pylist(), strict=True))) == len(set(names))
    assert len(set(table.column("doc_id").to_pylist())) == len(set(names))


@pytest.mark.parametrize("content", [b"", b"\n\n", b" \n\t\n"])
@pytest.mark.parametrize("name", COMPRESS)
def test_an_input_without_a_line_is_an_error_and_an_empty_file_among_others_is_counted(name, content, tmp_path):
    with pytest.raises(ConfigError, match=r"the input holds no line of JSON \(.*a\.jsonl.*\); fetch it again"):
        read(COMPRESS[name](content), tmp_path, name)
    (tmp_path / "b.jsonl").write_bytes(b'{"text": "there"}\n')
    table, ledger = run_source("read.jsonl", tmp_path, paths=["."])
    assert table.column("text").to_pylist() == ["there"]
    assert ledger.counters.facts["empty_files"] == 1
    assert ledger.damage == []


def test_only_the_first_bad_line_is_named_and_all_are_counted(tmp_path):
    _, ledger = read(b'{"text": "a"}\n\nbad\n{"text": "b"}\nbad\n', tmp_path)
    assert ledger.damage == ["a.jsonl: line 3: not_json (2 bad lines dropped); mend the file, or set `bad_lines: accept`"]
    assert ledger.counters.facts["blank_lines"] == 1


def test_text_is_normalised_as_documented(tmp_path):
    line = '{"text": "\\ufeffe\\u0301\\r\\n\\ttab \\u0000\\ud800 \\ud83d\\ude00 \\u202e\\ue000"}'
    table, ledger = read(line.encode(), tmp_path)
    assert table.column("text").to_pylist() == ["é\n\ttab \ufffd 😀 \u202e\ue000"]
    assert ledger.counters.facts["surrogates_replaced"] == 1


@pytest.mark.parametrize("text", ["", " \\n ", "\\u0000\\r\\n\\u00a0"])
def test_a_text_without_a_word_is_an_ordinary_drop_and_no_bad_line(text, tmp_path):
    line = f'{{"text": "{text}"}}\n'.encode()
    table, ledger = read(b'{"text": "first"}\n' + line, tmp_path)
    assert table.column("text").to_pylist() == ["first"]
    assert dict(ledger.counters.dropped) == {"empty": 1}
    assert ledger.damage == []
    table, ledger = read(line, tmp_path)
    assert (table.num_rows, dict(ledger.counters.dropped), ledger.damage) == (0, {"empty": 1}, [])


def test_the_reference_says_what_is_changed_in_a_text():
    for name in ("read.jsonl", "read.parquet"):
        said = " ".join(call("keys", name).stdout.split())  # lines are wrapped
        for change in (r"`\r\n` becomes `\n`", "NUL characters", "NFC", "NUL is removed, CRLF becomes LF, NFC."):
            assert change in said, (name, change)


def test_a_few_wrong_bytes_are_replaced_and_counted(tmp_path):
    table, ledger = read(b'{"text": "' + b"x" * 500 + b"\xff" + b'"}', tmp_path)
    assert table.column("text").to_pylist() == ["x" * 500 + "\ufffd"]
    assert ledger.counters.facts["bytes_replaced"] == 1


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_a_cut_file_is_reported_though_its_last_line_looks_whole(name, tmp_path):
    lines = b"".join(json.dumps({"text": f"{n} " * 9000}).encode() + b"\n" for n in range(99))
    whole = COMPRESS[name](lines)
    table, ledger = read(whole[: len(whole) // 2], tmp_path, name)
    assert 0 < table.num_rows < 99
    (message,) = ledger.damage
    assert f"{name}: after line {table.num_rows}" in message
    assert "the file ends inside" in message


def test_a_window_of_two_gigabytes_is_refused_not_allocated(tmp_path):
    frame = bytearray(b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x01\x00\x00")  # window descriptor 0xa8: 2 GB; one empty last block
    table, ledger = read(bytes(frame), tmp_path, "a.jsonl.zst")
    assert table.num_rows == 0
    assert "window of 2,147,483,648 bytes" in ledger.damage[0]


def test_a_zstandard_bomb_is_stopped(tmp_path):
    _, ledger = read(zstandard.compress(b"\0" * (80 << 20)), tmp_path, "a.jsonl.zst", max_line_bytes=1000)
    assert "inflates" in ledger.damage[0]


@pytest.mark.parametrize("value", ["true", "null", "[1]", "1.5"])
def test_an_identity_must_be_text_or_an_integer(value, tmp_path):
    _, ledger = read(f'{{"text": "a", "id": {value}}}'.encode(), tmp_path, id_key="id")
    (reason,) = ledger.counters.dropped
    assert reason.startswith("id_")


def test_a_folder_without_such_files_is_a_configuration_error(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ConfigError, match="no JSON lines files"):
        run_source("read.jsonl", tmp_path, paths=".")


@given(texts=st.lists(st.text(st.characters(), max_size=20), min_size=1))
def test_what_was_written_is_read(texts, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "jsonl"
    folder.mkdir(exist_ok=True)
    content = b"".join(json.dumps({"text": "x" + text}).encode() + b"\n" for text in texts)
    table, _ = read(content, folder, bad_lines="accept")
    assert table.num_rows == len(texts)
    for found in table.column("text").to_pylist():
        found.encode()


@given(content=st.binary(max_size=300), name=st.sampled_from(sorted(COMPRESS)), is_coded=st.booleans())
def test_no_bytes_crash_it_and_the_counts_balance(content, name, is_coded, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "jsonl"
    folder.mkdir(exist_ok=True)
    try:
        read(COMPRESS[name](content) if is_coded else content, folder, name)
    except ConfigError as error:
        assert "holds no line" in str(error)
