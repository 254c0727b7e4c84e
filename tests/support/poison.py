"""Ways in which code in a stage takes its process along, or never ends."""

from __future__ import annotations

import ctypes
import os
import sys
import time

MEGABYTES_64 = 64 << 20


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
    if kind == "hang":
        time.sleep(3600)
