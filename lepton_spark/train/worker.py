"""What a training process knows of the others: its rank, their sum, and that someone watches."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from lepton_spark.errors import EnvironmentFault
from lepton_spark.train.cores import giving_way

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Vector = npt.NDArray[np.float64]
_MOST_LETTERS = 200


class Worker(Protocol):
    """One of `size` processes that work on the same thing, each on its own rows."""

    rank: int
    size: int
    folder: Path

    def sum_tensors(self, tensors: Sequence[Any]) -> list[Any]:
        """Sum each tensor over the ranks; for use inside a compiled function, by all ranks."""

    def sum(self, values: Vector) -> Vector:
        """Sum a vector over the ranks; called by all of them."""

    def broadcast(self, variables: Sequence[Any]) -> None:
        """Give TensorFlow variables the values of rank 0; called by all ranks."""

    def beat(self, place: str) -> None:
        """Say that this process lives, and where it is, such as `epoch 3, step 128`.

        What begins with `starting` may take longer. Empty: still where it was, as a thread says
        that reads ahead.
        """

    def close(self) -> None:
        """Leave in order, so that no other rank sees a broken connection."""


class LocalWorker:
    """One process alone: needs no Horovod.

    Args:
        folder: Local folder for files that are gone when the work is done.
    """

    def __init__(self, folder: Path, beat: Callable[[str], None] | None = None) -> None:
        self.rank = 0
        self.size = 1
        self.folder = folder
        self._beat = beat

    def sum_tensors(self, tensors: Sequence[Any]) -> list[Any]:
        """The tensors themselves."""
        return list(tensors)

    def sum(self, values: Vector) -> Vector:
        """The vector itself."""
        return values

    def broadcast(self, variables: Sequence[Any]) -> None:
        """Nothing: there is no other rank."""

    def beat(self, place: str) -> None:
        """Tell whoever watches, if anyone does."""
        if self._beat:
            self._beat(place)

    def close(self) -> None:
        """Nothing: there is no other rank."""


class HorovodWorker:
    """One rank of a Horovod ring; reads its place from the HOROVOD_ variables.

    Raises:
        EnvironmentFault: Horovod is not installed, or was not built for this TensorFlow.
    """

    def __init__(self, folder: Path, beat: Callable[[str], None]) -> None:
        import lepton_spark.models.lean  # noqa: F401, PLC0415  # first: Horovod would import all

        hvd = _horovod()
        with giving_way():
            hvd.init()
        self._hvd = hvd
        self._beat = beat
        self.rank: int = hvd.rank()
        self.size: int = hvd.size()
        self.folder = folder

    def sum_tensors(self, tensors: Sequence[Any]) -> list[Any]:
        """One fused allreduce for all tensors: on Gloo each operation costs a millisecond."""
        return list(self._hvd.grouped_allreduce(list(tensors), op=self._hvd.Sum))

    def sum(self, values: Vector) -> Vector:
        """Sum in float64."""
        return np.asarray(self._hvd.allreduce(values, op=self._hvd.Sum), dtype=np.float64)

    def broadcast(self, variables: Sequence[Any]) -> None:
        """Broadcast from rank 0."""
        self._hvd.broadcast_variables(list(variables), root_rank=0)

    def beat(self, place: str) -> None:
        """Tell the supervisor of this process."""
        self._beat(place)

    def close(self) -> None:
        """Leave the ring in order, so that no other rank sees a broken connection."""
        self._hvd.shutdown()


def _horovod() -> Any:
    try:
        import horovod.tensorflow as hvd  # noqa: PLC0415  # absent where one process trains
    except Exception as error:  # a library built for another TensorFlow raises one of TensorFlow's
        said = f"{type(error).__name__}: {error}".splitlines()[0][:_MOST_LETTERS]
        raise EnvironmentFault(
            "LS-5047",
            f"Horovod cannot be used on {socket.gethostname()} ({said})",
            "this launcher sums the gradients of the ranks with Horovod",
            "install it with pip install 'lepton-spark[horovod]' on all workers, or do without: set"
            " train.launcher: distribute",
        ) from error
    return hvd
