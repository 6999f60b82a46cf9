"""Exact quantiles and moments of columns, in two passes that can be cut and merged at will.

All that is merged are whole numbers, so the result does not depend on how rows were cut.
A value is placed by the 32 bits of its float32 form, turned so that they sort like the value: the
first pass counts the upper 16 bits; the second counts the lower 16 of the two bins in which the
quantiles lie, and sums what lies between them in whole steps of a grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.values import FLOAT32_MAX, as_float32

Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
BINS = 1 << 16
GRID = 1 << 20
_AT_ONCE = 1 << 22
_SIGN = np.uint32(1 << 31)


def sortable(values: Values) -> npt.NDArray[np.uint32]:
    """32 bits that sort like the values, NaN left out; 0.0 and -0.0 alike.

    What is too large for 32 bits, infinity too, counts as the largest float32.
    """
    kept = values[~np.isnan(values)] + 0.0
    bits = as_float32(kept).view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def value_of(keys: npt.NDArray[np.uint32]) -> Values:
    """The float32 values of `sortable`, as float64."""
    bits = np.where(keys & _SIGN, keys & ~_SIGN, ~keys)
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


@dataclass(frozen=True)
class Survey:
    """The first pass over one column: rows without a value, and rows by upper half."""

    missing: int
    upper: Counts

    @classmethod
    def of(cls, values: Values) -> Survey:
        """Of some rows."""
        keys = sortable(values)
        return cls(len(values) - len(keys), np.bincount(keys >> 16, minlength=BINS))

    def __add__(self, other: Survey) -> Survey:
        return Survey(self.missing + other.missing, self.upper + other.upper)

    @property
    def count(self) -> int:
        """Rows with a value."""
        return int(self.upper.sum())

    @property
    def is_varied(self) -> bool:
        """Whether some values differ in their upper half."""
        return np.count_nonzero(self.upper) > 1


@dataclass(frozen=True)
class Bounds:
    """The bins that hold the two quantiles.

    Args:
        low: Upper half of the bin of the low quantile.
        high: The same of the high quantile.
        rank: Rows with a value below the low quantile, and above the high one.
    """

    low: int
    high: int
    rank: int

    @classmethod
    def of(cls, survey: Survey, quantile: float) -> Bounds:
        """Where the quantile and its mirror are; at least one row has a value."""
        rank = int(quantile * survey.count)
        cumulated = np.cumsum(survey.upper)
        low = int(np.searchsorted(cumulated, rank, side="right"))
        high = int(np.searchsorted(cumulated, survey.count - 1 - rank, side="right"))
        return cls(low, high, rank)

    @classmethod
    def around(cls, survey: Survey, first: int, last: int) -> Bounds:
        """Where the values of two ranks are; both are ranks from 0 of rows with a value."""
        places = np.searchsorted(np.cumsum(survey.upper), [first, last], side="right")
        return cls(int(places[0]), int(places[1]), 0)

    @property
    def edges(self) -> tuple[float, float]:
        """Least and largest value of the two bins and all between, finite."""
        keys = np.array([self.low << 16, (self.high << 16) | (BINS - 1)], np.uint32)
        ends = np.nan_to_num(value_of(keys), nan=FLOAT32_MAX, posinf=FLOAT32_MAX)
        first, last = np.clip(ends, -FLOAT32_MAX, FLOAT32_MAX)
        return float(first), float(last)


@dataclass(frozen=True)
class Detail:
    """The second pass over one column.

    Args:
        low: Rows of the low bin by lower half.
        high: The same of the high bin; empty counts where it is the low bin.
        between: Rows in the bins between.
        total: Sum of their grid steps.
        squares: Sum of the squares of their grid steps.
    """

    low: Counts
    high: Counts
    between: int
    total: int
    squares: int

    @classmethod
    def of(cls, values: Values, bounds: Bounds) -> Detail:
        """Of some rows."""
        keys = sortable(values)
        upper = keys >> 16
        inner = keys[(upper > bounds.low) & (upper < bounds.high)]
        first, last = bounds.edges
        steps = np.rint((value_of(inner) - first) * (GRID / (last - first))).astype(np.int64)
        low = np.bincount(keys[upper == bounds.low] & (BINS - 1), minlength=BINS)
        is_one_bin = bounds.low == bounds.high
        high = keys[:0] if is_one_bin else keys[upper == bounds.high]
        return cls(
            low,
            np.bincount(high & (BINS - 1), minlength=BINS),
            len(inner),
            int(steps.sum()),
            _squares(steps),
        )

    def __add__(self, other: Detail) -> Detail:
        return Detail(
            self.low + other.low,
            self.high + other.high,
            self.between + other.between,
            self.total + other.total,
            self.squares + other.squares,
        )


@dataclass(frozen=True)
class Summary:
    """One column: quantiles, and moments of the values clipped to them."""

    low: float
    high: float
    mean: float
    deviation: float


def summarise(survey: Survey, bounds: Bounds, detail: Detail) -> Summary:
    """Put both passes together."""
    upper = survey.upper
    below, above = int(upper[: bounds.low].sum()), int(upper[bounds.high + 1 :].sum())
    lows, low_counts = _values(bounds.low, detail.low)
    highs, high_counts = _values(bounds.high, detail.high)
    if bounds.low == bounds.high:
        highs, high_counts = lows, low_counts
    low = float(lows[np.searchsorted(np.cumsum(low_counts), bounds.rank - below, side="right")])
    place = int(high_counts.sum()) - 1 - (bounds.rank - above)
    high = float(highs[np.searchsorted(np.cumsum(high_counts), place, side="right")])
    first, last = bounds.edges
    step = (last - first) / GRID
    tails = [(np.full(1, low), np.array([below])), (np.full(1, high), np.array([above]))]
    parts = [(np.clip(lows, low, high), low_counts), *tails]
    if bounds.low != bounds.high:
        parts.append((np.clip(highs, low, high), high_counts))
    total, squares = float(detail.total), float(detail.squares)
    for values, counts in parts:
        steps = (values - first) / step
        total += float(np.dot(steps, counts))
        squares += float(np.dot(steps * steps, counts))
    mean = total / survey.count
    variance = max(squares / survey.count - mean * mean, 0.0)
    return Summary(low, high, first + mean * step, float(np.sqrt(variance)) * step)


def value_at(survey: Survey, bounds: Bounds, detail: Detail, rank: int) -> float:
    """The value of a rank from 0 that lies in one of the two bins, exact as float32."""
    upper = int(np.searchsorted(np.cumsum(survey.upper), rank, side="right"))
    values, counts = _values(upper, detail.low if upper == bounds.low else detail.high)
    below = int(survey.upper[:upper].sum())
    return float(values[np.searchsorted(np.cumsum(counts), rank - below, side="right")])


def _squares(steps: npt.NDArray[np.int64]) -> int:
    """Sum of the squares, of 2^40 at most each: more of them than 2^22 would not fit an int64."""
    parts = (steps[start : start + _AT_ONCE] for start in range(0, len(steps), _AT_ONCE))
    return sum(int((part * part).sum()) for part in parts)


def _values(upper: int, lower: Counts) -> tuple[Values, Counts]:
    """The values of a bin that occur, rising, and how often each does."""
    places = np.flatnonzero(lower)
    keys = (np.uint32(upper) << np.uint32(16)) | places.astype(np.uint32)
    return value_of(keys.astype(np.uint32)), lower[places]
