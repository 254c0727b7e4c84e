"""Closed-form size of a model: parameters and floating-point operations per token."""

from __future__ import annotations

from mathcode_data.trainer.config import ModelConfig


def matrix_parameters(model: ModelConfig) -> int:
    """Parameters of the layers' matrices: without embedding, head and norms, the number scaling laws use."""
    attention = model.hidden_size * model.head_size * (2 * model.num_heads + 2 * model.num_kv_heads)
    return model.num_layers * (attention + 3 * model.hidden_size * model.ffn_size)


def num_parameters(model: ModelConfig) -> int:
    """All parameters: matrices, norms, embedding and head."""
    norms = (2 * model.num_layers + 1) * model.hidden_size
    return matrix_parameters(model) + norms + 2 * model.vocab_size * model.hidden_size


def flops_per_token(model: ModelConfig, sequence_length: int, *, causal: bool) -> float:
    """Operations per token, forward and backward.

    `causal=True` counts the half of the attention matrix that is computed; `causal=False` counts all of it, the convention
    of PaLM and torchtitan, in which model-FLOPs utilisation is usually quoted.
    """
    products = 6 * (matrix_parameters(model) + model.vocab_size * model.hidden_size)
    attention = 12 * model.num_layers * model.num_heads * model.head_size * sequence_length
    return products + (attention / 2 if causal else attention)
