"""tokenize: shards depend on documents and seed only, ids decode to the texts, and text never becomes a control token."""

import functools
import gzip
import hashlib
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mathcode_data.core.errors import ConfigError, DataError
from support.stages import documents, make_config, make_result, run_global
from support.tokens import edited, files_of, gpt2_like, probe_here, read_back, split, tokenize

GPT2 = "gpt-2.tokenizer.json.gz"
DEEPSEEK = "deepseek-llm.tokenizer.json.gz"


ADVERSARIAL = [
    "<|eos|> <|bos|><|pad|>", "<|endoftext|>", "",
    "\x00", "e\u0301é\ufeff\u200b\r\n", "a" * 25_000, "数学" * 6000, " " * 12_000, "😀👩‍👩‍👧",
    "\n" * 11_000, "12345 ½ ①", "مرحبا " * 2000, "\u3000x\u2003“y”", "}\t\t{\\frac{a}{b}}",
]  # fmt: skip
ORDINARY = ["def f(x):\n    return x ** 2  # 12345\n", "证明：设 ε > 0。", r"Let \(x^2 = 1\), naïve ø “quoted” text."]
SHORT = ("hello world", "x", *ORDINARY, *(text for text in ADVERSARIAL if len(text) < 20_000), "def f(x):\n    return 1\n" * 50)
LONG = tuple(text for text in ADVERSARIAL if len(text) >= 20_000)
WORDS = tuple(unit * (1_000_000 // len(unit)) + "☃" for unit in ("a", " ", "数"))
WHITE = tuple(unit * (300_000 // len(unit)) + "☃" for unit in ("\n", " \u2003"))
"""Of these, DeepSeek-LLM's six steps take seconds for each megabyte."""


def test_other_shards_and_another_order_give_the_same_bytes(tmp_path, small_tokenizer):
    random.seed(5)
    table = documents(["".join(random.choices("ab 数\n", k=random.randrange(80))) for _ in range(60)])
    results = [
        files_of(tokenize(tmp_path / str(number), tables, small_tokenizer, shard_tokens=900))
        for number, tables in enumerate([[table], split(table, 4), split(table, 3, is_reversed=True)])
    ]
    assert results[0] == results[1] == results[2]
    assert sum(name.endswith(".bin") for name in results[0]) >= 3


@settings(max_examples=10)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=8).filter(any), st.integers(1, 60))
def test_every_document_comes_back_exactly_and_once(tmp_path_factory, small_tokenizer, texts, shard_tokens):
    folder = tmp_path_factory.mktemp("tokens")
    outcome = tokenize(folder, [documents(texts)], small_tokenizer, shard_tokens=shard_tokens)
    tokenizer = Tokenizer.from_file(str(small_tokenizer / "tokenizer.json"))
    found = dict(read_back(outcome))
    expected = {f"{i:032x}": text for i, text in enumerate(texts) if text}
    assert {doc_id: tokenizer.decode(ids[:-1], skip_special_tokens=False) for doc_id, ids in found.items()} == expected
    assert outcome.facts["num_documents"] == len(expected)
    assert outcome.facts["text_bytes"] == sum(len(text.encode()) for text in expected.values())
    assert sum(record.counters[0].dropped["empty_text"] for record in outcome.counted) == len(texts) - len(expected)


@dataclass
class Tokenized:
    """Texts through a tokenizer: the outcome of the short ones, and the ids of all by text."""

    path: Path
    facts: dict
    files: dict[str, bytes]
    ids: dict[str, list[int]]
    tokenizer: Tokenizer


@pytest.fixture(scope="module")
def tokenized(tmp_path_factory, small_tokenizer):
    """Run each tokenizer once over the texts of all the tests that ask for it: a real one takes seconds to load."""

    @functools.cache
    def run(path, long_texts):
        ids = {}
        outcomes = []
        for texts in (SHORT, long_texts):
            with pytest.MonkeyPatch.context() as patch:
                probe_here(patch)
                outcomes.append(tokenize(tmp_path_factory.mktemp("tokenized"), [documents(texts)], path, name="web"))
            found = dict(read_back(outcomes[-1]))
            assert len(found) == len(list(filter(None, texts)))
            ids |= {texts[int(doc_id, 16)]: mine for doc_id, mine in found.items()}
        files = files_of(outcomes[0])
        return Tokenized(path, outcomes[0].facts, files, ids, Tokenizer.from_str(files["tokenizer.json"].decode()))

    def of(name, shared_data=None):
        return run(small_tokenizer, LONG) if name is None else run(shared_data / "tokenizers" / name, (*LONG, *WORDS, *WHITE))

    return of


@pytest.mark.parametrize("name", [None, pytest.param(GPT2, marks=pytest.mark.slow), pytest.param(DEEPSEEK, marks=pytest.mark.slow)])
def test_adversarial_texts_come_back_and_hold_no_special_id(request, tokenized, name):
    found = tokenized(name, None if name is None else request.getfixturevalue("shared_data"))
    special = set(found.facts["special_ids"])
    assert special
    for text in filter(None, ADVERSARIAL):
        *ids, last = found.ids[text]
        assert last == found.facts["eos_id"]
        assert not special & set(ids)
        assert found.tokenizer.decode(ids, skip_special_tokens=False) == text


@pytest.mark.slow
@pytest.mark.parametrize("name", [GPT2, DEEPSEEK])
def test_ids_are_those_of_hugging_face_on_ordinary_text(tokenized, shared_data, name):
    plain = Tokenizer.from_str(gzip.decompress((shared_data / "tokenizers" / name).read_bytes()).decode())
    found = tokenized(name, shared_data)
    for text in ORDINARY:
        assert found.ids[text][:-1] == plain.encode(text, add_special_tokens=False).ids


@pytest.mark.slow
def test_facts_describe_tokenizer_and_tokens(tokenized, shared_data):
    found = tokenized(DEEPSEEK, shared_data)
    facts, files = found.facts, found.files
    assert set(files) == {"tokenizer.json", "web-00000.bin", "web-00000.idx", "web-00000.documents.parquet"}
    assert facts["tokenizer_sha256"] == hashlib.sha256(files["tokenizer.json"]).hexdigest()
    assert files["tokenizer.json"] == gzip.decompress((shared_data / "tokenizers" / DEEPSEEK).read_bytes())
    assert (facts["vocab_size"], facts["max_id"], facts["eos_id"], facts["bos_id"]) == (102400, 102399, 100001, 100000)
    assert facts["num_tokens"] == sum(len(found.ids[text]) for text in SHORT if text) == len(files["web-00000.bin"]) // 4
    assert facts["text_bytes"] == sum(len(text.encode()) for text in SHORT)
    assert facts["is_lossless"] is False, "its added token ø decodes to a lone byte; Hugging Face does the same"
    assert facts["backend_version"].split()[0] == {"hf": "tokenizers"}.get(facts["backend"], facts["backend"])


def test_gpt2_fits_two_bytes_and_is_lossless(tokenized, shared_data):
    found = tokenized(GPT2, shared_data)
    assert found.ids["hello world"] == [31373, 995, 50256]
    ids = np.frombuffer(found.files["web-00000.bin"], "<u2").tolist()
    assert len(ids) == found.facts["num_tokens"]
    assert [31373, 995, 50256] in [ids[start : start + 3] for start in range(len(ids))]
    assert found.facts["is_lossless"] is True
    assert found.facts["bos_id"] is None


def test_the_seed_makes_the_order_and_begin_tokens_can_be_put(tmp_path, small_tokenizer):
    table = documents([f"text {i}" for i in range(40)])
    orders = [[doc_id for doc_id, _ in read_back(tokenize(tmp_path / str(seed), [table], small_tokenizer, seed))] for seed in (1, 2)]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]
    outcome = tokenize(tmp_path / "bos", [table], small_tokenizer, prepend_bos=True, append_eos=False)
    assert all(ids[0] == outcome.facts["bos_id"] != ids[-1] for _, ids in read_back(outcome))


def test_without_a_tokenizer_one_is_learned_on_the_input(tmp_path, small_tokenizer):
    table = documents(["let x = 1\n" * 30, "proof of the lemma " * 20])
    one = tokenize(tmp_path / "one", [table], None, vocab_size=300)
    two = tokenize(tmp_path / "two", split(table, 2), None, vocab_size=300)
    assert files_of(one) == files_of(two)
    assert one.facts["vocab_size"] <= 300
    assert one.facts["is_lossless"] is True


def test_input_without_a_text_is_refused(tmp_path, small_tokenizer):
    """It ended as an empty result with exit code 0, and only the mixture made of it failed."""
    with pytest.raises(ConfigError, match="no document with text came in"):
        tokenize(tmp_path, [documents([]), documents([""])], small_tokenizer)


def test_provenance_stands_beside_the_tokens(tmp_path, small_tokenizer):
    table = documents(["a", "b"], path=["p/a.py", "p/b.py"], license=["MIT", None], warc_offset=[1, None])
    outcome = tokenize(tmp_path, [table, documents(["c"]).set_column(0, "doc_id", pa.array(["f" * 32]))], small_tokenizer)
    rows = {row["doc_id"][-1]: row for row in pq.read_table(outcome.records[0].path("tokens-00000.documents.parquet")).to_pylist()}
    assert (rows["0"]["path"], rows["0"]["license"], rows["0"]["warc_offset"]) == ("p/a.py", "MIT", 1)
    assert rows["1"]["license"] is rows["f"]["path"] is None
    assert rows["f"]["url"] == "https://example.org/0"


def test_a_doc_id_that_comes_twice_is_kept_counted_and_ordered_by_content(tmp_path, small_tokenizer):
    one, two = documents(["aaa", "b"]), documents(["ccc"])
    first = tokenize(tmp_path / "1", [one, two], small_tokenizer)
    second = tokenize(tmp_path / "2", [two, one], small_tokenizer)
    assert first.facts["repeated_doc_ids"] == 1
    assert files_of(first)["tokens-00000.bin"] == files_of(second)["tokens-00000.bin"]


def test_saved_truncation_and_padding_cut_nothing(tmp_path, small_tokenizer):
    truncation = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
    padding = {
        "strategy": {"Fixed": 50},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 2,
        "pad_type_id": 0,
        "pad_token": "<|pad|>",
    }
    path = edited(small_tokenizer, tmp_path, truncation=truncation, padding=padding)
    outcome = tokenize(tmp_path, [documents(["qwertyuiop"])], path)
    assert len(read_back(outcome)[0][1]) == 11


def test_added_tokens_beyond_the_vocabulary_count_for_the_dtype(tmp_path, small_tokenizer):
    added = orjson.loads((small_tokenizer / "tokenizer.json").read_bytes())["added_tokens"]
    far = dict(added[0], id=70_000, content="<far>", special=False)
    outcome = tokenize(tmp_path, [documents(["a <far> b"])], edited(small_tokenizer, tmp_path, added_tokens=[*added, far]))
    largest = max(max(ids) for _, ids in read_back(outcome))
    assert largest == outcome.facts["max_id"] >= outcome.facts["vocab_size"] - 1
    assert len(files_of(outcome)["tokens-00000.bin"]) == outcome.facts["num_tokens"] * (4 if largest + 1 >= 65500 else 2)


@pytest.mark.parametrize(("content", "message"), [
    (b"", "cannot be loaded"), (b"{}", "cannot be loaded"), (b"PK\3\4", "cannot be loaded"), (b"[" * 200_000, "cannot be loaded"),
    (b'{"version": "1.0", "model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}', "cannot be loaded"),
    (gzip.compress(b"x" * 3000)[:-9], "cannot be unpacked"),
])  # fmt: skip
def test_a_file_that_is_no_tokenizer_is_refused_in_a_child(tmp_path, content, message):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        tokenize(tmp_path, [documents(["a"])], path)


def test_a_missing_end_token_is_an_error_that_lists_what_is_there(tmp_path, small_tokenizer):
    with pytest.raises(ConfigError, match=r"eos_token '</s>' is no special token.*<\|bos\|>, <\|eos\|>, <\|pad\|>"):
        tokenize(tmp_path / "a", [documents(["a"])], small_tokenizer, eos_token="</s>")
    added = orjson.loads((small_tokenizer / "tokenizer.json").read_bytes())["added_tokens"]
    path = edited(small_tokenizer, tmp_path, added_tokens=[token for token in added if token["content"] != "<|eos|>"])
    with pytest.raises(ConfigError, match="none of the known names is there"):
        tokenize(tmp_path / "b", [documents(["a"])], path)


def test_a_tokenizer_other_than_its_hash_is_refused(tmp_path, small_tokenizer):
    with pytest.raises(DataError, match="promised is"):
        config = {"path": str(small_tokenizer / "tokenizer.json"), "sha256": "0" * 64}
        run_global("tokenize", [make_result(tmp_path / "in", [documents(["a"])])], tmp_path, tokenizer=config)


@pytest.mark.parametrize("name", ["documents", "dropped", "../x", "", ".a"])
def test_names_that_would_confuse_a_result_are_refused(name):
    with pytest.raises(ValueError, match="name"):
        make_config("tokenize", name=name)


def test_bytes_that_are_no_utf8_become_replacement_characters_and_are_counted(tmp_path, small_tokenizer):
    raw = pa.array([b"a \xed\xa0\x80 b"], pa.large_binary())
    table = documents(["x"]).set_column(3, "text", pa.Array.from_buffers(pa.large_string(), 1, raw.buffers()))
    outcome = tokenize(tmp_path, [table], small_tokenizer)
    assert outcome.counted[0].counters[0].facts["invalid_utf8"] == 1


@pytest.mark.parametrize("shards", [1, 3])
def test_every_back_end_writes_the_same_bytes(tmp_path, small_tokenizer, shards):
    pytest.importorskip("gigatoken", reason="the optional package gigatoken is not installed")
    table = documents([*ADVERSARIAL, "def f(x):\n    return 1\n" * 50, *(f"text {i}" for i in range(30))])
    outcomes = {
        backend: tokenize(
            tmp_path / backend, split(table, shards), gpt2_like(small_tokenizer, tmp_path), backend=backend, shard_tokens=9000
        )
        for backend in ("hf", "fastokens", "gigatoken", "auto")
    }
    assert [outcome.facts["backend"] for outcome in outcomes.values()] == ["hf", "fastokens", "gigatoken", "fastokens"]
    found = [files_of(outcome) for outcome in outcomes.values()]
    assert found[0] == found[1] == found[2] == found[3]


@pytest.mark.slow
@pytest.mark.parametrize("name", [GPT2, DEEPSEEK])
def test_the_fast_back_end_writes_the_bytes_of_hugging_face(tmp_path, tokenized, shared_data, name):
    fast = tokenized(name, shared_data)
    slow = tokenize(tmp_path, [documents(SHORT)], fast.path, backend="hf", name="web")
    assert files_of(slow) == fast.files
    assert (slow.facts["backend"], fast.facts["backend"]) == ("hf", "fastokens")


def test_a_back_end_asked_for_by_name_must_be_there(tmp_path, small_tokenizer, monkeypatch):
    for name in ("fastokens", "gigatoken"):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ConfigError, match=f"{name} is not installed"):
            tokenize(tmp_path / name, [documents(["a"])], small_tokenizer, backend=name)
    facts = tokenize(tmp_path / "auto", [documents(["a"])], small_tokenizer).facts
    assert facts["backend"] == "hf"
    assert set(facts["backends_refused"]) == {"fastokens", "gigatoken"}


class Wrong:
    """A back end that changes the ids of texts with one word."""

    name = "wrong 1"
    word = "("

    def __init__(self, content, truth):
        self.truth = truth

    def encode(self, texts):
        ids, lengths = self.truth.encode(texts)
        is_wrong = np.repeat([self.word in text for text in texts], lengths)
        return np.where(is_wrong, ids ^ 1, ids), lengths


def test_a_back_end_that_differs_on_probe_texts_is_not_used(tmp_path, small_tokenizer, monkeypatch):
    for name in ("fastokens.FastokensEncoder", "gigatoken.GigatokenEncoder"):
        monkeypatch.setattr(f"mathcode_data.stages.tokenize.{name}", Wrong)
    facts = tokenize(tmp_path / "auto", [documents(["a"])], small_tokenizer).facts
    assert facts["backend"] == "hf"
    assert "probe text" in facts["backends_refused"]["fastokens"]
    with pytest.raises(DataError, match=r"probe text \d+ .* token 0: wrong 1 gives .* tokenizers .* gives .*set backend: hf"):
        tokenize(tmp_path / "named", [documents(["a"])], small_tokenizer, backend="fastokens")


def test_a_back_end_that_differs_on_the_first_documents_is_not_used(tmp_path, small_tokenizer, monkeypatch):
    monkeypatch.setattr(Wrong, "word", "zyzzyva")
    monkeypatch.setattr("mathcode_data.stages.tokenize.fastokens.FastokensEncoder", Wrong)
    with pytest.raises(DataError, match=r"document 0{31}1 'one zyzzyva'"):
        tokenize(tmp_path, [documents(["x", "one zyzzyva"])], small_tokenizer, backend="fastokens")


def test_a_difference_in_the_middle_of_a_run_stops_it_and_names_the_document(tmp_path, small_tokenizer, monkeypatch):
    monkeypatch.setattr(Wrong, "word", "zyzzyva")
    monkeypatch.setattr("mathcode_data.stages.tokenize.fastokens.FastokensEncoder", Wrong)
    tables = [documents(["x" * 70_000]), documents([*["a b"] * 50, "one zyzzyva"])]
    unchecked = tokenize(tmp_path / "0", tables, small_tokenizer, backend="fastokens", spot_check=0)
    assert unchecked.facts["spot_check"] == {"share": 0.0, "documents": 0, "tokens": 0}
    with pytest.raises(DataError, match=r"document 0{30}32 'one zyzzyva'.*wrong 1 gives .*set backend: hf"):
        tokenize(tmp_path / "1", tables, small_tokenizer, backend="fastokens", spot_check=1)


def test_the_spot_check_is_deterministic_counted_and_takes_one_document_of_every_shard(tmp_path, small_tokenizer):
    table = documents([f"text {i}" for i in range(600)])
    checks = [tokenize(tmp_path / str(n), split(table, 3), small_tokenizer, spot_check=0.1).facts["spot_check"] for n in range(2)]
    assert checks[0] == checks[1]
    assert 30 <= checks[0]["documents"] <= 100
    least = tokenize(tmp_path / "least", split(table, 3), small_tokenizer, spot_check=1e-9).facts["spot_check"]
    assert least["documents"] == 3


def test_an_id_above_the_largest_is_found_before_the_cast(tmp_path, small_tokenizer, monkeypatch):
    class TooHigh(Wrong):
        def encode(self, texts):
            ids, lengths = self.truth.encode(texts)
            return np.where(np.repeat(["zyzzyva" in text for text in texts], lengths), ids + 65_536, ids), lengths

    monkeypatch.setattr("mathcode_data.stages.tokenize.fastokens.FastokensEncoder", TooHigh)
    tables = [documents(["x" * 70_000]), documents(["a", "zyzzyva"])]
    with pytest.raises(DataError, match=r"document 0{31}1: wrong 1 gives token id \d+, above the tokenizer's largest id 278"):
        tokenize(tmp_path, tables, small_tokenizer, backend="fastokens", spot_check=0)


def test_a_special_id_inside_a_document_is_an_error_that_names_it(tmp_path, small_tokenizer, monkeypatch):
    class Control(Wrong):
        def encode(self, texts):
            ids, lengths = self.truth.encode(texts)
            return np.where(np.repeat(["zyzzyva" in text for text in texts], lengths), np.uint32(1), ids), lengths

    monkeypatch.setattr("mathcode_data.stages.tokenize.fastokens.FastokensEncoder", Control)
    tables = [documents(["x" * 70_000]), documents(["a", "zyzzyva"])]
    with pytest.raises(DataError, match=r"document 0{31}1: special id 1 inside the text"):
        tokenize(tmp_path, tables, small_tokenizer, backend="fastokens", spot_check=0)


def test_ids_that_do_not_fit_in_memory_go_through_a_file(tmp_path, small_tokenizer, monkeypatch):
    table = documents([f"text {i}" * (i % 7) for i in range(300)])
    plain = files_of(tokenize(tmp_path / "plain", [table], small_tokenizer))
    monkeypatch.setattr("mathcode_data.stages.tokenize.stretches.SPOOL_BYTES", 100)
    monkeypatch.setattr("mathcode_data.stages.tokenize.encode.BATCH_BYTES", 64)
    assert files_of(tokenize(tmp_path / "spooled", [table], small_tokenizer)) == plain


@pytest.mark.slow
@pytest.mark.parametrize("name", [GPT2, DEEPSEEK])
def test_a_megabyte_of_one_word_is_bounded_and_comes_back(tokenized, shared_data, name):
    found = tokenized(name, shared_data)
    for word in (*WORDS, *WHITE):
        assert found.tokenizer.decode(found.ids[word][:-1], skip_special_tokens=False) == word


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bytes(tmp_path, small_tokenizer):
    from mathcode_data.runtime.pool import PoolRunner
    from support.engine import run, tree_hashes

    table = documents([f"text {i} " * (i % 50) + "证明" for i in range(400)])
    hashes = []
    for workers in (1, 3):
        folder = tmp_path / str(workers)
        make_result(folder / "in", split(table, 5))
        (folder / "tokenizer.json").write_bytes((small_tokenizer / "tokenizer.json").read_bytes())
        (folder / "p.yaml").write_text(
            "name: p\nseed: 3\noutput: out\nstages:\n  - id: t\n    from: {path: in}\n"
            "    tokenize: {tokenizer: tokenizer.json, shard_tokens: 20_000}\n"
        )
        runner = PoolRunner(workers)
        try:
            run(folder / "p.yaml", runner)
        finally:
            runner.close()
        hashes.append({name: value for name, value in tree_hashes(folder / "out" / "t").items() if "manifest" not in name})
    assert hashes[0] == hashes[1]
    assert sum(name.endswith(".bin") for name in hashes[0]) > 2
