"""Named tensors in one file of the safetensors format: 8 bytes of header length, a JSON header, raw bytes. Nothing is unpickled.

Written here rather than by the library of that name, which torch does not bring along; its files and ours read each other.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from torch import Tensor

from mathcode_data.core.errors import DataError
from mathcode_data.core.storage import naming_full_disk

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}
MAX_HEADER_BYTES = 100_000_000  # the format's own limit
ALIGNMENT = 8

assert sys.byteorder == "little", "the format is little-endian and tensors are written as they lie in memory"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Write a file and force it to the disk. Returns its size in bytes and its sha256.

    The caller writes into a temporary folder and renames that; this function alone is not atomic.

    Raises:
        ResourceError: the disk is full.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    # widest first, so that every tensor lies at a multiple of its item size
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    for name in order:
        tensor = tensors[name]
        assert tensor.dtype in NAMES, f"{name}: dtype {tensor.dtype} has no name in the safetensors format"
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    encoded = orjson.dumps(header)
    encoded += b" " * (-len(encoded) % ALIGNMENT)
    digest = hashlib.sha256()
    with naming_full_disk(path), path.open("wb") as file:
        for block in (len(encoded).to_bytes(8, "little"), encoded, *(_bytes_of(tensors[name]) for name in order)):
            file.write(block)
            digest.update(block)
        file.flush()
        os.fsync(file.fileno())
    return 8 + len(encoded) + offset, digest.hexdigest()


def _bytes_of(tensor: Tensor) -> Any:
    if tensor.numel() == 0:
        return b""
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data


def read_tensors(path: Path, names: Collection[str] | None = None) -> dict[str, Tensor]:
    """Read tensors of a file, to the CPU.

    Args:
        path: the file.
        names: which tensors; None: all.

    Raises:
        DataError: no such file, or the file is cut, or its header does not fit its bytes.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
                raise DataError(f"{path}: header of {length} bytes in a file of {size}; the file is cut or no safetensors file")
            header = orjson.loads(file.read(length))
            header.pop("__metadata__", None)
            absent = sorted(set(names or ()) - set(header))
            if absent:
                raise DataError(f"{path}: holds no tensor {absent[0]!r}, but {len(header)} others; it is the file of another model")
            return {
                name: _read_one(file, path, name, entry, 8 + length, size)
                for name, entry in header.items()
                if names is None or name in names
            }
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check the path and the rights") from error
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: damaged header ({error}); use another copy of the file") from error


def _read_one(file: Any, path: Path, name: str, entry: dict[str, Any], base: int, size: int) -> Tensor:
    dtype, shape, (start, end) = DTYPES[entry["dtype"]], entry["shape"], entry["data_offsets"]
    count = int(np.prod(shape, dtype=np.int64))
    if not 0 <= start <= end <= size - base or end - start != count * dtype.itemsize:
        raise DataError(f"{path}: tensor {name!r} of shape {shape} at bytes {start}..{end} does not fit a file of {size} bytes")
    if count == 0:
        return torch.empty(shape, dtype=dtype)
    file.seek(base + start)
    raw = np.fromfile(file, dtype=np.uint8, count=end - start)
    return torch.from_numpy(raw).view(dtype).reshape(shape)
