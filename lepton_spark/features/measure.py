"""Measures over windows, made of sums of whole numbers: exact, in whatever order they are added.

Sums of floats differ in the last digit from order to order, and a running sum of floats keeps an
error when what caused it has left the window. So a number that is not whole is cut into three whole
ones, in units of 2**16, 2**-16 and 2**-48: exact to 2**-49 and good up to 2**79.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.errors import DataError

ROWS = "_rows"
_PARTS = (2.0**16, 2.0**-16, 2.0**-48)

Sums = Callable[[str], npt.NDArray[Any]]


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
class WindowMeasure:
    """One measure of a case.

    Args:
        kind: count, sum, mean or share.
        value: None where rows are counted.
    """

    name: str
    kind: str
    value: Value | None = None

    @property
    def type_(self) -> str:
        """Spark's name for the type of the feature."""
        return {"count": "integer", "sum": "double"}.get(self.kind, "float")

    def finished(self, sums: Sums) -> pa.Array:
        """The feature: a count of 0, but null for the rest, where the window has no value."""
        count = sums(self.value.present if self.value else ROWS)
        if self.kind == "count" or self.value is None:
            return pa.array(count.astype(np.int32))
        value = self.value
        parts = [sums(part) * unit for part, unit in zip(value.parts, value.units, strict=True)]
        # The smallest first, so that the last digit is right.
        total = sum(reversed(parts[:-1]), parts[-1])
        if self.kind == "sum":
            return pa.array(total, mask=count == 0)
        mean = total / np.maximum(count, 1)
        return pa.array(mean.astype(np.float32), mask=count == 0)


def values_of(measures: Sequence[WindowMeasure]) -> tuple[Value, ...]:
    """Every value once, however many measures need it; one that any of them sums is summed."""
    found: dict[str, Value] = {}
    for measure in measures:
        value = measure.value
        if value is not None and (value.is_summed or value.column not in found):
            found[value.column] = value
    return tuple(found.values())


def sum_names(measures: Sequence[WindowMeasure]) -> tuple[str, ...]:
    """Every sum that the measures need, once."""
    names = [ROWS]
    for value in values_of(measures):
        names += [value.present, *value.parts]
    return tuple(names)


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
