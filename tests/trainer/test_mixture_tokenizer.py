"""The tokenizer behind a mixture: a model too small for it is refused at the start, and an export carries it along."""

from __future__ import annotations

import gzip
import logging

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from trainer.conftest import TINY_MODEL

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.manifest import Manifest, Shard, write_manifest
from mathcode_data.core.storage import read_json, sha256_file
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.recipe import load_recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.shards.writer import ShardWriter
from mathcode_data.trainer.__main__ import main
from mathcode_data.trainer.export import export_huggingface
from mathcode_data.trainer.loop import train
from mathcode_data.trainer.mixture_tokenizer import ids_of

RECIPE = """name: mix
seed: 3
sequence_length: 16
sources: {code: {shards: code}, math: {shards: math}}
stages: [{name: mixed, tokens: {code: 160, math: 160}}]
"""
VOCAB_SIZE = 300
MODEL = {**TINY_MODEL, "vocab_size": VOCAB_SIZE}
TEXTS = ["def f(x):\n    return x  # ümläut 你好\n\n\t12345", " the  rain , don't", "<bos>a b<eos>c", ""]


def make_tokenizer():
    """A byte-level BPE of VOCAB_SIZE ids at most, which puts <bos> before every text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - 2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )  # fmt: skip
    tokenizer.train_from_iterator(["the rain in the main returns def return"] * 9, trainer)
    tokenizer.add_special_tokens([AddedToken("<eos>", special=True), AddedToken("<bos>", special=True)])
    begin = tokenizer.token_to_id("<bos>")
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", begin)])
    return tokenizer


def write_source(folder, tokenizer, *, is_result=True, with_file=True, **facts):
    """Shards whose ids are all below 32, as a result of ours or from elsewhere."""
    folder.mkdir()
    with ShardWriter(folder / f"{folder.name}-00000", np.uint16) as writer:
        for start in range(40):
            writer.add((start + np.arange(20)) % 32)
    tokenizer.save(str(folder / "tokenizer.json"))
    digest = sha256_file(folder / "tokenizer.json")
    if not with_file:
        (folder / "tokenizer.json").unlink()
    if is_result:
        known = {
            "tokenizer_sha256": digest, "vocab_size": tokenizer.get_vocab_size(), "max_id": tokenizer.get_vocab_size() - 1,
            "eos_id": tokenizer.token_to_id("<eos>"), "bos_id": tokenizer.token_to_id("<bos>"),
        }  # fmt: skip
        shards = [Shard(path.name, path.stat().st_size, sha256_file(path)) for path in sorted(folder.iterdir())]
        write_manifest(folder, Manifest("tokens", [], digest + folder.name, [], shards, [], facts=known | facts))


def build(folder, output="mixture"):
    (folder / "mixture.yaml").write_text(RECIPE)
    recipe, file = load_recipe(folder / "mixture.yaml")
    build_mixture(recipe, [source_from_path(name, folder / name) for name in recipe.sources], folder / output, file=file)


@pytest.fixture
def tokenizer():
    return make_tokenizer()


@pytest.fixture
def mixture_folder(tmp_path, tokenizer):
    write_source(tmp_path / "code", tokenizer)
    write_source(tmp_path / "math", tokenizer, is_result=False, with_file=False)
    build(tmp_path)
    return tmp_path / "mixture"


def test_a_model_too_small_for_the_tokenizer_is_refused_before_anything_is_trained(make_config, mixture_folder, tokenizer, tmp_path):
    largest = tokenizer.get_vocab_size() - 1
    with pytest.raises(ConfigError, match=rf"model\.vocab_size is {largest}, .*'code'.* ids up to {largest} .*vocab_size to {largest + 1}"):
        train(make_config(model={**TINY_MODEL, "vocab_size": largest}))
    assert not (tmp_path / "run").exists()
    assert train(make_config(model={**TINY_MODEL, "vocab_size": largest + 1}), stop_after_steps=1)["steps"] == 1


@pytest.mark.parametrize("is_packed", [False, True])
def test_shards_from_elsewhere_are_judged_by_the_tokenizer_beside_them(make_config, tmp_path, tokenizer, is_packed):
    for name in ("code", "math"):
        write_source(tmp_path / name, tokenizer, is_result=False)
    file = tmp_path / "math" / "tokenizer.json"
    (tmp_path / "code" / "tokenizer.json").unlink()
    if is_packed:
        file.write_bytes(gzip.compress(file.read_bytes()))
    build(tmp_path)
    with pytest.raises(ConfigError, match=r"model\.vocab_size is 32, .*'math'.*tokenizer\.json"):
        train(make_config())
    file.write_text("{}")
    assert train(make_config())["finished"], "a file that is no tokenizer says nothing, and all ids are below 32"
    with pytest.raises(DataError, match=r"outside the model's vocabulary of 31; set model\.vocab_size"):
        train(make_config(model={**TINY_MODEL, "vocab_size": 31}, output=str(tmp_path / "small")))


def test_the_command_refuses_it_with_exit_code_2(mixture_folder, tmp_path, caplog):
    path = tmp_path / "train.yaml"
    path.write_text(
        "mixture: mixture\noutput: run\nglobal_batch_samples: 4\ndevice: cpu\n"
        "model: {vocab_size: 32, hidden_size: 16, num_layers: 1, num_heads: 2, ffn_size: 24}\n"
    )
    assert main([str(path)]) == 2
    assert "model.vocab_size is 32" in caplog.text


def test_ids_are_those_of_the_library(tokenizer, tmp_path):
    tokenizer.save(str(tmp_path / "bpe.json"))
    assert ids_of((tmp_path / "bpe.json").read_bytes()) == tokenizer.get_vocab(with_added_tokens=True)
    pieces = Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0), ("b", -2.0)], unk_id=0))
    pieces.add_special_tokens(["</s>"])
    assert ids_of(pieces.to_str().encode()) == pieces.get_vocab(with_added_tokens=True)
    assert ids_of(b"[]") == ids_of(b"{") == ids_of(b'{"model": {"vocab": 3}}') == {}


def export(make_config, tmp_path, caplog):
    """Train one step and export; gives the folder and the notes."""
    train(make_config(model=MODEL), stop_after_steps=1)
    with caplog.at_level(logging.WARNING, logger="mathcode_data.trainer.export"):
        folder = export_huggingface(tmp_path / "run", tmp_path / "hf")
    return folder, [record.message for record in caplog.records if record.name.endswith("export")]


def test_an_export_carries_the_tokenizer_and_its_ids(make_config, mixture_folder, tokenizer, tmp_path, caplog):
    folder, notes = export(make_config, tmp_path, caplog)
    assert notes == []
    assert (folder / "tokenizer.json").read_bytes() == (tmp_path / "code" / "tokenizer.json").read_bytes()
    settings = read_json(folder / "tokenizer_config.json")
    assert (settings["bos_token"], settings["eos_token"], settings["model_max_length"]) == ("<bos>", "<eos>", 16)
    config = read_json(folder / "config.json")
    assert [config[f"{name}_token_id"] for name in ("bos", "eos")] == [tokenizer.token_to_id(f"<{name}>") for name in ("bos", "eos")]


def test_transformers_load_the_exported_tokenizer_and_give_the_same_ids(make_config, mixture_folder, tokenizer, tmp_path, caplog):
    transformers = pytest.importorskip("transformers", reason="an oracle that is not among the extras")
    folder, _ = export(make_config, tmp_path, caplog)
    theirs = transformers.AutoTokenizer.from_pretrained(str(folder))
    for text in TEXTS:
        assert theirs(text)["input_ids"] == tokenizer.encode(text).ids
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert theirs(text, add_special_tokens=False)["input_ids"] == ids
        assert theirs.decode(ids) == tokenizer.decode(ids, skip_special_tokens=False) == text
    assert (theirs.bos_token_id, theirs.eos_token_id) == (tokenizer.token_to_id("<bos>"), tokenizer.token_to_id("<eos>"))
    model = transformers.LlamaForCausalLM.from_pretrained(str(folder))
    assert model.generation_config.eos_token_id == tokenizer.token_to_id("<eos>")


def test_an_export_says_what_it_does_not_know_and_guesses_nothing(make_config, tmp_path, tokenizer, caplog):
    write_source(tmp_path / "code", tokenizer, eos_id=None, with_file=False)
    write_source(tmp_path / "math", tokenizer, is_result=False, with_file=False)
    build(tmp_path)
    folder, notes = export(make_config, tmp_path, caplog)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    config = read_json(folder / "config.json")
    assert (config["bos_token_id"], config["eos_token_id"]) == (tokenizer.token_to_id("<bos>"), None)
    assert len(notes) == 2
    assert "no tokenizer.json: no source of" in notes[0]
    assert "no eos_token_id" in notes[1]


def test_the_tokenizer_of_a_mixture_that_was_built_anew_or_is_gone_is_not_taken(make_config, mixture_folder, tmp_path, caplog):
    train(make_config(model=MODEL), stop_after_steps=1)
    mixture_folder.rename(tmp_path / "moved")
    folder = export_huggingface(tmp_path / "run", tmp_path / "gone")
    assert not (folder / "tokenizer.json").exists()
    assert "not a finished mixture" in caplog.text
    recipe, file = load_recipe(tmp_path / "mixture.yaml")
    other = recipe.model_copy(update={"seed": 4})
    build_mixture(other, [source_from_path(name, tmp_path / name) for name in recipe.sources], mixture_folder, file=file)
    folder = export_huggingface(tmp_path / "run", tmp_path / "anew")
    assert not (folder / "tokenizer.json").exists()
    assert "is another mixture than the one that was trained on" in caplog.text


def test_a_tokenizer_that_did_not_make_the_shards_is_not_taken(make_config, mixture_folder, tokenizer, tmp_path, caplog):
    other = make_tokenizer()
    other.add_tokens(["extra"])
    other.save(str(tmp_path / "code" / "tokenizer.json"))
    folder, notes = export(make_config, tmp_path, caplog)
    assert not (folder / "tokenizer.json").exists()
    assert "no tokenizer.json" in notes[0]
    assert len(MixtureDataset(mixture_folder)) == 20
