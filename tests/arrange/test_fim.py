"""arrange.fim: the parts put back together are the document, the rate is kept, and only seed and doc_id decide."""

import hashlib
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.errors import SetupError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.stages.arrange.fim import rearranged
from mathcode_data.stages.arrange.marks import FILE_TYPE, MARK_TYPE
from mathcode_data.stages.arrange.sentinels import PRESETS, Sentinels
from support.stages import documents, make_config, run_map

NAMES = Sentinels("P", "S", "M")


def table_of(texts, **columns):
    table = documents(texts, **columns)
    ids = [hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest() for number in range(len(texts))]
    return table.set_column(0, "doc_id", pa.array(ids, pa.string()))


@given(st.text(min_size=2, max_size=60), st.integers(0, 2**64 - 1), st.sampled_from(["characters", "lines"]), st.booleans())
def test_prefix_middle_and_suffix_put_together_are_the_document_exactly(text, seed, cut, is_spm):
    table = table_of([text])
    found, _ = run_map("arrange.fim", table, rate=1.0, spm_share=float(is_spm), cut=cut, min_characters=2, seed=seed)
    row = found.to_pylist()[0]
    assert [mark["token"] for mark in row["special_tokens"]] == list(PRESETS["deepseek-coder"])
    assert all(0 <= mark["at"] <= len(text.encode()) for mark in row["special_tokens"])
    content, marks = row["text"].encode(), [mark["at"] for mark in row["special_tokens"]]
    first, second, third = content[: marks[1]].decode(), content[marks[1] : marks[2]].decode(), content[marks[2] :].decode()
    assert (third + second if is_spm else first + third + second) == text
    assert is_spm or third, "the middle holds a character"
    if cut == "lines" and not is_spm:
        assert all(not part or part.endswith("\n") or text.endswith(part) for part in (first, third))


def test_the_rate_and_the_share_of_spm_lie_within_the_bounds_of_a_binomial():
    num = 20_000
    found, ledger = run_map("arrange.fim", table_of(["def f(x): return x"] * num), spm_share=0.25)
    arranged = sum(bool(marks) for marks in found["special_tokens"].to_pylist())
    assert abs(arranged - num / 2) < 4 * math.sqrt(num / 4)
    assert arranged == ledger.counters.facts["fim_psm"] + ledger.counters.facts["fim_spm"]
    assert abs(ledger.counters.facts["fim_spm"] - arranged / 4) < 4 * math.sqrt(arranged * 3 / 16)


def test_cuts_are_spread_evenly():
    found, _ = run_map("arrange.fim", table_of(["0123456789abcdef"] * 20_000), rate=1.0)
    firsts = [marks[1]["at"] for marks in found["special_tokens"].to_pylist()]
    # the smaller of two different places of 17 is k in 16 - k of 136 pairs
    for place in range(16):
        share = (16 - place) / 136
        assert abs(firsts.count(place) - 20_000 * share) < 5 * math.sqrt(20_000 * share)


def test_rate_none_and_all_are_exact():
    table = table_of(["def f(x): return x"] * 300)
    assert run_map("arrange.fim", table, rate=0.0)[0].drop_columns(["special_tokens"]) == table
    assert all(run_map("arrange.fim", table, rate=1.0)[0]["special_tokens"].to_pylist())


def test_only_seed_and_doc_id_decide_whatever_the_sharding():
    table = table_of([f"def f{number}(x):\n    return x * {number}\n" for number in range(200)])
    whole, _ = run_map("arrange.fim", table, spm_share=0.5)
    parts = [run_map("arrange.fim", table.slice(start, 37), spm_share=0.5)[0] for start in range(0, 200, 37)]
    assert pa.concat_tables(parts).to_pylist() == whole.to_pylist()
    backwards, _ = run_map("arrange.fim", table.take(pa.array(range(199, -1, -1))), spm_share=0.5)
    assert backwards.to_pylist()[::-1] == whole.to_pylist()
    assert run_map("arrange.fim", table, seed=2)[0].to_pylist() != whole.to_pylist()


def test_short_long_and_flagged_documents_stay_as_they_are():
    table = table_of(["short", "", "long enough to be cut", "flagged, but long enough", "x" * 500], keep=[False, None, None, True, False])
    found, ledger = run_map("arrange.fim", table, rate=1.0, exclude_column="keep", max_characters=400)
    assert [bool(marks) for marks in found["special_tokens"].to_pylist()] == [False, False, True, False, False]
    assert dict(ledger.counters.facts) == {"fim_too_short": 2, "fim_too_long": 1, "fim_excluded": 1, "fim_psm": 1}
    with pytest.raises(SetupError, match=r"exclude_column 'url' must be a column of true and false.*url \(string\)"):
        run_map("arrange.fim", table, exclude_column="url")


def test_special_tokens_and_files_of_a_joined_document_move_with_their_text():
    marks = [{"at": 0, "token": "F"}, {"at": 3, "token": "F"}, {"at": 6, "token": "E"}]
    file = {"doc_id": "1", "path": "a", "language": None, "license": None}
    files = [{**file, "start": 0, "end": 3}, {**file, "path": "b", "start": 3, "end": 6}]
    text, moved, spans = rearranged("abcdef", (2, 4), NAMES, marks, files)
    assert text == "abefcd"
    assert [(mark["at"], mark["token"]) for mark in moved] == [(0, "P"), (0, "F"), (2, "S"), (4, "E"), (4, "M"), (5, "F")]
    assert [(span["path"], text[span["start"] : span["end"]]) for span in spans] == [("a", "ab"), ("b", "ef"), ("a", "c"), ("b", "d")]
    text, moved, _ = rearranged("abcdef", (2, 4), NAMES, marks, files, is_spm=True)
    assert text == "efabcd"
    assert [(mark["at"], mark["token"]) for mark in moved] == [(0, "P"), (0, "S"), (2, "E"), (2, "M"), (2, "F"), (5, "F")]


def test_columns_of_a_joined_document_stand_in_parquet_and_come_back(tmp_path):
    files = [{"doc_id": "1", "path": "a", "language": "C", "license": "", "start": 4, "end": 30}]
    table = table_of(["// a\nint main(void) { return 0; }\n"])
    table = table.append_column("files", pa.array([files], FILE_TYPE)).append_column("special_tokens", pa.array([None], MARK_TYPE))
    pq.write_table(table, tmp_path / "x.parquet")
    found, _ = run_map("arrange.fim", pq.read_table(tmp_path / "x.parquet"), rate=1.0)
    assert sum(span["end"] - span["start"] for span in found.to_pylist()[0]["files"]) == 26


def test_an_empty_table_has_the_columns_of_a_full_one():
    table = table_of(["def f(x): return x"])
    assert run_map("arrange.fim", table.slice(0, 0))[0].schema == run_map("arrange.fim", table)[0].schema


@pytest.mark.parametrize("values", [
    {"prefix_token": "a"}, {"prefix_token": "a", "suffix_token": "a", "middle_token": "b"}, {"rate": 1.5}, {"sentinels": "none"},
])  # fmt: skip
def test_settings_that_mean_nothing_are_refused(values):
    with pytest.raises(ValueError, match="prefix_token|rate|sentinels"):
        make_config("arrange.fim", **values)


def test_sentinels_have_the_names_of_their_tokenizers_and_can_be_named():
    table = table_of(["def f(x): return x"])
    for values, expected in (({"sentinels": "starcoder"}, "<fim_prefix>"), (dict(zip(
        ("prefix_token", "suffix_token", "middle_token"), "abc", strict=True)), "a")):  # fmt: skip
        found, _ = run_map("arrange.fim", table, rate=1.0, **values)
        assert found["special_tokens"].to_pylist()[0][0]["token"] == expected
    assert load_plugin("arrange.fim").is_ours
