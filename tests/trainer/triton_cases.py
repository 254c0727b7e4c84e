"""Each Triton kernel against its reference in Triton's interpreter; run as a program, because the interpreter is chosen at import.

Tolerances: as in test_kernels.py; gradients of bfloat16 go through one more rounding in each of two implementations.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback

import torch

from mathcode_data.trainer.model import rotary_angles

TOLERANCES = {torch.float64: 1e-10, torch.float32: 2e-5, torch.bfloat16: 6e-2}


def leaf(*shape, dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()


def wide(dtype):
    return torch.float64 if dtype == torch.float64 else torch.float32


def rms_norm(dtype):
    for rows, hidden in (((1, 1), 2), ((5, 3), 123), ((2, 7), 64)):
        weight = leaf(hidden, dtype=wide(dtype), seed=3)
        update, residual = leaf(*rows, hidden, dtype=dtype, seed=1), leaf(*rows, hidden, dtype=dtype, seed=2)
        yield (update, residual, weight, 1e-6), 20
        yield (update.detach().clone().requires_grad_(), None, weight.detach().clone().requires_grad_(), 1e-6), 20


def rope(dtype):
    for batch, length, heads, kv_heads, size in ((1, 1, 1, 1, 2), (2, 5, 3, 1, 6), (2, 4, 4, 2, 8)):
        cos, sin = rotary_angles(length, size, 10_000.0, torch.device("cpu"))
        # the reference keeps angles in float32 too, but turns float64 inputs in float64 either way
        yield (leaf(batch, length, (heads + 2 * kv_heads) * size, dtype=dtype, seed=1), cos, sin, heads, kv_heads), 2


def swiglu(dtype):
    for shape in ((1, 2), (3, 5, 246), (2, 4096)):
        yield (leaf(*shape, dtype=dtype, seed=1),), 4


def linear_cross_entropy(dtype):
    module = importlib.import_module("mathcode_data.trainer.kernels.linear_cross_entropy.triton")
    for tokens, hidden, vocabulary, chunk in ((13, 7, 19, 4), (5, 4, 1, 100), (3, 16, 5000, 2)):
        module.CHUNK_TOKENS = chunk
        targets = torch.arange(tokens) * 5 % vocabulary
        weights = torch.linspace(0, 1, tokens, dtype=wide(dtype))
        for z_loss in (0.0, 0.125) if tokens == 13 else (0.0,):  # 0.125 is exact in the kernel's float32 argument
            hidden_leaf, head = leaf(tokens, hidden, dtype=dtype, seed=1), leaf(vocabulary, hidden, dtype=wide(dtype), seed=2)
            yield (hidden_leaf, head, targets, weights, z_loss), 20


def results(operation, name, arguments):
    """Outputs, and gradients of all leaves for a random pull on every differentiable output."""
    fresh = [value.detach().clone().requires_grad_(value.requires_grad) if torch.is_tensor(value) else value for value in arguments]
    module = importlib.import_module(f"mathcode_data.trainer.kernels.{operation}.{name}")
    found = getattr(module, operation)(*fresh)
    outputs = found if isinstance(found, tuple) else (found,)
    pulls = [torch.randn(output.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64) for output in outputs]
    sum((output * pull.to(output.dtype)).sum() for output, pull in zip(outputs, pulls, strict=True) if output.requires_grad).backward()
    leaves = [value.grad for value in fresh if torch.is_tensor(value) and value.requires_grad]
    return [output.detach() for output in outputs] + leaves


def check(operation):
    for dtype, tolerance in TOLERANCES.items():
        for arguments, factor in globals()[operation](dtype):
            expected, found = (results(operation, name, arguments) for name in ("reference", "triton"))
            for number, (a, b) in enumerate(zip(expected, found, strict=True)):
                assert (a.shape, a.dtype) == (b.shape, b.dtype), f"{operation} {dtype} result {number}: {b.shape} {b.dtype}"
                torch.testing.assert_close(b.double(), a.double(), atol=tolerance * factor, rtol=tolerance)


def failure_of(operation) -> str:
    try:
        check(operation)
    except BaseException:  # noqa: BLE001 - the other operations are to be tried all the same
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    print(json.dumps({operation: failure_of(operation) for operation in sys.argv[1:]}))
