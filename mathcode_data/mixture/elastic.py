"""Which positions a process trains on at each step: one integer, the same global batches at any number of processes."""

from __future__ import annotations

from collections.abc import Iterator

from mathcode_data.core.errors import ConfigError


class ElasticBatches:
    """Positions of one data-parallel rank, micro-batch by micro-batch: a `batch_sampler` for a PyTorch DataLoader.

    Step s is the positions first_sample + s G .. first_sample + (s + 1) G - 1 of the mixture, G = global_batch_size, whatever
    the number of processes; rank r of n takes the r-th of n neighbouring blocks of it, whose sizes differ by one at most. So a run
    goes on at another data-parallel size from one integer: `first_sample` = `consumed_samples(steps done)`.

    All ranks have the same number of micro-batches at every step, so that no rank waits for one that is done: as many as the
    largest block needs, and each rank cuts its block into so many parts whose sizes differ by one at most. Where n or
    `micro_batch_size` do not divide, parts differ in size: weigh a part's mean loss by its samples.

    The last step may have fewer than G positions. It is kept, so that no sample of the mixture is left out; with `drop_last` it
    is left out, at every number of processes alike. A step with too few samples to give every rank a sample in every part is
    refused when the plan is made.

    >>> [list(ElasticBatches(10, 4, rank=rank, world_size=2)) for rank in (0, 1)]
    [[[0, 1], [4, 5], [8]], [[2, 3], [6, 7], [9]]]
    >>> [list(ElasticBatches(9, 9, rank=rank, world_size=2, micro_batch_size=3)) for rank in (0, 1)]
    [[[0, 1], [2, 3]], [[4, 5], [6, 7, 8]]]
    """

    def __init__(
        self,
        num_samples: int,
        global_batch_size: int,
        *,
        rank: int = 0,
        world_size: int = 1,
        first_sample: int = 0,
        micro_batch_size: int | None = None,
        drop_last: bool = False,
    ) -> None:
        """Take the plan of a run.

        Args:
            num_samples: of the mixture, len(dataset).
            global_batch_size: samples of a step, over all ranks.
            rank: of this process, 0..world_size - 1.
            world_size: data-parallel processes.
            first_sample: position at which the run goes on; any, not only a multiple of the batch.
            micro_batch_size: largest number of samples in one list; if absent a rank's part of a step is one list.
            drop_last: leave out the last step if it is not full.

        Raises:
            ConfigError: a size below 1, a rank that is not one of the world's, a first sample outside the mixture, or a step
                that cannot be cut into the same number of micro-batches for every rank.
        """
        if global_batch_size < 1 or world_size < 1 or (micro_batch_size is not None and micro_batch_size < 1):
            raise ConfigError(
                f"global_batch_size {global_batch_size}, world_size {world_size}, micro_batch_size {micro_batch_size}; each is at least 1"
            )
        if not 0 <= rank < world_size:
            raise ConfigError(f"rank {rank} of {world_size} processes; ranks are 0..{world_size - 1}")
        if not 0 <= first_sample <= num_samples:
            raise ConfigError(f"first_sample {first_sample:,} of a mixture of {num_samples:,} samples; legal are 0..{num_samples:,}")
        self.num_samples = num_samples
        self.global_batch_size = global_batch_size
        self.rank = rank
        self.world_size = world_size
        self.first_sample = first_sample
        self.micro_batch_size = micro_batch_size
        self.drop_last = drop_last
        for number in sorted({0, self.num_steps - 1} & set(range(self.num_steps))):
            self._check_share(number)

    @property
    def num_steps(self) -> int:
        """Steps from `first_sample` to the end."""
        left = self.num_samples - self.first_sample
        return left // self.global_batch_size if self.drop_last else -(-left // self.global_batch_size)

    def consumed_samples(self, num_steps: int) -> int:
        """Where the mixture stands after so many steps: the `first_sample` of the run that goes on."""
        if not 0 <= num_steps <= self.num_steps:
            raise ConfigError(f"{num_steps:,} steps of {self.num_steps:,}; legal are 0..{self.num_steps:,}")
        return min(self.first_sample + num_steps * self.global_batch_size, self.num_samples)

    def step(self, number: int) -> range:
        """Positions of this rank in a step, from 0."""
        if not 0 <= number < self.num_steps:
            raise ConfigError(f"step {number:,} of {self.num_steps:,}; steps are 0..{self.num_steps - 1:,}")
        start = self.first_sample + number * self.global_batch_size
        size = self._size(number)
        return range(start + size * self.rank // self.world_size, start + size * (self.rank + 1) // self.world_size)

    def micro_batches(self, number: int) -> list[range]:
        """The positions of this rank in a step, in as many parts as every other rank has, of at most `micro_batch_size`."""
        mine = self.step(number)
        parts = self._num_parts(number)
        return [mine[len(mine) * part // parts : len(mine) * (part + 1) // parts] for part in range(parts)]

    def _size(self, number: int) -> int:
        """Positions of a step, over all ranks."""
        return min(self.global_batch_size, self.num_samples - self.first_sample - number * self.global_batch_size)

    def _num_parts(self, number: int) -> int:
        """Micro-batches of every rank in a step: what the largest share needs."""
        largest = -(-self._size(number) // self.world_size)
        return -(-largest // (self.micro_batch_size or largest))

    def _check_share(self, number: int) -> None:
        size, parts = self._size(number), self._num_parts(number)
        if size // self.world_size >= parts:
            return
        if size < self.global_batch_size:
            what = f"the last step has {_samples(size)}"
            advice = "set drop_last=True, which leaves out this step at every number of processes"
        else:
            what = f"global_batch_size {size:,}"
            advice = f"take a multiple of {self.world_size:,}"
        raise ConfigError(
            f"{what}, {self.world_size:,} processes cut their share of it into {parts:,} micro-batches (micro_batch_size "
            f"{self.micro_batch_size}), the smallest share is {_samples(size // self.world_size)}: a rank would have fewer than the "
            f"others, which would wait for it; {advice}, or use other sizes"
        )

    def __iter__(self) -> Iterator[list[int]]:
        for number in range(self.num_steps):
            for piece in self.micro_batches(number):
                yield list(piece)

    def __len__(self) -> int:
        """Lists that iterating gives."""
        if not self.num_steps:
            return 0
        return (self.num_steps - 1) * self._num_parts(0) + self._num_parts(self.num_steps - 1)


def _samples(number: int) -> str:
    return f"{number:,} sample{'' if number == 1 else 's'}"
