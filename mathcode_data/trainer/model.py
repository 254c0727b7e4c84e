"""The DeepSeek-LLM (Llama) model: RMSNorm before each layer, RoPE, SwiGLU, untied embedding and head, no biases.

Weights are float32; products run in the compute dtype, to which each weight is cast where it is used, so gradients arrive and
are accumulated in float32. Parameters bear Hugging Face's names, except that query, key and value are one packed matrix
`qkv_proj` and gate and up one `gate_up_proj` (one product instead of three and two); export.py cuts them.
"""

# B micro-batch, S sequence, H hidden, N query heads, M key and value heads, D head size, K = (N + 2 M) D, V vocabulary, R = D / 2

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, Partial, Replicate
from torch.nn import functional

from mathcode_data.trainer.config import ModelConfig
from mathcode_data.trainer.kernels.registry import Kernels


class Linear(nn.Linear):
    """A product with a float32 weight in the precision of its input; several matrices of one input may be packed in it by rows."""

    def __init__(self, num_inputs: int, *parts: int) -> None:
        """`parts` are the numbers of outputs of the packed matrices."""
        super().__init__(num_inputs, sum(parts), bias=False)
        self.parts = parts
        self.dealt_to = 1
        """Processes among which each part's rows are dealt; see tensor_parallel.py."""

    def forward(self, input: Tensor) -> Tensor:
        """input @ weight.T."""
        return functional.linear(input, self.weight.to(input.dtype))

    def reset_parameters(self) -> None:
        """Draw nothing: `init_weights` does."""


class Embedding(nn.Embedding):
    """Rows of a table."""

    def reset_parameters(self) -> None:
        """Draw nothing: `init_weights` does."""


class Norm(nn.Module):
    """The weight of an RMSNorm; the computation is the kernel's."""

    def __init__(self, size: int, epsilon: float, kernels: Kernels) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size))
        self.epsilon = epsilon
        self.kernels = kernels

    def forward(self, update_BSH: Tensor, residual_BSH: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the normalised stream and the stream."""
        weight_H: Tensor = self.weight
        if isinstance(weight_H, DTensor):  # tensor parallel: of a part of the sequence, so the processes' gradients are to be added up
            weight_H = weight_H.redistribute(placements=[Replicate()]).to_local(grad_placements=[Partial()])
        return self.kernels.rms_norm(update_BSH, residual_BSH, weight_H, self.epsilon)


class Attention(nn.Module):
    """Causal self-attention with packed query, key and value."""

    def __init__(self, config: ModelConfig, kernels: Kernels) -> None:
        super().__init__()
        self.kernels = kernels
        self.num_heads, self.num_kv_heads = config.num_heads, config.num_kv_heads
        """Heads of this process: with tensor parallel a part of the model's."""
        queries, keys = config.num_heads * config.head_size, config.num_kv_heads * config.head_size
        self.qkv_proj = Linear(config.hidden_size, queries, keys, keys)
        self.o_proj = Linear(config.num_heads * config.head_size, config.hidden_size)

    def forward(self, hidden_BSH: Tensor, cos_SR: Tensor, sin_SR: Tensor, mask: Any) -> Tensor:
        """Return the update of the residual stream."""
        qkv_BSK = self.qkv_proj(hidden_BSH)
        queries_BNSD, keys_BMSD, values_BMSD = self.kernels.rope(qkv_BSK, cos_SR, sin_SR, self.num_heads, self.num_kv_heads)
        output: Tensor = self.o_proj(self.kernels.attention(queries_BNSD, keys_BMSD, values_BMSD, mask))
        return output


class FeedForward(nn.Module):
    """SwiGLU with packed gate and up."""

    def __init__(self, config: ModelConfig, kernels: Kernels) -> None:
        super().__init__()
        self.kernels = kernels
        self.gate_up_proj = Linear(config.hidden_size, config.ffn_size, config.ffn_size)
        self.down_proj = Linear(config.ffn_size, config.hidden_size)

    def forward(self, hidden_BSH: Tensor) -> Tensor:
        """Return the update of the residual stream."""
        output: Tensor = self.down_proj(self.kernels.swiglu(self.gate_up_proj(hidden_BSH)))
        return output


class Layer(nn.Module):
    """Attention and feed-forward, each on the normalised stream."""

    def __init__(self, config: ModelConfig, kernels: Kernels) -> None:
        super().__init__()
        self.input_layernorm = Norm(config.hidden_size, config.norm_epsilon, kernels)
        self.self_attn = Attention(config, kernels)
        self.post_attention_layernorm = Norm(config.hidden_size, config.norm_epsilon, kernels)
        self.mlp = FeedForward(config, kernels)

    def forward(self, update_BSH: Tensor, residual_BSH: Tensor | None, cos_SR: Tensor, sin_SR: Tensor, mask: Any) -> tuple[Tensor, Tensor]:
        """Take the last layer's update and the stream, return this layer's update and the stream before it."""
        normed_BSH, stream_BSH = self.input_layernorm(update_BSH, residual_BSH)
        normed_BSH, stream_BSH = self.post_attention_layernorm(self.self_attn(normed_BSH, cos_SR, sin_SR, mask), stream_BSH)
        return self.mlp(normed_BSH), stream_BSH


class Body(nn.Module):
    """Everything but the head; a module of its own because Hugging Face's names begin with `model.`."""

    def __init__(self, config: ModelConfig, kernels: Kernels) -> None:
        super().__init__()
        self.embed_tokens = Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, kernels) for _ in range(config.num_layers))
        self.norm = Norm(config.hidden_size, config.norm_epsilon, kernels)


class LanguageModel(nn.Module):
    """The whole model.

    Positions count through the row also where documents are masked from each other: RoPE depends on differences of positions
    only, so a document at offset 3,000 is treated as one at offset 0.
    """

    def __init__(self, config: ModelConfig, kernels: Kernels, dtype: torch.dtype = torch.float32, z_loss: float = 0.0) -> None:
        """Make a model with weights that are not set yet; see `init_weights`.

        Args:
            config: its shape.
            kernels: implementations of its operations.
            dtype: precision of products and of the residual stream.
            z_loss: weight of the squared log-sum-exp in the loss that is differentiated.
        """
        super().__init__()
        self.config = config
        self.kernels = kernels
        self.dtype = dtype
        self.z_loss = z_loss
        self.model = Body(config, kernels)
        self.lm_head = Linear(config.hidden_size, config.vocab_size)
        self._angles: dict[tuple[int, torch.device], tuple[Tensor, Tensor]] = {}

    def forward(self, tokens_BS: Tensor, targets_BS: Tensor, token_weights_BS: Tensor, mask: Any = None) -> tuple[Tensor, Tensor]:
        """Compute the loss.

        Args:
            tokens_BS: token ids, int64.
            targets_BS: the ids to predict: the same row, one to the left.
            token_weights_BS: weight of each target in the loss.
            mask: what the attention kernel's `prepare` gave.

        Returns:
            The weighted sum of the losses, and the loss of each token in nats (B, S), without gradient.
        """
        hidden_NH = self._hidden(tokens_BS, mask).flatten(0, 1)
        loss, nll_N = self.kernels.linear_cross_entropy(
            hidden_NH, self.lm_head.weight, targets_BS.flatten(), token_weights_BS.flatten(), self.z_loss
        )
        return loss, nll_N.view(tokens_BS.shape)

    def logits(self, tokens_BS: Tensor, mask: Any = None) -> Tensor:
        """Compute the logits (B, S, V); for generation and for comparison with other implementations."""
        logits_BSV: Tensor = self.lm_head(self._hidden(tokens_BS, mask))
        return logits_BSV

    def _hidden(self, tokens_BS: Tensor, mask: Any) -> Tensor:
        cos_SR, sin_SR = self._cos_sin(tokens_BS.shape[1], tokens_BS.device)
        update_BSH: Tensor = self.model.embed_tokens(tokens_BS).to(self.dtype)
        residual_BSH: Tensor | None = None
        for layer in self.model.layers:
            update_BSH, residual_BSH = layer(update_BSH, residual_BSH, cos_SR, sin_SR, mask)
        normed_BSH: Tensor = self.model.norm(update_BSH, residual_BSH)[0]
        return normed_BSH

    def _cos_sin(self, sequence_length: int, device: torch.device) -> tuple[Tensor, Tensor]:
        key = (sequence_length, device)
        if key not in self._angles:
            self._angles[key] = rotary_angles(sequence_length, self.config.head_size, self.config.rope_theta, device)
        return self._angles[key]


def rotary_angles(sequence_length: int, head_size: int, theta: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine of position * theta ** (-2 r / D), shape (S, D / 2); computed in float64, given in float32."""
    exponents_R = torch.arange(0, head_size, 2, dtype=torch.float64) / head_size
    angles_SR = torch.outer(torch.arange(sequence_length, dtype=torch.float64), theta**-exponents_R)
    return angles_SR.cos().float().to(device), angles_SR.sin().float().to(device)


@torch.no_grad()
def init_weights(model: nn.Module, std: float, seed: int) -> None:
    """Set norms to 1 and matrices to normal numbers, each from a seed made of `seed` and the parameter's name.

    So a parameter's first value depends on nothing else: not on the device, the order of modules or how they are sharded.
    """
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            parameter.fill_(1.0)
            continue
        digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
        parameter.copy_(torch.empty(parameter.shape).normal_(0.0, std, generator=generator))


def build_model(
    config: ModelConfig, kernels: Kernels, *, dtype: torch.dtype, device: torch.device, seed: int, z_loss: float = 0.0
) -> LanguageModel:
    """Make a model with initial weights on a device."""
    with device:
        model = LanguageModel(config, kernels, dtype, z_loss)
    init_weights(model, config.init_std, seed)
    return model
