"""Rows as tensors, and what each tensor holds of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

NUMBERS, CATEGORIES = "numbers", "categories"
Array = npt.NDArray[Any]
# Of a row group that is written, of a file with few of them, and of a block that is trained on.
MOST_ROWS = 131_072
_MOST_BYTES = 128_000_000


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of a block.

    Args:
        shape: Of what it holds of one row.
        dtype: NumPy's name, such as float32.
    """

    shape: tuple[int, ...]
    dtype: str

    def empty(self, num_rows: int) -> Array:
        """Zeros for some rows."""
        return np.zeros((num_rows, *self.shape), self.dtype)

    @property
    def num_bytes(self) -> int:
        """Of one row."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize


Specs = Mapping[str, TensorSpec]


def rows_at_once(num_bytes: int) -> int:
    """How many rows of so many bytes a worker takes at once: fewer where they are wide.

    So memory does not grow with the width of a table.
    """
    return max(1, min(MOST_ROWS, _MOST_BYTES // max(1, num_bytes)))


@dataclass(frozen=True)
class Block:
    """Rows as tensors by name; the first axis of each is rows.

    `numbers` is float32 `[rows, width]`, never NaN; `categories` is int32 `[rows, columns]`, where
    0 is unseen, rare or null. Both are always there; others as a transform says.
    """

    tensors: Mapping[str, Array]

    @classmethod
    def of(cls, numbers: npt.NDArray[np.float32], categories: npt.NDArray[np.int32]) -> Block:
        """A block of numbers and categories alone."""
        return cls({NUMBERS: numbers, CATEGORIES: categories})

    @classmethod
    def empty(cls, specs: Specs, num_rows: int) -> Block:
        """Zeros for some rows."""
        return cls({name: spec.empty(num_rows) for name, spec in specs.items()})

    @property
    def numbers(self) -> npt.NDArray[np.float32]:
        """Standardised numbers."""
        return self.tensors[NUMBERS]

    @property
    def categories(self) -> npt.NDArray[np.int32]:
        """Places in vocabularies."""
        return self.tensors[CATEGORIES]

    def __len__(self) -> int:
        return len(self.numbers)

    def cut(self, rows: slice) -> Block:
        """Some of the rows, not copied."""
        return Block({name: values[rows] for name, values in self.tensors.items()})

    def put(self, first: int, rows: Block) -> None:
        """Copy rows to a place of this block."""
        for name, values in rows.tensors.items():
            self.tensors[name][first : first + len(rows)] = values
