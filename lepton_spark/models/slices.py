"""Slices of equally many rows: the last bits of a product of matrices depend on their number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

SLICE_ROWS = 1024
Floats = npt.NDArray[np.float64]


def slices(num_rows: int, size: int) -> Iterator[slice]:
    """The slices of some rows; the last one may go beyond them."""
    return (slice(start, start + size) for start in range(0, num_rows, size))


def filled(values: npt.NDArray[Any], num_rows: int) -> npt.NDArray[Any]:
    """As many rows as said; those that are added are zeros."""
    if len(values) == num_rows:
        return values
    added = np.zeros((num_rows - len(values), *values.shape[1:]), values.dtype)
    return np.concatenate([values, added])


def cut_evenly(values: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """`[slices, size, ...]`, the last slice filled with zeros; a copy only where it has to be."""
    count = -(-len(values) // size)
    return filled(values, count * size).reshape(count, size, *values.shape[1:])


def product(values: npt.NDArray[np.float32], coefficients: Floats) -> Floats:
    """`values @ coefficients`; a row gives the same bits whatever rows are beside it."""
    found = np.empty((len(values), coefficients.shape[1]), dtype=np.float64)
    for rows in slices(len(values), SLICE_ROWS):
        part = values[rows]
        found[rows] = (filled(part, SLICE_ROWS) @ coefficients)[: len(part)]
    return found
