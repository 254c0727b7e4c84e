"""From samples to what a model takes: batches of a DataLoader, and document boundaries as FlashAttention wants them."""

# B samples of a batch, S sequence length

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.mixture.dataset import Item

NO_TARGET = -100
"""Label that PyTorch's and Hugging Face's losses leave out."""
MAX_INT32 = 2**31 - 1


def cu_seqlens(document_starts: NDArray[np.int64] | Sequence[NDArray[np.int64]], sequence_length: int) -> NDArray[np.int32]:
    """Cumulative lengths of the documents in the inputs of one sample, or of a batch laid end to end.

    For `flash_attn_varlen_func(q, k, v, cu, cu, ...)` with q of shape (B * S, heads, dim): documents do not see each other, and
    samples neither. `max_seqlen` is `np.diff(cu).max()`. The part of a document before the first boundary is one of its own, and
    a document that begins with the last label, at offset S, is in no input.

    Args:
        document_starts: offsets in 0..S of one sample, ascending, as the dataset gives them; or a list of those.
        sequence_length: S, the number of inputs of a sample.

    Raises:
        DataError: offsets outside 0..S or not ascending, or more than 2**31 - 1 inputs.

    >>> cu_seqlens(np.array([3, 5]), 8).tolist(), cu_seqlens([np.array([0, 3]), np.array([8])], 8).tolist()
    ([0, 3, 5, 8], [0, 3, 8, 16])
    """
    rows = [document_starts] if isinstance(document_starts, np.ndarray) else document_starts
    if len(rows) * sequence_length > MAX_INT32:
        raise DataError(f"{len(rows):,} samples of {sequence_length:,} inputs; an int32 counts {MAX_INT32:,}: take a smaller micro-batch")
    parts = [np.zeros(1, dtype=np.int64)]
    for number, row in enumerate(rows):
        if row.size and (int(row[0]) < 0 or int(row[-1]) > sequence_length or not (row[1:] > row[:-1]).all()):
            raise DataError(f"document starts {row[:8].tolist()} of sample {number}; they ascend within 0..{sequence_length}")
        inner = row[(row > 0) & (row < sequence_length)] + number * sequence_length
        parts += [inner, np.array([(number + 1) * sequence_length])]
    return np.concatenate(parts).astype(np.int32)


def collate(items: Sequence[Item], convert: Callable[[NDArray[Any]], Any] = np.asarray) -> dict[str, Any]:
    """A batch of what a `MixtureDataset` gives, as `collate_fn` of a PyTorch DataLoader.

        DataLoader(dataset, batch_sampler=ElasticBatches(...), collate_fn=partial(collate, convert=torch.from_numpy), num_workers=4)

    Args:
        items: samples of one mixture.
        convert: makes a tensor of an array.

    Returns:
        `input_ids` and `labels` (B, S) int64, one apart, and labels -100 where they do not count (in packed samples alone);
        `sources` (B,) int64; `cu_seqlens` (documents + 1,) int32 over the inputs laid end to end, and `max_seqlen`, an int.
    """
    tokens_BS1 = np.stack([item["tokens"] for item in items])
    labels_BS = np.where(np.stack([item["is_target"] for item in items]), tokens_BS1[:, 1:], NO_TARGET)
    lengths = cu_seqlens([item["document_starts"] for item in items], tokens_BS1.shape[1] - 1)
    return {
        "input_ids": convert(np.ascontiguousarray(tokens_BS1[:, :-1])),
        "labels": convert(labels_BS),
        "sources": convert(np.array([item["source"] for item in items], dtype=np.int64)),
        "cu_seqlens": convert(lengths),
        "max_seqlen": int(np.diff(lengths).max()),
    }
