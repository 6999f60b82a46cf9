"""Transformed rows in local files, so that a second epoch decodes nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.transform import Block, FeatureTransform

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Labelled:
    """Rows with their labels, float32 0 or 1, NaN where nothing is fitted on the row."""

    block: Block
    labels: npt.NDArray[np.float32]


class RowCache:
    """Numbers, categories and labels, each in a file of its own, appended part by part."""

    def __init__(self, folder: Path, transform: FeatureTransform) -> None:
        self._shapes = {"numbers": transform.width, "categories": len(transform.categories)}
        self._paths = {name: folder / name for name in (*self._shapes, "labels")}
        self._ranges: dict[int, tuple[int, int]] = {}
        self._rows = 0
        self._has_room = True

    def put(self, place: int, rows: Labelled) -> None:
        """Keep rows; without room on the disk later epochs read the lake again."""
        if not self._has_room:
            return
        arrays: tuple[npt.NDArray[Any], ...]
        arrays = (rows.block.numbers, rows.block.categories, rows.labels)
        try:
            for path, array in zip(self._paths.values(), arrays, strict=True):
                with path.open("ab") as file:
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
        first, rows = self._ranges[place]
        numbers = self._map("numbers", np.float32, first, rows)
        categories = self._map("categories", np.int32, first, rows)
        labels = np.fromfile(self._paths["labels"], np.float32, rows, offset=first * 4)
        return Labelled(Block(numbers, categories), labels)

    def _map(self, name: str, kind: type[Any], first: int, rows: int) -> npt.NDArray[Any]:
        width = self._shapes[name]
        if rows * width == 0:
            return np.zeros((rows, width), kind)
        offset = first * width * np.dtype(kind).itemsize
        return np.memmap(self._paths[name], kind, "r", offset, (rows, width))
