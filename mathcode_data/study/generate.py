"""Greedy generation with the trainer's model: prompts side by side, keys and values kept.

Prompts of one batch are padded on the left, so that all rows write at the same place; padding is masked. Places count from the left
edge of the batch, padding included: RoPE depends on differences of places only, so that changes nothing.
"""

# B rows, S places, N query heads, M key and value heads, D head size, R = D / 2, T places so far

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mathcode_data.trainer.model import LanguageModel, rotary_angles

Stop = Callable[[list[int]], bool]


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
    model: LanguageModel, prompts: Sequence[Sequence[int]], *, max_new_tokens: int, eos_id: int, batch: int, stop: Stop | None = None
) -> list[list[int]]:
    """Write on behind prompts, always with the most probable token.

    Args:
        model: on any device.
        prompts: token ids, at least one each.
        max_new_tokens: at most so many for each.
        eos_id: ends an answer; it is not part of it.
        batch: prompts side by side; the longest ones are answered together.
        stop: asked after every token whether what a row has written is enough.

    Returns:
        The new ids of each prompt, in the order of the prompts.
    """
    order = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    results: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        written = _generate_batch(model, [prompts[number] for number in chosen], max_new_tokens, eos_id, stop)
        for number, ids in zip(chosen, written, strict=True):
            results[number] = ids
    return results


def _generate_batch(
    model: LanguageModel, prompts: Sequence[Sequence[int]], max_new_tokens: int, eos_id: int, stop: Stop | None
) -> list[list[int]]:
    assert all(prompts), "every prompt has a token"
    device = model.lm_head.weight.device
    longest = max(len(prompt) for prompt in prompts)
    tokens_BS = torch.tensor([[eos_id] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    padding_B = torch.tensor([longest - len(prompt) for prompt in prompts], device=device)
    angles = rotary_angles(longest + max_new_tokens, model.config.head_size, model.config.rope_theta, device)
    caches = [Cache() for _ in model.model.layers]
    written: list[list[int]] = [[] for _ in prompts]
    rows = list(range(len(prompts)))
    place = 0
    for _ in range(max_new_tokens):
        logits_BV = _forward(model, tokens_BS, place, padding_B, caches, angles)
        place += tokens_BS.shape[1]
        ids = logits_BV.argmax(dim=-1)
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


def _forward(
    model: LanguageModel, tokens_BS: Tensor, place: int, padding_B: Tensor, caches: Sequence[Cache], angles: tuple[Tensor, Tensor]
) -> Tensor:
    """Logits of the last place of each row (B, V); the caches grow by the tokens."""
    config, kernels = model.config, model.kernels
    end = place + tokens_BS.shape[1]
    cos_SR, sin_SR = (table[place:end] for table in angles)
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
