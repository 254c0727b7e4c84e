"""Files inside tar and zip archives (wheels and source distributions are such), read in order, never unpacked to the disk.

Hostile archives are bounded before anything is kept. An archive is refused as a whole if what it holds is larger than
`ArchiveLimits` allows: in bytes, in bytes for each byte on the disk (a bomb), or in members. Links, devices and encrypted
members are told apart and not read; an archive inside is a file like any other and is not opened. A damaged one is read as far
as it goes.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal, cast

import zstandard

from mathcode_data.core.errors import DataError

Kind = Literal["file", "link", "special_file", "encrypted"]

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".tar.lzma", ".tar.zst", ".tzst", ".crate")
ZIP_SUFFIXES = (".zip", ".whl", ".egg")
CHUNK = 1 << 20
FLOOR_BYTES = 64 << 20
"""An archive that holds less is no bomb, however small it is itself."""
MAX_REQUEST = 64 << 20
"""Bytes that the tar reader may ask for at once: a long header that claims more is hostile."""
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError, NotImplementedError)


class RefusedArchiveError(DataError):
    """An archive that holds more than the limits allow."""


class DamagedArchiveError(DataError):
    """An archive that ends too early, or whose bytes are wrong."""


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may hold."""

    max_bytes: int = 8 << 30
    max_ratio: int = 200
    """Bytes inside for each byte on the disk; source code compresses 3 to 15 times."""
    max_members: int = 500_000


@dataclass(frozen=True)
class Member:
    """A file in an archive; `read` gives its first bytes and must be called before the next member is taken."""

    name: str
    size: int
    kind: Kind
    read: Callable[[int], bytes]
    offset: int = 0
    """Where its header begins: of a zip in the file, of a tar in what it unpacks to."""


def is_archive(name: str) -> bool:
    """Tell an archive by its name.

    >>> is_archive("six-1.17.0-py3-none-any.whl"), is_archive("a.tar.gz"), is_archive("a.gz")
    (True, True, False)
    """
    return name.lower().endswith((*TAR_SUFFIXES, *ZIP_SUFFIXES))


def archive_stem(name: str) -> str:
    """The name of what an archive holds: without its suffix, and of a wheel only distribution and version.

    >>> archive_stem("six-1.17.0-py2.py3-none-any.whl"), archive_stem("jq-1.6.tar.gz")
    ('six-1.17.0', 'jq-1.6')
    """
    base = name.rsplit("/", 1)[-1]
    suffix = max((end for end in (*TAR_SUFFIXES, *ZIP_SUFFIXES) if base.lower().endswith(end)), key=len, default="")
    stem = base[: len(base) - len(suffix)] or base
    return "-".join(stem.split("-")[:2]) if suffix == ".whl" else stem


def members(path: Path, limits: ArchiveLimits) -> Iterator[Member]:
    """Yield the files of an archive in its order; folders are left out.

    Raises:
        RefusedArchiveError: it holds more than the limits allow.
        DamagedArchiveError: it cannot be read, or not from here on.
    """
    allowed = min(limits.max_bytes, max(FLOOR_BYTES, limits.max_ratio * path.stat().st_size))
    place = [0]
    with _naming_damage(path, place):
        found = _zip_members(path, allowed, limits) if path.name.lower().endswith(ZIP_SUFFIXES) else _tar_members(path, allowed, place)
        for count, member in enumerate(found):
            if count >= limits.max_members:
                raise RefusedArchiveError(f"{path}: more than {limits.max_members:,} files inside; unpack it yourself if you trust it")
            yield replace(member, read=_guarded(path, member))


@contextmanager
def _naming_damage(path: Path, place: list[int], name: str = "") -> Iterator[None]:
    """Turn what the readers raise on damaged or hostile bytes into one error that names the archive, the byte and the member."""
    try:
        yield
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DamagedArchiveError(f"{path}: byte {place[0]:,}: {name}{reason}; fetch the archive again") from error
    except (ValueError, IndexError, KeyError, OverflowError, RuntimeError) as error:  # the readers' answers to hostile headers
        raise DamagedArchiveError(f"{path}: byte {place[0]:,}: {name}no sound archive ({type(error).__name__}); fetch it again") from error


def _guarded(path: Path, member: Member) -> Callable[[int], bytes]:
    def guarded(max_bytes: int) -> bytes:
        with _naming_damage(path, [member.offset], f"{member.name[:200]!r}: "):
            return member.read(max_bytes)

    return guarded


def _too_much(path: Path, allowed: int) -> RefusedArchiveError:
    return RefusedArchiveError(
        f"{path}: holds more than {allowed:,} bytes, {allowed // max(1, path.stat().st_size):,} for each byte of its own: a bomb, or "
        "no source code; unpack it yourself if you trust it, or raise `max_archive_bytes`"
    )


def _zip_members(path: Path, allowed: int, limits: ArchiveLimits) -> Iterator[Member]:
    with zipfile.ZipFile(path) as file:
        entries = file.infolist()
        if sum(entry.file_size for entry in entries) > allowed:
            raise _too_much(path, allowed)
        if len(entries) > limits.max_members:
            raise RefusedArchiveError(f"{path}: {len(entries):,} files inside, at most {limits.max_members:,} may be; unpack it yourself")
        budget = [allowed]
        for entry in entries:
            if entry.is_dir():
                continue
            mode = entry.external_attr >> 16
            kind: Kind = "file"
            if stat.S_ISLNK(mode):
                kind = "link"
            elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                kind = "special_file"
            elif entry.flag_bits & 1:
                kind = "encrypted"
            yield Member(entry.filename, entry.file_size, kind, _zip_reader(file, entry, path, budget, allowed), entry.header_offset)


def _zip_reader(file: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, budget: list[int], allowed: int) -> Callable[[int], bytes]:
    def read(max_bytes: int) -> bytes:
        with file.open(entry) as content:
            found = content.read(max_bytes)
        budget[0] -= len(found)  # what the directory claims need not be true
        if budget[0] < 0:
            raise _too_much(path, allowed)
        return found

    return read


def _tar_members(path: Path, allowed: int, place: list[int]) -> Iterator[Member]:
    with path.open("rb") as raw, tarfile.open(fileobj=_Forward(_inflated(raw), path, allowed), mode="r:", errors="surrogateescape") as file:
        while (entry := file.next()) is not None:
            place[0] = entry.offset
            file.members = []  # type: ignore[attr-defined]  # it would remember every member
            if entry.isdir():
                continue
            kind: Kind = "file" if entry.isreg() else "link" if entry.issym() or entry.islnk() else "special_file"
            yield Member(entry.name, entry.size, kind, _tar_reader(file, entry), entry.offset)


def _tar_reader(file: tarfile.TarFile, entry: tarfile.TarInfo) -> Callable[[int], bytes]:
    def read(max_bytes: int) -> bytes:
        content = file.extractfile(entry)
        return content.read(min(max_bytes, entry.size)) if content is not None else b""

    return read


def _inflated(raw: IO[bytes]) -> IO[bytes]:
    """The bytes of a tar file, by the magic numbers of what it is compressed with."""
    head = raw.read(6)
    raw.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if head.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if head.startswith((b"\xfd7zXZ\0", b"]\0\0")):
        return lzma.LZMAFile(raw)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw, read_across_frames=True)
    return raw


class _Forward(io.RawIOBase):
    """A compressed file that is read forwards (the tar reader steps back by one byte) and only so far."""

    def __init__(self, file: IO[bytes], path: Path, allowed: int) -> None:
        self._file, self._path, self._allowed = file, path, allowed
        self._position = 0
        self._last = b""
        self._pushed = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Bytes before the next one."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read exactly `size` bytes, fewer at the end."""
        if size < 0 or size > MAX_REQUEST:
            raise _too_much(self._path, MAX_REQUEST)
        parts = [self._pushed[:size]]
        self._pushed = self._pushed[size:]
        missing = size - len(parts[0])
        while missing > 0 and (part := self._file.read(min(missing, CHUNK))):
            parts.append(part)
            missing -= len(part)
        found = b"".join(parts)
        self._position += len(found)
        if found:
            self._last = found[-1:]
        if self._position > self._allowed:
            raise _too_much(self._path, self._allowed)
        return found

    def seek(self, position: int, whence: int = 0) -> int:
        """Go forwards by reading, or back by one byte."""
        if whence != 0:
            raise tarfile.ReadError("only absolute places are known in a compressed file")
        if position == self._position - 1 and self._last and not self._pushed:
            self._pushed, self._position = self._last, position
        if position < self._position:
            raise tarfile.ReadError(f"byte {position:,} lies before byte {self._position:,}, where the reader is; the archive is damaged")
        while position > self._position:
            if not self.read(min(CHUNK, position - self._position)):
                break
        return self._position
