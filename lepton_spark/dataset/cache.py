"""Transformed rows in local files, so that a second epoch decodes nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.tensors import Array, Block, Specs, TensorSpec

logger = logging.getLogger(__name__)
_LABELS = "_labels"


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
        try:
            for name, array in {**rows.block.tensors, _LABELS: rows.labels}.items():
                with (self._folder / name).open("ab") as file:
                    array.tofile(file)
        except OSError as error:
            # What is half written lies behind all rows that are in _ranges, and stays unread.
            logger.warning("no more local cache of training rows: %s", error.strerror)
            self._has_room = False
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

    def _map(self, name: str, first: int, rows: int) -> Array:
        spec = self._specs[name]
        size = int(np.prod(spec.shape, dtype=np.int64))
        if rows * size == 0:
            return spec.empty(rows)
        offset = first * size * np.dtype(spec.dtype).itemsize
        return np.memmap(self._folder / name, spec.dtype, "r", offset, (rows, *spec.shape))
