"""Questions that rows ask, which key on which day, and where the span of an event lies among them.

NumPy and Arrow only: this runs in Spark's Python workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Days:
    """The days of a part, as days of the grid."""

    first: int
    number: int

    def offset(self, days: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Days counted from the first; those outside become the first or the one after the last."""
        return np.clip(days.astype(np.int64) - self.first, 0, self.number)


class Questions:
    """The distinct questions of a part's rows, ordered by key and then day.

    Args:
        keys: A column of the rows for each key column; a row with a null in one asks nothing.
        asked_on: Day of each row.

    Attributes:
        place: For each row the place of its question; the one after the last where it asks nothing.
    """

    def __init__(self, keys: Sequence[pa.Array], asked_on: npt.NDArray[Any], days: Days) -> None:
        self.days = days
        self._numbering = Numbering(keys)
        numbers = self.numbers(keys, len(asked_on))
        is_asked = numbers >= 0
        times = self._times(numbers[is_asked], asked_on[is_asked])
        self._asked, place = np.unique(times, return_inverse=True)
        self.place = np.full(len(numbers), len(self), dtype=np.int64)
        self.place[is_asked] = place

    def __len__(self) -> int:
        return len(self._asked)

    def numbers(self, keys: Sequence[pa.Array], num_rows: int) -> npt.NDArray[Any]:
        """The number of each row's key; -1 where nothing is asked of it."""
        return self._numbering.of(keys, num_rows)

    def from_day(self, numbers: npt.NDArray[Any], days: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The place of the first question of a key on a day or later.

        Where its key asks nothing more it is the place where the next key begins: what enters and
        leaves there touches no question.
        """
        places: npt.NDArray[Any] = np.searchsorted(self._asked, self._times(numbers, days))
        return places

    def moments(self, asked_at: pa.ChunkedArray) -> npt.NDArray[Any]:
        """The moment of each question, in microseconds; 0 at the place of rows that ask nothing.

        Args:
            asked_at: Moment of each row.
        """
        moments = np.zeros(len(self) + 1, dtype=np.int64)
        moments[self.place] = np.asarray(asked_at.cast(pa.int64()))
        moments[-1] = 0
        return moments

    def _times(self, numbers: npt.NDArray[Any], days: npt.NDArray[Any]) -> npt.NDArray[Any]:
        times: npt.NDArray[Any] = numbers * (self.days.number + 1) + self.days.offset(days)
        return times


class Numbering:
    """A number for each distinct key, without gaps."""

    def __init__(self, keys: Sequence[pa.Array]) -> None:
        self._values = [pc.unique(_with_one_zero(key).drop_null()) for key in keys]
        self._known: list[npt.NDArray[Any]] = []
        numbers = None
        for key, values in zip(keys, self._values, strict=True):
            both = _combine(numbers, key, values)
            self._known.append(np.unique(both[both >= 0]))
            numbers = _look_up(both, self._known[-1])

    def of(self, keys: Sequence[pa.Array], num_rows: int) -> npt.NDArray[Any]:
        """The number of each row's key; -1 where it is not known or has a null."""
        numbers = np.zeros(num_rows, dtype=np.int64)
        for key, values, known in zip(keys, self._values, self._known, strict=True):
            numbers = _look_up(_combine(numbers, key, values), known)
        return numbers


def _combine(numbers: npt.NDArray[Any] | None, key: pa.Array, values: pa.Array) -> npt.NDArray[Any]:
    found = pc.index_in(_with_one_zero(key), value_set=values)
    codes = np.asarray(found.fill_null(-1)).astype(np.int64)
    if numbers is None:
        return codes
    return np.where((numbers >= 0) & (codes >= 0), numbers * max(len(values), 1) + codes, -1)


def _with_one_zero(key: pa.Array) -> pa.Array:
    """The values of a key column, with 0 in place of -0."""
    return pc.add(key, pa.scalar(0.0, key.type)) if pa.types.is_floating(key.type) else key


def _look_up(numbers: npt.NDArray[Any], known: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The place of each number among those that are known; -1 for one that is not."""
    if not len(known):
        return np.full(len(numbers), -1, dtype=np.int64)
    if len(known) == known[-1] + 1:
        return np.where(numbers < len(known), numbers, -1)  # there are no gaps
    place = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.where(known[place] == numbers, place, -1)
