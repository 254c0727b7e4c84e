"""One thread for torch, and a tiny study: a byte tokenizer, three sources of invented text, the smallest model."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from mathcode_data.shards.writer import ShardWriter
from mathcode_data.study.config import load_study

TINY = {"vocab_size": 260, "hidden_size": 32, "num_layers": 2, "num_heads": 2, "ffn_size": 64}
WORDS = {
    "general": ["the", "river", "ran", "by", "a", "town", "where", "people", "sold", "bread", "and", "wool", "in", "the", "old", "square"],
    "code": [
        "def f(x):\n    return x\n",
        "for i in range(9):\n    y += i\n",
        "import os\n",
        "if x == 1:\n    pass\n",
        "class A:\n    z = 0\n",
    ],
    "math": ["let x^2 + y^2 = 1.", "\\(\\frac{a}{b}\\)", "\\[\\sum_{n} a_n = 3\\]", "hence \\(n \\le 7\\).", "\\(\\sqrt{2}\\)"],
}
MIXTURE = "name: {name}\nsequence_length: 4096\nsources:\n{sources}stages:\n{stages}"
ARMS = {
    "base": [("general", {"general": "40B"}, "")],
    "general-math": [("general", {"general": "40B"}, ""), ("math", {"math": "15B"}, "")],
    "code-math": [("code", {"code": "40B"}, ""), ("math", {"math": "15B"}, "")],
    "math": [("math", {"math": "15B"}, "")],
    "mixed": [("mixed", {"code": "40B", "math": "15B"}, "")],
    "replay-5": [("code", {"code": "40B"}, ""), ("math", {"math": "15B"}, "replay: {stage: code, share: 5%}")],
    "replay-25": [("code", {"code": "40B"}, ""), ("math", {"math": "15B"}, "replay: {stage: code, share: 25%}")],
}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory):
    """Bytes and an end token: no merges."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = {letter: number + 1 for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE({"<|endoftext|>": 0, **letters}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="session")
def shard_folder(tmp_path_factory, tokenizer_file):
    """Folders general, code and math, about 40,000 tokens each."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    folder = tmp_path_factory.mktemp("shards")
    for name, words in WORDS.items():
        generator = random.Random(name)
        (folder / name).mkdir()
        with ShardWriter(folder / name / f"{name}-00000", np.uint16) as writer:
            while writer.num_tokens < 40_000:
                text = " ".join(generator.choices(words, k=40))
                writer.add(np.array([*tokenizer.encode(text).ids, 0]))
    return folder


def mixture_file(path, name, stages, sources):
    """A mixture file with the paper's budgets."""
    lines = "".join(f"  {source}: {{shards: ../shards/{source}}}\n" for source in sources)
    parts = []
    for stage, tokens, extra in stages:
        budget = ", ".join(f"{source}: {count}" for source, count in tokens.items())
        parts.append(f"  - name: {stage}\n    tokens: {{{budget}}}\n" + (f"    {extra}\n" if extra else ""))
    path.write_text(MIXTURE.format(name=name, sources=lines, stages="".join(parts)))


STUDY = """
name: tiny
output: {output}
seeds: [1, 2, 3]
scale: {scale}
sequence_length: 32
models:
  tiny: {{vocab_size: 260, hidden_size: 32, num_layers: 2, num_heads: 2, ffn_size: 64}}
training:
  optimizer: {{peak_lr: 1e-2}}
  global_batch_samples: 8
  micro_batch_samples: 8
  device: cpu
  evaluations: 3
  evaluate_max_samples: 16
  checkpoint_every_steps: 5
tokenizer: {tokenizer}
heldout_windows: 24
bootstrap: 200
sources:
{sources}
problems:
  train: 200
  test: 7
  max_new_tokens: 24
  mix_into: {{code: {{form: program, share: 10%}}, math: {{form: reasoning, share: 10%}}}}
arms:
{arms}
"""


@pytest.fixture
def make_study(tmp_path, shard_folder, tokenizer_file):
    """Write a tiny study file; keywords choose arms, scale and output folder."""

    def make(*, arms=tuple(ARMS), scale="2.56e-7", output="out", edit=lambda text: text):
        (tmp_path / "arms").mkdir(exist_ok=True)
        for arm in arms:
            mixture_file(tmp_path / "arms" / f"{arm}.yaml", arm, ARMS[arm], WORDS)
        text = STUDY.format(
            output=output, scale=scale, tokenizer=tokenizer_file,
            sources="".join(f"  {name}: {{shards: {shard_folder / name}, max_epochs: 9, holdout: 4%}}\n" for name in WORDS),
            arms="".join(f"  {arm}: {{mixture: arms/{arm}.yaml}}\n" for arm in arms),
        )  # fmt: skip
        path = tmp_path / "study.yaml"
        path.write_text(edit(text))
        return path

    return make


@pytest.fixture
def load(make_study, shard_folder):
    """A tiny study as run_study takes it."""

    def read(**choices):
        config, _ = load_study(make_study(**choices))
        return config, {name: [shard_folder / name] for name in WORDS}

    return read
