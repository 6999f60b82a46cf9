"""What the ranks of `benchmarks.scaling` do: train as ours, with a sum a variable, or alone."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_spark.train.loop import Loop
from lepton_spark.train.table_network import fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lepton_spark.train.backend import Outcome
    from lepton_spark.train.worker import HorovodWorker, Vector

_LOOKS_SECONDS = 0.001


def ours(worker: HorovodWorker, payload: Mapping[str, Any]) -> Outcome:
    """Train as a case does, on so many cores where the payload says how many."""
    if payload["cores"]:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: payload["cores"]])
    return fit(worker, payload)


def per_variable(worker: HorovodWorker, payload: Mapping[str, Any]) -> Outcome:
    """Train with an allreduce for each variable, as Horovod's optimizer does for Keras."""
    import horovod.tensorflow as hvd  # noqa: PLC0415  # after lepton_spark.models.lean

    def sum_tensors(tensors: Sequence[Any]) -> list[Any]:
        return [hvd.allreduce(tensor, op=hvd.Sum) for tensor in tensors]

    worker.sum_tensors = sum_tensors  # type: ignore[method-assign]  # the only difference
    return ours(worker, payload)


def alone(worker: HorovodWorker, payload: Mapping[str, Any]) -> Outcome:
    """The limit: each rank takes its own steps on its own rows, and no ring takes time."""
    worker.close()
    Loop._require_equal = lambda _loop: None  # type: ignore[method-assign]  # weights must differ
    return ours(Alone(worker, Path(payload["meeting"])), payload)  # type: ignore[arg-type]  # a Worker


class Alone:
    """One of several ranks that have no ring; they begin and end each epoch together.

    Args:
        worker: Its rank, size and folder.
        meeting: Folder that all ranks reach; each leaves a file of numbers there when it comes.
    """

    def __init__(self, worker: HorovodWorker, meeting: Path) -> None:
        self.rank, self.size, self.folder = worker.rank, worker.size, worker.folder
        self.beat = worker.beat
        self._meeting = meeting
        self._count = 0

    def sum_tensors(self, tensors: Sequence[Any]) -> list[Any]:
        """The tensors themselves."""
        return list(tensors)

    def sum(self, values: Vector) -> Vector:
        """Over all ranks, through files: once an epoch or a write, never in a step."""
        self._count += 1
        places = [self._meeting / f"{self._count}-{rank}.npy" for rank in range(self.size)]
        unfinished = places[self.rank].with_suffix(".part")
        with unfinished.open("wb") as file:
            np.save(file, values)
        unfinished.rename(places[self.rank])
        return np.sum([_read(place) for place in places], axis=0)

    def broadcast(self, variables: Sequence[Any]) -> None:
        """Nothing: all begin with the same seed."""

    def close(self) -> None:
        """Nothing: there is no ring."""


def _read(path: Path) -> Vector:
    while not path.exists():
        time.sleep(_LOOKS_SECONDS)
    found: Vector = np.load(path)
    return found
