"""Megatron's `.bin/.idx` format: names, codes and where each part of an `.idx` lies (reference/formats.md, section 1).

    offset        size   type  meaning
    0             9      bytes magic "MMIDIDX" and two zeros
    9             8      u64   version, 1
    17            1      u8    dtype code
    18            8      u64   S, number of sequences
    26            8      u64   number of document indices: documents + 1
    34            4 * S  i32   tokens of each sequence
    34 + 4 S      8 * S  i64   byte offset of each sequence in the .bin
    34 + 12 S     8 * Dn i64   document edges as sequence numbers; first 0, last S
    34 + 12 S + 8 Dn     S i8  modes, only in multimodal files; the header does not say whether they are there

All little-endian and packed, so the arrays are not aligned. The `.bin` is the tokens one after the other, without a header.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from mathcode_data.shards.remote import PlaceT

MAGIC = b"MMIDIDX\x00\x00"
VERSION = 1
HEADER = struct.Struct("<9sQBQQ")
HEADER_BYTES = HEADER.size
LENGTH_BYTES = 4
POINTER_BYTES = 8
MAX_SEQUENCE_TOKENS = 2**31 - 1
MEGATRON_UINT16_VOCABULARY = 65500
"""Megatron stores a vocabulary below this size as uint16 and any other as int32."""

DTYPE_NAMES = {1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float64", 7: "float32", 8: "uint16"}
TOKEN_CODES = {name: code for code, name in DTYPE_NAMES.items() if not name.startswith("float")}

assert HEADER_BYTES == 34, "the arrays of an .idx begin at byte 34"


@dataclass(frozen=True)
class Layout:
    """Byte offsets of the parts of an `.idx`."""

    num_sequences: int
    num_document_indices: int

    @property
    def lengths(self) -> int:
        """Offset of the sequence lengths."""
        return HEADER_BYTES

    @property
    def pointers(self) -> int:
        """Offset of the byte pointers."""
        return HEADER_BYTES + LENGTH_BYTES * self.num_sequences

    @property
    def document_index(self) -> int:
        """Offset of the document edges."""
        return self.pointers + POINTER_BYTES * self.num_sequences

    @property
    def end(self) -> int:
        """Size of the file without modes; a multimodal file has one byte more per sequence.

        >>> Layout(3000, 3001).end
        60042
        """
        return self.document_index + POINTER_BYTES * self.num_document_indices


def bin_path(prefix: PlaceT) -> PlaceT:
    """Path of the tokens; the prefix may itself hold dots."""
    return prefix.with_name(prefix.name + ".bin")


def idx_path(prefix: PlaceT) -> PlaceT:
    """Path of the index."""
    return prefix.with_name(prefix.name + ".idx")


def documents_path(prefix: PlaceT) -> PlaceT:
    """Path of the documents table (provenance) beside the shard."""
    return prefix.with_name(prefix.name + ".documents.parquet")


def token_dtype(max_id: int) -> np.dtype[np.unsignedinteger | np.signedinteger]:
    """Type that Megatron stores a vocabulary of ids 0..max_id in: its rule looks at the vocabulary's size.

    >>> token_dtype(65498), token_dtype(65499)
    (dtype('uint16'), dtype('int32'))
    """
    return np.dtype(np.uint16 if max_id + 1 < MEGATRON_UINT16_VOCABULARY else np.int32)
