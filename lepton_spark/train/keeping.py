"""Keeping what training needs later: rank 0 writes, and no rank is taken for one that hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from lepton_spark.train.state import State
    from lepton_spark.train.worker import Worker

Alive = Callable[[], object]


class Keeper(Protocol):
    """Where states are kept between processes; called on rank 0 only.

    What is written may take minutes: `alive` is called between the parts of it.
    """

    def load(self) -> State | None:
        """The newest state that can be read."""

    def save(self, state: State, alive: Alive) -> None:
        """Keep a state for good before returning."""

    def save_last(self, state: State, alive: Alive) -> None:
        """Keep the weights of the last epoch for good before returning."""

    def is_stopped(self) -> bool:
        """Whether someone asked to stop."""


def told(worker: Worker, *, is_so: bool) -> bool:
    """What rank 0 says, on all ranks: one that went on alone would wait for ever.

    Args:
        worker: Called by all ranks.
        is_so: Of rank 0; that of the others does not matter.
    """
    said = worker.rank == 0 and is_so
    return bool(worker.sum(np.array([said], np.float64))[0])


def keep_on_first(worker: Worker, place: str, write: Callable[[Alive], None]) -> None:
    """Have rank 0 write; between the parts of it all ranks say that they live.

    Where nothing is written any more all fall silent.

    Args:
        worker: Called by all ranks, which wait until all is written.
        place: What they say.
        write: Called on rank 0, with what it has to call between two parts.
    """

    def go_on() -> None:
        """Say of all ranks that they live."""
        told(worker, is_so=False)
        worker.beat(place)

    worker.beat(place)
    if worker.rank == 0:
        write(go_on)
        told(worker, is_so=True)
        return
    while not told(worker, is_so=False):
        worker.beat(place)
