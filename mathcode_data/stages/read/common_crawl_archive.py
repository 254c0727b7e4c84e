"""Where the index and the WARC files lie: a folder, https://, s3://, or any protocol of fsspec, all read by byte ranges.

A folder needs no patience; everything else is asked by turns and with pauses (`common_crawl_patience`). s3:// is read through
pyarrow's own client with the credentials of the environment (Common Crawl's bucket wants some), others through fsspec; both are
imported when they are needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.range_file import RangeFile
from mathcode_data.shards.remote import RemotePath
from mathcode_data.stages.read.common_crawl_http import AbsentError, HttpArchive
from mathcode_data.stages.read.common_crawl_patience import Answer, AskAgainError, Patience, Trouble, Turns, ask_patiently

SEPARATOR = "://"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MIN_PUBLIC_BACKOFF_S = 10.0
BUSY_WORDS = ("SLOW_DOWN", "SlowDown", "503", "429", "THROTTLING", "TooManyRequests")
REFUSED_WORDS = ("ACCESS_DENIED", "AccessDenied", "403", "INVALID_ACCESS_KEY", "SIGNATURE_DOES_NOT_MATCH")


class Archive(Protocol):
    """Files below one base, by name."""

    is_remote: bool

    def turn(self) -> Any:
        """Context in which it may be asked."""
        ...

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The bytes start..stop-1, fewer if the file ends before.

        Raises:
            AbsentError: no such file, or it ends before `start`.
        """
        ...

    def size(self, name: str) -> int:
        """Bytes of a file.

        Raises:
            AbsentError: no such file.
        """
        ...


@dataclass(frozen=True)
class Manners:
    """How remote archives are asked."""

    contact: str = ""
    connections: int = 1
    timeout_s: float = 120.0
    patience: Patience = field(default_factory=Patience)
    s3_region: str = "us-east-1"
    s3_endpoint: str = ""
    s3_anonymous: bool = False


def open_archive(base: str, manners: Manners) -> Archive:
    """The archive at a folder or an address; nothing is asked yet.

    Raises:
        ConfigError: an address over HTTP without a contact, or too short a pause for a server of others.
    """
    protocol, separator, path = base.partition(SEPARATOR)
    if not separator:
        return FolderArchive(base)
    turns = Turns(urlsplit(base).netloc or path, manners.connections)
    if protocol in ("http", "https"):
        first = manners.patience.first_backoff_s
        if first < MIN_PUBLIC_BACKOFF_S and urlsplit(base).hostname not in LOOPBACK:
            raise ConfigError(
                f"read.common_crawl: first_backoff_s is {first:g}; a server of others is left alone for {MIN_PUBLIC_BACKOFF_S:g} s or more "
                "when it says no"
            )
        return HttpArchive(base, manners.contact, manners.patience, turns, manners.timeout_s)
    return SystemArchive(base, manners, turns)


class FolderArchive:
    """Files below a folder of this machine."""

    is_remote = False

    def __init__(self, base: str) -> None:
        self._base = Path(base)

    def __str__(self) -> str:
        return str(self._base)

    def turn(self) -> Any:
        """Nothing to wait for."""
        return nullcontext()

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The bytes start..stop-1, fewer if the file ends before."""
        try:
            with (self._base / name).open("rb") as file:
                content = os.pread(file.fileno(), stop - start, start)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise AbsentError("no_such_file") from error
        except PermissionError as error:
            raise DataError(f"{self._base / name}: {error.strerror}; give the rights to read it, or leave it out") from error
        if not content:
            raise AbsentError("beyond_the_end")
        return content

    def size(self, name: str) -> int:
        """Bytes of a file."""
        try:
            return (self._base / name).stat().st_size
        except (FileNotFoundError, NotADirectoryError) as error:
            raise AbsentError("no_such_file") from error


class SystemArchive:
    """Files below an address that pyarrow (s3://) or fsspec reads."""

    is_remote = True

    def __init__(self, base: str, manners: Manners, turns: Turns) -> None:
        self._base = base.rstrip("/")
        self._manners, self._turns = manners, turns
        self._opened: list[Any] = []
        self._file: tuple[str, Any] = ("", None)

    def __str__(self) -> str:
        return self._base

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the right to ask."""
        with self._turns.take():
            yield

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The bytes start..stop-1, fewer if the file ends before."""

        def ask() -> bytes:
            return self._translated(lambda: self._read(name, start, stop))

        return ask_patiently(ask, f"{self._base}/{name}", self._manners.patience, self._turns)

    def size(self, name: str) -> int:
        """Bytes of a file."""

        def ask() -> int:
            return self._translated(lambda: self._size(name))

        return ask_patiently(ask, f"{self._base}/{name}", self._manners.patience, self._turns)

    def _read(self, name: str, start: int, stop: int) -> bytes:
        if not self._base.startswith("s3://"):
            stop = min(stop, self._size(name))
            if start >= stop:
                raise AbsentError("beyond_the_end")
            return RemotePath(f"{self._base}/{name}").read_range(start, stop)
        if self._file[0] != name:
            self._file = (name, self._s3().open_input_file(f"{self._base.removeprefix('s3://')}/{name}"))
        file = self._file[1]
        if start >= file.size():
            raise AbsentError("beyond_the_end")
        return cast(bytes, file.read_at(min(stop, file.size()) - start, start))

    def _size(self, name: str) -> int:
        if not self._base.startswith("s3://"):
            place = RemotePath(f"{self._base}/{name}")
            if not place.is_file():
                raise AbsentError("no_such_file")
            return place.size()
        info = self._s3().get_file_info(f"{self._base.removeprefix('s3://')}/{name}")
        if not info.is_file:
            raise AbsentError("no_such_file")
        return int(info.size)

    def _translated(self, ask: Callable[[], Answer]) -> Answer:
        """What the clients raise, sorted by what may help against it."""
        try:
            return ask()
        except FileNotFoundError as error:
            raise AbsentError("no_such_file") from error
        except OSError as error:
            self._file = ("", None)
            text = " ".join(str(error).split())
            trouble: Trouble = "refused" if any(word in text for word in REFUSED_WORDS) else "broken"
            trouble = "busy" if any(word in text for word in BUSY_WORDS) else trouble
            raise AskAgainError(text[:300], trouble) from error

    def _s3(self) -> Any:
        """pyarrow's client, made anew in each process: its threads do not survive a fork."""
        if not self._opened or self._opened[0] != os.getpid():
            from pyarrow import fs

            options: dict[str, Any] = {"region": self._manners.s3_region, "anonymous": self._manners.s3_anonymous}
            if self._manners.s3_endpoint:
                address = urlsplit(self._manners.s3_endpoint)
                options |= {"endpoint_override": address.netloc, "scheme": address.scheme}
            options |= {"connect_timeout": 30.0, "request_timeout": self._manners.timeout_s}
            self._opened[:] = [os.getpid(), fs.S3FileSystem(retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=2), **options)]
            self._file = ("", None)
        return self._opened[1]

    def list_files(self, suffix: str) -> list[str]:
        """Names of the files below the base, in order.

        Raises:
            ConfigError: the protocol cannot list, or the credentials do not allow it.
        """
        try:
            if self._base.startswith("s3://"):
                from pyarrow import fs

                root = self._base.removeprefix("s3://")
                found = [info.path for info in self._s3().get_file_info(fs.FileSelector(root, recursive=True)) if info.is_file]
            else:
                from fsspec.core import url_to_fs

                system, root = url_to_fs(self._base)
                found = [str(path) for path in system.find(root)]
        except (OSError, ImportError, ValueError, NotImplementedError) as error:
            why = " ".join(str(error).split())[:300]
            raise ConfigError(f"index: {self._base} cannot be listed ({why}); check the address and the credentials") from error
        prefix = root.rstrip("/") + "/"
        return sorted(path.removeprefix(prefix) for path in found if path.endswith(suffix))


def open_range_file(archive: Archive, name: str) -> RangeFile:
    """A file of an archive as a binary file object; every read is a turn of its own."""
    with archive.turn():
        size = archive.size(name)

    def read_range(start: int, stop: int) -> bytes:
        with archive.turn():
            return archive.read_range(name, start, stop)

    return RangeFile(size, read_range)
