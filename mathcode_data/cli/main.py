"""Entry point of the command line: it hears signals before anything else is loaded."""

from __future__ import annotations

import os
import signal

INTERRUPTED = 7
"""`InterruptedRunError.exit_code`, which is not loaded yet."""


def main() -> None:
    """Run the program."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _stop)
    from mathcode_data.cli.program import run_program

    run_program()


def _stop(number: int, _frame: object) -> None:
    os.write(2, f"error: stopped by {signal.Signals(number).name}; nothing was begun, run the same command again\n".encode())
    os._exit(INTERRUPTED)
