"""Files that are whole or absent: write to a temporary name, fsync, rename, fsync the folder.

All writes of results go through this module, so that one place decides what "written" means and a test can make the
N-th write, fsync, rename or link fail.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from mathcode_data.core.errors import DataError, MathcodeError, ResourceError, advice, is_out_of_resource

HASH_BLOCK_BYTES = 1 << 20
TEMPORARY_PREFIX = ".tmp-"
CANNOT = (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EINVAL, errno.EXDEV)
"""What a file system answers that has no hard links, or no exchange of names."""
REMOVE_ATTEMPTS, REMOVE_WAIT_S = 20, 0.05
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # of Linux


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Turn an error that means "out of disk, quota or memory, or a failing disk" into a ResourceError.

    It names the file, or `path` where the error names none, the free space, and what to do.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, MathcodeError | MemoryError) or not is_out_of_resource(error):
            raise
        raise ResourceError(resource_words(error, path)) from error


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Give an error the name of the file; the system's own has it where opening fails, not where reading does."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def resource_words(error: BaseException, path: Path) -> str:
    """One line about an error that means "out of a resource"."""
    if isinstance(filename := getattr(error, "filename", None), str) and filename.startswith("/"):
        path = Path(filename)
    code = getattr(error, "errno", None)
    what = os.strerror(code) if code else " ".join(str(error).split())
    return f"{path}: {what} ({free_space(path)}); {advice(error)}, then run again: what is committed is kept"


def free_space(path: Path) -> str:
    """Say how much room the disk under `path` has, for error messages."""
    folder = path
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return f"{shutil.disk_usage(folder).free / 1e6:,.0f} MB free on that disk"
    except OSError as error:
        return f"free space unknown: {error}"


def fsync_file(path: Path) -> None:
    """Force a file's bytes to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_folder(folder: Path) -> None:
    """Force a folder's names to the disk; file systems that cannot (EINVAL) are left as they are."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path`; it takes the name `path` only when the block ends without an error.

    Raises:
        ResourceError: the disk or the quota is full; no file of that name appears.
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{path.name}")
    with naming_full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        fsync_folder(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file, atomically."""
    with atomic_writer(path) as file:
        file.write(content)


def to_json(value: Any) -> bytes:
    """Serialise as sorted, indented JSON with a closing newline: the same value gives the same bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_json(path: Path, value: Any) -> None:
    """Write sorted, indented JSON, atomically."""
    write_bytes(path, to_json(value))


def read_json(path: Path) -> Any:
    """Read a JSON file of ours.

    Raises:
        DataError: the file is absent or is no JSON.
    """
    try:
        with naming_file(path):
            return orjson.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}: not JSON ({error}); the file is damaged, remove its folder and run again") from error


def link_once(record: Path, name: Path) -> bool:
    """Give `record` the second name `name` if nobody did before. Returns whether we were first.

    A hard link either appears whole or fails with EEXIST, on local disks and on NFS; file systems without links (some
    FUSE mounts) get an exclusive create of the same bytes instead.
    """
    name.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(record, name)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in CANNOT:
            raise
        return _create_once(record, name)
    fsync_folder(name.parent)
    return True


def _create_once(record: Path, name: Path) -> bool:
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(record.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    fsync_folder(name.parent)
    return True


def swap(one: Path, other: Path) -> bool:
    """Let two files or folders take each other's name in one step, so that at no moment one of the names is missing.

    Returns:
        Whether they did; some file systems cannot (NFS, some FUSE mounts).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):  # a C library older than 2018
        return False
    if libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(other))


def sha256_file(path: Path) -> str:
    """Hash a whole file; 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with naming_file(path), path.open("rb") as file:
        while block := file.read(HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def sha256_bytes(content: bytes) -> str:
    """Hash bytes at hand; 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def remove_tree(folder: Path) -> None:
    """Remove a folder and what is in it, if it is there, also while an attempt that was given up still writes or removes below it."""
    for is_last in (False,) * REMOVE_ATTEMPTS + (True,):
        try:
            if folder.exists():
                shutil.rmtree(folder)
            return
        except OSError as error:
            if is_last or error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
                raise
            time.sleep(REMOVE_WAIT_S)
