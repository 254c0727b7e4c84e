"""A global stage whose tasks do nothing, for measuring what the engine itself costs."""

from __future__ import annotations

from mathcode_data.core.stage import GlobalContext, GlobalOutcome, StageConfig, Task

VERSION = "1"


class Config(StageConfig):
    num_tasks: int = 1000


def nothing(task: Task) -> None:
    """Leave nothing."""


class ToyEmpty:
    kind = "documents"
    takes_input = False

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        context.map("nothing", nothing, [{"number": number} for number in range(self.config.num_tasks)])
        return GlobalOutcome([], [])


def build(config: Config) -> ToyEmpty:
    return ToyEmpty(config)
