"""Every reference kernel against a formula in float64, with gradients, at odd shapes.

Tolerances: float64 against float64 differs by the order of the sums only (1e-10 is about 1e5 roundings). float32 has 6e-8 per
rounding; sums of up to a few hundred terms of order 1 give 1e-5. bfloat16 has 2**-9 = 2e-3 per rounding; inputs and outputs of
order 1 to 5 pass through about five roundings: 5e-2 absolute.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close
from trainer import naive

from mathcode_data.core.errors import ConfigError
from mathcode_data.trainer.config import KernelChoices
from mathcode_data.trainer.kernels import registry
from mathcode_data.trainer.kernels.attention import reference as attention_reference
from mathcode_data.trainer.kernels.linear_cross_entropy import reference as ce_reference
from mathcode_data.trainer.kernels.rms_norm.reference import rms_norm
from mathcode_data.trainer.kernels.rope.reference import rope
from mathcode_data.trainer.kernels.swiglu.reference import swiglu
from mathcode_data.trainer.model import rotary_angles

CPU = torch.device("cpu")
DTYPES = [(torch.float64, 1e-10), (torch.float32, 1e-5), (torch.bfloat16, 5e-2)]


def numbers(*shape, seed=0, dtype=torch.float64):
    """Random numbers that the dtype holds exactly, as float64 leaves and in the dtype."""
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)
    return values.double().requires_grad_(), values.detach().clone().requires_grad_()


def close(found, expected, tolerance):
    assert_close(found.double(), expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("shape", [(1, 1, 2), (5, 3, 123), (2, 7, 64)])
@pytest.mark.parametrize("has_residual", [True, False])
def test_rms_norm_equals_its_formula_and_its_gradients(dtype, tolerance, shape, has_residual):
    wide_update, update = numbers(*shape, seed=1, dtype=dtype)
    wide_residual, residual = numbers(*shape, seed=2, dtype=dtype)
    wide_weight, weight = numbers(shape[-1], seed=3, dtype=torch.float64 if dtype == torch.float64 else torch.float32)
    wide_stream = wide_update + wide_residual if has_residual else wide_update
    expected = naive.rms_norm_differentiable(wide_stream, wide_weight, 1e-6)
    normed, stream = rms_norm(update, residual if has_residual else None, weight, 1e-6)
    close(stream, wide_stream, tolerance)
    close(normed, expected, tolerance)
    pull, _ = numbers(*shape, seed=4, dtype=dtype)
    (expected * pull.detach() + wide_stream * pull.detach()).sum().backward()
    ((normed + stream) * pull.detach().to(dtype)).sum().backward()
    close(update.grad, wide_update.grad, tolerance * 4)
    close(weight.grad, wide_weight.grad, tolerance * 20)  # a sum over all rows
    if has_residual:
        assert torch.equal(update.grad, residual.grad)


def test_differentiable_rms_norm_of_these_tests_equals_the_loop():
    x, _ = numbers(3, 9)
    weight, _ = numbers(9, seed=1)
    close(naive.rms_norm_differentiable(x, weight, 1e-6), naive.rms_norm(x.detach(), weight.detach(), 1e-6), 1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize(("batch", "length", "heads", "kv_heads", "size"), [(1, 1, 1, 1, 2), (2, 5, 3, 1, 6), (2, 4, 4, 2, 8)])
def test_rope_turns_pairs_by_position(dtype, tolerance, batch, length, heads, kv_heads, size):
    wide, packed = numbers(batch, length, (heads + 2 * kv_heads) * size, dtype=dtype)
    cos, sin = rotary_angles(length, size, 10_000.0, CPU)
    found = rope(packed, cos, sin, heads, kv_heads)
    split = wide.view(batch, length, -1, size).transpose(1, 2).split([heads, kv_heads, kv_heads], dim=1)
    turned = [torch.stack([naive.rotate(part[:, :, s], s, 10_000.0) for s in range(length)], dim=2) for part in split[:2]]
    expected = (*turned, split[2])
    total = 0
    for seed, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        close(ours, theirs, max(tolerance, 1e-6))  # angles are kept in float32
        pull = torch.randn(theirs.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)
        total = total + (theirs * pull.double()).sum()
        (ours * pull).sum().backward(retain_graph=True)
    total.backward()
    close(packed.grad, wide.grad, max(tolerance, 1e-6))


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("shape", [(1, 2), (3, 5, 246)])
def test_swiglu_equals_its_formula_and_its_gradients(dtype, tolerance, shape):
    wide, packed = numbers(*shape, dtype=dtype)
    gate, up = wide.chunk(2, dim=-1)
    expected = gate / (1 + torch.exp(-gate)) * up
    found = swiglu(packed)
    close(found, expected, tolerance)
    expected.square().sum().backward()
    found.square().sum().backward()
    close(packed.grad, wide.grad, tolerance * 8)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("chunk_logits", [1, 40, 10**9])
def test_linear_cross_entropy_equals_its_formula_and_its_gradients(dtype, tolerance, chunk_logits, monkeypatch):
    monkeypatch.setattr(ce_reference, "CPU_CHUNK_LOGITS", chunk_logits)
    tokens, hidden_size, vocabulary = 13, 7, 19
    wide_hidden, hidden = numbers(tokens, hidden_size, dtype=dtype)
    wide_weight, weight = numbers(vocabulary, hidden_size, seed=1, dtype=torch.float64 if dtype == torch.float64 else torch.float32)
    targets = torch.arange(tokens) * 5 % vocabulary
    weights = torch.linspace(0, 1, tokens, dtype=torch.float64)
    logits = wide_hidden @ wide_weight.T
    expected_nll = torch.log(torch.exp(logits).sum(1)) - logits[torch.arange(tokens), targets]
    expected = (expected_nll * weights).sum()
    loss, nll = ce_reference.linear_cross_entropy(hidden, weight, targets, weights.to(torch.float32) if dtype != torch.float64 else weights)
    close(nll, expected_nll.detach(), tolerance * 2)
    close(loss, expected.detach(), tolerance * 5)
    assert not nll.requires_grad
    (3 * expected).backward()
    (3 * loss).backward()
    close(hidden.grad, wide_hidden.grad, tolerance * 3)
    close(weight.grad, wide_weight.grad, tolerance * 5)


def test_linear_cross_entropy_gives_the_same_loss_without_gradients():
    _, hidden = numbers(5, 4)
    _, weight = numbers(9, 4, seed=1)
    targets, weights = torch.arange(5), torch.ones(5, dtype=torch.float64)
    with_gradients = ce_reference.linear_cross_entropy(hidden, weight, targets, weights)
    with torch.no_grad():
        without = ce_reference.linear_cross_entropy(hidden, weight, targets, weights)
    assert all(torch.equal(a, b) for a, b in zip(with_gradients, without, strict=True))


def test_linear_cross_entropy_of_a_hopeless_token_is_large_and_finite():
    loss, nll = ce_reference.linear_cross_entropy(torch.tensor([[200.0]]), torch.tensor([[1.0], [-1.0]]), torch.tensor([1]), torch.ones(1))
    assert nll.tolist() == [400.0]
    assert float(loss) == 400.0


@pytest.mark.parametrize(("heads", "kv_heads"), [(1, 1), (4, 2)])
@pytest.mark.parametrize("starts", [[], [0], [2, 3], [0, 4, 7]])
def test_attention_equals_its_formula_within_documents(heads, kv_heads, starts):
    length, size = 7, 6
    documents = [sum(1 for start in starts if 0 < start <= s) for s in range(length)]
    inputs = [numbers(1, n, length, size, seed=n + i)[1] for i, n in enumerate((heads, kv_heads, kv_heads))]
    mask = attention_reference.prepare([torch.tensor(starts, dtype=torch.int64).numpy()], length, CPU)
    found = attention_reference.attention(*inputs, mask)
    copies = [value.detach().clone().requires_grad_() for value in inputs]
    expected = naive.attention(copies[0][0], copies[1][0], copies[2][0], documents)
    close(found[0], expected.transpose(0, 1).flatten(1), 1e-10)
    found.square().sum().backward()
    expected.square().sum().backward()
    for ours, theirs in zip(inputs, copies, strict=True):
        close(ours.grad, theirs.grad, 1e-10)


@given(st.lists(st.lists(st.integers(0, 12), max_size=6), min_size=1, max_size=3))
@settings(max_examples=30)
def test_document_mask_lets_a_query_see_its_own_document_and_nothing_later(starts):
    length = 9
    mask = attention_reference.prepare([torch.tensor(sorted(row), dtype=torch.int64).numpy() for row in starts], length, CPU)
    for row, edges in enumerate(starts):
        for query in range(length):
            for key in range(length):
                allowed = key <= query and not any(key < edge <= query for edge in edges)
                assert allowed == (key <= query if mask is None else bool(mask[row, 0, query, key]))


def test_every_operation_has_a_reference_and_a_choice():
    assert set(registry.operations()) == set(KernelChoices.model_fields)
    for operation in registry.operations():
        assert "reference" in registry.kernel_names(operation)
        assert registry.load_kernel(operation, "reference", CPU)[0] == "reference"


def test_auto_chooses_a_kernel_and_its_name_is_kept():
    kernels = registry.load_kernels(KernelChoices(), CPU)
    assert set(kernels.names) == set(registry.operations())
    assert "auto" not in kernels.names.values()


def test_an_unknown_kernel_is_an_error_with_the_nearest_name():
    with pytest.raises(ConfigError, match=r"kernels\.rope: no kernel 'referense'; did you mean 'reference'"):
        registry.load_kernel("rope", "referense", CPU)


def test_a_kernel_asked_for_that_cannot_run_is_an_error_that_names_those_that_can(monkeypatch):
    monkeypatch.setattr(attention_reference, "unavailable", lambda device: "it is a test")
    with pytest.raises(ConfigError, match=r"kernels\.attention: 'reference' cannot run on cpu: it is a test; can run: "):
        registry.load_kernel("attention", "reference", CPU)


def test_a_kernel_from_elsewhere_needs_the_three_attributes():
    with pytest.raises(ConfigError, match="lacks rope, unavailable, SPEED_RANK"):
        registry.load_kernel("rope", "json.decoder", CPU)


def test_a_kernel_whose_package_is_absent_is_an_error_that_names_it():
    with pytest.raises(ConfigError, match="no_such_package"):
        registry.load_kernel("rope", "no_such_package.rope", CPU)


def test_z_loss_is_the_weighted_square_of_the_log_sum():
    generator = torch.Generator().manual_seed(3)
    hidden, head = (torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_() for shape in ((7, 5), (11, 5)))
    targets, weights = torch.arange(7), torch.linspace(0, 1, 7, dtype=torch.float64)
    logits = hidden @ head.T
    nll = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    expected = ((nll + 0.3 * logits.logsumexp(-1).square()) * weights).sum()
    wanted = torch.autograd.grad(expected, (hidden, head))
    loss, per_token = ce_reference.linear_cross_entropy(hidden, head, targets, weights, 0.3)
    assert_close(loss, expected)
    assert_close(per_token, nll.detach())
    assert_close(torch.autograd.grad(loss, (hidden, head)), wanted)
