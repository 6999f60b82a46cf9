"""What is told of a column in the end: numbers by name, and frequent values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from lepton_spark.quality.profile.distinct import STANDARD_ERROR
from lepton_spark.quality.profile.kind import Kind

if TYPE_CHECKING:
    from lepton_spark.quality.profile.column import Column
    from lepton_spark.quality.profile.comoments import CoMoments

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 20
MOST_FREQUENT = 10
_IN_SECONDS = 1_000_000


class Measurement(NamedTuple):
    """One number of a column; `text` is a value, or the number as a date or instant."""

    name: str
    value: float | None
    text: str | None = None


def measurements(column: Column, kind: Kind) -> list[Measurement]:
    """What is known of a column. Of a guarded one no more than how many values there are.

    Returns:
        `nulls`, `null_rate`; of measured columns also `nans` and `infinite` (numbers),
        `distinct` with its standard error as a share, `mean`, `deviation`, `min`, `max`,
        `quantile_<share>` with the share of rows by which a rank may be off, `histogram_<bin>` of
        equal widths from `min` to `max`, rows that may be off by twice that share, and `frequency`
        of the most frequent values with the rows by which each may be too low. Of texts the
        numbers are those of their letters, named `length_<...>`. Dates are days and timestamps
        seconds since 1970, UTC.
    """
    rate = column.nulls / column.rows if column.rows else None
    found = [Measurement("nulls", column.nulls), Measurement("null_rate", rate)]
    if not kind.is_measured:
        return found
    if kind is Kind.NUMBER:
        found += [Measurement("nans", column.nans), Measurement("infinite", column.infinite)]
    error = 0.0 if column.distinct.is_exact else STANDARD_ERROR
    found += [
        Measurement("distinct", column.distinct.count),
        Measurement("distinct_error", error),
        Measurement("frequency_error", column.frequent.error),
        *_frequencies(column),
    ]
    numbers = _Scale(kind)
    return found + [numbers.told(*number) for number in _numbers(column)]


def correlations(comoments: CoMoments) -> list[tuple[int, int, float | None]]:
    """Pearson's r of each pair of columns by their places; None where one does not vary."""
    matrix = comoments.correlations()
    return [
        (first, second, _finite(float(matrix[first, second])))
        for first in range(len(matrix))
        for second in range(first + 1, len(matrix))
    ]


def _frequencies(column: Column) -> Iterator[Measurement]:
    for count, value in column.frequent.most(MOST_FREQUENT):
        yield Measurement("frequency", count, value.cast(pa.string()).as_py())


def _numbers(column: Column) -> Iterator[tuple[str, float | None]]:
    moments, ranks = column.moments, column.ranks
    if moments.count:
        yield "mean", moments.mean
        yield "deviation", moments.deviation
        yield "min", moments.low
        yield "max", moments.high
    if ranks.samples:
        values = ranks.quantiles(QUANTILES)
        for share, value in zip(QUANTILES, values.tolist(), strict=True):
            yield f"quantile_{share}", value
        yield "quantile_error", ranks.error
    if moments.count and math.isfinite(moments.high - moments.low):
        edges = np.linspace(moments.low, moments.high, BINS + 1)
        edges[0], edges[-1] = np.nextafter(moments.low, -math.inf), moments.high
        for place, rows in enumerate(np.diff(ranks.at_most(edges)).tolist()):
            yield f"histogram_{place:02}", rows


class _Scale:
    """How the numbers of a kind are told."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def told(self, name: str, value: float | None) -> Measurement:
        """A number under its name, as a date or instant too where it is one."""
        told = f"length_{name}" if self._kind is Kind.TEXT else name
        if value is None or name.startswith(("histogram", "quantile_error")):
            return Measurement(told, value)
        if not math.isfinite(value):
            return Measurement(told, None, str(value))
        seconds = value / _IN_SECONDS if self._kind is Kind.TIMESTAMP else value
        return Measurement(told, seconds, None if name == "deviation" else self._moment(value))

    def _moment(self, value: float) -> str | None:
        if self._kind is Kind.DATE:
            return str(pa.scalar(round(value), pa.int32()).cast(pa.date32()).cast(pa.string()))
        if self._kind is Kind.TIMESTAMP:
            instant = pa.scalar(round(value), pa.int64()).cast(pa.timestamp("us"))
            return str(instant.cast(pa.string())) + "Z"
        return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
