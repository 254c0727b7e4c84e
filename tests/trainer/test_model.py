"""The whole model: its size, its formula, its first weights, its document masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from trainer import naive

from mathcode_data.trainer.config import KernelChoices, ModelConfig
from mathcode_data.trainer.export import huggingface_tensors
from mathcode_data.trainer.kernels.registry import load_kernels
from mathcode_data.trainer.model import LanguageModel, build_model
from mathcode_data.trainer.presets import PRESETS
from mathcode_data.trainer.size import flops_per_token, matrix_parameters, num_parameters

CPU = torch.device("cpu")
SMALL = ModelConfig(vocab_size=19, hidden_size=24, num_layers=2, num_heads=4, num_kv_heads=2, ffn_size=20, init_std=0.3)


def kernels():
    return load_kernels(KernelChoices(), CPU)


def model_of(config, dtype=torch.float32, seed=5):
    return build_model(config, kernels(), dtype=dtype, device=CPU, seed=seed)


def losses(model, tokens, mask=None):
    with torch.no_grad():
        return model(tokens[:, :-1], tokens[:, 1:], torch.ones(tokens.shape[0], tokens.shape[1] - 1), mask)[1]


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_closed_form_counts_are_those_of_the_modules(name):
    config = ModelConfig.model_validate(name)
    with torch.device("meta"):
        model = LanguageModel(config, kernels())
    assert sum(parameter.numel() for parameter in model.parameters()) == num_parameters(config)
    in_layers = [p.numel() for name, p in model.named_parameters() if ".layers." in name and p.dim() == 2]
    assert sum(in_layers) == matrix_parameters(config)


def test_dsm_1_3b_has_the_published_size_and_cost():
    config = ModelConfig.model_validate("dsm-1.3b")
    assert (config.hidden_size, config.num_layers, config.num_heads, config.ffn_size, config.vocab_size) == (2048, 24, 16, 5632, 102_400)
    assert matrix_parameters(config) == 1_233_125_376
    assert num_parameters(config) == 1_652_656_128
    assert flops_per_token(config, 4096, causal=True) == pytest.approx(9.865e9, rel=1e-4)
    assert flops_per_token(config, 4096, causal=False) == pytest.approx(11.073e9, rel=1e-4)


def test_logits_are_those_of_llama_under_hugging_faces_names():
    model = model_of(SMALL)
    tokens = torch.tensor([[3, 0, 18, 7, 7, 1, 12]])
    expected = naive.llama_logits(huggingface_tensors(model.state_dict(), SMALL), SMALL, tokens[0])
    with torch.no_grad():
        found = model.logits(tokens)[0]
    # float32 through two layers with weights of 0.3, logits of order 3: about a hundred roundings of 6e-8
    assert_close(found.double(), expected, atol=5e-5, rtol=1e-4)


def test_loss_is_cross_entropy_of_the_logits():
    model = model_of(SMALL)
    tokens = torch.randint(0, 19, (3, 6), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = model.logits(tokens[:, :-1])
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    assert_close(losses(model, tokens).flatten(), expected, atol=1e-5, rtol=1e-5)


def test_bfloat16_stays_near_float32():
    tokens = torch.randint(0, 19, (2, 9), generator=torch.Generator().manual_seed(0))
    narrow, wide = losses(model_of(SMALL, torch.bfloat16), tokens), losses(model_of(SMALL), tokens)
    assert narrow.dtype == torch.float32
    # 2**-9 per rounding of a stream of order 3, two layers: a few hundredths
    assert_close(narrow, wide, atol=0.1, rtol=0.05)


def test_weights_and_gradients_stay_float32_in_bfloat16_training():
    model = model_of(SMALL, torch.bfloat16)
    tokens = torch.randint(0, 19, (2, 9), generator=torch.Generator().manual_seed(0))
    model(tokens[:, :-1], tokens[:, 1:], torch.ones(2, 8))[0].backward()
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert {parameter.grad.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("num_kv_heads", [4, 2])
def test_document_masks_equal_computing_each_document_alone(num_kv_heads):
    model = model_of(SMALL.model_copy(update={"num_kv_heads": num_kv_heads}))
    row = torch.randint(0, 19, (1, 13), generator=torch.Generator().manual_seed(2))
    starts = [0, 5, 6, 10]  # lengths 5, 1, 4 and 2 inputs
    mask = model.kernels.prepare_attention([np.array(starts)], 12, CPU)
    together = losses(model, row, mask)[0]
    for start, stop in zip(starts, [*starts[1:], 12], strict=True):
        alone = losses(model, row[:, start : stop + 1])[0]
        # positions differ by `start`, so RoPE's angles and the attention kernel do: float32 rounding only
        assert_close(together[start:stop], alone, atol=2e-5, rtol=2e-5)
    assert not torch.allclose(together[6:], losses(model, row)[0][6:], atol=1e-3), "without the mask the answer is another"


def test_first_weights_depend_on_seed_and_name_only():
    first = model_of(SMALL).state_dict()
    torch.manual_seed(99)
    deeper = model_of(SMALL.model_copy(update={"num_layers": 3})).state_dict()
    assert all(torch.equal(first[name], deeper[name]) for name in first)
    other = model_of(SMALL, seed=6).state_dict()
    assert not torch.equal(first["lm_head.weight"], other["lm_head.weight"])
    matrices = torch.cat([value.flatten() for value in first.values() if value.dim() == 2])
    assert matrices.std().item() == pytest.approx(0.3, rel=0.03)
    assert all((value == 1).all() for value in first.values() if value.dim() == 1)
