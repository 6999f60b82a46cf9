"""Transformed rows in local files, so that a second epoch decodes nothing."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.tensors import Array, Block, Specs, TensorSpec

logger = logging.getLogger(__name__)
_LABELS = "_labels"
_LEFT_FREE = 0.05  # of the disk: checkpoints and what Spark spills are written there too


@dataclass(frozen=True)
class Labelled:
    """Rows with their labels, float32 0 or 1, NaN where nothing is fitted on the row."""

    block: Block
    labels: npt.NDArray[np.float32]

    def cut(self, rows: slice) -> Labelled:
        """Some of the rows, not copied."""
        return Labelled(self.block.cut(rows), self.labels[rows])


class RowCache:
    """Each tensor, and the labels, in a file of its own, appended part by part."""

    def __init__(self, folder: Path, specs: Specs) -> None:
        self._specs = {**specs, _LABELS: TensorSpec((), "float32")}
        self._folder = folder
        self._ranges: dict[int, tuple[int, int]] = {}
        self._rows = 0
        self._has_room = True

    def put(self, place: int, rows: Labelled) -> None:
        """Keep rows; without room on the disk later epochs read the lake again."""
        if not self._has_room:
            return
        arrays = {**rows.block.tensors, _LABELS: rows.labels}
        try:
            self._demand_room(sum(array.nbytes for array in arrays.values()))
            for name, array in arrays.items():
                with (self._folder / name).open("ab") as file:
                    file.write(np.ascontiguousarray(array).data)
        except OSError as error:
            logger.warning("no more local cache of training rows: %s", error.strerror)
            self._has_room = False
            self._give_back()
            return
        self._ranges[place] = (self._rows, len(rows.labels))
        self._rows += len(rows.labels)

    def get(self, place: int) -> Labelled | None:
        """The rows kept under this place."""
        if place not in self._ranges:
            return None
        arrays = {name: self._map(name, *self._ranges[place]) for name in self._specs}
        labels = arrays.pop(_LABELS)
        return Labelled(Block(arrays), np.array(labels))

    def _demand_room(self, num_bytes: int) -> None:
        disk = shutil.disk_usage(self._folder)
        if disk.free - num_bytes < _LEFT_FREE * disk.total:
            raise OSError(errno.ENOSPC, "the disk is nearly full")

    def _give_back(self) -> None:
        """Cut off what was half written."""
        for name, spec in self._specs.items():
            path = self._folder / name
            if path.exists():
                os.truncate(path, self._rows * spec.num_bytes)

    def _map(self, name: str, first: int, rows: int) -> Array:
        spec = self._specs[name]
        if rows * spec.num_bytes == 0:
            return spec.empty(rows)
        offset = first * spec.num_bytes
        return np.memmap(self._folder / name, spec.dtype, "r", offset, (rows, *spec.shape))
