"""Where the seconds of an epoch go, and what or which rank holds it up."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lepton_spark.train.worker import Worker

Item = TypeVar("Item")
PHASES = ("read", "hand_over", "step", "validate", "keep")
# What of an epoch is another each time it is run; of one that was resumed not all rows are seen.
_OF_THE_RUN = (
    "seconds", "allreduce_seconds", "peak_mib", "rows_by_rank", "slowest_rank", "waited_seconds",
    *(f"{phase}_seconds" for phase in PHASES),
)  # fmt: skip
_PROBES = 3
_SAID = {
    "read": "workers wait for rows to be read and transformed: use fewer or narrower features,"
    " or more cores a worker",
    "hand_over": "blocks are handed to TensorFlow: narrower features make them smaller",
    "step": "the steps of the network itself: a smaller model, larger batches or more workers",
    "allreduce": "gradients are summed over the workers: larger batches, or train.accumulate, sum"
    " them less often",
    "validate": "validation: a smaller validation part, or more workers",
    "keep": "states are kept: raise train.checkpoint_minutes, or keep them nearer",
}
# What a rank does for itself, while the others wait for it in their next step.
_ALONE = {
    "read": "reading and transforming its rows",
    "hand_over": "handing its blocks to TensorFlow",
}
_ONE = (
    "rank {rank} is slower than others at {work}, and they wait for it: see what else its machine"
    " does, and how it reaches the lake"
)


class Phases:
    """A clock of one rank that is read once an epoch."""

    def __init__(self) -> None:
        self._allreduce: float | None = None
        self._begin()

    def _begin(self) -> None:
        self._seconds = dict.fromkeys(PHASES, 0.0)
        self._rows = 0.0
        self._steps = 0

    @contextmanager
    def of(self, phase: str) -> Iterator[None]:
        """Count what runs inside to a phase."""
        started_at = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[phase] += time.perf_counter() - started_at

    def reading(self, items: Iterator[Item]) -> Iterator[Item]:
        """The items; waiting for the next one counts as reading."""
        while True:
            with self.of("read"):
                item = next(items, None)
            if item is None:
                return
            yield item

    def count(self, rows: float, steps: int) -> None:
        """Count what steps took of the rows of this rank."""
        self._rows += rows
        self._steps += steps

    def measure_allreduce(self, worker: Worker, tensors: Sequence[Any]) -> None:
        """See once how long the sum of one step takes; called by all ranks.

        Inside a compiled step it cannot be timed. The quickest of some is the one in which no rank
        waited for another.
        """
        if self._allreduce is not None or worker.size == 1:
            return
        found = []
        for _ in range(_PROBES):
            started_at = time.perf_counter()
            worker.sum_tensors(tensors)
            found.append(time.perf_counter() - started_at)
        self._allreduce = min(found)

    def read(self, worker: Worker) -> dict[str, Any]:
        """What an epoch took, and begin with the next; called by all ranks.

        Returns:
            `<phase>_seconds` of the slowest rank; `peak_mib`, most memory of a rank;
            `rows_by_rank`. Of more than one rank also `slowest_rank`; `waited_seconds`, how much
            longer than the median of the others it took to come to its steps; `allreduce_seconds`,
            which are part of `step_seconds`.
        """
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        own = np.zeros((worker.size, len(PHASES) + 2))
        own[worker.rank] = [*self._seconds.values(), peak, self._rows]
        found = worker.sum(own.ravel()).reshape(own.shape)
        # Within a step all ranks wait for the last one to come, whose own steps take least by that.
        slowest = int(found[:, PHASES.index("step")].argmin())
        taken = dict(zip(PHASES, found[slowest].tolist(), strict=False))
        entry: dict[str, Any] = {
            "peak_mib": round(found[:, -2].max(), 1),
            "rows_by_rank": [int(rows) for rows in found[:, -1]],
        }
        if worker.size > 1:
            alone = found[:, [PHASES.index(phase) for phase in _ALONE]].sum(axis=1)
            later = alone[slowest] - np.median(np.delete(alone, slowest))
            entry |= {"slowest_rank": slowest, "waited_seconds": round(max(0.0, later), 3)}
            taken["allreduce"] = min((self._allreduce or 0.0) * self._steps, taken["step"])
        self._begin()
        return {f"{phase}_seconds": round(taken[phase], 3) for phase in taken} | entry


def repeatable(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What of an epoch is the same when it is run again, killed or not."""
    return {key: value for key, value in entry.items() if key not in _OF_THE_RUN}


def bottleneck(history: Sequence[Mapping[str, Any]]) -> str:
    """What held training up, in one sentence; empty where nothing was measured."""
    taken = {
        phase: sum(float(entry.get(f"{phase}_seconds") or 0.0) for entry in history)
        for phase in (*PHASES, "allreduce")
    }
    taken["step"] = max(0.0, taken["step"] - taken["allreduce"])
    total = sum(taken.values())
    if total == 0:
        return ""
    most = max(taken, key=lambda phase: taken[phase])
    rank, waited = _slowest(history)
    said = _SAID[most]
    if most in _ALONE and waited > taken[most] / 2:
        said = _ONE.format(rank=rank, work=_ALONE[most])
    return f"{taken[most] / total:.0%} of the time: {said}."


def _slowest(history: Sequence[Mapping[str, Any]]) -> tuple[int, float]:
    """The rank for which the others waited most, and for how many seconds."""
    waited = {0: 0.0}
    for entry in history:
        rank = int(entry.get("slowest_rank") or 0)
        waited[rank] = waited.get(rank, 0.0) + float(entry.get("waited_seconds") or 0.0)
    rank = max(waited, key=lambda each: waited[each])
    return rank, waited[rank]
