"""What a task of a crawl is given: the terms it works under, and what the frontier knows of its hosts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mathcode_data.stages.crawl.hosts import HostState, OriginRules
from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.scope import Scope


@dataclass(frozen=True)
class Terms:
    """What a task works under."""

    limits: Limits
    scope: Scope
    partition: int
    num_partitions: int
    content_types: frozenset[str]
    ignore_signals: frozenset[str]
    max_bytes: int
    """Bytes that this task may receive."""


@dataclass
class Known:
    """What the frontier knows of the hosts of a batch."""

    states: dict[str, HostState]
    rules: dict[str, OriginRules]
    simhashes: dict[str, NDArray[np.int64]]
