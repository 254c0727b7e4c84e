"""`doctor --compile`: take every way through the compiled loops once, so that their machine code lies where later processes find it."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

NUM_ROWS = 1000


def compile_all() -> dict[str, Any]:
    """Run the small pipeline of `quickstart.loops` in this process, and the loops of a mixture.

    Returns:
        `functions` (compiled ones that were loaded), `compiled` (machine code made now), `found` (machine code that was there),
        `folders` in which it lies, and `seconds`.
    """
    from mathcode_data.core import machine_code
    from mathcode_data.mixture.near_times import sort_by_time
    from mathcode_data.mixture.permute import Permutation
    from mathcode_data.quickstart.loops import write_loops_project
    from mathcode_data.runtime.session import run_pipeline, run_session

    start = time.perf_counter()
    with TemporaryDirectory(prefix="mathcode-data-loops-") as folder, run_session(runner="inline", quiet=True) as settings:
        has_fasttext = importlib.util.find_spec("fasttext") is not None
        run_pipeline(write_loops_project(Path(folder), with_fasttext=has_fasttext), settings)
    Permutation(NUM_ROWS, b"loops").span(0, NUM_ROWS, compiled=True)
    half = NUM_ROWS // 2
    sort_by_time([half, half], 0, NUM_ROWS, [0, 0], [half, half], compiled=True)  # equal times: what settles them is compiled too
    return machine_code.summary() | {"seconds": round(time.perf_counter() - start, 1)}


def compiled_text(data: dict[str, Any]) -> str:
    """The same for people."""
    where = ", ".join(data["folders"]) if len(data["folders"]) == 1 else f"{len(data['folders'])} folders beside the modules"
    kept = f"kept in {where}" if data["folders"] else "no folder keeps it: set NUMBA_CACHE_DIR to one that can be written"
    return f"compiled {data['compiled']}, found {data['found']} compiled already, in {data['seconds']:g} s; {kept}"
