"""Several processes under torchrun: DDP, FSDP2, tensor parallel; the sums over processes, and what only the first of them does.

The batch of a step is the same whatever the number of processes, so the loss curve is too, up to the rounding of sums in another
order. With one process nothing here does anything.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import loss_parallel
from torch.nn.parallel import DistributedDataParallel

from mathcode_data.core.errors import ConfigError
from mathcode_data.trainer.model import LanguageModel

Value = TypeVar("Value")
VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class World:
    """The processes of a run, seen from one of them."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    save_group: dist.ProcessGroup | None = None
    """A group of its own, on the CPU, for checkpoints that are written by another thread."""
    mesh: DeviceMesh | None = None
    """With tensor parallel, the processes as (data, one, tensor); `one` has one member, along which FSDP2 would divide what it only
    repeats along `data`."""
    tensor: int = 1
    """Neighbouring processes that compute the same samples together."""

    @property
    def is_first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    @property
    def num_shares(self) -> int:
        """Groups of processes with samples of their own."""
        return self.size // self.tensor

    @property
    def share(self) -> int:
        """Which of them this process is in."""
        return self.rank // self.tensor

    @property
    def reports(self) -> bool:
        """Whether this process, of those with the same samples, is the one whose numbers go into sums."""
        return self.rank % self.tensor == 0

    def sum(self, values: Tensor) -> Tensor:
        """Add up a tensor over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def from_first(self, value: Value) -> Value:
        """Give every process the first one's value (plain data)."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]


def world_from(environment: Mapping[str, str]) -> tuple[int, int, int]:
    """Rank, number of processes and rank on this machine, as torchrun sets them.

    Raises:
        ConfigError: some of torchrun's variables are set and others are not.
    """
    if int(environment.get("WORLD_SIZE", "1")) == 1:
        return 0, 1, 0
    absent = [name for name in VARIABLES if name not in environment]
    if absent:
        raise ConfigError(f"WORLD_SIZE is {environment['WORLD_SIZE']} but {', '.join(absent)} not set; start it with torchrun")
    return int(environment["RANK"]), int(environment["WORLD_SIZE"]), int(environment["LOCAL_RANK"])


@contextmanager
def connected(device: torch.device, tensor: int = 1) -> Iterator[World]:
    """Join the processes that torchrun started, and leave them at the end.

    Raises:
        ConfigError: `tensor` does not divide their number.
    """
    rank, size, local_rank = world_from(os.environ)
    if size % tensor:
        raise ConfigError(
            f"parallel.tensor: {tensor} does not divide the {size} process{'es' if size > 1 else ''} of this run; start a multiple of "
            f"{tensor} with torchrun, or choose another number"
        )
    if size == 1:
        yield World()
        return
    if device.type == "cuda":
        torch.cuda.set_device(local_rank)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        save_group = dist.new_group(backend="gloo")
        if tensor == 1:
            yield World(rank, size, local_rank, save_group)
            return
        mesh = init_device_mesh(device.type, (size // tensor, 1, tensor), mesh_dim_names=("data", "one", "tensor"))
        # it advises against sums over one dimension of a mesh after the other: of one number a step, the gradient's norm
        logging.getLogger("torch.distributed.tensor._redistribute").setLevel(logging.ERROR)
        with loss_parallel(), warnings.catch_warnings():
            # a warning against changing a layer's output in place, which nothing here does
            warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
            yield World(rank, size, local_rank, save_group, mesh, tensor)
    finally:
        dist.destroy_process_group()


def shard(model: LanguageModel, world: World, kind: str) -> None:
    """With fsdp, leave each process its part of every layer's weights; before the optimizer is built.

    DistributedDataParallel takes no weights that tensor parallel has divided, so there FSDP2 does what it does: its hybrid form keeps
    the weights whole along one dimension of the mesh, and the other has a single process.
    """
    if not uses_fsdp(world, kind):
        return
    mesh = None if world.mesh is None else world.mesh["data"] if kind == "fsdp" else world.mesh["data", "one"]
    for layer in model.model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)


def uses_fsdp(world: World, kind: str) -> bool:
    """Whether FSDP2 exchanges the gradients."""
    return world.num_shares > 1 and (kind == "fsdp" or world.tensor > 1)


class Replica:
    """The model as the loop calls it."""

    def __init__(self, model: LanguageModel, world: World, kind: str) -> None:
        """Wrap; `shard` came before, and the weights are loaded."""
        self.model = model
        self._ddp: DistributedDataParallel | None = None
        self._is_sharded = uses_fsdp(world, kind)
        self.gradient_scale = float(world.num_shares)
        """DDP and FSDP divide the sum of gradients by the number of processes that they add up; losses are multiplied by it."""
        if world.num_shares > 1 and not self._is_sharded:
            device_ids = [world.local_rank] if next(model.parameters()).is_cuda else None
            self._ddp = DistributedDataParallel(model, device_ids=device_ids, gradient_as_bucket_view=True)

    @property
    def module(self) -> nn.Module:
        """What is called in training."""
        return self.model if self._ddp is None else self._ddp

    def accumulating(self, more_to_come: bool) -> AbstractContextManager[Any]:
        """A micro-batch; gradients are exchanged in the last one of a step only."""
        if self._is_sharded:
            self.model.set_requires_gradient_sync(not more_to_come)  # type: ignore[operator]
        elif self._ddp is not None and more_to_come:
            return self._ddp.no_sync()
        return nullcontext()

    def warm_up(self, num_tokens: int) -> None:
        """One pass of weight 0, whose gradients are thrown away.

        DDP puts its buckets into the order of the first backward pass, so that without this a resumed run's first step would add
        gradients in another order than the same step of a run that was not stopped.
        """
        if self._ddp is None:
            return
        device = next(self.model.parameters()).device
        tokens_BS = torch.zeros(1, num_tokens, dtype=torch.int64, device=device)
        for _ in range(2):  # buckets are put in order at the second forward pass
            loss, _ = self._ddp(tokens_BS, tokens_BS, torch.zeros(1, num_tokens, device=device))
            loss.backward()
            self.model.zero_grad(set_to_none=True)
