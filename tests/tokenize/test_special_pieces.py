"""Special tokens beside the text: their ids stand where the column says, the pieces are encoded as pieces, text never becomes one."""

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.stages.arrange.marks import MARK_TYPE
from mathcode_data.stages.arrange.sentinels import PRESETS
from mathcode_data.stages.tokenize.special_pieces import cut_at_marks
from support.stages import documents, run_map
from support.tokens import edited, files_of, gpt2_like, read_back, split, tokenize

BEGIN, HOLE, END = PRESETS["deepseek-coder"]


@pytest.fixture(params=[True, False], ids=["special", "not special"])
def with_sentinels(request, tmp_path, small_tokenizer):
    """The small tokenizer with DeepSeek-Coder's sentinels, which in that tokenizer's own file are not called special."""
    return add_sentinels(small_tokenizer, tmp_path, special=request.param)


def add_sentinels(tokenizer, folder, *, special):
    added = orjson.loads((tokenizer / "tokenizer.json").read_bytes())["added_tokens"]
    new = [dict(added[0], id=300 + i, content=name, special=special) for i, name in enumerate((BEGIN, HOLE, END))]
    return edited(tokenizer, folder, added_tokens=[*added, *new])


def marked(texts, marks):
    return documents(texts).append_column("special_tokens", pa.array(marks, MARK_TYPE))


def ids_of(tokenizer):
    loaded = Tokenizer.from_file(str(tokenizer))
    return loaded, [loaded.token_to_id(name) for name in (BEGIN, HOLE, END)]


TEXTS = ["let proof = returnlet x", "数学 proof", f"a {BEGIN} b {HOLE}{END}", "plain"]
MARKS = [
    [{"at": 0, "token": BEGIN}, {"at": 5, "token": HOLE}, {"at": 23, "token": END}], [{"at": 3, "token": HOLE}, {"at": 3, "token": END}],
    [{"at": 2, "token": END}], [],
]  # fmt: skip


def test_ids_stand_where_the_column_says_and_the_pieces_are_encoded_one_by_one(tmp_path, with_sentinels):
    outcome = tokenize(tmp_path, [marked(TEXTS, MARKS)], with_sentinels, spot_check=1.0)
    tokenizer, (begin, hole, end) = ids_of(with_sentinels)
    tokenizer.encode_special_tokens = True
    plain = Tokenizer.from_file(str(with_sentinels))
    found = [ids for _, ids in sorted(read_back(outcome))]
    eos = outcome.facts["eos_id"]

    def of(text):
        return plain.encode(text, add_special_tokens=False).ids

    assert found[0] == [begin, *of("let p"), hole, *of("roof = returnlet x"), end, eos]
    assert found[1] == [*of("数"), hole, end, *of("学 proof"), eos]
    assert found[3] == [*of("plain"), eos]
    assert [token for token in found[2] if token in (begin, hole, end)] == [end], "the sentinels in the text stay text"
    assert plain.decode([token for token in found[2] if token not in (end, eos)], skip_special_tokens=False) == TEXTS[2]
    assert outcome.facts["placed_tokens"] == {BEGIN: begin, HOLE: hole, END: end}
    assert {begin, hole, end} <= set(outcome.facts["special_ids"])
    assert outcome.facts["num_tokens"] == sum(map(len, found))


def test_sentinels_in_a_text_stay_text_also_where_no_document_names_any(tmp_path, with_sentinels):
    outcome = tokenize(tmp_path, [documents(TEXTS)], with_sentinels)
    _, sentinels = ids_of(with_sentinels)
    assert not any(set(sentinels) & set(ids) for _, ids in read_back(outcome))


def test_every_back_end_and_any_sharding_give_the_same_bytes(tmp_path, small_tokenizer):
    pytest.importorskip("gigatoken", reason="the optional package gigatoken is not installed")
    path = add_sentinels_to_file(gpt2_like(small_tokenizer, tmp_path), tmp_path)
    texts = [f"def f{i}(x):\n    return x * {i}  # 数学 é\n" * (i % 4 + 1) for i in range(40)] + ["let x = 1" + "a" * 12_000]
    table, _ = run_map("arrange.fim", documents(texts), rate=0.7, spm_share=0.3)
    results = [
        files_of(tokenize(tmp_path / f"{backend}{shards}", split(table, shards), path, backend=backend, shard_tokens=1500))
        for backend, shards in (("hf", 1), ("fastokens", 3), ("gigatoken", 2), ("auto", 1))
    ]
    assert results[0] == results[1] == results[2] == results[3]


def add_sentinels_to_file(path, folder):
    data = orjson.loads(path.read_bytes())
    top = max(token["id"] for token in data["added_tokens"])
    top = max(top, *data["model"]["vocab"].values())
    new = [dict(data["added_tokens"][0], id=top + 1 + i, content=name) for i, name in enumerate((BEGIN, HOLE, END))]
    target = folder / "with.json"
    target.write_bytes(orjson.dumps(data | {"added_tokens": [*data["added_tokens"], *new]}))
    return target


def test_a_column_without_a_token_changes_no_byte(tmp_path, small_tokenizer):
    texts = ["let proof", "证明", "x = 1\n"]
    without = tokenize(tmp_path / "a", [documents(texts)], small_tokenizer)
    for name, marks in (("empty", [[], [], []]), ("null", [None, None, None])):
        outcome = tokenize(tmp_path / name, [marked(texts, marks)], small_tokenizer)
        assert files_of(outcome) == files_of(without)
        assert outcome.facts == without.facts


def test_a_tokenizer_without_the_sentinels_is_refused_before_anything_is_encoded(tmp_path, small_tokenizer, monkeypatch):
    monkeypatch.setattr("mathcode_data.stages.tokenize.encode.encode_shard", None)
    table, _ = run_map("arrange.fim", documents(["def f(x): return x"]), rate=1.0)
    message = rf"special tokens {BEGIN}, {END}, {HOLE}, which this tokenizer lacks .*<\|bos\|>, <\|eos\|>.*extra_special_tokens"
    with pytest.raises(ConfigError, match=message):
        tokenize(tmp_path, [documents(["x"]), table], small_tokenizer)


def test_a_learned_tokenizer_can_have_the_sentinels(tmp_path):
    table, _ = run_map("arrange.fim", documents(["def f(x):\n    return x\n" * 30] * 5), rate=1.0)
    outcome = tokenize(tmp_path, [table], None, vocab_size=300, extra_special_tokens=[BEGIN, HOLE, END])
    assert list(outcome.facts["placed_tokens"].values()) == [3, 5, 4]
    assert all(ids.count(3) == ids.count(4) == ids.count(5) == 1 for _, ids in read_back(outcome))


@pytest.mark.parametrize("marks", [
    [{"at": -1, "token": END}], [{"at": 8, "token": END}], [{"at": 1, "token": END}], [{"at": 3, "token": END}, {"at": 0, "token": END}],
    [{"at": None, "token": END}],
])  # fmt: skip
def test_tokens_outside_of_the_text_inside_a_character_or_out_of_order_are_refused(marks):
    with pytest.raises(DataError, match=r"here: document 1: special_tokens: .*must move them along"):
        cut_at_marks(["数ab"], [marks], {END: 9}, ["1"], "here")


@settings(max_examples=30)
@given(st.lists(st.tuples(st.text(max_size=8), st.lists(st.integers(0, 8), max_size=4)), min_size=1, max_size=5))
def test_pieces_and_tokens_put_together_are_the_documents(drawn):
    texts = [text for text, _ in drawn]
    marks = [[{"at": len(text[:place].encode()), "token": "x"} for place in sorted(places)] for text, places in drawn]
    pieces = cut_at_marks(texts, marks, {"x": -7}, [""] * len(texts), "here")
    ids, lengths = pieces.put_in(
        np.array([ord(sign) for piece in pieces.texts for sign in piece], np.int64), np.array([len(piece) for piece in pieces.texts])
    )
    expected = [[*text] for text in texts]
    for signs, (text, places) in zip(expected, drawn, strict=True):
        for place in sorted(places, reverse=True):
            signs.insert(min(place, len(text)), "X")
    found = [["X" if number == -7 else chr(number) for number in part] for part in np.split(ids, np.cumsum(lengths)[:-1])]
    assert found == expected
