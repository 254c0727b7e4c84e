"""Greedy generation with kept keys and values is argmax of the whole model at every step, however prompts are put together."""

from __future__ import annotations

import pytest
import torch

from mathcode_data.trainer.config import KernelChoices, ModelConfig
from mathcode_data.trainer.generate import generate
from mathcode_data.trainer.kernels.registry import load_kernels
from mathcode_data.trainer.model import build_model

EOS = 0
PROMPTS = [[3], [5, 6, 7], [9, 8, 7, 6, 5, 4, 3], [1, 2], [30, 31, 29, 28]]


@pytest.fixture(params=[4, 2])
def model(request):
    shape = {
        "vocab_size": 40,
        "hidden_size": 32,
        "num_layers": 2,
        "num_heads": 4,
        "num_kv_heads": request.param,
        "ffn_size": 48,
        "init_std": 0.3,
    }
    device = torch.device("cpu")
    kernels = load_kernels(KernelChoices(), device)
    return build_model(ModelConfig.model_validate(shape), kernels, dtype=torch.float32, device=device, seed=5)


def slowly(model, prompt, count):
    ids = list(prompt)
    for _ in range(count):
        with torch.no_grad():
            following = int(model.logits(torch.tensor([ids]))[0, -1].argmax())
        if following == EOS:
            break
        ids.append(following)
    return ids[len(prompt) :]


def test_it_is_the_models_own_choice_whatever_the_batch(model):
    expected = [slowly(model, prompt, 12) for prompt in PROMPTS]
    for batch in (1, 2, 5):
        assert generate(model, PROMPTS, max_new_tokens=12, eos_id=EOS, batch=batch) == expected


def test_a_row_that_stops_does_not_stop_the_others(model):
    expected = [slowly(model, prompt, 10) for prompt in PROMPTS]

    def stop(ids):
        return len(ids) >= 3 and ids[:3] == expected[1][:3]

    found = generate(model, PROMPTS, max_new_tokens=10, eos_id=EOS, batch=5, stop=stop)
    assert found[1] == expected[1][:3]
    others = [number for number in range(len(PROMPTS)) if expected[number][:3] != expected[1][:3]]
    assert [found[number] for number in others] == [expected[number] for number in others]


def test_the_end_token_ends_an_answer_and_is_no_part_of_it(model):
    free = generate(model, PROMPTS, max_new_tokens=12, eos_id=39, batch=5)
    end = free[0][4]
    found = generate(model, PROMPTS[:1], max_new_tokens=12, eos_id=end, batch=1)
    assert found[0] == free[0][: free[0].index(end)]
