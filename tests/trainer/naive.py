"""The model's formulas in float64 loops, written from the papers and not from the code under test."""

from __future__ import annotations

import math

import torch


def rms_norm(x, weight, epsilon):
    out = torch.empty_like(x)
    for index in range(x.shape[0]):
        out[index] = x[index] / math.sqrt(sum(float(v) ** 2 for v in x[index]) / x.shape[1] + epsilon) * weight
    return out


def rms_norm_differentiable(x, weight, epsilon):
    return x / torch.sqrt((x * x).sum(-1, keepdim=True) / x.shape[-1] + epsilon) * weight


def rotate(x, position, theta):
    """Turn pair (r, r + D/2) by position * theta ** (-2 r / D)."""
    half = x.shape[-1] // 2
    out = [None] * (2 * half)
    for r in range(half):
        angle = position * theta ** (-2 * r / (2 * half))
        out[r] = x[..., r] * math.cos(angle) - x[..., r + half] * math.sin(angle)
        out[r + half] = x[..., r + half] * math.cos(angle) + x[..., r] * math.sin(angle)
    return torch.stack(out, dim=-1)


def attention(queries, keys, values, documents):
    """One row: queries (N, S, D), keys and values (M, S, D), document number of each position."""
    heads, length, size = queries.shape
    out = torch.zeros_like(queries)
    for n in range(heads):
        m = n * keys.shape[0] // heads
        for s in range(length):
            seen = [t for t in range(s + 1) if documents[t] == documents[s]]
            scores = torch.stack([queries[n, s] @ keys[m, t] / math.sqrt(size) for t in seen])
            share = torch.softmax(scores, 0)
            out[n, s] = sum(share[i] * values[m, t] for i, t in enumerate(seen))
    return out


def llama_logits(tensors, config, tokens):
    """Logits of one row from Hugging Face's names."""
    weights = {name: tensor.double() for name, tensor in tensors.items()}
    stream = weights["model.embed_tokens.weight"][tokens]
    length, size = len(tokens), config.head_size
    for layer in range(config.num_layers):
        prefix = f"model.layers.{layer}."
        normed = rms_norm(stream, weights[prefix + "input_layernorm.weight"], config.norm_epsilon)
        parts = {}
        for part in "qkv":
            heads = (normed @ weights[f"{prefix}self_attn.{part}_proj.weight"].T).view(length, -1, size).transpose(0, 1)
            if part != "v":
                heads = torch.stack([rotate(heads[:, s], s, config.rope_theta) for s in range(length)], dim=1)
            parts[part] = heads
        attended = attention(parts["q"], parts["k"], parts["v"], [0] * length)
        stream = stream + attended.transpose(0, 1).reshape(length, -1) @ weights[prefix + "self_attn.o_proj.weight"].T
        normed = rms_norm(stream, weights[prefix + "post_attention_layernorm.weight"], config.norm_epsilon)
        gate = normed @ weights[prefix + "mlp.gate_proj.weight"].T
        inner = gate / (1 + torch.exp(-gate)) * (normed @ weights[prefix + "mlp.up_proj.weight"].T)
        stream = stream + inner @ weights[prefix + "mlp.down_proj.weight"].T
    return rms_norm(stream, weights["model.norm.weight"], config.norm_epsilon) @ weights["lm_head.weight"].T
