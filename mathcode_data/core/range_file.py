"""A file that is read by byte ranges, as Python's binary file: for remote files and those inside an archive."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any


class RangeFile(io.RawIOBase):
    """Reads `[start, stop)` by a call that gives these bytes; wrap it in `io.BufferedReader`, each read is a request.

    >>> file = RangeFile(5, lambda start, stop: b"abcde"[start:stop])
    >>> file.seek(-2, io.SEEK_END), file.read()
    (3, b'de')
    """

    def __init__(self, size: int, read_range: Callable[[int, int], bytes]) -> None:
        self._size, self._read_range = size, read_range
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move."""
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        """Where we are, in bytes."""
        return self._position

    def readinto(self, target: Any) -> int:
        """Read on; 0 bytes at the end, without a request."""
        view = memoryview(target).cast("B")
        stop = min(self._position + len(view), self._size)
        if stop <= self._position:
            return 0
        content = self._read_range(self._position, stop)
        view[: len(content)] = content
        self._position += len(content)
        return len(content)
