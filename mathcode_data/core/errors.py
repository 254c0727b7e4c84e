"""Errors a user can see, each with its exit code.

    MathcodeError                 1   a bug of ours, or an error nobody foresaw
    ├── ConfigError               2   a wrong file, key, value or flag
    ├── DataError                 2   wrong bytes: which file, shard and row
    │   ├── SetupError            2   (a ConfigError too) a column, model or tokenizer that no task can work with
    │   └── StaleOutputError      2   a result that no longer matches its inputs
    ├── PartialResultError        3   shards were set aside; everything else is done
    ├── LockedError               4   another run works in this folder
    ├── VerificationError         5   a checksum, count or law does not hold
    ├── ResourceError             6   out of disk, memory or workers
    └── InterruptedRunError       7   stopped by a signal; run again to go on

Every message says what, where, why, and what to do; it fits on one line.
"""

from __future__ import annotations

import errno
import re
from typing import ClassVar


class MathcodeError(Exception):
    """Base of all errors that the command line prints as one line instead of a traceback."""

    exit_code: ClassVar[int] = 1


class ConfigError(MathcodeError):
    """A wrong configuration file, key, value or flag."""

    exit_code = 2


class DataError(MathcodeError):
    """Wrong bytes in an input: names the file and, where there is one, the row."""

    exit_code = 2


class SetupError(ConfigError, DataError):
    """What a stage needs beside its rows cannot be used: a column that no shard has, a damaged model or tokenizer.

    It shows while a task runs, yet setting that task's input aside would help nobody: the run ends at once.
    """


class StaleOutputError(DataError):
    """A result that no longer matches what it was made from."""


class PartialResultError(MathcodeError):
    """Some shards were set aside after repeated failures; all others are done and kept."""

    exit_code = 3


class LockedError(MathcodeError):
    """Another run works in the same folder."""

    exit_code = 4


class VerificationError(MathcodeError):
    """A checksum, a count or a law does not hold."""

    exit_code = 5


class ResourceError(MathcodeError):
    """Out of disk, memory, file handles or workers, or a disk that fails."""

    exit_code = 6


class InterruptedRunError(MathcodeError):
    """A signal stopped the run; what was committed stays, and the next run goes on from there."""

    exit_code = 7


ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room within the quota, or have it raised",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close programs with many open files",
    errno.ENOMEM: "free memory",
    errno.EIO: "the disk, or the way to it, fails: look into the system's log and mend it",
}
"""What to do about an error of the system that ends a run with exit code 6."""
SQLITE_CODES = (10, 13, 14)  # SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN: what SQLite makes of such an error
NUMPY_WORDS = re.compile(r"[0-9]+ requested and [0-9]+ written")
"""All that numpy says when an array does not get to the disk whole; there is no errno."""


def _behind(error: BaseException) -> BaseException:
    """The system's error that an error of ours tells of, through any number of words; else the error itself."""
    cause: BaseException | None = error
    while isinstance(cause, MathcodeError):
        cause = cause.__cause__
    return cause if isinstance(cause, OSError) else error


def is_out_of_resource(error: BaseException) -> bool:
    """Tell whether an error means a full disk, quota, memory or file table, or a disk that fails; also if a word of ours tells of it.

    >>> is_out_of_resource(OSError(errno.ENOSPC, "No space left on device"))
    True
    """
    error = _behind(error)
    if isinstance(error, MemoryError | ResourceError):
        return True
    if type(error).__module__ == "sqlite3":  # not imported for this question
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in SQLITE_CODES
    return isinstance(error, OSError) and (error.errno in ADVICE or (error.errno is None and bool(NUMPY_WORDS.fullmatch(str(error)))))


def is_panic(error: BaseException) -> bool:
    """Tell whether code in Rust gave up; pyo3 says so by an exception that is no `Exception`, in a module that cannot be imported."""
    return type(error).__name__ == "PanicException"


def exit_code_of(error: MathcodeError) -> int:
    """What a command ends with: the error's own code, but 6 where a file could not be read or written for want of a resource.

    >>> exit_code_of(DataError("documents.parquet: no Parquet"))
    2
    """
    return ResourceError.exit_code if is_out_of_resource(error) else error.exit_code


def advice(error: BaseException) -> str:
    """What the user does about an error that means "out of a resource".

    >>> advice(OSError(errno.ENOSPC, "No space left on device"))
    'make room'
    """
    return ADVICE.get(getattr(_behind(error), "errno", None) or 0, ADVICE[errno.ENOSPC])
