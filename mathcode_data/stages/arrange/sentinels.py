"""The names of the special tokens of fill-in-the-middle, by the tokenizers that have them."""

from __future__ import annotations

from typing import NamedTuple


class Sentinels(NamedTuple):
    """What stands before the prefix, before the suffix, and before the middle."""

    prefix: str
    suffix: str
    middle: str


PRESETS = {
    "deepseek-coder": Sentinels("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
    "starcoder": Sentinels("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    "qwen2.5-coder": Sentinels("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
}
ALL_SENTINELS = frozenset(name for sentinels in PRESETS.values() for name in sentinels)
