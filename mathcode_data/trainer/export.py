"""A checkpoint as a Hugging Face LlamaForCausalLM: config.json and model.safetensors. Cutting packed matrices and no arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.storage import fsync_folder, naming_full_disk, remove_tree, write_json
from mathcode_data.trainer.checkpoint import open_checkpoint
from mathcode_data.trainer.config import ModelConfig
from mathcode_data.trainer.tensor_file import write_tensors


def huggingface_tensors(tensors: dict[str, Tensor], model: ModelConfig) -> dict[str, Tensor]:
    """Rename our parameters to LlamaForCausalLM's, cutting the packed matrices by rows.

    RoPE needs no permutation: both pair dimension r with r + head_size / 2.
    """
    heads, kv_heads = model.num_heads * model.head_size, model.num_kv_heads * model.head_size
    pieces = {
        "self_attn.qkv_proj": (("self_attn.q_proj", heads), ("self_attn.k_proj", kv_heads), ("self_attn.v_proj", kv_heads)),
        "mlp.gate_up_proj": (("mlp.gate_proj", model.ffn_size), ("mlp.up_proj", model.ffn_size)),
    }
    renamed = {}
    for name, tensor in tensors.items():
        packed = next((key for key in pieces if key in name), None)
        if packed is None:
            renamed[name] = tensor
            continue
        parts = tensor.split_with_sizes([rows for _, rows in pieces[packed]])
        for (part_name, _), part in zip(pieces[packed], parts, strict=True):
            renamed[name.replace(packed, part_name)] = part
    return renamed


def huggingface_config(model: ModelConfig, sequence_length: int, dtype: str) -> dict[str, Any]:
    """Content of config.json."""
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": model.vocab_size,
        "hidden_size": model.hidden_size, "intermediate_size": model.ffn_size, "num_hidden_layers": model.num_layers,
        "num_attention_heads": model.num_heads, "num_key_value_heads": model.num_kv_heads, "head_dim": model.head_size,
        "hidden_act": "silu", "rms_norm_eps": model.norm_epsilon, "rope_theta": model.rope_theta, "rope_scaling": None,
        "max_position_embeddings": sequence_length, "initializer_range": model.init_std, "tie_word_embeddings": False,
        "attention_bias": False, "mlp_bias": False, "torch_dtype": dtype, "use_cache": True,
    }  # fmt: skip


def export_huggingface(checkpoint: Path, output: Path, *, dtype: torch.dtype = torch.float32) -> Path:
    """Write a checkpoint's model as a folder that Hugging Face's transformers load.

    Args:
        checkpoint: a folder of checkpoints/; its checksums are verified first.
        output: a folder that does not exist yet.
        dtype: precision of the written weights.

    Raises:
        ConfigError: `output` exists.
        VerificationError: the checkpoint is damaged.
    """
    if output.exists():
        raise ConfigError(f"{output} exists; name a new folder for the export, or remove it")
    found = open_checkpoint(checkpoint)
    model = ModelConfig.model_validate(found.record["config"]["model"])
    tensors = {name: tensor.to(dtype) for name, tensor in huggingface_tensors(found.tensors("model"), model).items()}
    temporary = output.with_name(f".tmp-{output.name}")
    with naming_full_disk(output):
        remove_tree(temporary)
        temporary.mkdir(parents=True)
        write_tensors(temporary / "model.safetensors", tensors, {"format": "pt"})
        config = huggingface_config(model, found.record["mixture"]["sequence_length"], str(dtype).removeprefix("torch."))
        write_json(temporary / "config.json", config)
        temporary.rename(output)
        fsync_folder(output.parent)
    return output
