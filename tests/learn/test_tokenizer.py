"""learn.tokenizer: the same documents give the same bytes, every text comes back, digits stay single."""

import random

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mathcode_data.core.errors import DataError
from mathcode_data.core.storage import sha256_file
from mathcode_data.stages.learn import tokenizer as stage
from mathcode_data.stages.learn.pretokenize import six_steps
from support.stages import documents, make_result, run_global


def texts(number=150):
    random.seed(3)
    words = [
        "theorem",
        "proof",
        "def",
        "return",
        " = ",
        "证明",
        "12",
        "\\frac",
        "naïve",
        "\n",
        "x_1",
        "lemma",
        "integral",
        "morphism",
        "sequence",
    ]
    return [" ".join(random.choices(words, k=30)) for _ in range(number)]


def learn(folder, num_shards=1, table=None, **values):
    table = documents(texts()) if table is None else table
    shards = [table.take(pa.array(range(shard, table.num_rows, num_shards), pa.int64())) for shard in range(num_shards)]
    return run_global("learn.tokenizer", [make_result(folder / "in", shards)], folder, **({"vocab_size": 320} | values))


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    return learn(tmp_path_factory.mktemp("learned"))


def test_other_shards_and_other_thread_settings_give_the_same_bytes(learned, tmp_path, monkeypatch):
    one = learned.records[0].path("tokenizer.json").read_bytes()
    assert learn(tmp_path / "three", num_shards=3).records[0].path("tokenizer.json").read_bytes() == one
    monkeypatch.setattr(stage, "SINGLE_THREAD", {"RAYON_NUM_THREADS": "4", "TOKENIZERS_PARALLELISM": "true"})
    assert learn(tmp_path / "threads").records[0].path("tokenizer.json").read_bytes() == one


def test_facts_say_what_was_asked_and_what_came(learned, tmp_path):
    path = learned.records[0].path("tokenizer.json")
    assert learned.facts["tokenizer_sha256"] == sha256_file(path)
    assert learned.facts["vocab_size"] == learned.facts["vocab_size_asked"] == 320
    assert learned.facts["sample"] == {"num_documents": 150, "bytes": sum(len(text.encode()) for text in texts())}
    small = learn(tmp_path, table=documents(["abab"]), vocab_size=5000)
    assert 259 <= small.facts["vocab_size"] < 300
    assert small.facts["vocab_size_asked"] == 5000


def test_special_tokens_come_first_and_the_form_is_deepseeks(learned, tmp_path):
    data = orjson.loads(learned.records[0].path("tokenizer.json").read_bytes())
    assert data["pre_tokenizer"] == six_steps()
    assert [(token["id"], token["content"], token["special"]) for token in data["added_tokens"]] == [
        (0, "<|bos|>", True), (1, "<|eos|>", True), (2, "<|pad|>", True),
    ]  # fmt: skip
    more = learn(tmp_path, extra_special_tokens=["<|fim_begin|>"])
    tokenizer = Tokenizer.from_file(str(more.records[0].path("tokenizer.json")))
    assert tokenizer.token_to_id("<|fim_begin|>") == 3


@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_every_text_comes_back(learned, text):
    tokenizer = Tokenizer.from_file(str(learned.records[0].path("tokenizer.json")))
    tokenizer.encode_special_tokens = True
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids, skip_special_tokens=False) == text


def test_no_token_holds_two_digits(learned):
    tokenizer = Tokenizer.from_file(str(learned.records[0].path("tokenizer.json")))
    assert len(tokenizer.encode("121212", add_special_tokens=False).ids) == 6


def test_sample_bytes_bounds_what_is_read(tmp_path):
    facts = learn(tmp_path, sample_bytes=3000).facts
    assert 0 < facts["sample"]["bytes"] <= 3000


def test_an_endless_word_does_not_stall_the_learning(tmp_path):
    assert learn(tmp_path, table=documents(["a" * 300_000, "b c " * 50])).facts["vocab_size"] >= 259


def test_empty_inputs_and_repeated_special_tokens_are_errors(tmp_path):
    with pytest.raises(DataError, match="no text to learn a tokenizer from"):
        learn(tmp_path / "a", table=documents([""]))
    with pytest.raises(DataError, match="is empty or there twice"):
        learn(tmp_path / "b", extra_special_tokens=["<|eos|>"])
