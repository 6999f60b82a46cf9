"""A rank of a ring of TensorFlow's own collective operations, where a cluster has no Horovod."""

from __future__ import annotations

import json
import os
import socket
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_spark.models.lean import tf
from lepton_spark.train.board import Address, Pen
from lepton_spark.train.device import prepared_device
from lepton_spark.train.place import BOARD, LOCALHOST, LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lepton_spark.train.worker import Vector

_GROUP = 1_000_003  # far from the small numbers that the strategy itself takes
_KINDS = 1_000_003
_INTERNET = (socket.AF_INET, socket.AF_INET6)


class CollectiveWorker:
    """One rank; reads its place from TF_CONFIG.

    `MultiWorkerMirroredStrategy` starts the server of this rank and connects it to the others. The
    sums are the operation that the strategy is built on, so that the training function is the one
    of Horovod, to the letter: variables are plain ones, and no loop is the strategy's.

    The server asks for no password, runs what it is sent, and listens on all interfaces: TensorFlow
    leaves no choice. Where all ranks are on one host its socket is tied to the loopback interface
    as soon as it is there, which Linux before 5.7 lets nobody but root do. Between hosts it is as
    open as the network, see `train.traffic`.
    """

    def __init__(self, folder: Path, beat: Callable[[str], None]) -> None:
        self.folder = folder
        self._beat = beat
        self._pen = Pen(Address(**json.loads(os.environ[BOARD])))
        prepared_device()  # the strategy starts TensorFlow, which then keeps its devices
        options = tf.distribute.experimental.CommunicationOptions(
            implementation=tf.distribute.experimental.CommunicationImplementation.RING
        )
        # Kept: its servers end with it.
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
        resolver = self._strategy.cluster_resolver
        self.rank: int = resolver.task_id
        addresses = resolver.cluster_spec().as_dict()["worker"]
        self.size: int = len(addresses)
        host, _, port = addresses[self.rank].rpartition(":")
        if host == LOCALHOST:
            keep_to_loopback(int(port))

    def sum_tensors(self, tensors: Sequence[Any]) -> list[Any]:
        """One allreduce for all tensors of a type: each operation costs milliseconds."""
        found: list[Any] = list(tensors)
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
            places = [place for place, tensor in enumerate(tensors) if tensor.dtype == dtype]
            sizes = [tf.size(tensors[place]) for place in places]
            joined = tf.concat([tf.reshape(tensors[place], [-1]) for place in places], axis=0)
            for place, part in zip(places, tf.split(self._sum(joined), sizes), strict=True):
                found[place] = tf.reshape(part, tf.shape(tensors[place]))
        return found

    def sum(self, values: Vector) -> Vector:
        """Sum in float64."""
        return np.asarray(self._sum(tf.constant(values, tf.float64)), dtype=np.float64)

    def broadcast(self, variables: Sequence[Any]) -> None:
        """Give all ranks what rank 0 has: their sum, to which the others add nothing."""
        own = [tf.cast(variable, tf.float64) for variable in variables]
        given = own if self.rank == 0 else [tf.zeros_like(values) for values in own]
        for variable, values in zip(variables, self.sum_tensors(given), strict=True):
            variable.assign(tf.cast(values, variable.dtype))

    def beat(self, place: str) -> None:
        """Tell the supervisor of this process."""
        self._beat(place)

    def close(self) -> None:
        """Wait for all: another rank may not have taken yet what this one still has to give."""
        self._pen.meet("left", self.rank, self.size)

    def _sum(self, vector: tf.Tensor) -> tf.Tensor:
        # A number of the operation that is the same on all ranks. Counting would not do: a rank
        # whose blocks have another size traces its steps again, and another does not.
        kind = zlib.crc32(f"{vector.dtype.name} {vector.shape[0]}".encode()) % _KINDS
        return tf.raw_ops.CollectiveReduceV2(
            input=vector,
            group_size=self.size,
            group_key=_GROUP,
            instance_key=_GROUP + kind,
            ordering_token=[],
            merge_op="Add",
            final_op="Id",
            communication_hint="ring",
        )


def keep_to_loopback(port: int) -> None:
    """Tie what this process has on a port to the loopback interface."""
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # no socket, or not allowed
            found = socket.socket(fileno=int(path.name))
            try:
                if found.family in _INTERNET and found.getsockname()[1] == port:
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, LOOPBACK.encode())
            finally:
                found.detach()  # TensorFlow's own
