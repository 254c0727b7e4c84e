"""Where the bytes of a `.bin` come from: a local file that stays open, or byte ranges of a remote one through a cache."""

from __future__ import annotations

import mmap
import os
import weakref
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.shards.block_cache import BlockCache, RemoteFile
from mathcode_data.shards.remote import RemotePath


class TokenBytes(Protocol):
    """Bytes of a `.bin` of known size."""

    def array(self, dtype: np.dtype[Any], start: int, stop: int) -> NDArray[Any]:
        """Read-only array of the bytes start..stop-1: a view of a map where there is one, else a copy."""
        ...

    def prefetch(self, start: int, stop: int) -> None:
        """Say that the bytes start..stop-1 will be read soon; returns at once."""
        ...

    def read_into(self, target: memoryview, offset: int) -> None:
        """Fill `target` with the bytes from `offset` on."""
        ...

    def close(self) -> None:
        """Let files and maps go."""
        ...


class LocalBytes:
    """A local file. One descriptor stays open, two once it was mapped."""

    def __init__(self, path: Path, num_bytes: int) -> None:
        """Open a file that was found to have `num_bytes`."""
        self._path = path
        self._num_bytes = num_bytes
        self._descriptor = os.open(path, os.O_RDONLY)
        # also closes a shard that is dropped without `close`, as the dataset does with the one unused for longest
        self._close_file = weakref.finalize(self, os.close, self._descriptor)
        self._map: mmap.mmap | bytes | None = None

    def array(self, dtype: np.dtype[Any], start: int, stop: int) -> NDArray[Any]:
        """View of the map; the size is looked at before, for reading a map behind a cut end kills the process."""
        size = os.fstat(self._descriptor).st_size
        if size != self._num_bytes:
            raise DataError(self._cut(f"{size:,} bytes now, {self._num_bytes:,} when it was opened"))
        if self._map is None:
            self._map = map_file(self._path, self._num_bytes)
        return np.frombuffer(self._map, dtype, (stop - start) // dtype.itemsize, start)

    def prefetch(self, start: int, stop: int) -> None:
        """Hand the span to the system's read-ahead."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._descriptor, start, stop - start, os.POSIX_FADV_WILLNEED)

    def read_into(self, target: memoryview, offset: int) -> None:
        """Read by `preadv`; raises DataError where the file ends early."""
        count = os.preadv(self._descriptor, [target], offset)
        done = count
        while done < len(target):
            if not count:
                raise DataError(self._cut(f"ends at byte {offset + done:,}, had {self._num_bytes:,} when it was opened"))
            count = os.preadv(self._descriptor, [target[done:]], offset + done)
            done += count

    def close(self) -> None:
        """Close the file; a map goes when the last view of it goes."""
        self._close_file()
        self._map = None

    def _cut(self, found: str) -> str:
        return f"{self._path}: {found}; somebody writes to the shard: make it again, and the mixtures of it"


class RemoteBytes:
    """A remote file through a cache of blocks."""

    def __init__(self, path: RemotePath, num_bytes: int, cache: BlockCache) -> None:
        """Nothing is asked of the server yet."""
        self.file = RemoteFile(path, num_bytes)
        self.cache = cache

    def array(self, dtype: np.dtype[Any], start: int, stop: int) -> NDArray[Any]:
        """A copy."""
        found = np.empty((stop - start) // dtype.itemsize, dtype)
        self.read_into(found.data.cast("B"), start)
        found.setflags(write=False)
        return found

    def prefetch(self, start: int, stop: int) -> None:
        """Begin to fetch."""
        self.cache.prefetch([(self.file, start, stop)])

    def read_into(self, target: memoryview, offset: int) -> None:
        """Read from the cache; raises DataError where the file was cut or does not answer."""
        self.cache.read_into(self.file, target, offset)

    def close(self) -> None:
        """Nothing is open; blocks stay until the cache needs their room."""


def map_file(path: Path, num_bytes: int) -> mmap.mmap | bytes:
    """A read-only map of a whole file; an empty one cannot be mapped."""
    if not num_bytes:
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), num_bytes, access=mmap.ACCESS_READ)
