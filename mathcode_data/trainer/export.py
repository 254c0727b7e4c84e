"""A checkpoint as a Hugging Face LlamaForCausalLM and back: config.json, model.safetensors and, where it is known, the tokenizer.

Cutting packed matrices, no arithmetic.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mathcode_data import __version__
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.storage import fsync_folder, naming_full_disk, read_json, remove_tree, write_json
from mathcode_data.trainer.checkpoint import find_checkpoint, save_checkpoint
from mathcode_data.trainer.config import KernelChoices, ModelConfig
from mathcode_data.trainer.export_tokenizer import find_tokenizer
from mathcode_data.trainer.kernels.registry import load_kernels
from mathcode_data.trainer.model import LanguageModel
from mathcode_data.trainer.tensor_file import read_tensors, write_tensors

logger = logging.getLogger(__name__)


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
        "bos_token_id": None, "eos_token_id": None,  # where they are absent, transformers take 1 and 2
    }  # fmt: skip


def export_huggingface(checkpoint: Path, output: Path, *, dtype: torch.dtype = torch.float32) -> Path:
    """Write a checkpoint's model as a folder that Hugging Face's transformers load.

    The tokenizer, and the ids that begin and end a document, come from the mixture that was trained on; a warning says what of it
    is not known.

    Args:
        checkpoint: a folder of checkpoints/, or a run's, whose newest one is taken; its checksums are verified first.
        output: a folder that does not exist yet.
        dtype: precision of the written weights.

    Raises:
        ConfigError: `output` exists.
        VerificationError: the checkpoint is damaged.
    """
    if output.exists():
        raise ConfigError(f"{output} exists; name a new folder for the export, or remove it")
    found = find_checkpoint(checkpoint)
    model = ModelConfig.model_validate(found.record["config"]["model"])
    tensors = {name: tensor.to(dtype) for name, tensor in huggingface_tensors(found.tensors("model"), model).items()}
    tokenizer = find_tokenizer(found.record)
    temporary = output.with_name(f".tmp-{output.name}")
    with naming_full_disk(output):
        remove_tree(temporary)
        temporary.mkdir(parents=True)
        write_tensors(temporary / "model.safetensors", tensors, {"format": "pt"})
        sequence_length = found.record["mixture"]["sequence_length"]
        config = huggingface_config(model, sequence_length, str(dtype).removeprefix("torch."))
        write_json(temporary / "config.json", config | tokenizer.ids)
        tokenizer.write(temporary, sequence_length)
        temporary.rename(output)
        fsync_folder(output.parent)
    for note in tokenizer.notes:
        logger.warning("note: %s: %s", output, note)
    return output


def import_huggingface(folder: Path, root: Path) -> Path:
    """Make a checkpoint of step 0 from a Llama folder of Hugging Face; `initial_checkpoint` takes it.

    Args:
        folder: with config.json and model.safetensors, or the parts that model.safetensors.index.json names.
        root: where the checkpoint's folder is made.

    Raises:
        ConfigError: a model that is not built like ours; says in what.
        DataError: a file is damaged, or a tensor is missing.
    """
    settings = read_json(folder / "config.json")
    model = model_config(settings, str(folder / "config.json"))
    theirs: dict[str, Tensor] = {}
    for file in _weight_files(folder):
        theirs |= read_tensors(file)
    if settings.get("tie_word_embeddings"):
        theirs.setdefault("lm_head.weight", theirs.get("model.embed_tokens.weight", torch.empty(0)))
    record = {
        "step": 0, "position": 0, "tokens": 0, "kernels": {}, "recent_losses": [], "imported_from": folder.name,
        "mixture": {"sequence_length": settings.get("max_position_embeddings")}, "config": {"model": model.model_dump(mode="json")},
        "versions": {"mathcode-data": __version__, "torch": torch.__version__},
    }  # fmt: skip
    groups = {"model": {name: tensor.float() for name, tensor in packed_tensors(theirs, model, str(folder)).items()}}
    return save_checkpoint(root, record, groups, keep=1)


def _weight_files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return [folder / "model.safetensors"]
    names = sorted({str(name) for name in read_json(index)["weight_map"].values()})
    wrong = [name for name in names if Path(name).name != name]
    if wrong:
        raise DataError(f"{index}: names {wrong[0]!r}, which is no file beside it; use another copy")
    return [folder / name for name in names]


def model_config(settings: dict[str, Any], where: str) -> ModelConfig:
    """Our numbers from those of a config.json.

    Raises:
        ConfigError: something in it that our model has not.
    """
    rope = settings.get("rope_parameters") or {}
    scaling = settings.get("rope_scaling") or {}
    odd = {
        "model_type": settings.get("model_type") != "llama", "attention_bias": bool(settings.get("attention_bias")),
        "mlp_bias": bool(settings.get("mlp_bias")), "hidden_act": settings.get("hidden_act", "silu") != "silu",
        "rope_scaling": any(kind.get("rope_type", kind.get("type", "default")) != "default" for kind in (rope, scaling)),
    }  # fmt: skip
    for key, is_odd in odd.items():
        if is_odd:
            raise ConfigError(
                f"{where}: {key} is {settings.get(key)!r}; only plain Llama models (no biases, no scaled RoPE) can be imported"
            )
    values = {
        "vocab_size": settings["vocab_size"], "hidden_size": settings["hidden_size"], "num_layers": settings["num_hidden_layers"],
        "num_heads": settings["num_attention_heads"], "ffn_size": settings["intermediate_size"],
        "num_kv_heads": settings.get("num_key_value_heads") or settings["num_attention_heads"],
        "rope_theta": rope.get("rope_theta", settings.get("rope_theta", 10_000.0)), "norm_epsilon": settings.get("rms_norm_eps", 1e-6),
    }  # fmt: skip
    model = ModelConfig.model_validate(values)
    if settings.get("head_dim") not in (None, model.head_size):
        raise ConfigError(
            f"{where}: head_dim {settings['head_dim']} is not hidden_size / num_attention_heads; such a model cannot be imported"
        )
    return model


def packed_tensors(tensors: dict[str, Tensor], model: ModelConfig, where: str) -> dict[str, Tensor]:
    """LlamaForCausalLM's tensors under our names; the reverse of `huggingface_tensors`.

    Raises:
        DataError: one is missing.
    """
    with torch.device("meta"):
        ours = LanguageModel(model, load_kernels(KernelChoices(), torch.device("cpu"))).state_dict()
    packed = {"self_attn.qkv_proj": [f"self_attn.{part}_proj" for part in "qkv"], "mlp.gate_up_proj": ["mlp.gate_proj", "mlp.up_proj"]}
    result = {}
    for name, expected in ours.items():
        key = next((key for key in packed if key in name), None)
        names = [name] if key is None else [name.replace(key, part) for part in packed[key]]
        absent = [part for part in names if part not in tensors]
        if absent:
            raise DataError(f"{where}: no tensor {absent[0]!r}; the files are not those of this config.json")
        result[name] = torch.cat([tensors[part] for part in names])
        if result[name].shape != expected.shape:
            raise DataError(f"{where}: {name} has shape {list(result[name].shape)}, config.json asks for {list(expected.shape)}")
    return result
