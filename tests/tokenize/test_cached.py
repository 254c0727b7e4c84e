"""The cached back end gives Hugging Face's ids on every text, whatever characters and pieces it meets first."""

import gzip

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.errors import DataError
from mathcode_data.stages.learn.tokenizer import _empty_tokenizer
from mathcode_data.stages.tokenize import cached
from mathcode_data.stages.tokenize.cached import CachedEncoder
from mathcode_data.stages.tokenize.encoder import HuggingFaceEncoder, compare

LLAMA_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEXT = st.text(st.one_of(st.sampled_from(list("ab 1\n'sT!_é数😀\u3000\u2003\t½１ſ")), st.characters(codec="utf-8")), max_size=40)


def content_of(name, shared_data):
    if name == "llama-like":
        gpt2 = orjson.loads(content_of("gpt-2", shared_data))
        split = {"type": "Split", "pattern": {"Regex": LLAMA_PATTERN}, "behavior": "Isolated", "invert": False}
        last = gpt2["pre_tokenizer"] | {"use_regex": False}
        return orjson.dumps(gpt2 | {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, last]}}).decode()
    return gzip.decompress((shared_data / "tokenizers" / f"{name}.tokenizer.json.gz").read_bytes()).decode()


@pytest.fixture(scope="module", params=["gpt-2", "deepseek-llm", "llama-like"])
def pair(request, shared_data):
    content = content_of(request.param, shared_data)
    truth = HuggingFaceEncoder(content)
    return truth, CachedEncoder(content, truth)


@given(texts=st.lists(TEXT, max_size=4))
def test_ids_are_hugging_faces(pair, texts):
    truth, fast = pair
    compare(truth, fast, texts, "here")


def test_probe_texts_and_added_tokens_agree(pair):
    truth, fast = pair
    compare(truth, fast, truth.probe_texts(), "here")
    compare(truth, fast, [], "here")


@pytest.mark.slow
def test_sampled_code_points_agree_in_contexts_of_their_own(pair):
    truth, fast = pair
    points = [*range(0, 0x3400, 3), *range(0xA000, 0xD800, 97), *range(0xE000, 0x20000, 61)]
    texts = [f"x{chr(point)}y {chr(point)} 2{chr(point)}2 {chr(point)}{chr(point)}\n" for point in points]
    compare(truth, fast, texts, "here")


def test_a_full_memory_starts_anew(pair, monkeypatch):
    truth, fast = pair
    monkeypatch.setattr(cached, "MAX_PIECES", 5)
    for text in ("a b c d e f g", "h i j k", "a b h i zz"):
        compare(truth, fast, [text], "here")


def test_a_character_on_which_the_cutters_differ_is_left_to_hugging_face(shared_data):
    content = content_of("gpt-2", shared_data)
    truth = HuggingFaceEncoder(content)
    fast = CachedEncoder(content, truth)
    plain = fast._cut
    fast._cut = lambda text: plain(text.replace("é", "!"))  # as if another Unicode knew é as a mark
    compare(truth, fast, ["caféé x", "plain"], "here")
    assert fast._odd == {"é"}


@pytest.mark.parametrize("change", [
    {"normalizer": {"type": "NFC"}}, {"pre_tokenizer": None}, {"pre_tokenizer": {"type": "Whitespace"}},
    {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True},
                                                             {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                                                              "use_regex": True}]}},
])  # fmt: skip
def test_tokenizers_of_another_form_are_refused(change):
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    content = orjson.dumps(_empty_tokenizer(byte_level) | change)
    with pytest.raises(DataError, match="backend: hf"):
        CachedEncoder(content.decode(), HuggingFaceEncoder(content.decode()))


def test_pieces_are_joined_in_order():
    class Tokenizer:
        def encode(self, piece, add_special_tokens):
            return type("Encoding", (), {"ids": [len(piece)] * len(piece)})

    pieces = cached._Pieces(Tokenizer())
    assert pieces.ids(["a", "bb", "a"]).tolist() == [1, 2, 2, 1]
    assert pieces.ids(["ccc", "bb"]).tolist() == [3, 3, 3, 2, 2]
    assert pieces.ids([]).dtype == np.uint32
