"""`python -m mathcode_data.study.worker`: trains and measures runs, one after the other, for the process that started it.

A line of JSON on standard input is a job; the answer is a line on standard output with the exit code and the message of what went wrong.
It ends with its input, and stops a run whose study is gone.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import orjson

from mathcode_data.core.errors import InterruptedRunError, MathcodeError
from mathcode_data.study.jobs import Job


def main() -> int:
    """Work until there is no more; gives the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    parent = os.getppid()

    def stop_if_orphaned(_record: dict[str, Any]) -> None:
        if os.getppid() != parent:
            raise InterruptedRunError("the study that started this run is gone; run it again to go on")

    from mathcode_data.study.node import run_job

    for line in sys.stdin.buffer:
        answer: dict[str, Any] = {"code": 0, "message": ""}
        try:
            run_job(Job.from_json(orjson.loads(line)), stop_if_orphaned)
        except MathcodeError as error:
            answer = {"code": error.exit_code, "message": str(error)}
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()
        if answer["code"]:
            return int(answer["code"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
