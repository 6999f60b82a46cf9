"""Deviation and slope from sums of whole numbers: nothing is rounded before the last step.

A number is taken to the nearest 2**-40 and a time to the millisecond. Then their products are
cut into whole numbers of 32 bits, and what is made of the sums is made of Python's integers. So the
order of the events does not matter, and a constant has a deviation of 0, however large it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.errors import DataError

DECLARED_AT = "_declared_at"
Sums = Callable[[str], npt.NDArray[Any]]
_UNIT_BITS = (48, 16, -16, -48, -80)
_FINEST = -80
_STEP = 2.0**-40
_MOST = 2.0**39
_SPLITTER = 2.0**27 + 1
_MILLISECONDS_A_DAY = 86_400_000


@dataclass(frozen=True)
class Squares:
    """A column of events of which the sums of its numbers and of their squares are needed."""

    column: str

    @property
    def present(self) -> str:
        """Name of the sum that counts values that are not null."""
        return f"{self.column}_squares"

    @property
    def sums(self) -> tuple[str, ...]:
        """Names of all sums."""
        return (self.present, *_limbs(f"{self.present}_x"), *_limbs(f"{self.present}_xx"))

    def added_by(self, events: pa.RecordBatch | pa.Table) -> dict[str, npt.NDArray[Any]]:
        """What each event adds to each sum, int64; nothing where a value is null."""
        is_there, number = _numbers(events[self.column])
        return {
            self.present: is_there.astype(np.int64),
            **_cut(f"{self.present}_x", number, np.zeros_like(number)),
            **_cut(f"{self.present}_xx", *_product(number, number)),
        }

    def deviation(self, sums: Sums) -> pa.Array:
        """Standard deviation of a sample; null for fewer than two values."""
        count = sums(self.present).astype(object)
        total, squares = (_joined(f"{self.present}_{name}", sums) for name in ("x", "xx"))
        # Both sides in units of the finest unit squared.
        spread = count * squares * 2**-_FINEST - total * total
        pairs = np.maximum(count * (count - 1), 1)
        variance = (spread / pairs).astype(np.float64) * 2.0 ** (2 * _FINEST)
        return _float(np.sqrt(variance), sums(self.present) < 2)  # noqa: PLR2004  # of a sample


@dataclass(frozen=True)
class Trend:
    """A column of events whose numbers follow a line over the time that the events declare."""

    column: str

    @property
    def present(self) -> str:
        """Name of the sum that counts values that are not null."""
        return f"{self.column}_trend"

    @property
    def sums(self) -> tuple[str, ...]:
        """Names of all sums."""
        parts = (limb for name in ("x", "t", "tx", "tt") for limb in _limbs(self._of(name)))
        return (self.present, *parts)

    def added_by(self, events: pa.RecordBatch | pa.Table) -> dict[str, npt.NDArray[Any]]:
        """What each event adds to each sum, int64; nothing where a value is null."""
        is_there, number = _numbers(events[self.column])
        micros = np.asarray(events[DECLARED_AT].cast(pa.int64()))
        time = np.where(is_there, micros // 1000, 0).astype(np.float64)
        return {
            self.present: is_there.astype(np.int64),
            **_cut(self._of("x"), number, np.zeros_like(number)),
            **_cut(self._of("t"), time, np.zeros_like(time)),
            **_cut(self._of("tx"), *_product(time, number)),
            **_cut(self._of("tt"), *_product(time, time)),
        }

    def slope(self, sums: Sums) -> pa.Array:
        """Slope of the line, per day; null where all values have the same time."""
        count = sums(self.present).astype(object)
        x, t, tx, tt = (_joined(self._of(name), sums) for name in ("x", "t", "tx", "tt"))
        unit = 2**-_FINEST
        across = count * tx * unit - t * x
        along = count * tt * unit - t * t
        is_flat = np.asarray(along == 0, dtype=bool)
        slope = (across / np.where(is_flat, 1, along)).astype(np.float64)
        return _float(slope * _MILLISECONDS_A_DAY, is_flat)

    def _of(self, name: str) -> str:
        return f"{self.present}_{name}"


def _limbs(name: str) -> list[str]:
    return [f"{name}{bits}" for bits in _UNIT_BITS]


def _numbers(values: Any) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Which values are there, and all of them to the nearest step; 0 for null."""
    is_there = np.asarray(pc.is_valid(values))
    filled = np.asarray(values.cast(pa.float64(), safe=False).fill_null(0.0))
    if not np.isfinite(filled).all() or np.abs(filled).max(initial=0.0) >= _MOST:
        raise DataError(
            "LS-2160",
            "a value of a deviation or slope is not finite, or is 2**39 or more.",
            "its squares could not be summed exactly.",
            "scale or leave it out in the measure's expression.",
        )
    return is_there, np.rint(filled / _STEP) * _STEP


def _product(
    left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The products and what they lack of the exact ones (Dekker)."""
    product = left * right
    (a, b), (c, d) = _halves(left), _halves(right)
    return product, b * d - (((product - a * c) - b * c) - a * d)


def _halves(
    number: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    scaled = number * _SPLITTER
    high = scaled - (scaled - number)
    return high, number - high


def _cut(
    name: str, number: npt.NDArray[np.float64], rest: npt.NDArray[np.float64]
) -> Mapping[str, npt.NDArray[Any]]:
    """The limbs of the sums of two numbers, int64."""
    limbs = {}
    for limb, bits in zip(_limbs(name), _UNIT_BITS, strict=True):
        unit = 2.0**bits
        whole = [np.trunc(part / unit) for part in (number, rest)]
        number, rest = number - whole[0] * unit, rest - whole[1] * unit
        limbs[limb] = whole[0].astype(np.int64) + whole[1].astype(np.int64)
    return limbs


def _joined(name: str, sums: Sums) -> npt.NDArray[Any]:
    """The sum of the limbs in the finest unit, as Python's integers."""
    parts: Sequence[npt.NDArray[Any]] = [
        sums(limb).astype(object) * 2 ** (bits - _FINEST)
        for limb, bits in zip(_limbs(name), _UNIT_BITS, strict=True)
    ]
    return sum(parts[1:], parts[0])


def _float(values: npt.NDArray[Any], is_null: npt.NDArray[Any]) -> pa.Array:
    return pa.array(values.astype(np.float32), mask=is_null)
