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
    """Out of disk, memory, file handles or workers."""

    exit_code = 6


class InterruptedRunError(MathcodeError):
    """A signal stopped the run; what was committed stays, and the next run goes on from there."""

    exit_code = 7


RESOURCE_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


def is_out_of_resource(error: BaseException) -> bool:
    """Tell whether an error means a full disk, quota, memory or file table.

    >>> is_out_of_resource(OSError(errno.ENOSPC, "No space left on device"))
    True
    """
    if isinstance(error, MemoryError | ResourceError):
        return True
    return isinstance(error, OSError) and error.errno in RESOURCE_ERRNOS
