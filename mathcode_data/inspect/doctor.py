"""What is installed, what runs, and what to do about the rest."""

from __future__ import annotations

import importlib.util
import os
import platform
import resource
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import psutil

from mathcode_data.core.installation import install_hint
from mathcode_data.core.plugins import stage_names

BASE = ("numpy", "pyarrow", "tokenizers", "selectolax", "resiliparse", "zstandard", "xxhash")
EXTRAS = {"ray": "the ray runner", "torch": "training", "triton": "fused kernels", "datatrove": "datatrove blocks as stages"}
FAST_TOKENIZERS = {"fastokens": "tokenize in a tenth of the time", "gigatoken": "tokenize GPT-2's ids in a fraction of the time"}
MIN_FREE_BYTES = 2 << 30
MIN_SHARED_BYTES = 1 << 30
"""Ray keeps its object store in /dev/shm, 30 % of the memory by default, and warns below that."""
MIN_FILES = 1024
QUOTA_FILES = (Path("/sys/fs/cgroup/cpu.max"), Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"))
PROBE = (
    "import torch; n = torch.cuda.device_count() if torch.cuda.is_available() else 0; "
    "print(n, torch.version.cuda or 'cpu', torch.cuda.get_device_name(0) if n else '', sep='|')"
)
PROBE_TIMEOUT_S = 60


def examine() -> list[dict[str, str]]:
    """Look at this machine. Each row: `{"what", "state": "ok" | "missing" | "warning", "detail", "advice"}`."""
    rows = [_row("python", "ok" if sys.version_info >= (3, 11) else "missing", platform.python_version(), "needs 3.11 or newer")]
    rows += [_package(name, f"pip install {name}", required=True) for name in BASE]
    rows.append(_fasttext())
    rows += [_package(name, f"{install_hint(name)} for {use}", required=False) for name, use in EXTRAS.items()]
    rows += [_package(name, f"pip install {name} to {use}", required=False) for name, use in FAST_TOKENIZERS.items()]
    rows.append(_row("stages", "ok", f"{len(stage_names())} in the package", ""))
    rows += [_cores(), _memory(), _disk(), _shared_memory(), _open_files(), _gpu()]
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


def _cores() -> dict[str, str]:
    """Cores this process may use: those of the machine, less by affinity, less by the container's quota."""
    of_machine, allowed, quota = os.cpu_count() or 1, len(os.sched_getaffinity(0)), cgroup_cores(QUOTA_FILES)
    usable = max(1, min(allowed, int(quota))) if quota is not None else allowed
    parts = [f"{usable} usable", f"{of_machine} in the machine"]
    parts += [f"{allowed} by affinity"] if allowed != of_machine else []
    parts += [f"{quota:g} by the container's quota (cgroup)"] if quota is not None else []
    return _row("cores", "ok", ", ".join(parts), "")


def cgroup_cores(files: tuple[Path, Path]) -> float | None:
    """Cores that a cgroup grants (version 2: `cpu.max`, version 1: quota and period); None without a limit."""
    unified, legacy = files
    try:
        if unified.is_file():
            limit, _, period = unified.read_text().strip().partition(" ")
        elif legacy.is_file():
            limit, period = legacy.read_text().strip(), legacy.with_name("cpu.cfs_period_us").read_text().strip()
        else:
            return None
        return None if limit in ("max", "-1") or not int(period) else int(limit) / int(period)
    except (OSError, ValueError):
        return None  # a kernel that writes something else there sets no limit that could be read


def _memory() -> dict[str, str]:
    memory = psutil.virtual_memory()
    detail = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
    return _row("memory", "ok" if memory.available > 2e9 else "warning", detail, "use fewer --workers")


def _disk() -> dict[str, str]:
    usage = shutil.disk_usage(Path.cwd())
    detail = f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB free here"
    return _row("disk", "ok" if usage.free > MIN_FREE_BYTES else "warning", detail, "make room before a large run")


def _shared_memory() -> dict[str, str]:
    shared = Path("/dev/shm")
    if not shared.is_dir():
        return _row("shared memory", "warning", "no /dev/shm", "ray then keeps its objects on the disk, slowly")
    free = shutil.disk_usage(shared).free
    state = "ok" if free > MIN_SHARED_BYTES else "warning"
    return _row("shared memory", state, f"{free / 1e9:.1f} GB free in /dev/shm", "for ray in a container: docker run --shm-size=4g")


def _open_files() -> dict[str, str]:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    state = "ok" if limit == resource.RLIM_INFINITY or limit >= MIN_FILES else "warning"
    return _row("open files", state, "no limit" if limit == resource.RLIM_INFINITY else f"{limit:,}", f"ulimit -n {MIN_FILES} or more")


def _gpu() -> dict[str, str]:
    """Whether torch can use a GPU; asked in a process of its own, for torch takes seconds and memory to load."""
    has_driver = Path("/proc/driver/nvidia/version").exists()
    if importlib.util.find_spec("torch") is None:
        detail = "NVIDIA driver present, torch is not installed" if has_driver else "optional"
        return _row("gpu", "missing", detail, f"{install_hint('torch')} to train" if has_driver else "training runs on the CPU")
    try:
        done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=True)
        count, build, name = done.stdout.strip().splitlines()[-1].split("|")
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        return _row("gpu", "warning", f"torch does not load ({type(error).__name__})", f"{install_hint('torch')} once more")
    if int(count):
        return _row("gpu", "ok", f"{count} x {name}, torch for CUDA {build}", "")
    if has_driver:
        return _row("gpu", "warning", f"NVIDIA driver present, torch ({build} build) finds no GPU", "install a CUDA build of torch")
    return _row("gpu", "missing", f"optional; torch is a {build} build", "training runs on the CPU; large models need a GPU")
