"""Ways in which code in a stage takes its process along, or never ends."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time

from mathcode_data.core import first_compile

MEGABYTES_64 = 64 << 20
COMPILING_S = 7.0


def strike(kind: str) -> None:
    """Do it; returns for a kind that is none of these."""
    if kind == "die":
        os._exit(139)
    if kind == "fork":  # the child holds the pipe to the driver open
        if os.fork() == 0:
            time.sleep(3600)
        os._exit(3)
    if kind == "leave":
        os._exit(0)
    if kind == "exit":
        sys.exit(0)
    if kind == "tell":  # as a library does whose request failed
        raise OSError(f"GET https://user:{os.environ['AWS_SECRET_ACCESS_KEY']}@a.example/ with {os.environ['HF_TOKEN']}: 403")
    if kind == "cancel":
        raise asyncio.CancelledError("no Exception, only a BaseException")
    if kind == "interrupt":
        raise KeyboardInterrupt
    if kind == "shout":  # native code speaks to the descriptor
        os.write(2, b"thread panicked\n")
        os.abort()
    if kind == "segfault":
        ctypes.string_at(0)
    if kind == "spin":
        while True:  # in the interpreter, deaf to nothing but a kill
            pass
    if kind == "swallow":
        held = [bytearray(MEGABYTES_64)]
        while held[-1].count(1) == 0:  # reading brings the pages in
            held.append(bytearray(b"\0" * MEGABYTES_64))
    if kind == "allocate":
        bytearray(1 << 46)
    if kind == "compile":  # as the compiler does it at a first use
        first_compile.compiling(True)
        time.sleep(COMPILING_S)
        first_compile.done_compiling()
    if kind == "hang":
        time.sleep(3600)
