"""Entry point of the command line."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from pathlib import Path

from mathcode_data.cli.app import app
from mathcode_data.cli.show import say
from mathcode_data.core.errors import InterruptedRunError, MathcodeError, advice, exit_code_of, is_out_of_resource
from mathcode_data.core.first_compile import tell_compiling, words
from mathcode_data.core.secrets import PASSWORD, refuse_secrets

FILE_ERRORS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""Errors of the file system that are the user's to mend."""

SILENT = {"--json", "--quiet", "-q"}
"""With one of these nobody is told that loops are compiled."""


def main() -> None:
    """Entry point: every error a user can see becomes one line and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        if not SILENT & set(sys.argv[1:]):
            tell_compiling(lambda is_kept: say(words(is_kept)))
        refuse_secrets([word for word in sys.argv[1:] if PASSWORD.search(word)], "the command line")
        app()
    except MathcodeError as error:
        code = exit_code_of(error)
        _fail(str(error) if code == error.exit_code else f"{error}; {advice(error)}", code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader went away (| head): no message, no traceback
        sys.exit(0)
    except KeyboardInterrupt:
        _fail("stopped; finished tasks are kept, the same command goes on from there", InterruptedRunError.exit_code)
    except Exception as error:  # noqa: BLE001  (the last line of defence: a bug gets a traceback and code 1)
        if is_out_of_resource(error):
            from mathcode_data.core.storage import resource_words

            _fail(
                f"out of memory: {error or 'no room'}; free some" if isinstance(error, MemoryError) else resource_words(error, Path.cwd()),
                6,
            )
        if isinstance(error, OSError) and error.filename is not None and error.errno in FILE_ERRORS:
            _fail(f"{error.filename}: {error.strerror}; check the path and its rights, or name another output", 2)
        traceback.print_exc()
        _fail(f"internal error: {type(error).__name__}: {error}; please report it with the lines above", 1)


def _fail(message: str, code: int) -> None:
    try:
        say(f"error: {' '.join(message.split())}")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.exit(code)
