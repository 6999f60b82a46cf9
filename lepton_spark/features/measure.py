"""Measures over windows, made of sums of whole numbers: exact, in whatever order they are added.

Sums of floats differ in the last digit from order to order, and a running sum of floats keeps an
error when what caused it has left the window. So a number that is not whole is cut into three whole
ones, in units of 2**16, 2**-16 and 2**-48: exact to 2**-49 and good up to 2**79.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.errors import DataError
from lepton_spark.features.exact import Squares, Sums, Trend

if TYPE_CHECKING:
    from lepton_spark.config.model import AnyWindow

ROWS = "_rows"
_PARTS = (2.0**16, 2.0**-16, 2.0**-48)
# Those that are made of sums; the others need the events themselves.
SUMMED = frozenset({"count", "sum", "mean", "share", "deviation", "slope", "ratio"})
_TYPES = {
    **dict.fromkeys(("count", "distinct"), "integer"),
    **dict.fromkeys(("sum", "min", "max", "quantile"), "double"),
}


@dataclass(frozen=True)
class Value:
    """A column of events of which sums are needed.

    Args:
        is_summed: False where values that are not null are only counted.
        is_whole: Whether its values are whole numbers: bigint, else double.
    """

    column: str
    is_summed: bool = False
    is_whole: bool = True

    @property
    def present(self) -> str:
        """Name of the sum that counts values that are not null."""
        return f"{self.column}_present"

    @property
    def units(self) -> tuple[float, ...]:
        """Of the whole numbers that a value is made of."""
        if not self.is_summed:
            return ()
        return (1.0,) if self.is_whole else _PARTS

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the sums of the whole numbers."""
        return tuple(f"{self.column}_{number}" for number in range(len(self.units)))

    @property
    def sums(self) -> tuple[str, ...]:
        """Names of all sums."""
        return (self.present, *self.parts)

    def added_by(self, events: pa.RecordBatch | pa.Table) -> dict[str, npt.NDArray[Any]]:
        """What each event adds to each sum, int64."""
        return self.whole_numbers(events[self.column])

    def whole_numbers(self, values: pa.Array) -> dict[str, npt.NDArray[Any]]:
        """What each event adds to each sum, int64; nothing where a value is null."""
        present = np.asarray(pc.is_valid(values), dtype=np.int64)
        numbers = {self.present: present}
        if self.is_summed:
            filled = np.asarray(values.fill_null(0))
            parts = [filled] if self.is_whole else _cut(filled)
            numbers |= dict(zip(self.parts, parts, strict=True))
        return numbers


@dataclass(frozen=True)
class Kept:
    """A column of events whose values are needed one by one.

    Args:
        type_: Spark's name for its type: double, string, boolean or long.
    """

    column: str
    type_: str


@dataclass(frozen=True)
class WindowMeasure:
    """One measure of a case.

    Args:
        kind: As in the case.
        value: None where rows are counted.
        rows: Of a lag: 1 is the newest.
        at: Of a quantile.
        to: Of a ratio: the longer window.
    """

    name: str
    kind: str
    value: Value | Squares | Trend | Kept | None = None
    rows: int = 1
    at: Fraction = Fraction(1, 2)
    to: AnyWindow | None = None

    @property
    def is_summed(self) -> bool:
        """Whether sums are all that it needs of the events."""
        return self.kind in SUMMED

    @property
    def type_(self) -> str:
        """Spark's name for the type of the feature."""
        if self.kind in ("first", "last", "lag", "top") and isinstance(self.value, Kept):
            return self.value.type_
        return _TYPES.get(self.kind, "float")

    def finished(self, sums: Sums, past: Sums | None = None) -> pa.Array:
        """The feature: a count of 0, but null for the rest, where the window has no value.

        Args:
            sums: Of the window.
            past: Of the longer window of a ratio.
        """
        if isinstance(self.value, Squares):
            return self.value.deviation(sums)
        if isinstance(self.value, Trend):
            return self.value.slope(sums)
        value = self.value if isinstance(self.value, Value) else None
        count = sums(value.present if value else ROWS)
        if self.kind == "count" or value is None:
            return pa.array(count.astype(np.int32))
        total = _total(value, sums)
        if self.kind == "sum":
            return pa.array(total, mask=count == 0)
        mean = total / np.maximum(count, 1)
        if past is None:
            return pa.array(mean.astype(np.float32), mask=count == 0)
        return _ratio(mean, count == 0, _total(value, past) / np.maximum(past(value.present), 1))


def values_of(measures: Sequence[WindowMeasure]) -> tuple[Value | Squares | Trend, ...]:
    """Every value to sum once, however many measures need it; if any sums it, it is summed."""
    found: dict[tuple[type, str], Value | Squares | Trend] = {}
    for measure in measures:
        value = measure.value
        if value is None or isinstance(value, Kept):
            continue
        known = found.get((type(value), value.column))
        if known is None or (isinstance(value, Value) and value.is_summed):
            found[type(value), value.column] = value
    return tuple(found.values())


def sum_names(measures: Sequence[WindowMeasure]) -> tuple[str, ...]:
    """Every sum that the measures need, once."""
    return (ROWS, *(name for value in values_of(measures) for name in value.sums))


def magnitude(numbers: npt.NDArray[Any]) -> int:
    """How far from 0 whole numbers are at most; exact for -2**63, which has no opposite."""
    return max(int(numbers.max(initial=0)), -int(numbers.min(initial=0)))


def _total(value: Value, sums: Sums) -> npt.NDArray[Any]:
    parts = [sums(part) * unit for part, unit in zip(value.parts, value.units, strict=True)]
    # The smallest first, so that the last digit is right.
    total: npt.NDArray[Any] = sum(reversed(parts[:-1]), parts[-1])
    return total


def _ratio(mean: npt.NDArray[Any], is_empty: npt.NDArray[Any], past: npt.NDArray[Any]) -> pa.Array:
    """Null too where the longer mean is 0; what holds more is not empty where the window is not."""
    is_null = is_empty | (past == 0)
    ratio = mean / np.where(is_null, 1.0, past)
    return pa.array(ratio.astype(np.float32), mask=is_null)


def _cut(values: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    if not np.isfinite(values).all() or np.abs(values).max(initial=0.0) >= 2.0**78:
        raise DataError(
            "LS-2091",
            "a value of a history measure is not finite, or is 2**78 or more.",
            "its sums could not be exact.",
            "scale or leave it out in the measure's expression.",
        )
    parts, rest = [], values
    for unit in _PARTS[:-1]:
        # Towards zero: the rest keeps its sign, and so its last digit.
        part = np.trunc(rest / unit)
        parts.append(part.astype(np.int64))
        rest = rest - part * unit
    return [*parts, np.rint(rest / _PARTS[-1]).astype(np.int64)]
