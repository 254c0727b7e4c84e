"""The command line from its first module to its exit code: what went wrong becomes one line, and so does a signal."""

from __future__ import annotations

import atexit
import errno
import os
import sys
import traceback
from pathlib import Path

from mathcode_data.core.errors import InterruptedRunError, MathcodeError, advice, exit_code_of, is_out_of_resource
from mathcode_data.core.interrupt import Interrupt, ignore_signals, waiting

FILE_ERRORS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""Errors of the file system that are the user's to mend."""

SILENT = {"--json", "--quiet", "-q"}
"""With one of these nobody is told that loops are compiled."""

INTERRUPTED = 130
"""What typer ends with after a KeyboardInterrupt."""

STOPPED = "what was finished is kept, run the same command again"


def run_program() -> None:
    """Run the command that the arguments name, and leave with its exit code."""
    interrupt = Interrupt(STOPPED)
    interrupt.listen()
    atexit.register(ignore_signals)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        with interrupt.at_once():
            _run_command()
    except BaseException as error:  # noqa: BLE001  (the last line of defence: a bug gets a traceback and code 1)
        interrupt.deafen()
        _end(error, interrupt)
    finally:
        interrupt.deafen()


def _run_command() -> None:
    from mathcode_data.cli.commands import app
    from mathcode_data.cli.show import say
    from mathcode_data.core.first_compile import tell_compiling, words
    from mathcode_data.core.secrets import refuse_words

    if not SILENT & set(sys.argv[1:]):
        tell_compiling(lambda is_kept: say(words(is_kept)))
    refuse_words(sys.argv[1:])
    if any(word.startswith("--ray-address") or word.endswith("ray") for word in sys.argv[1:]):
        with waiting():  # numpy's threads must not get the signals that Ray's handlers would turn into a crash
            import numpy  # noqa: F401
    app()


def _end(error: BaseException, interrupt: Interrupt) -> None:
    """Leave with the code and the line that an error calls for."""
    if isinstance(error, BrokenPipeError) or (isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError)):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader went away (| head): no message, no traceback
        sys.exit(0)
    if isinstance(error, InterruptedRunError):
        _fail(str(error), error.exit_code)
    if isinstance(error, KeyboardInterrupt | SystemExit):
        stop = _interrupt_behind(error)
        if stop is None:
            raise error
        _fail(str(stop) or f"stopped; {STOPPED}", InterruptedRunError.exit_code)
    if interrupt.came and not is_out_of_resource(error):  # what breaks after a signal is of its making: ask the next run
        _fail(f"stopped by {interrupt.received}; {STOPPED}", InterruptedRunError.exit_code)
    if isinstance(error, MathcodeError):
        code = exit_code_of(error)
        _fail(str(error) if code == error.exit_code else f"{error}; {advice(error)}", code)
    if not isinstance(error, Exception):
        raise error
    _explain(error)


def _interrupt_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """The interrupt that an exit tells of: typer makes `sys.exit(130)` of one, without a word."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__ if not isinstance(error, SystemExit) or error.code == INTERRUPTED else None
    return error


def _explain(error: Exception) -> None:
    """End with what the system said, if the user can mend that; else with a traceback."""
    if is_out_of_resource(error):
        from mathcode_data.core.storage import resource_words

        _fail(f"out of memory: {error or 'no room'}; free some" if isinstance(error, MemoryError) else resource_words(error, Path.cwd()), 6)
    if isinstance(error, OSError) and error.filename is not None and error.errno in FILE_ERRORS:
        _fail(f"{error.filename}: {error.strerror}; check the path and its rights, or name another output", 2)
    _say(traceback.format_exc().rstrip())
    _fail(f"internal error: {type(error).__name__}: {error}; please report it with the lines above", 1)


def _fail(message: str, code: int) -> None:
    _say(f"error: {' '.join(message.split())}")
    sys.exit(code)


def _say(text: str) -> None:
    from mathcode_data.cli.show import say

    try:
        say(text)
    except OSError:  # nobody listens: the reader or the terminal has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
