"""Files behind a URL, read by byte ranges through fsspec: what `Path` is for local ones.

fsspec is optional and imported when the first remote file is opened (`pip install 'mathcode-data[remote]'`). Any of its
protocols that answers size and byte ranges will do: memory://, file://, http(s)://, s3://, gs:// ...
"""

from __future__ import annotations

import io
import os
import posixpath
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.range_file import RangeFile
from mathcode_data.core.secrets import PASSWORD, refuse_secrets, without_secrets

SEPARATOR = "://"
HOSTLESS = ("memory",)
"""Protocols whose URLs begin with a folder, not with a host or a bucket."""
RETRY_WAITS_S = (0.1, 0.5, 2.0)
PERMANENT = (
    FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, ImportError, NotImplementedError, TypeError, ValueError,
)  # fmt: skip
"""Errors that a second try does not mend."""


@dataclass(frozen=True)
class RemotePath:
    """A URL; the part of `Path`'s interface that reading shards takes. Comparing and printing never shows the options.

    >>> prefix = RemotePath("s3://bucket/shards/code-00000")
    >>> prefix.name, str(prefix.with_name("code-00000.bin")), str(prefix / "../math")
    ('code-00000', 's3://bucket/shards/code-00000.bin', 's3://bucket/shards/math')
    """

    url: str
    options: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What fsspec calls `storage_options`: keys, endpoints, time-outs."""
    _opened: list[Any] = field(default_factory=list, compare=False, repr=False, init=False)

    def __post_init__(self) -> None:
        if PASSWORD.search(self.url):
            refuse_secrets(self.url, "URL")

    def __str__(self) -> str:
        return without_secrets(self.url)

    def __repr__(self) -> str:
        return f"RemotePath(url={str(self)!r})"

    def __reduce__(self) -> tuple[type[RemotePath], tuple[str, dict[str, Any]]]:
        return RemotePath, (self.url, self.options)  # an open connection does not travel to another process

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.url.rstrip("/").rpartition("/")[2]

    @property
    def parent(self) -> RemotePath:
        """The folder."""
        return self / ".."

    def with_name(self, name: str) -> RemotePath:
        """Another file of the same folder."""
        return RemotePath(f"{self.url.rstrip('/').rpartition('/')[0]}/{name}", self.options)

    def resolve(self) -> RemotePath:
        """Itself: a URL has no working folder and no links."""
        return self

    def __truediv__(self, relative: str) -> RemotePath:
        protocol, separator, path = self.url.rpartition(SEPARATOR)
        joined = posixpath.normpath(posixpath.join(path, relative))
        host, found = path.split("/")[0], joined.split("/")[0]
        if found == ".." or (found != host and protocol not in HOSTLESS):
            raise DataError(
                f"{self.url}: {relative!r} leaves {host or 'the root'!r}; what belongs together lies on one host, in one bucket"
            )
        return RemotePath(f"{protocol}{separator}{joined}", self.options)

    def size(self) -> int:
        """Bytes of the file.

        Raises:
            DataError: no such file, no answer, or a server that does not say.
        """
        found = self._ask("size", lambda system, path: system.info(path))["size"]
        if not isinstance(found, int):
            raise DataError(f"{self.url}: the server does not say how large the file is (no Content-Length); use one that does")
        return found

    def is_file(self) -> bool:
        """Whether a file is there."""
        return bool(self._ask("kind", lambda system, path: system.isfile(path)))

    def read_bytes(self) -> bytes:
        """The whole file."""
        return self.read_range(0, self.size())

    def read_range(self, start: int, stop: int) -> bytes:
        """The bytes start..stop-1 in one request; tried again a few times where the connection breaks.

        Raises:
            DataError: no such file, no answer, or another number of bytes than asked for.
        """
        if start == stop:
            return b""
        content: bytes = self._ask(f"bytes {start:,}..{stop:,}", lambda system, path: system.cat_file(path, start=start, end=stop))
        if len(content) != stop - start:
            why = (
                "the file was cut, or somebody writes to it"
                if len(content) < stop - start
                else "the server does not answer byte ranges; use one that does"
            )
            raise DataError(f"{self.url}: {len(content):,} bytes came for bytes {start:,}..{stop:,}: {why}")
        return content

    def open(self, mode: str = "rb", buffering: int = 1 << 20) -> IO[bytes]:
        """A file that reads by ranges; read it in large pieces, each is a request."""
        assert mode == "rb", f"{self.url}: mode {mode!r}; remote files are only read"
        raw = RangeFile(self.size(), self.read_range)
        return cast(IO[bytes], io.BufferedReader(raw, buffering) if buffering else raw)

    def _ask(self, what: str, question: Any) -> Any:
        system, path = self._handle()
        for wait_s in (*RETRY_WAITS_S, None):
            try:
                return question(system, path)
            except PERMANENT as error:
                raise DataError(f"{self.url}: cannot be read ({_say(error)}); check the URL and the rights") from error
            except Exception as error:  # each protocol has errors of its own for a broken connection
                if wait_s is None:
                    raise DataError(f"{self.url}: {what}: no answer after {len(RETRY_WAITS_S) + 1} tries ({_say(error)})") from error
                time.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def _handle(self) -> tuple[Any, str]:
        """File system and path, made anew in each process: the threads of a file system do not survive a fork."""
        if not self._opened or self._opened[0] != os.getpid():
            try:
                from fsspec.core import url_to_fs
            except ImportError as error:
                raise ConfigError(f"{self.url}: reading from a URL needs fsspec: pip install 'mathcode-data[remote]'") from error
            try:
                self._opened[:] = [os.getpid(), *url_to_fs(self.url, **self.options)]
            except (ImportError, ValueError, TypeError) as error:
                raise ConfigError(f"{self.url}: fsspec cannot open it ({_say(error)}); check the protocol and the options") from error
        return self._opened[1], self._opened[2]


Place = Path | RemotePath
"""Where a file or folder is: on this machine, or behind a URL."""
PlaceT = TypeVar("PlaceT", Path, RemotePath, Place)


def as_place(where: str | Path | RemotePath, options: dict[str, Any] | None = None) -> Place:
    """A path or a URL from what a user wrote.

    >>> as_place("shards/code"), as_place("memory://shards/code")
    (PosixPath('shards/code'), RemotePath(url='memory://shards/code'))
    """
    if isinstance(where, RemotePath):
        return where
    text = str(where)
    return RemotePath(text, options or {}) if SEPARATOR in text else Path(where)


def file_size(place: Place) -> int:
    """Bytes of a file.

    Raises:
        OSError: a local file cannot be read.
        DataError: a remote one cannot.
    """
    return place.size() if isinstance(place, RemotePath) else place.stat().st_size


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".rstrip(": ")
