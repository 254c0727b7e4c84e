"""All figures of the trainer on one GPU in one call of under ten minutes: kernels against float64 and against peers, the whole step.

METHOD. Elementwise kernels: forward and backward together, captured many times over in a CUDA graph, so that the time is the GPU's and
not Python's; the median of the replays. Their bytes are those that must be read and written (RMSNorm with residual 8 rows, SwiGLU 8,
RoPE 10 thirds), and the share is of a copy of 1 GiB in the same run. Linear + cross entropy: forward and backward, median of calls with
a cold L2 cache, counted as 6 N H V operations. Whole steps: dsm-1.3b, sequences of 4,096, bfloat16 products on float32 weights, four
micro-batches of the largest size that fits, document masks made anew for each, clipping, AdamW; the fastest of the steps after the
first. Peers run in the same call with plain causal attention, which is less work. `bars` in the file sets each figure beside its goal.

    python tests/bench/gpu.py --output DIR       on a machine with a GPU; writes DIR/gpu.json as it goes
    python tests/bench/gpu.py --dry              tiny sizes on the CPU in Triton's interpreter: shows that the script runs

Needs torch, triton, numpy, pydantic, pyyaml and orjson; liger-kernel and transformers are the peers, where they are installed. What
could not be measured is named in the file with the reason; no figure stands for another. A kernel's error is counted as correct up to
twice the error of plain PyTorch in the same precision, both against float64, plus one rounding of the largest value: two right
implementations differ by their order of sums, a wrong one by far more.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
if "--dry" in sys.argv:
    os.environ["TRITON_INTERPRET"] = "1"
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read at cuBLAS's first use, long before `exact_resume` needs it

import numpy as np
import torch
import triton

from mathcode_data.trainer import speed
from mathcode_data.trainer.config import KernelChoices, ModelConfig, TrainConfig
from mathcode_data.trainer.data import Batch
from mathcode_data.trainer.evaluate import forward
from mathcode_data.trainer.kernels.registry import load_kernels
from mathcode_data.trainer.model import LanguageModel, rotary_angles
from mathcode_data.trainer.optimizer import build_optimizer, clip_gradients

BUDGET_S = 540
PACKAGE = "mathcode_data.trainer.kernels"
BF16 = torch.bfloat16


@dataclass(frozen=True)
class Sizes:
    """What is measured; the dry ones only show that the script runs."""

    tokens: int = 16_384
    hidden: int = 2048
    ffn: int = 5632
    heads: int = 16
    losses: tuple[tuple[int, int, int], ...] = ((4096, 4096, 128_256), (8192, 2048, 102_400))
    model: str | dict[str, Any] = "dsm-1.3b"
    sequence: int = 4096
    micro_batches: tuple[int, ...] = (8, 4, 2)
    accumulate: int = 4
    steps: int = 4
    document: int = 1000


DRY = Sizes(
    tokens=4, hidden=16, ffn=24, heads=2, losses=((5, 8, 19),), sequence=8, micro_batches=(1,), accumulate=1, steps=2, document=5,
    model={"vocab_size": 32, "hidden_size": 16, "num_layers": 1, "num_heads": 2, "ffn_size": 24},
)  # fmt: skip


class Bench:
    """The results so far, written after every section."""

    def __init__(self, output: Path, device: torch.device, sizes: Sizes) -> None:
        self.path, self.device, self.sizes = output / "gpu.json", device, sizes
        self.started = time.monotonic()
        self.results: dict[str, Any] = {"not_measured": {}}

    def section(self, name: str, measure: Callable[[], Any], *, needs_s: float = 20) -> None:
        """Run a section; its failure is its result, and the others go on."""
        spent = time.monotonic() - self.started
        if spent + needs_s > BUDGET_S:
            self.results["not_measured"][name] = f"no time left: {spent:.0f} s of {BUDGET_S} s were spent"
            return
        try:
            self.results[name] = measure()
        except Exception as error:  # noqa: BLE001 - one failure must not cost the other figures
            self.results["not_measured"][name] = f"{type(error).__name__}: {str(error)[:400]}"
        finally:
            free()
        sys.stderr.write(
            f"{time.monotonic() - self.started:6.1f} s  {name}: {self.results.get(name, self.results['not_measured'].get(name))}\n"
        )
        self.path.write_text(json.dumps(self.results, indent=1))

    def milliseconds(self, function: Callable[[], Any]) -> float:
        """Median time of a call; on a GPU with a cold L2 cache."""
        if self.device.type == "cuda":
            return float(triton.testing.do_bench(function, warmup=50, rep=200, return_mode="median"))
        started = time.perf_counter()
        function()
        return 1000 * (time.perf_counter() - started)

    def kernel_milliseconds(self, function: Callable[[], Any]) -> float:
        """Median time of a call out of a CUDA graph: what the GPU takes, however long Python takes to launch it."""
        if self.device.type != "cuda":
            return self.milliseconds(function)
        return float(triton.testing.do_bench_cudagraph(function, rep=100, return_mode="median"))


def free() -> None:
    """Give memory and compiled code back."""
    gc.collect()
    torch._dynamo.reset()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def kernel(operation: str, name: str) -> Callable[..., Any]:
    """A kernel's function."""
    return getattr(importlib.import_module(f"{PACKAGE}.{operation}.{name}"), operation)


def leaf(bench: Bench, *shape: int, dtype: torch.dtype, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator(bench.device).manual_seed(seed)
    return torch.randn(*shape, generator=generator, device=bench.device, dtype=torch.float32).to(dtype).requires_grad_()


def cases(bench: Bench, dtype: torch.dtype) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Arguments of every operation: odd shapes, then those of the model."""
    s, device = bench.sizes, bench.device
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    for rows, hidden in ((5, 123), (s.tokens, s.hidden)):
        weight = leaf(bench, hidden, dtype=wide, seed=3)
        yield "rms_norm", (leaf(bench, rows, hidden, dtype=dtype, seed=1), leaf(bench, rows, hidden, dtype=dtype, seed=2), weight, 1e-6)
        yield "rms_norm", (leaf(bench, rows, hidden, dtype=dtype, seed=1), None, weight.detach().clone().requires_grad_(), 1e-6)
    for rows, width in ((5, 123), (s.tokens, s.ffn)):
        yield "swiglu", (leaf(bench, rows, 2 * width, dtype=dtype),)
    for batch, length, heads, kv_heads, size in ((2, 5, 3, 1, 6), (2, s.tokens // 2, s.heads, s.heads, s.hidden // s.heads)):
        cos, sin = rotary_angles(length, size, 10_000.0, device)
        yield "rope", (leaf(bench, batch, length, (heads + 2 * kv_heads) * size, dtype=dtype), cos, sin, heads, kv_heads)
    for tokens, hidden, vocabulary in ((13, 7, 19), (s.losses[-1][0], s.hidden, s.losses[-1][2])):
        targets = torch.arange(tokens, device=device) * 5 % vocabulary
        weights = torch.linspace(0, 1, tokens, device=device)
        head = leaf(bench, vocabulary, hidden, dtype=wide, seed=2)
        yield "linear_cross_entropy", (leaf(bench, tokens, hidden, dtype=dtype, seed=1), head, targets, weights, 1e-4)


def values_and_gradients(operation: str, name: str, arguments: tuple[Any, ...], dtype: torch.dtype | None = None) -> list[torch.Tensor]:
    """Outputs of a kernel, and the gradients of its differentiable inputs; in another precision if asked."""
    given = []
    for value in arguments:
        if torch.is_tensor(value) and value.is_floating_point():
            given.append(value.detach().to(dtype or value.dtype).clone().requires_grad_(value.requires_grad))
        else:
            given.append(value)
    found = kernel(operation, name)(*given)
    outputs = found if isinstance(found, tuple) else (found,)
    differentiable = [output for output in outputs if output.requires_grad]
    pulls = [
        torch.linspace(-1, 1, output.numel(), device=output.device, dtype=torch.float64).view(output.shape) for output in differentiable
    ]
    torch.autograd.backward(differentiable, [pull.to(output.dtype) for pull, output in zip(pulls, differentiable, strict=True)])
    return [output.detach() for output in outputs] + [value.grad for value in given if torch.is_tensor(value) and value.requires_grad]


def check_kernels(bench: Bench) -> dict[str, Any]:
    """Largest error of every kernel and of plain PyTorch against float64, as shares of the largest value."""
    report: dict[str, Any] = {}
    slack = 2 if bench.device.type == "cpu" else 1  # Triton's interpreter cuts bfloat16 off where a GPU rounds
    for dtype in (torch.float32, BF16):
        for operation, arguments in cases(bench, dtype):
            exact = values_and_gradients(operation, "reference", arguments, torch.float64)
            ours, plain = (values_and_gradients(operation, name, arguments) for name in ("triton", "reference"))
            for truth, mine, theirs in zip(exact, ours, plain, strict=True):
                errors = [relative(found, truth) for found in (mine, theirs)]
                entry = report.setdefault(
                    f"{operation} {str(dtype).removeprefix('torch.')}", {"error": 0.0, "pytorch_error": 0.0, "ok": True}
                )
                entry["ok"] = entry["ok"] and errors[0] <= slack * (2 * errors[1] + torch.finfo(dtype).eps)
                entry["error"], entry["pytorch_error"] = max(entry["error"], errors[0]), max(entry["pytorch_error"], errors[1])
            free()
    return report


def attend(bench: Bench, module: Any, dtype: torch.dtype, kv_heads: int) -> list[torch.Tensor]:
    """Output and gradients of attention within documents."""
    length, size = (512, 64) if bench.device.type == "cuda" else (16, 8)
    mask = module.prepare([np.array([0, 5, length // 2 + 3]), np.array([7])], length, bench.device)
    given = [
        leaf(bench, 2, heads, length, size, dtype=BF16, seed=seed).detach().to(dtype).requires_grad_()
        for seed, heads in enumerate((4, kv_heads, kv_heads))
    ]
    output = module.attention(*given, mask)
    output.backward(torch.linspace(-1, 1, output.numel(), device=output.device).view(output.shape).to(dtype))
    return [output.detach(), *(value.grad for value in given if value.grad is not None)]


def check_attention(bench: Bench) -> dict[str, Any]:
    """Attention kernels within documents against float64, counted as the others."""
    report: dict[str, Any] = {}
    reference = importlib.import_module(f"{PACKAGE}.attention.reference")
    for name in ("varlen", "flex"):
        module = importlib.import_module(f"{PACKAGE}.attention.{name}")
        reason = module.unavailable(bench.device)
        for kv_heads in (4, 2):
            with noting(report, f"{name}, {kv_heads} of 4 key heads"):
                if reason is not None:
                    raise RuntimeError(reason)
                exact = attend(bench, reference, torch.float64, kv_heads)
                found, plain = (attend(bench, used, BF16, kv_heads) for used in (module, reference))
                errors = [[relative(got, truth) for got, truth in zip(values, exact, strict=True)] for values in (found, plain)]
                ok = all(mine <= 2 * theirs + torch.finfo(BF16).eps for mine, theirs in zip(*errors, strict=True))
                report[f"{name}, {kv_heads} of 4 key heads"] = {"error": max(errors[0]), "pytorch_error": max(errors[1]), "ok": ok}
    return report


def relative(found: torch.Tensor, truth: torch.Tensor) -> float:
    """Largest error as a share of the largest value."""
    return float((found.double() - truth).abs().max()) / max(float(truth.abs().max()), 1e-30)


def liger(module: str, name: str) -> Any:
    """One of Liger's functions.

    Raises:
        ImportError: liger-kernel is not installed, or has no such function.
    """
    return getattr(importlib.import_module(f"liger_kernel.ops.{module}"), name).apply


@contextmanager
def noting(report: dict[str, Any], name: str) -> Iterator[None]:
    """Write down why a contender could not be measured."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a peer that fails is named as such
        report[name] = f"not measured: {type(error).__name__}: {str(error)[:200]}"


def both_ways(bench: Bench, function: Callable[[], Any], inputs: list[torch.Tensor]) -> float:
    """Milliseconds forward and backward."""

    def outputs() -> list[torch.Tensor]:
        found = function()
        return [output for output in (found if isinstance(found, tuple) else (found,)) if output.requires_grad]

    pulls = [torch.randn_like(output) for output in outputs()]
    return bench.kernel_milliseconds(lambda: torch.autograd.grad(outputs(), inputs, pulls))


def elementwise(bench: Bench) -> dict[str, Any]:
    """RMSNorm with residual, SwiGLU and RoPE, forward and backward: ours, plain, compiled, Liger's; share of the copy bandwidth."""
    s, device = bench.sizes, bench.device
    update, residual = (leaf(bench, s.tokens, s.hidden, dtype=BF16, seed=seed) for seed in (1, 2))
    weight = leaf(bench, s.hidden, dtype=torch.float32, seed=3)
    packed = leaf(bench, s.tokens, 2 * s.ffn, dtype=BF16)
    qkv = leaf(bench, 1, s.tokens, 3 * s.hidden, dtype=BF16)
    cos, sin = rotary_angles(s.tokens, s.hidden // s.heads, 10_000.0, device)
    gate, up = (part.detach().clone().requires_grad_() for part in packed.chunk(2, -1))
    queries, keys = (leaf(bench, 1, s.heads, s.tokens, s.hidden // s.heads, dtype=BF16, seed=seed) for seed in (1, 2))
    wide_cos, wide_sin = (torch.cat((table, table), -1).unsqueeze(0).to(BF16) for table in (cos, sin))
    row, item = s.tokens * s.hidden, 2
    plans: dict[str, tuple[tuple[Any, ...], list[torch.Tensor], int]] = {
        "rms_norm": ((update, residual, weight, 1e-6), [update, residual, weight], 8 * row * item),
        "swiglu": ((packed,), [packed], 8 * s.tokens * s.ffn * item),
        "rope": ((qkv, cos, sin, s.heads, s.heads), [qkv], 10 * row * item),
    }
    narrow = weight.detach().to(BF16).requires_grad_()

    def peer(operation: str) -> tuple[Callable[[], Any], list[torch.Tensor]]:
        if operation == "rms_norm":
            norm = liger("fused_add_rms_norm", "LigerFusedAddRMSNormFunction")
            return lambda: norm(update, residual, narrow, 1e-6, 0.0, "llama", False), [update, residual, narrow]
        if operation == "swiglu":
            product = liger("swiglu", "LigerSiLUMulFunction")
            return lambda: product(gate, up), [gate, up]
        turn = liger("rope", "LigerRopeFunction")  # works in place, so it gets copies, whose time is given beside it
        return lambda: turn(queries * 1, keys * 1, wide_cos, wide_sin), [queries, keys]

    report: dict[str, Any] = {}
    for operation, (arguments, inputs, num_bytes) in plans.items():
        entry: dict[str, Any] = {"bytes": num_bytes}
        for name, function in (
            ("triton", kernel(operation, "triton")), ("plain", kernel(operation, "reference")),
            ("compiled", torch.compile(kernel(operation, "reference"), dynamic=False) if device.type == "cuda" else None),
        ):  # fmt: skip
            if function is not None:
                with noting(entry, name):
                    entry[name] = both_ways(bench, lambda f=function, a=arguments: f(*a), inputs)
        with noting(entry, "liger"):
            entry["liger"] = both_ways(bench, *peer(operation))
        if operation == "rope" and isinstance(entry.get("liger"), float):
            entry["liger_copies"] = both_ways(bench, lambda: (queries * 1, keys * 1), [queries, keys])
        if isinstance(entry.get("triton"), float):
            if isinstance(entry.get("liger"), float):
                entry["times_liger"] = (entry["liger"] - entry.get("liger_copies", 0.0)) / entry["triton"]
            entry["bytes_per_s"] = num_bytes / entry["triton"] * 1e3
            entry["share_of_copy"] = entry["bytes_per_s"] / bench.results["machine"]["copy_bytes_per_s"]
        report[operation] = entry
    return report


def loss_contenders(bench: Bench, tokens: int, hidden: int, vocabulary: int) -> tuple[dict[str, Callable[[], Any]], list[torch.Tensor]]:
    """Functions that give a loss, and what they differentiate by; compiling and importing happen in their first call."""
    inputs = leaf(bench, tokens, hidden, dtype=BF16, seed=1)
    head = (leaf(bench, vocabulary, hidden, dtype=torch.float32, seed=2).detach() * 0.02).requires_grad_()
    narrow = head.detach().to(BF16).requires_grad_()
    targets = torch.arange(tokens, device=bench.device) * 7 % vocabulary
    weights = torch.full((tokens,), 1.0 / tokens, device=bench.device)

    def plain() -> torch.Tensor:
        return torch.nn.functional.cross_entropy((inputs @ narrow.T).float(), targets)

    contenders = {
        "triton": lambda: kernel("linear_cross_entropy", "triton")(inputs, head, targets, weights)[0],
        "triton_bf16_weight": lambda: kernel("linear_cross_entropy", "triton")(inputs, narrow, targets, weights)[0],
        "reference": lambda: kernel("linear_cross_entropy", "reference")(inputs, head, targets, weights)[0],
        "torch": plain,
        "liger": lambda: liger("fused_linear_cross_entropy", "LigerFusedLinearCrossEntropyFunction")(inputs, narrow, targets)[0],
    }
    if bench.device.type == "cuda":
        contenders["compiled"] = torch.compile(plain, dynamic=False)
    return contenders, [inputs, head, narrow]


def linear_losses(bench: Bench) -> dict[str, Any]:
    """Linear + cross entropy, forward and backward, in TFLOP/s of the three products."""
    report: dict[str, Any] = {}
    for shape in bench.sizes.losses:
        contenders, leaves = loss_contenders(bench, *shape)
        entry: dict[str, Any] = {}
        for name, function in contenders.items():
            with noting(entry, name):
                ms = bench.milliseconds(lambda function=function, leaves=leaves: differentiate(function, leaves))
                entry[name] = {"ms": ms, "tflops": 6e-9 * float(np.prod(shape)) / ms}
            free()
        report[" x ".join(map(str, shape))] = entry
    return report


def differentiate(function: Callable[[], torch.Tensor], leaves: list[torch.Tensor]) -> None:
    """Forward and backward; the gradients are thrown away."""
    function().backward()
    for value in leaves:
        value.grad = None


def make_batches(bench: Bench, vocabulary: int, micro_batch: int) -> list[Batch]:
    """Rows of random ids with documents of about a geometric length."""
    s, generator = bench.sizes, np.random.default_rng(0)
    batches = []
    for _ in range(s.accumulate):
        tokens = generator.integers(0, vocabulary, (micro_batch, s.sequence + 1))
        starts = [np.flatnonzero(generator.random(s.sequence) < 1 / s.document) for _ in range(micro_batch)]
        batches.append(Batch(tokens, np.zeros(micro_batch, np.int64), starts, np.ones((micro_batch, s.sequence), bool)))
    return batches


def timed_steps(
    bench: Bench, config: ModelConfig, micro_batch: int, model: Any, micro_step: Callable[[Batch, float], Any]
) -> dict[str, Any]:
    """Tokens per second of whole steps: micro-batches, clipping, AdamW."""
    s, device = bench.sizes, bench.device
    optimizer = build_optimizer(model, TrainConfig.model_fields["optimizer"].default)
    batches = make_batches(bench, config.vocab_size, micro_batch)
    weight = 1.0 / (len(batches) * micro_batch * s.sequence)
    seconds = []
    for _ in range(s.steps):
        if device.type == "cuda":
            torch.cuda.synchronize()
        started = time.perf_counter()
        for batch in batches:
            micro_step(batch, weight).backward()
        clip_gradients(model, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    tokens_per_s = len(batches) * micro_batch * s.sequence / min(seconds[1:])
    return {
        "tokens_per_s": tokens_per_s, "micro_batch": micro_batch, "seconds": seconds, "memory_bytes": speed.peak_memory_bytes(device),
        **speed.utilisation(tokens_per_s, config, s.sequence, speed.paper_flops(device), 1),
    }  # fmt: skip


def largest_that_fits(bench: Bench, run: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    """Try micro-batches from the largest on."""
    for micro_batch in bench.sizes.micro_batches:
        try:
            if bench.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            return run(micro_batch)
        except torch.OutOfMemoryError:
            free()
    raise MemoryError(f"no micro-batch of {bench.sizes.micro_batches} fits")


def our_step(bench: Bench, choices: dict[str, str], *, compiled: bool, masks: bool = True) -> dict[str, Any]:
    """The trainer's own step; document masks are made anew for every micro-batch, as in training."""

    def run(micro_batch: int) -> dict[str, Any]:
        config = ModelConfig.model_validate(bench.sizes.model)
        kernels = load_kernels(KernelChoices(**choices), bench.device, BF16)
        with bench.device:
            model = LanguageModel(config, kernels, BF16)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, 0.0, 0.006) if parameter.dim() > 1 else torch.nn.init.ones_(parameter)
        if compiled:
            for layer in model.model.layers:
                layer.compile(dynamic=False)

        def micro_step(batch: Batch, weight: float) -> torch.Tensor:
            return forward(model, kernels, batch, masks, bench.device, token_weight=weight)[0]

        found = timed_steps(bench, config, micro_batch, model, micro_step)
        return found | {"kernels": kernels.names}

    return largest_that_fits(bench, run)


def peer_step(bench: Bench, *, with_liger: bool) -> dict[str, Any]:
    """Hugging Face's Llama of the same shape with fp32 weights under autocast, by Liger's kernels or by torch.compile alone.

    Plain causal attention: documents see each other, which is less work for it than the masks ours makes.
    """
    import transformers

    if with_liger:
        from liger_kernel.transformers import apply_liger_kernel_to_llama

        apply_liger_kernel_to_llama()

    def run(micro_batch: int) -> dict[str, Any]:
        config = ModelConfig.model_validate(bench.sizes.model)
        shape = transformers.LlamaConfig(
            vocab_size=config.vocab_size, hidden_size=config.hidden_size, intermediate_size=config.ffn_size,
            num_hidden_layers=config.num_layers, num_attention_heads=config.num_heads, max_position_embeddings=bench.sizes.sequence,
            initializer_range=0.006, tie_word_embeddings=False, use_cache=False, attn_implementation="sdpa",
        )  # fmt: skip
        with bench.device:
            model = transformers.LlamaForCausalLM(shape).train()
        called = model if with_liger or bench.device.type != "cuda" else torch.compile(model, dynamic=False)

        def micro_step(batch: Batch, _: float) -> torch.Tensor:
            rows = torch.from_numpy(batch.tokens_BS1).to(bench.device)[:, :-1]
            with torch.autocast(bench.device.type, dtype=BF16):
                loss: torch.Tensor = called(input_ids=rows, labels=rows, use_cache=False).loss
            return loss / bench.sizes.accumulate

        return timed_steps(bench, config, micro_batch, model, micro_step)

    return largest_that_fits(bench, run)


def exact_resume(bench: Bench) -> dict[str, Any]:
    """Train 6 steps at once, and 3 and 3: the same bytes?"""
    from mathcode_data.trainer.checkpoint import find_checkpoint
    from mathcode_data.trainer.loop import train

    class Rows:
        sequence_length, fingerprint, source_names, info = 64, "0", ["a", "b"], {"sources": [], "stages": []}

        def __len__(self) -> int:
            return 24

        def batch(self, positions: Any) -> Any:
            tokens = np.random.default_rng(0).integers(0, 512, (24, 65))[np.asarray(positions)]
            starts = [np.array([0, 11, 40])] * len(tokens)
            return tokens, (np.asarray(positions) % 2).astype(np.int16), starts, np.ones((len(tokens), 64), bool)

        def holdout(self, _: str) -> Any:
            return np.zeros(0, np.int64)

    files = []
    with tempfile.TemporaryDirectory() as folder:
        for name, stops in (("whole", (None,)), ("parts", (3, None))):
            config = TrainConfig.model_validate({
                "mixture": folder, "output": f"{folder}/{name}", "global_batch_samples": 4, "micro_batch_samples": 2,
                "document_masks": True,
                "model": {"vocab_size": 512, "hidden_size": 128, "num_layers": 2, "num_heads": 2, "ffn_size": 256}, "dtype": "bfloat16",
                "schedule": {"kind": "multi_step", "warmup_steps": 1}, "deterministic": True,
                "kernels": {} if bench.device.type == "cuda" else {"rms_norm": "reference", "rope": "reference", "swiglu": "reference",
                                                                    "linear_cross_entropy": "reference"},
            })  # fmt: skip
            for stop in stops:
                summary = train(config, data=Rows(), stop_after_steps=stop)
            files.append({name: entry["sha256"] for name, entry in find_checkpoint(config.output).record["files"].items()})
    return {"same_bytes": files[0] == files[1], "kernels": summary["kernels"]}


def machine(bench: Bench) -> dict[str, Any]:
    """What runs this, and what it can reach: a large product and a large copy."""
    size = 2**30 if bench.device.type == "cuda" else 2**16
    source = torch.ones(size, dtype=torch.uint8, device=bench.device)
    target = torch.empty_like(source)
    ms = bench.milliseconds(lambda: target.copy_(source))
    return {
        "device": torch.cuda.get_device_name() if bench.device.type == "cuda" else platform.processor() or "cpu",
        "torch": torch.__version__, "triton": triton.__version__, "python": platform.python_version(), "dry": bench.sizes is DRY,
        "gemm_flops_per_s": speed.measured_gemm_flops(bench.device), "paper_flops_per_s": speed.paper_flops(bench.device),
        "copy_bytes_per_s": 2 * size / ms * 1e3,
    }  # fmt: skip


def run(bench: Bench) -> None:
    """All sections, the most wanted first."""
    fused = dict.fromkeys(("rms_norm", "rope", "swiglu", "linear_cross_entropy"), "triton")
    plain = {"rms_norm": "reference", "rope": "reference", "swiglu": "reference", "linear_cross_entropy": "triton"}
    on_gpu = bench.device.type == "cuda"
    attention = {"attention": "varlen" if on_gpu else "reference"}
    bench.section("machine", lambda: machine(bench))
    bench.section("kernels_against_float64", lambda: check_kernels(bench))
    bench.section("attention_against_float64", lambda: check_attention(bench))
    bench.section("elementwise_ms", lambda: elementwise(bench))
    bench.section("linear_cross_entropy", lambda: linear_losses(bench))
    bench.section("step triton", lambda: our_step(bench, fused | attention, compiled=False), needs_s=40)
    bench.section("step triton loss, compiled layers", lambda: our_step(bench, plain | attention, compiled=on_gpu), needs_s=60)
    bench.section("exact_resume", lambda: exact_resume(bench))
    bench.section("step hugging face, compiled", lambda: peer_step(bench, with_liger=False), needs_s=90)
    bench.section("step hugging face, liger", lambda: peer_step(bench, with_liger=True), needs_s=40)
    bench.section("step triton, compiled layers", lambda: our_step(bench, fused | attention, compiled=on_gpu), needs_s=60)
    if on_gpu:
        bench.section("step flex", lambda: our_step(bench, fused | {"attention": "flex"}, compiled=False), needs_s=60)
        bench.section("step without masks", lambda: our_step(bench, fused | attention, compiled=False, masks=False), needs_s=40)


def bars(results: dict[str, Any]) -> dict[str, Any]:
    """Each goal with what was found; None is not measured."""
    losses = results.get("linear_cross_entropy", {}).get("4096 x 4096 x 128256", {})
    tflops = [entry["tflops"] for name, entry in losses.items() if name.startswith("triton") and isinstance(entry, dict)]
    steps = {name: entry["tokens_per_s"] for name, entry in results.items() if name.startswith("step")}
    ours = max((speed for name, speed in steps.items() if "hugging" not in name and "without masks" not in name), default=None)
    peers = {name: steps.get(f"step hugging face, {name}") for name in ("compiled", "liger")}
    found: dict[str, tuple[Any, Any]] = {
        "dsm-1.3b, masks on: tokens/s": (50_000, ours),
        "linear + cross entropy 4096 x 4096 x 128256: TFLOP/s": (700, max(tflops, default=None)),
    }
    for name, peer in peers.items():
        found[f"times Hugging Face {name}"] = (1.0, ours / peer if ours and peer else None)
    for operation, entry in results.get("elementwise_ms", {}).items():
        found[f"{operation}: times Liger"] = (1.2, entry.get("times_liger"))
        found[f"{operation}: share of a copy"] = (0.85, entry.get("share_of_copy"))
    return {name: {"goal": goal, "found": value, "met": None if value is None else value >= goal} for name, (goal, value) in found.items()}


def table(results: dict[str, Any]) -> str:
    """The results in a few lines."""
    lines = [f"{name}: {value}" for name, value in results.get("machine", {}).items()]
    for name, entry in results.get("kernels_against_float64", {}).items():
        lines.append(f"{'ok   ' if entry['ok'] else 'WRONG'} {name}: error {entry['error']:.1e}, PyTorch's {entry['pytorch_error']:.1e}")
    lines += [f"attention {name}: {entry}" for name, entry in results.get("attention_against_float64", {}).items()]
    for name, entry in results.get("elementwise_ms", {}).items():
        lines.append(
            f"{name}: " + ", ".join(f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in entry.items())
        )
    for name, entry in results.get("linear_cross_entropy", {}).items():
        parts = [f"{key} {value['tflops']:.0f} TFLOP/s" if isinstance(value, dict) else f"{key} {value}" for key, value in entry.items()]
        lines.append(f"loss {name}: " + ", ".join(parts))
    for name, entry in results.items():
        if name.startswith("step"):
            lines.append(f"{name}: {entry['tokens_per_s']:,.0f} tokens/s, MFU {entry['mfu_palm']} PaLM, {entry['mfu_causal']} causal")
    for name, entry in results.get("bars", {}).items():
        value = "not measured" if entry["found"] is None else f"{entry['found']:,.4g}"
        lines.append(f"{'met   ' if entry['met'] else 'open  '} {name}: {value}, goal {entry['goal']:,}")
    lines.append(f"resume to the bit: {results.get('exact_resume')}")
    return "\n".join([*lines, *(f"not measured: {name}: {reason}" for name, reason in results["not_measured"].items())])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(os.environ.get("OUT", "results/bench")),
        help="folder of gpu.json; by default $OUT, else results/bench",
    )
    parser.add_argument("--dry", action="store_true", help="tiny sizes on the CPU, in Triton's interpreter")
    options = parser.parse_args()
    if not options.dry and not torch.cuda.is_available():
        sys.stderr.write("no GPU here; --dry shows that the script runs\n")
        return 2
    options.output.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.output, torch.device("cpu" if options.dry else "cuda"), DRY if options.dry else Sizes())
    if options.dry:
        torch.set_num_threads(1)
    run(bench)
    bench.results["bars"] = bars(bench.results) if not options.dry else {}
    bench.path.write_text(json.dumps(bench.results, indent=1))
    print(table(bench.results))
    checked = bench.results.get("kernels_against_float64", {}) | bench.results.get("attention_against_float64", {})
    wrong = [name for name, entry in checked.items() if isinstance(entry, dict) and not entry["ok"]]
    return 1 if wrong or "kernels_against_float64" not in bench.results else 0


if __name__ == "__main__":
    sys.exit(main())
