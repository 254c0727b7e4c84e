"""Generation: prompts side by side, keys and values kept, the next token greedy or drawn.

Prompts of one batch are padded on the left, so that all rows write at the same place; padding is masked. Places count from the left
edge of the batch, padding included: RoPE depends on differences of places only, so that changes nothing.
"""

# B rows, S places, V vocabulary, N query heads, M key and value heads, D head size, R = D / 2, T places so far

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mathcode_data.trainer.checkpoint import Checkpoint
from mathcode_data.trainer.config import KernelChoices, ModelConfig
from mathcode_data.trainer.kernels.registry import load_kernels
from mathcode_data.trainer.model import LanguageModel, rotary_angles
from mathcode_data.trainer.resume import load_weights

Choose = Callable[[Tensor], Tensor]
"""From logits (B, V) to the next ids (B,)."""
Stop = Callable[[list[int]], bool]


def greedy(logits_BV: Tensor) -> Tensor:
    """The most probable token of each row.

    >>> greedy(torch.tensor([[0.0, 2.0, 1.0]]))
    tensor([1])
    """
    return logits_BV.argmax(dim=-1)


def sampler(*, temperature: float, top_p: float = 1.0, seed: int = 0, device: torch.device | None = None) -> Choose:
    """Draw from the softmax of logits / temperature, among the most probable tokens that together reach `top_p` (Holtzman 2020).

    Args:
        temperature: 0 is greedy.
        top_p: in (0, 1]; the first token that reaches it is still in.
        seed: the same seed and prompts give the same text on the same device.
        device: where the logits are.
    """
    if temperature == 0.0:
        return greedy
    generator = torch.Generator(device or torch.device("cpu")).manual_seed(seed)

    def choose(logits_BV: Tensor) -> Tensor:
        probabilities, order = functional.softmax(logits_BV.float() / temperature, dim=-1).sort(dim=-1, descending=True, stable=True)
        before = probabilities.cumsum(dim=-1) - probabilities
        kept = probabilities.masked_fill(before >= top_p, 0.0)
        return order.gather(1, torch.multinomial(kept, 1, generator=generator)).squeeze(1)

    return choose


class Cache:
    """Keys and values of one layer."""

    def __init__(self) -> None:
        self.keys_BMTD: Tensor | None = None
        self.values_BMTD: Tensor | None = None

    def add(self, keys_BMSD: Tensor, values_BMSD: Tensor) -> tuple[Tensor, Tensor]:
        """Append, and give all."""
        if self.keys_BMTD is None or self.values_BMTD is None:
            self.keys_BMTD, self.values_BMTD = keys_BMSD, values_BMSD
        else:
            self.keys_BMTD = torch.cat((self.keys_BMTD, keys_BMSD), dim=2)
            self.values_BMTD = torch.cat((self.values_BMTD, values_BMSD), dim=2)
        return self.keys_BMTD, self.values_BMTD

    def keep(self, rows: Tensor) -> None:
        """Drop the rows that are finished."""
        assert self.keys_BMTD is not None, "rows are dropped after the prompt"
        assert self.values_BMTD is not None, "keys and values come together"
        self.keys_BMTD, self.values_BMTD = self.keys_BMTD[rows], self.values_BMTD[rows]


@torch.no_grad()
def generate(
    model: LanguageModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    eos_id: int | None,
    batch: int = 1,
    choose: Choose = greedy,
    stop: Stop | None = None,
) -> list[list[int]]:
    """Write on behind prompts.

    Args:
        model: on any device.
        prompts: token ids, at least one each.
        max_new_tokens: at most so many for each.
        eos_id: ends an answer, and is not part of it; None: nothing does.
        batch: prompts side by side; those of like length are answered together.
        choose: the next token.
        stop: asked after every token whether what a row has written is enough.

    Returns:
        The new ids of each prompt, in the order of the prompts.
    """
    order = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    results: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        written = _generate_batch(model, [prompts[number] for number in chosen], max_new_tokens, eos_id, choose, stop)
        for number, ids in zip(chosen, written, strict=True):
            results[number] = ids
    return results


def _generate_batch(
    model: LanguageModel, prompts: Sequence[Sequence[int]], max_new_tokens: int, eos_id: int | None, choose: Choose, stop: Stop | None
) -> list[list[int]]:
    assert all(prompts), "every prompt has a token"
    device = model.lm_head.weight.device
    longest = max(len(prompt) for prompt in prompts)
    tokens_BS = torch.tensor([[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    padding_B = torch.tensor([longest - len(prompt) for prompt in prompts], device=device)
    angles = rotary_angles(longest + max_new_tokens, model.config.head_size, model.config.rope_theta, device)
    caches = [Cache() for _ in model.model.layers]
    written: list[list[int]] = [[] for _ in prompts]
    rows = list(range(len(prompts)))
    place = 0
    for _ in range(max_new_tokens):
        ids = choose(next_logits(model, tokens_BS, place, padding_B, caches, angles))
        place += tokens_BS.shape[1]
        going = []
        for position, (row, number) in enumerate(zip(rows, ids.tolist(), strict=True)):
            if number == eos_id:
                continue
            written[row].append(number)
            if stop is None or not stop(written[row]):
                going.append(position)
        if not going:
            break
        kept = torch.tensor(going, device=device)
        if len(going) < len(rows):
            for cache in caches:
                cache.keep(kept)
            padding_B, rows = padding_B[kept], [rows[position] for position in going]
        tokens_BS = ids[kept].unsqueeze(1)
    return written


def next_logits(
    model: LanguageModel, tokens_BS: Tensor, place: int, padding_B: Tensor, caches: Sequence[Cache], angles: tuple[Tensor, Tensor]
) -> Tensor:
    """Logits after the last place of each row (B, V); the caches grow by the tokens.

    Args:
        model: on the device of the tokens.
        tokens_BS: what is new.
        place: of the first new token.
        padding_B: places at the left of each row that no token sees.
        caches: one per layer.
        angles: of all places.
    """
    config, kernels = model.config, model.kernels
    end = place + tokens_BS.shape[1]
    cos_SR, sin_SR = (table[place:end].contiguous() for table in angles)
    keys_T, queries_S = torch.arange(end, device=tokens_BS.device), torch.arange(place, end, device=tokens_BS.device)
    seen_BST = (keys_T[None, None] <= queries_S[None, :, None]) & (keys_T[None, None] >= padding_B[:, None, None])
    seen_BST |= keys_T[None, None] == queries_S[None, :, None]  # padding sees itself: a row without any key gives no number
    grouped = config.num_heads != config.num_kv_heads
    update_BSH: Tensor = model.model.embed_tokens(tokens_BS).to(model.dtype)
    stream_BSH = None
    layers: Sequence[Any] = list(model.model.layers)
    for layer, cache in zip(layers, caches, strict=True):
        normed_BSH, stream_BSH = layer.input_layernorm(update_BSH, stream_BSH)
        queries, keys, values = kernels.rope(layer.self_attn.qkv_proj(normed_BSH), cos_SR, sin_SR, config.num_heads, config.num_kv_heads)
        keys, values = cache.add(keys, values)
        mixed_BNSD = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=seen_BST.unsqueeze(1), enable_gqa=grouped)
        attended_BSH = layer.self_attn.o_proj(mixed_BNSD.transpose(1, 2).flatten(2))
        normed_BSH, stream_BSH = layer.post_attention_layernorm(attended_BSH, stream_BSH)
        update_BSH = layer.mlp(normed_BSH)
    last_B1H = model.model.norm(update_BSH, stream_BSH)[0][:, -1:]
    logits_B1V: Tensor = model.lm_head(last_B1H)
    return logits_B1V[:, 0]


def load_model(found: Checkpoint, device: torch.device, dtype: torch.dtype) -> LanguageModel:
    """A checkpoint's model, ready to generate."""
    config = ModelConfig.model_validate(found.record["config"]["model"])
    with device:
        model = LanguageModel(config, load_kernels(KernelChoices(), device, dtype), dtype)
    load_weights(model, found)
    return model.eval()
