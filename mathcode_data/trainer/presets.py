"""Named model sizes. Only the numbers; `ModelConfig` (config.py) says what each means.

`dsm-1.3b` is DeepSeek-LLM 1.3B, known through the text part of DeepSeek-VL-1.3B (hidden 2048, ffn 5632, 24 layers, 16 heads,
vocabulary 102,400); its initial standard deviation of 0.006 is DeepSeek-LLM's (arXiv 2401.02954). The small ones keep the
shape (ffn about 8/3 of hidden) and use 0.02, since 0.006 starves a narrow network. Their vocabulary of 4,096 fits a small
tokenizer; `model: {preset: dsm-2m, vocab_size: 8192}` changes it.

    name        parameters without embeddings
    dsm-0.5m          0.44M
    dsm-1m            0.80M
    dsm-2m            2.21M
    dsm-8m            7.62M
    dsm-20m          19.50M
    dsm-125m        127.40M
    dsm-400m        414.06M
    dsm-1.3b      1,233.13M
"""

from __future__ import annotations

from typing import Any


def _shape(hidden_size: int, num_layers: int, num_heads: int, ffn_size: int, vocab_size: int, init_std: float = 0.02) -> dict[str, Any]:
    return {
        "hidden_size": hidden_size,
        "num_layers": num_layers,
        "num_heads": num_heads,
        "ffn_size": ffn_size,
        "vocab_size": vocab_size,
        "init_std": init_std,
    }


PRESETS: dict[str, dict[str, Any]] = {
    "dsm-0.5m": _shape(96, 4, 3, 256, 4096),
    "dsm-1m": _shape(128, 4, 4, 352, 4096),
    "dsm-2m": _shape(192, 5, 6, 512, 4096),
    "dsm-8m": _shape(320, 6, 5, 896, 4096),
    "dsm-20m": _shape(448, 8, 7, 1216, 4096),
    "dsm-125m": _shape(768, 18, 12, 2048, 102_400),
    "dsm-400m": _shape(1152, 26, 18, 3072, 102_400),
    "dsm-1.3b": _shape(2048, 24, 16, 5632, 102_400, init_std=0.006),
}
