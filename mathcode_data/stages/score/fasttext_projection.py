"""The same classifier in a hundredth of the memory: the output layer multiplied into the rows of words, once, at loading.

fastText averages the rows of a text's words and n-grams (`dim` numbers each, 1 KB at dim 256) and multiplies the average by
the output matrix. Both are linear, so the output of the average is the average of the outputs: a model whose rows are
`row @ output.T` and whose output matrix is the identity gives the same answers, with as many numbers in a row as there are
labels. A model of 2 GB with two labels becomes one of 16 MB, which the processor's caches nearly hold; looking up rows is
what prediction spends its time on. Products are summed in float64 and rounded once.

Quantised models and those of the losses hs and ns are left as they are.
"""

# R rows, D dim, L labels

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mathcode_data.stages.score.fasttext_file import ARGUMENTS, ModelFacts

FLAG = struct.Struct("<B")
SHAPE = struct.Struct("<2q")
HEAD_BYTES = 8
DIM = struct.Struct("<i")
LINEAR_LOSSES = (3, 4)
BLOCK_VALUES = 1 << 22


def can_project(facts: ModelFacts) -> bool:
    """Whether a smaller model with the same answers exists: not quantised, softmax or ova, fewer labels than dimensions."""
    return not facts.is_quantised and facts.loss in LINEAR_LOSSES and len(facts.labels) < facts.dim


def projected_blocks(path: Path, facts: ModelFacts) -> Iterator[NDArray[np.float64]]:
    """All rows times the output matrix, some of them at a time, shape (rows, labels); the file was checked by `read_model_facts`."""
    content = np.memmap(path, np.uint8, "r")
    num_rows, dim = SHAPE.unpack(content[facts.matrices_at + 1 : facts.matrices_at + 1 + SHAPE.size].tobytes())
    input_at = facts.matrices_at + 1 + SHAPE.size
    output_at = input_at + 4 * num_rows * dim + 1 + SHAPE.size
    num_labels = len(facts.labels)
    input_RD = content[input_at : input_at + 4 * num_rows * dim].view("<f4").reshape(num_rows, dim)
    output_LD = content[output_at : output_at + 4 * num_labels * dim].view("<f4").reshape(num_labels, dim).astype(np.float64)
    step = max(1, BLOCK_VALUES // dim)
    for first in range(0, num_rows, step):
        with np.errstate(all="ignore"):  # NaN and infinity come out as such
            block_RL = input_RD[first : first + step].astype(np.float64) @ output_LD.T
        yield block_RL


def project(path: Path, facts: ModelFacts, target: Path) -> None:
    """Write the smaller model."""
    num_labels = len(facts.labels)
    with path.open("rb") as file:
        head = bytearray(file.read(facts.matrices_at))
        num_rows, _ = SHAPE.unpack(file.read(FLAG.size + SHAPE.size)[FLAG.size :])
    head[HEAD_BYTES : HEAD_BYTES + DIM.size] = DIM.pack(num_labels)
    with target.open("wb") as file:
        file.write(head + FLAG.pack(0) + SHAPE.pack(num_rows, num_labels))
        for block_RL in projected_blocks(path, facts):
            file.write(block_RL.astype("<f4").tobytes())
        file.write(FLAG.pack(0) + SHAPE.pack(num_labels, num_labels) + np.eye(num_labels, dtype="<f4").tobytes())


assert ARGUMENTS.size == 12 * 4 + 8, "the number of dimensions stands first among the arguments"
