"""Kernels by folder: the choice `rms_norm: triton` *is* `mathcode_data/trainer/kernels/rms_norm/triton.py`.

A kernel's module defines

- a function with the operation's name (its signature stands in the operation's `__init__.py`);
- `unavailable(device) -> str | None`: why it cannot run there, or None;
- `SPEED_RANK`: `auto` takes the highest among those that can run; the reference has 0;
- `DTYPES`, where it does not run in every compute dtype.

A dotted name outside the package is also accepted. A kernel asked for by name that cannot run is an error, never replaced.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError
from mathcode_data.trainer.config import KernelChoices

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
AUTO = "auto"


@dataclass(frozen=True)
class Kernels:
    """The implementations a model uses, and their names as they were chosen."""

    rms_norm: Callable[[Tensor, Tensor | None, Tensor, float], tuple[Tensor, Tensor]]
    rope: Callable[[Tensor, Tensor, Tensor, int, int], tuple[Tensor, Tensor, Tensor]]
    swiglu: Callable[[Tensor], Tensor]
    linear_cross_entropy: Callable[[Tensor, Tensor, Tensor, Tensor, float], tuple[Tensor, Tensor]]
    attention: Callable[[Tensor, Tensor, Tensor, Any], Tensor]
    prepare_attention: Callable[[Sequence[NDArray[np.integer]], int, torch.device], Any]
    names: dict[str, str]


def operations() -> list[str]:
    """Names of all operations, from the folders."""
    return sorted(module.name for module in pkgutil.iter_modules([str(FOLDER)]) if module.ispkg)


def kernel_names(operation: str) -> list[str]:
    """Names of the kernels of an operation, from its folder alone (nothing is imported).

    >>> "reference" in kernel_names("rms_norm")
    True
    """
    return sorted(module.name for module in pkgutil.iter_modules([str(FOLDER / operation)]) if not module.ispkg)


def load_kernel(operation: str, choice: str, device: torch.device, dtype: torch.dtype | None = None) -> tuple[str, ModuleType]:
    """Find the kernel of one operation.

    Args:
        operation: a folder beside this file.
        choice: "auto", the name of a file in it, or the dotted name of a module elsewhere.
        device: where it will run.
        dtype: in which precision; None: not known.

    Returns:
        The kernel's name, "auto" resolved, and its module.

    Raises:
        ConfigError: no such operation or kernel, or it cannot run on this device; says which can.
    """
    if operation not in operations():
        raise ConfigError(f"no operation {operation!r}{nearest(operation, operations())}")
    if choice != AUTO:
        module, reason = _try(operation, choice, device, dtype)
        if module is None:
            raise ConfigError(
                f"kernels.{operation}: {choice!r} cannot run on {device.type}: {reason}; can run: "
                f"{', '.join(_runnable(operation, device, dtype))}; or write auto"
            )
        return choice, module
    runnable = _runnable(operation, device, dtype)
    name = max(runnable, key=lambda found: runnable[found].SPEED_RANK)
    logger.info("kernel for %s on %s: %s (chosen by auto)", operation, device.type, name)
    return name, runnable[name]


def load_kernels(choices: KernelChoices, device: torch.device, dtype: torch.dtype | None = None) -> Kernels:
    """Find the kernels of all operations."""
    loaded = {operation: load_kernel(operation, choice, device, dtype) for operation, choice in choices.model_dump().items()}
    functions = {operation: getattr(module, operation) for operation, (_, module) in loaded.items()}
    names = {operation: name for operation, (name, _) in loaded.items()}
    return Kernels(**functions, prepare_attention=loaded["attention"][1].prepare, names=names)


def _runnable(operation: str, device: torch.device, dtype: torch.dtype | None) -> dict[str, ModuleType]:
    tried = {name: _try(operation, name, device, dtype)[0] for name in kernel_names(operation)}
    return {name: module for name, module in tried.items() if module is not None}


def _try(operation: str, name: str, device: torch.device, dtype: torch.dtype | None) -> tuple[ModuleType | None, str]:
    """Import a kernel and ask whether it runs; the second value says why not."""
    ours = name in kernel_names(operation)
    if not ours and "." not in name:
        raise ConfigError(f"kernels.{operation}: no kernel {name!r}{nearest(name, [*kernel_names(operation), AUTO])}")
    try:
        module = importlib.import_module(f"{__package__}.{operation}.{name}" if ours else name)
    except ImportError as error:
        return None, f"it needs what is not installed ({error})"
    lacking = [attribute for attribute in (operation, "unavailable", "SPEED_RANK") if not hasattr(module, attribute)]
    if lacking:
        raise ConfigError(f"kernels.{operation}: module {module.__name__} lacks {', '.join(lacking)}; see kernels/registry.py")
    reason: str | None = module.unavailable(device)
    if reason is None and dtype is not None and dtype not in getattr(module, "DTYPES", (dtype,)):
        reason = f"it does not compute in {str(dtype).removeprefix('torch.')}"
    return (module, "") if reason is None else (None, reason)
