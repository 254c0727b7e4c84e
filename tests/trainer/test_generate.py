"""Generation keeps keys and values and gives what the whole model gives; exports and imports keep every number."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from trainer.memory_mixture import MemoryMixture

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.recipe import load_recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.shards.writer import ShardWriter
from mathcode_data.trainer.checkpoint import find_checkpoint
from mathcode_data.trainer.export import export_huggingface, huggingface_config, import_huggingface, model_config
from mathcode_data.trainer.generate import generate, greedy, load_model, sampler
from mathcode_data.trainer.loop import train
from mathcode_data.trainer.tensor_file import read_tensors, write_tensors
from support.command import call

CPU = torch.device("cpu")


@pytest.fixture
def trained(make_config):
    """A run's folder; grouped queries, so that packing is not symmetric."""
    model = {"vocab_size": 32, "hidden_size": 24, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2, "ffn_size": 20, "init_std": 0.4}
    config = make_config(model=model)
    train(config, data=MemoryMixture(), stop_after_steps=2)
    return config.output


def model_of(folder):
    return load_model(find_checkpoint(folder), CPU, torch.float32)


def test_cached_generation_is_what_the_whole_model_gives_step_by_step(trained):
    model = model_of(trained)
    prompts = [[3, 1, 4, 1, 5], [9], [2, 6]]
    together = generate(model, prompts, max_new_tokens=6, eos_id=None, batch=3)
    for prompt, found in zip(prompts, together, strict=True):
        ids = list(prompt)
        for _ in range(6):
            with torch.no_grad():
                ids.append(int(model.logits(torch.tensor([ids]))[0, -1].argmax()))
        assert found == ids[len(prompt) :]
        assert generate(model, [prompt], max_new_tokens=6, eos_id=None) == [found], "neighbours in a batch change nothing"
    end = together[0][3]
    cut = together[0][: together[0].index(end)]
    assert generate(model, prompts[:1], max_new_tokens=6, eos_id=end) == [cut]


def test_draws_repeat_with_the_seed_and_stay_among_the_probable_tokens():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).expand(400, 4)
    first, second = (sampler(temperature=1.0, top_p=0.75, seed=4)(logits) for _ in range(2))
    assert torch.equal(first, second)
    assert set(first.tolist()) == {0, 1}, "0.5 + 0.3 reaches 0.75, and the token that reaches it is in"
    share = (first == 0).double().mean().item()
    assert abs(share - 0.5 / 0.8) < 0.1  # four standard deviations of 400 draws
    assert set(sampler(temperature=1.0, seed=1)(logits).tolist()) == {0, 1, 2, 3}
    assert sampler(temperature=0.0) is greedy
    assert set(sampler(temperature=1.0, top_p=1e-6)(logits).tolist()) == {0}


def test_an_imported_export_gives_the_same_bytes(trained, tmp_path):
    folder = export_huggingface(trained, tmp_path / "hf")
    made = import_huggingface(folder, tmp_path / "back")
    here, there = find_checkpoint(made), find_checkpoint(trained)
    assert here.record["files"]["model.safetensors"] == there.record["files"]["model.safetensors"]
    assert made.name == "step-00000000"


def test_an_import_can_be_trained_on(trained, tmp_path, make_config):
    made = import_huggingface(export_huggingface(trained, tmp_path / "hf"), tmp_path / "back")
    model = find_checkpoint(made).record["config"]["model"]
    summary = train(make_config(model=model, initial_checkpoint=str(made), output=str(tmp_path / "next")), data=MemoryMixture())
    assert summary["finished"]


def test_tied_embeddings_and_parts_are_imported(trained, tmp_path):
    folder = export_huggingface(trained, tmp_path / "hf")
    tensors = read_tensors(folder / "model.safetensors")
    del tensors["lm_head.weight"]
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    for number, part in enumerate((names[:5], names[5:])):
        write_tensors(folder / f"part-{number}.safetensors", {name: tensors[name] for name in part})
    index = {"weight_map": {name: f"part-{int(number >= 5)}.safetensors" for number, name in enumerate(names)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    settings = json.loads((folder / "config.json").read_text()) | {"tie_word_embeddings": True}
    (folder / "config.json").write_text(json.dumps(settings))
    found = find_checkpoint(import_huggingface(folder, tmp_path / "back")).tensors("model")
    assert_close(found["lm_head.weight"], found["model.embed_tokens.weight"], atol=0, rtol=0)
    index["weight_map"]["lm_head.weight"] = "../elsewhere.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match="which is no file beside it"):
        import_huggingface(folder, tmp_path / "again")


@pytest.mark.parametrize(("changed", "message"), [
    ({"model_type": "qwen2"}, "model_type is 'qwen2'; only plain Llama"), ({"attention_bias": True}, "attention_bias is True"),
    ({"rope_scaling": {"rope_type": "linear", "factor": 4.0}}, "rope_scaling is"), ({"head_dim": 7}, "head_dim 7 is not"),
])  # fmt: skip
def test_models_that_are_not_built_like_ours_are_refused(trained, changed, message):
    model = model_of(trained).config
    settings = huggingface_config(model, 16, "float32")
    assert model_config(settings, "here").num_kv_heads == 2
    with pytest.raises(ConfigError, match=message):
        model_config(settings | changed, "here")


def test_logits_are_those_of_transformers(trained, tmp_path):
    transformers = pytest.importorskip("transformers", reason="an oracle that is not among the extras")
    folder = export_huggingface(trained, tmp_path / "hf")
    theirs = transformers.LlamaForCausalLM.from_pretrained(str(folder), dtype=torch.float32).eval()
    tokens = torch.randint(0, 32, (2, 13), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, found = theirs(tokens).logits, model_of(trained).logits(tokens)
    assert_close(found, expected, atol=5e-5, rtol=1e-4)  # float32 through two layers with weights of 0.4, as in test_model.py
    written = theirs.generate(tokens[:1, :3], max_new_tokens=5, do_sample=False, pad_token_id=0, eos_token_id=None)
    assert generate(model_of(trained), [tokens[0, :3].tolist()], max_new_tokens=5, eos_id=None)[0] == written[0, 3:].tolist()


RECIPE = "name: m\nseed: 3\nsequence_length: 16\nsources:\n  code: {shards: code}\nstages:\n  - {name: code, tokens: {code: 320}}\n"


@pytest.mark.slow
def test_the_commands_export_import_and_generate(tmp_path, make_config):
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({f"w{number}": number for number in range(32)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    (tmp_path / "code").mkdir()
    words.save(str(tmp_path / "code" / "tokenizer.json"))
    with ShardWriter(tmp_path / "code" / "code-00000", np.uint16) as writer:
        for start in range(60):
            writer.add((start + np.arange(20)) % 32)
    (tmp_path / "mixture.yaml").write_text(RECIPE)
    recipe, file = load_recipe(tmp_path / "mixture.yaml")
    build_mixture(recipe, [source_from_path("code", tmp_path / "code")], tmp_path / "mixture", file=file)
    config = make_config()
    train(config)
    done = call("generate", config.output, "--prompt", "w1 w2", "-p", "w7", "--max-tokens", "4", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["prompt"] for row in rows] == ["w1 w2", "w7"]
    assert [len(row["ids"]) for row in rows] == [4, 4]
    drawn = ("generate", config.output, "--prompt", "w1", "--temperature", "2", "--top-p", "0.9", "--seed", "3", "--max-tokens", "9")
    assert call(*drawn).stdout == call(*drawn).stdout != ""
    done = call("export", config.output, "--to", "huggingface", "--output", tmp_path / "hf")
    assert done.returncode == 0, done.stderr
    done = call("import", tmp_path / "hf", "--output", tmp_path / "back")
    assert done.returncode == 0, done.stderr
    done = call("generate", tmp_path / "back", "--prompt", "w1 w2", "--max-tokens", "4")
    assert (done.returncode, "name one with --tokenizer" in done.stderr) == (2, True)
    named = ("--tokenizer", tmp_path / "code" / "tokenizer.json", "--max-tokens", "4", "--json")
    done = call("generate", tmp_path / "back" / "step-00000000", "--prompt", "w1 w2", *named)
    assert json.loads(done.stdout)[0]["ids"] == rows[0]["ids"]
    assert call("generate", tmp_path, "--prompt", "w1").returncode == 2
    assert Path(tmp_path / "back" / "step-00000000" / "checkpoint.json").is_file()
