"""What is installed, what runs, and what to do about the rest."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path

import psutil

from mathcode_data.core.plugins import install_hint, stage_names

BASE = ("numpy", "pyarrow", "tokenizers", "selectolax", "resiliparse", "zstandard", "xxhash")
EXTRAS = {"ray": "the ray runner", "torch": "training", "triton": "fused kernels", "datatrove": "datatrove blocks as stages"}
MIN_FREE_BYTES = 2 << 30


def examine() -> list[dict[str, str]]:
    """Look at this machine. Each row: `{"what", "state": "ok" | "missing" | "warning", "detail", "advice"}`."""
    rows = [_row("python", "ok" if sys.version_info >= (3, 11) else "missing", platform.python_version(), "needs 3.11 or newer")]
    rows += [_package(name, f"pip install {name}", required=True) for name in BASE]
    rows.append(_fasttext())
    rows += [_package(name, f"{install_hint(name)} for {use}", required=False) for name, use in EXTRAS.items()]
    rows.append(_row("stages", "ok", f"{len(stage_names())} in the package", ""))
    rows.append(_row("cores", "ok", str(len(os.sched_getaffinity(0))), ""))
    memory = psutil.virtual_memory()
    rows.append(
        _row(
            "memory",
            "ok" if memory.available > 2e9 else "warning",
            f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free",
            "use fewer --workers",
        )
    )
    free = shutil.disk_usage(Path.cwd()).free
    rows.append(
        _row("disk", "ok" if free > MIN_FREE_BYTES else "warning", f"{free / 1e9:.1f} GB free here", "make room before a large run")
    )
    rows.append(_gpu())
    return rows


def _row(what: str, state: str, detail: str, advice: str) -> dict[str, str]:
    return {"what": what, "state": state, "detail": detail, "advice": "" if state == "ok" else advice}


def _package(name: str, advice: str, *, required: bool) -> dict[str, str]:
    if importlib.util.find_spec(name) is None:
        return _row(name, "missing", "required" if required else "optional", advice)
    try:
        return _row(name, "ok", metadata.version(name), "")
    except metadata.PackageNotFoundError:
        return _row(name, "ok", "version unknown", "")


def _fasttext() -> dict[str, str]:
    """The package `fasttext` comes from several distributions; only one predicts on numpy 2."""
    if importlib.util.find_spec("fasttext") is None:
        return _row(
            "fasttext",
            "missing",
            "required for score.fasttext and learn.fasttext",
            "pip install fasttext-numpy2-wheel (Python 3.11 or 3.12)",
        )
    found = [name for name in ("fasttext-numpy2-wheel", "fasttext", "fasttext-wheel", "fasttext-predict") if _has(name)]
    if found == ["fasttext-numpy2-wheel"]:
        return _row("fasttext", "ok", f"fasttext-numpy2-wheel {metadata.version(found[0])}", "")
    return _row("fasttext", "warning", " and ".join(found), "keep fasttext-numpy2-wheel alone: the others install over the same module")


def _has(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _gpu() -> dict[str, str]:
    """Whether a GPU is there; asks the driver's files, so that torch need not load."""
    if Path("/proc/driver/nvidia/version").exists():
        return _row("gpu", "ok", "NVIDIA driver present", "")
    return _row("gpu", "missing", "optional", "training runs on the CPU; large models need a GPU")
