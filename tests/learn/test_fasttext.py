"""learn.fasttext: the same documents give the same bytes, and the model tells its two classes apart."""

import numpy as np
import orjson
import pyarrow as pa
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.core.storage import sha256_file
from mathcode_data.stages.learn.crops import example_lines
from mathcode_data.stages.score.fasttext_file import read_model_facts
from mathcode_data.stages.score.fasttext_lines import thinned
from support.classifier import MATH, OTHER, as_result, learn, table_of
from support.stages import make_config, make_result, run_global, run_map


def model_of(outcome):
    return outcome.records[0].path("model.bin")


def test_two_runs_with_other_shards_give_the_same_bytes(tmp_path):
    one, two = learn(tmp_path / "one", num_shards=1), learn(tmp_path / "two", num_shards=3)
    assert model_of(one).read_bytes() == model_of(two).read_bytes()
    assert one.records[0].path("model.json").read_bytes() == two.records[0].path("model.json").read_bytes()
    assert one.facts["is_reproducible"] is True
    assert one.facts["sha256"] == sha256_file(model_of(one))


def test_the_held_out_documents_are_told_apart_and_counted(tmp_path):
    outcome = learn(tmp_path, word_ngrams=2)
    facts = outcome.facts
    counts = facts["holdout"]
    examples = facts["examples"]
    measured = sum(counts[name] for name in ("true_positives", "false_positives", "true_negatives", "false_negatives"))
    assert measured == examples["held_out"] > 20
    assert examples["positives"] + examples["negatives"] + examples["held_out"] == 240
    assert counts["accuracy"] == counts["f1"] == 1.0
    assert read_model_facts(model_of(outcome)).labels in (("math", "other"), ("other", "math"))
    assert orjson.loads(outcome.records[0].path("model.json").read_bytes()) == facts
    assert {shard.name for shard in outcome.records[0].shards} == {"model.bin", "model.json"}


def test_another_seed_draws_other_documents_and_gives_another_model(tmp_path):
    one = learn(tmp_path / "one", seed=1, num_positives=30, num_negatives=20)
    two = learn(tmp_path / "two", seed=2, num_positives=30, num_negatives=20)
    examples = one.facts["examples"]
    assert (examples["positives_drawn"], examples["negatives_drawn"]) == (30, 20)
    assert one.facts["sha256"] != two.facts["sha256"]


def test_the_stages_own_inputs_are_the_positives_when_none_are_named(tmp_path):
    positives = make_result(tmp_path / "p", [table_of(MATH, 40, 1)])
    negatives = make_result(tmp_path / "n", [table_of(OTHER, 40, 2), table_of(MATH, 40, 1)])  # a document of both is positive
    settings = {"dim": 4, "bucket": 100, "min_count": 1, "holdout": 0}
    outcome = run_global("learn.fasttext", [positives], tmp_path, negatives=str(negatives.folder), **settings)
    assert outcome.facts["examples"] | {"held_out": 0} == outcome.facts["examples"]
    assert (outcome.facts["examples"]["positives"], outcome.facts["examples"]["negatives"]) == (40, 40)


def test_racing_threads_are_at_least_eleven_and_say_that_they_do_not_repeat(tmp_path):
    facts = learn(tmp_path, num_threads=2).facts
    assert facts["settings"]["threads"] == 11
    assert facts["is_reproducible"] is False


def test_words_that_are_all_too_rare_are_an_error_that_says_so(tmp_path):
    with pytest.raises(DataError, match="min_count"):
        learn(tmp_path, min_count=100_000)


def test_no_positives_and_equal_labels_are_config_errors(tmp_path):
    negatives = make_result(tmp_path / "n", [table_of(OTHER, 4, 2)])
    with pytest.raises(ConfigError, match="no positives"):
        run_global("learn.fasttext", [], tmp_path, negatives=str(negatives.folder))
    config = make_config("learn.fasttext", negatives="x", positive_label="a", negative_label="a")
    with pytest.raises(ConfigError, match="are both 'a'"):
        load_plugin("learn.fasttext").build(config)


def test_an_empty_class_is_an_error(tmp_path):
    negatives = make_result(tmp_path / "n", [table_of(OTHER, 4, 2).slice(0, 0)])
    positives = make_result(tmp_path / "p", [table_of(MATH, 4, 1)])
    with pytest.raises(DataError, match="no example of __label__other"):
        run_global("learn.fasttext", [positives], tmp_path, negatives=str(negatives.folder), dim=4, bucket=100)


def test_hard_negatives_have_a_quota_and_a_weight_of_their_own(tmp_path):
    hard = make_result(tmp_path / "hard", [table_of([*MATH[:6], "def", "return"], 50, 3)])
    asked = table_of([*MATH[:6], "def", "return"], 40, 4)
    passed = {}
    for weight in (0, 1, 4):
        extra = {"hard_negatives": [{"result": str(hard.folder), "num_documents": 40, "weight": weight}]} if weight else {}
        outcome = learn(tmp_path / str(weight), word_ngrams=1, holdout=0, **extra)
        model = as_result(outcome, tmp_path / str(weight) / "model", "model")
        scores = run_map("score.fasttext", asked, model=str(model.folder))[0]["score_math"].to_pylist()
        passed[weight] = sum(scores) / len(scores)
        examples = outcome.facts["examples"]
        assert examples.get("hard-0_drawn", 0) == (40 if weight else 0)
        assert examples["negatives"] == 120 + (40 if weight else 0)
    assert passed[0] > passed[1] > passed[4]


@pytest.mark.parametrize("text", ["thinned", "bpe"])
def test_other_kinds_of_text_are_learned_and_scored_alike_and_never_mixed(tmp_path, text):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<|eos|>"], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(table_of(MATH, 50, 1)["text"].to_pylist(), trainer)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    extra = {"tokenizer": str(tmp_path / "tokenizer.json")} if text == "bpe" else {}
    model = as_result(learn(tmp_path / "learn", text=text, **extra), tmp_path / "model", "model")
    table = table_of(MATH, 10, 8)
    odd = table_of(OTHER, 3, 9).set_column(3, "text", pa.array(["", "数学证明 __label__math <|eos|>\n", "\ud7ff\x00"], pa.large_string()))
    scores = run_map("score.fasttext", pa.concat_tables([table, odd]), model=str(model.folder), text=text)[0]["score_math"].to_pylist()
    assert min(scores[:10]) > 0.5
    assert scores[10] == 0.0
    with pytest.raises(ConfigError, match=f"the model was learned with '{text}'"):
        run_map("score.fasttext", table, model=str(model.folder))
    if text == "bpe":
        (model.folder / "tokenizer.json").write_text("{}")
        with pytest.raises(DataError, match=r"tokenizer\.json: .* the model was learned with"):
            run_map("score.fasttext", table, model=str(model.folder), text=text)


def test_bpe_needs_a_tokenizer_and_words_have_none():
    for values in ({"text": "bpe"}, {"tokenizer": "tokenizer.json"}):
        with pytest.raises(ConfigError, match="`bpe` needs a tokenizer"):
            load_plugin("learn.fasttext").build(make_config("learn.fasttext", negatives="x", **values))


def test_pieces_of_documents_are_learned_beside_them_whatever_the_shards(tmp_path):
    plain, one = learn(tmp_path / "plain"), learn(tmp_path / "one", crops=2, crop_words=5)
    assert model_of(one).read_bytes() == model_of(learn(tmp_path / "two", num_shards=3, crops=2, crop_words=5)).read_bytes()
    assert model_of(one).read_bytes() != model_of(plain).read_bytes()
    assert one.facts["examples"] == plain.facts["examples"], "documents are counted, not pieces"
    assert one.facts["holdout"]["accuracy"] == 1.0
    assert (one.facts["crops"], one.facts["crop_words"]) == (2, 5)


@pytest.mark.parametrize("kind", ["words", "thinned"])
def test_an_example_is_the_document_and_then_its_pieces(kind):
    ids = np.array([[1, 2], [3, 4], [5, 6]], np.uint64)
    text = "If a and b are odd then a and b and a add up to an even number"
    lines = {"kind": kind, "max_characters": 1000, "tokenizer": None, "crops": 3, "crop_words": 6}
    long, short, empty = example_lines([text, "odd one", " "], ids, 7, lines)
    assert (short, empty) == ("odd one\n" * 3 + "odd one", "")
    whole, *pieces = long.split("\n")
    assert whole == (thinned(text.lower()) if kind == "thinned" else text.lower())
    assert len(pieces) == 3
    assert len(set(pieces)) > 1
    if kind == "words":
        assert all(piece in whole and len(piece.split()) == 6 for piece in pieces)
    assert example_lines([text], ids[:1], 7, lines) == [long]
    assert example_lines([text], ids[:1], 8, lines) != [long]
    assert example_lines([text], ids[:1], 7, lines | {"crops": 0}) == [whole]
