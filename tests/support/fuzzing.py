"""One way to try a reader with any bytes: it answers, or refuses in our own words, within its time and memory.

A reader under test is a module `tests/fuzz/fuzz_NAME.py` with

    def seeds() -> list[bytes]     sound inputs, small
    def read(data: bytes) -> None  gives the bytes to the reader, by way of files where it takes files

`tests/fuzz/test_fuzz.py` tries each with a mutator of our own, the same bytes every time; `tests/fuzz/run.py` guides the bytes by
coverage with atheris.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from mathcode_data.core.errors import MathcodeError

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
SCRATCH_VARIABLE = "FUZZ_SCRATCH"
"""A folder for the files under test that somebody else removes: libFuzzer ends a process without its clean-up."""
MAX_SECONDS = 5.0
"""Of the processor, for one input of at most MAX_BYTES."""
MAX_BYTES = 1 << 16
NUMBERS = (0, 1, -1, 2, 255, 65_536, 2**31 - 1, 2**31, -(2**31), 2**32, 2**53, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30)
TOKENS = (
    b"\0",
    b"\xff\xff\xff\xff",
    b"\r\n\r\n",
    b"\n",
    b"..",
    b"/",
    b'"',
    b"{",
    b"[",
    b"NaN",
    b"null",
    b"1e999",
    b"\xef\xbb\xbf",
    b"\x1f\x8b\x08",
)


class Reader(Protocol):
    """What a module of `tests/fuzz` offers."""

    def seeds(self) -> list[bytes]: ...

    def read(self, data: bytes) -> None: ...


def try_bytes(read: Callable[[bytes], None], data: bytes) -> None:
    """Give some bytes to a reader.

    Raises:
        AssertionError: it raised what is no error of ours (plain MathcodeError means a bug of ours too), or took too long.
    """
    start = time.process_time()
    try:
        read(data)
    except MathcodeError as error:
        assert type(error) is not MathcodeError, f"a bug of ours came out: {error}; bytes: {data[:400]!r}"
        assert len(str(error)) < 5000, f"an error of {len(str(error)):,} characters; bytes: {data[:400]!r}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | AssertionError):
            raise
        raise AssertionError(f"{type(error).__name__}: {str(error)[:300]}; bytes: {data[:400]!r}") from error
    seconds = time.process_time() - start
    assert seconds < MAX_SECONDS, f"{len(data):,} bytes took {seconds:.1f} s: {data[:400]!r}"


def mutated(seeds: list[bytes], number: int, seed: int = 1) -> Iterator[bytes]:
    """Every seed as it is, then `number` inputs made of them; the same each time."""
    yield from seeds
    draw = random.Random(seed)
    for _ in range(number):
        content = bytearray(draw.choice(seeds))
        for _ in range(draw.choice((1, 1, 1, 2, 4, 8))):
            _mutate(content, draw, seeds)
        yield bytes(content[:MAX_BYTES])


def _mutate(content: bytearray, draw: random.Random, seeds: list[bytes]) -> None:
    at = draw.randrange(len(content) + 1)
    length = min(draw.choice((1, 2, 4, 8, 64, 1024)), len(content) - at)
    kind = draw.randrange(9)
    if kind == 0 and at < len(content):
        content[at] ^= 1 << draw.randrange(8)
    elif kind == 1 and at < len(content):
        content[at] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
    elif kind == 2:
        del content[at : at + length]
    elif kind == 3:
        content[at:at] = content[at : at + length] * draw.choice((1, 2, 50))
    elif kind == 4:
        content[at:at] = draw.choice(TOKENS)
    elif kind == 5:
        content[at : at + length] = (draw.choice(NUMBERS) % 2**64).to_bytes(8, "little")[:length]
    elif kind == 6:
        content[at : at + length] = str(draw.choice(NUMBERS)).encode()
    elif kind == 7:
        other = draw.choice(seeds)
        begin = draw.randrange(len(other) + 1)
        content[at : at + length] = other[begin : begin + draw.choice((8, 64, 1024))]
    else:
        del content[at:]


def edited_json(value: Any, data: bytes) -> Any:
    """A copy of plain JSON data in which the bytes choose what is changed: six bytes an edit.

    So a reader behind a checksum sees damage too, once the checksum is made anew.
    """
    import json

    value = json.loads(json.dumps(value))
    for at in range(0, min(len(data), 48) - 5, 6):
        places = list(_places(value, []))
        if not places:
            return value
        holder, key = places[int.from_bytes(data[at : at + 2], "little") % len(places)]
        kind, number = data[at + 2] % 8, NUMBERS[data[at + 3] % len(NUMBERS)]
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
            step = int.from_bytes(data[at + 4 : at + 6], "little", signed=True)
            holder[key] = max(min(holder[key], 2**62) + step, -(2**63))  # orjson writes no less
        elif kind == 2:
            holder[key] = [None, True, "", "x", [], {}, 1.5, "../../etc/passwd", "/etc/passwd", "a\0b", "\ufffd", [[]], {"": 1}][
                data[at + 4] % 13
            ]
        elif kind == 3 and isinstance(holder, list):
            holder.append(holder[key])
        elif kind == 4 and isinstance(holder[key], str):
            holder[key] = holder[key][: data[at + 4] % (len(holder[key]) + 1)]
        elif kind == 5:
            other, other_key = places[int.from_bytes(data[at + 4 : at + 6], "little") % len(places)]
            holder[key] = json.loads(json.dumps(other[other_key]))
        else:
            holder[key] = max(-(2**63), min(number, 2**64 - 1))  # orjson writes no more
    return value


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found.append((value, key))
        _places(value[key], found)
    return found


@functools.cache
def scratch(name: str) -> Path:
    """A folder of this process for files under test, in memory where there is such a place."""
    base = os.environ.get(SCRATCH_VARIABLE) or MEMORY
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-", dir=base))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def written(name: str, file: str, content: bytes) -> Path:
    """The bytes as a file."""
    path = scratch(name) / file
    with contextlib.suppress(FileNotFoundError):
        path.unlink()  # a file of its own each time: some readers remember by inode and time
    path.write_bytes(content)
    return path
