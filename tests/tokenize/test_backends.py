"""Every back end gives Hugging Face's ids on every text, and takes no control token from one."""

import gzip

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.errors import DataError
from mathcode_data.stages.learn.tokenizer import _empty_tokenizer
from mathcode_data.stages.tokenize.backends import choose_backend, compare, make_encoder
from mathcode_data.stages.tokenize.encoder import HuggingFaceEncoder, with_linear_steps
from mathcode_data.stages.tokenize.probe_texts import BORDER_SIGNS, probe_texts

LLAMA_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
ODD_PATTERN = r"\p{Lu}?\p{Ll}+|\p{N}{1,2}|[^\w\s]+|\s|\w"
TEXT = st.text(st.one_of(st.sampled_from(BORDER_SIGNS), st.characters(codec="utf-8")), max_size=40)
KINDS = [("gpt-2", "fastokens"), ("gpt-2", "gigatoken"), ("deepseek-llm", "fastokens"), ("llama", "fastokens"), ("llama", "gigatoken"),
         ("odd", "fastokens")]  # fmt: skip


def content_of(name, shared_data):
    if name in ("llama", "odd"):
        gpt2 = orjson.loads(content_of("gpt-2", shared_data))
        pattern = LLAMA_PATTERN if name == "llama" else ODD_PATTERN
        split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        last = gpt2["pre_tokenizer"] | {"use_regex": False}
        return orjson.dumps(gpt2 | {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, last]}}).decode()
    return gzip.decompress((shared_data / "tokenizers" / f"{name}.tokenizer.json.gz").read_bytes()).decode()


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: "-".join(kind))
def pair(request, shared_data):
    name, backend = request.param
    pytest.importorskip(backend, reason=f"the package {backend} is not installed")
    content = content_of(name, shared_data)
    truth = HuggingFaceEncoder(content)
    return truth, make_encoder(backend, content, truth)


def names(texts):
    return [f"text {number}" for number in range(len(texts))]


@given(texts=st.lists(TEXT, max_size=4))
def test_ids_are_hugging_faces(pair, texts):
    compare(*pair, texts, names(texts), "here")


def test_probe_texts_agree_and_hold_no_special_id(pair):
    truth, fast = pair
    texts = probe_texts(truth.added_tokens[:100])
    compare(truth, fast, texts, names(texts), "here")
    special = [number for number, token in truth.tokenizer.get_added_tokens_decoder().items() if token.special]
    assert special
    ids, lengths = fast.encode([f"{token}{token} x {token}" for token in truth.added_tokens[:20]])
    assert not np.isin(ids, special).any()
    assert lengths.size == min(20, len(truth.added_tokens))


def test_no_text_and_empty_texts(pair):
    for encoder in pair:
        ids, lengths = encoder.encode([])
        assert (ids.size, lengths.size) == (0, 0)
        ids, lengths = encoder.encode(["", "a", ""])
        assert lengths.tolist() == [0, 1, 0]


@pytest.mark.slow
def test_long_texts_with_long_words_agree(pair):
    rng = np.random.default_rng(7)
    units = [
        "a" * 3000,
        "中" * 2500,
        " " * 500,
        "!" * 4000,
        "\u3000" * 900,
        "☃ " * 900,
        "9" * 3000,
        "\n" * 700,
        "“!" * 900,
        "x = 1\n",
        "\u2003\u2003☃",
    ]
    texts = ["".join(rng.choice(units, size=rng.integers(5, 30))) for _ in range(25)]
    compare(*pair, texts, names(texts), "here")


@pytest.mark.slow
def test_sampled_code_points_agree_in_context(pair):
    points = [*range(0, 0x3400, 7), *range(0x4E00, 0xD800, 197), *range(0xE000, 0x20000, 131)]
    texts = [f"x{chr(point)}y {chr(point)} 2{chr(point)}2 {chr(point)}{chr(point)}\n" for point in points]
    compare(*pair, texts, names(texts), "here")


@pytest.mark.slow
def test_source_files_agree(pair):
    import sysconfig
    from pathlib import Path

    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[::12]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    assert texts
    compare(*pair, texts, names(texts), "here")


@pytest.mark.slow
def test_a_tokenizer_that_no_fast_library_takes_is_left_to_hugging_face(tmp_path):
    path = tmp_path / "tokenizer.json"
    model = {"type": "WordLevel", "vocab": {"<unk>": 0, "a": 1}, "unk_token": "<unk>"}
    path.write_bytes(orjson.dumps(_empty_tokenizer({"type": "Whitespace"}) | {"model": model, "decoder": None}))
    choice = choose_backend(path, "auto", ["a b"], ["0"], "here")
    assert choice.backend == "hf"
    assert set(choice.refused) == {"fastokens", "gigatoken"}
    with pytest.raises(DataError, match="set backend: auto or hf"):
        choose_backend(path, "fastokens", [], [], "here")


def test_only_the_six_steps_are_replaced(shared_data):
    gpt2 = content_of("gpt-2", shared_data)
    assert with_linear_steps(gpt2) is gpt2
    deepseek = content_of("deepseek-llm", shared_data)
    one, two = orjson.loads(deepseek), orjson.loads(with_linear_steps(deepseek))
    assert len(two.pop("pre_tokenizer")["pretokenizers"]) == 2
    assert len(one.pop("pre_tokenizer")["pretokenizers"]) == 7
    assert one == two
