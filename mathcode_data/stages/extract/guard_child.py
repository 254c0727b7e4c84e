"""The child of the guard: reads pages from its input, extracts them, writes pages to its output.

Started as `python -m mathcode_data.stages.extract.guard_child SECONDS SECONDS_PER_MB MEMORY_BYTES [comments] [boilerplate]`.
A page that needs more processor time than its limit kills the child by signal (also inside the parser, also when the parent is gone); an
exception is sent back as the error of its page. End of input ends the child, so it dies with its parent.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
from typing import BinaryIO

from mathcode_data.stages.extract.limits import time_limit
from mathcode_data.stages.extract.page import extract_page
from mathcode_data.stages.extract.records import Page, PageInput, Scope, failed_page
from mathcode_data.stages.extract.wire import ReadExactly, pack_reply, read_request

READY = b"ready\n"
_COLLECT_EVERY = 500  # trees hold no cycles: reference counts free them, the collector only costs time


def serve(source: BinaryIO, sink: BinaryIO, deadline_s: float, per_mb_s: float, scope: Scope) -> None:
    """Answer requests until the input ends."""
    read = _exact_reader(source)
    num_pages = 0
    while True:
        try:
            pages = read_request(read)
        except EOFError:
            return
        for page in pages:
            signal.setitimer(signal.ITIMER_PROF, time_limit(page.content, deadline_s, per_mb_s))
            answer = _extract(page, scope)
            signal.setitimer(signal.ITIMER_PROF, 0)
            sink.write(pack_reply(answer))
            sink.flush()
            num_pages += 1
            if num_pages % _COLLECT_EVERY == 0:
                gc.collect()


def _extract(page: PageInput, scope: Scope) -> Page:
    try:
        return extract_page(page.content, url=page.url, content_type=page.content_type, encoding=page.encoding, scope=scope)
    except MemoryError:
        return failed_page("crash: not enough memory for this page")
    except Exception as error:  # noqa: BLE001 - whatever it is belongs to this page and is reported with it
        message = str(error).encode("utf-8", "replace").decode("utf-8")[:300]
        return failed_page(f"exception: {type(error).__name__}: {message}")


def _exact_reader(source: BinaryIO) -> ReadExactly:
    def read(size: int) -> bytes:
        data = source.read(size)
        if len(data) < size:
            raise EOFError(f"the input ended after {len(data)} of {size} bytes; the parent is gone")
        return data

    return read


def main() -> None:
    """Set the limits, say that the imports are done, serve."""
    deadline_s, per_mb_s, memory_bytes = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not mix with the frames
    gc.freeze()
    gc.disable()
    sink.write(READY)
    sink.flush()
    serve(sys.stdin.buffer, sink, deadline_s, per_mb_s, Scope(**dict.fromkeys(sys.argv[4:], True)))


if __name__ == "__main__":
    main()
