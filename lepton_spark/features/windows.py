"""Windows: what was known at the moment of each of the last steps, with masks and gaps.

NumPy and Arrow only: this runs in Spark's Python workers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lepton_spark.errors import DataError
from lepton_spark.features.measure import ROWS, Value, magnitude, sum_names, values_of
from lepton_spark.features.questions import Numbering

if TYPE_CHECKING:
    from lepton_spark.features.measure import WindowMeasure

HAPPENED, KNOWN, SUPERSEDED, PLACE = "_happened", "_known", "_superseded", "_place"
MOMENT = "_moment"
_MOST = 2**63 - 1
_MICROSECOND = timedelta(microseconds=1)
_HOUR = timedelta(hours=1)
# What a slice of rows may hold: values of steps, and pairs of a row and an event.
_SLICE_VALUES = 2_000_000
_SLICE_PAIRS = 2_000_000


@dataclass(frozen=True)
class Variable:
    """One measure in every step.

    Args:
        names: Of its columns: values, mask and gaps.
        measure: Over columns of the events.
        place: Which events it is of, by their `_place`; None for all.
    """

    names: tuple[str, str, str]
    measure: WindowMeasure
    place: int | None = None


@dataclass(frozen=True)
class WindowPlan:
    """What to cut into steps of one source.

    Args:
        by: Key columns that its rows and the predicted rows both have.
        every: Length of a step.
        is_bounded: Whether a row is known no earlier than the step that it is in.
    """

    by: tuple[str, ...]
    every: timedelta
    steps: int
    variables: tuple[Variable, ...]
    is_bounded: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        """The key columns."""
        return self.by

    @property
    def spans(self) -> dict[str, timedelta]:
        """How far back the first step begins."""
        return {HAPPENED: self.every * self.steps}

    @property
    def features(self) -> dict[str, str]:
        """Feature: Spark's name of the type of its items, in the order of the table."""
        found: dict[str, str] = {}
        for variable in self.variables:
            kinds = (variable.measure.type_, "byte", "float")
            found |= dict(zip(variable.names, kinds, strict=True))
        return found

    @property
    def measures(self) -> tuple[WindowMeasure, ...]:
        """Each measure once."""
        return tuple(dict.fromkeys(variable.measure for variable in self.variables))


@dataclass(frozen=True)
class _Pairs:
    """Which event counts for which value of a slice of rows.

    Args:
        values: Place of the value, counted over rows and then steps.
        events: Numbers of the events, ordered by their place in the plan.
    """

    values: npt.NDArray[Any]
    events: npt.NDArray[Any]
    places: npt.NDArray[Any]

    def of(self, place: int | None) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Values and events of one place in the plan."""
        if place is None:
            return self.values, self.events
        begin, end = np.searchsorted(self.places, (place, place + 1))
        return self.values[begin:end], self.events[begin:end]


class WindowFinder:
    """Fills the steps of rows from the events of their keys, which come in pieces, in any order."""

    def __init__(self, plan: WindowPlan, rows: pa.Table) -> None:
        self._plan = plan
        keys = [rows[name].combine_chunks() for name in plan.by]
        self._numbering = Numbering(keys)
        self._asked = self._numbering.of(keys, rows.num_rows)
        self._moments = np.asarray(rows[MOMENT].cast(pa.int64()))
        self._names = (HAPPENED, KNOWN, SUPERSEDED, PLACE, *sum_names(plan.measures))
        self._pieces: list[dict[str, npt.NDArray[Any]]] = []

    def add(self, events: pa.RecordBatch) -> None:
        """Take in a piece of the events; those of keys that no row asks for are not kept."""
        numbers = self._numbering.of([events[name] for name in self._plan.by], events.num_rows)
        is_asked = numbers >= 0
        found = {name: np.asarray(events[name]) for name in (HAPPENED, KNOWN)}
        found[SUPERSEDED] = np.asarray(events[SUPERSEDED].fill_null(_MOST))
        found[PLACE] = np.asarray(events[PLACE].fill_null(0))
        found[ROWS] = np.ones(events.num_rows, dtype=np.int64)
        for value in values_of(self._plan.measures):
            found |= value.added_by(events)
        piece = {name: found[name][is_asked] for name in self._names}
        self._pieces.append({**piece, "number": numbers[is_asked]})

    def answers(self) -> Iterator[tuple[int, dict[str, pa.Array]]]:
        """How many of the next rows, and their features."""
        events = {
            name: np.concatenate([np.zeros(0, np.int64), *(each[name] for each in self._pieces)])
            for name in (*self._names, "number")
        }
        self._require_exact(events)
        order = np.lexsort((events[HAPPENED], events["number"]))
        events = {name: column[order] for name, column in events.items()}
        begin, end = self._spans(events)
        for first, last in _slices(end - begin, self._plan):
            pairs = self._pairs(events, begin[first:last], end[first:last], first)
            yield last - first, self._features(events, pairs, last - first)

    def _require_exact(self, events: dict[str, npt.NDArray[Any]]) -> None:
        for name in sum_names(self._plan.measures):
            if magnitude(events[name]) * len(events[name]) > _MOST:
                raise DataError(
                    "LS-2152",
                    "the sums of a windows measure may exceed 64 bits.",
                    "they would no longer be exact.",
                    "divide the values in the measure's expression.",
                )

    def _spans(
        self, events: dict[str, npt.NDArray[Any]]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """For each row the events of its key that happened in its window: from, and up to."""
        instants, rank = np.unique(events[HAPPENED], return_inverse=True)
        width = len(instants) + 1
        codes = events["number"] * width + rank
        span = self._plan.every * self._plan.steps // _MICROSECOND
        places = []
        for instant in (self._moments - span, self._moments):
            after = np.searchsorted(instants, instant, side="right")
            places.append(np.searchsorted(codes, self._asked * width + after))
        # The number of a row without a key is -1, before all events.
        return places[0], places[1]

    def _pairs(
        self,
        events: dict[str, npt.NDArray[Any]],
        begin: npt.NDArray[Any],
        end: npt.NDArray[Any],
        first: int,
    ) -> _Pairs:
        lengths = end - begin
        rows = np.repeat(np.arange(len(begin)), lengths)
        found = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths - begin, lengths)
        moments = self._moments[first + rows]
        is_known = (events[KNOWN][found] <= moments) & (events[SUPERSEDED][found] > moments)
        rows, found, moments = rows[is_known], found[is_known], moments[is_known]
        back = (moments - events[HAPPENED][found]) // (self._plan.every // _MICROSECOND)
        values = rows * self._plan.steps + self._plan.steps - 1 - back
        order = np.argsort(events[PLACE][found], kind="stable")
        return _Pairs(values[order], found[order], events[PLACE][found][order])

    def _features(
        self, events: dict[str, npt.NDArray[Any]], pairs: _Pairs, num_rows: int
    ) -> dict[str, pa.Array]:
        shape = (num_rows, self._plan.steps)
        features: dict[str, pa.Array] = {}
        for variable in self._plan.variables:
            values, found = pairs.of(variable.place)
            sums = {
                name: _sums(values, events[name][found], num_rows * self._plan.steps)
                for name in _needed(variable.measure)
            }
            # The first says how many there are.
            mask = next(iter(sums.values())).reshape(shape) > 0
            columns = (
                variable.measure.finished(sums.__getitem__),
                pa.array(mask.ravel().astype(np.int8)),
                pa.array(gaps(mask, self._plan.every / _HOUR).ravel()),
            )
            for name, column in zip(variable.names, columns, strict=True):
                features[name] = _listed(column, self._plan.steps)
        return features


def gaps(mask: npt.NDArray[Any], step_hours: float) -> npt.NDArray[Any]:
    """Hours from the last step before that has a value, else from the first one; 0 in the first.

    Args:
        mask: Whether there is a value, `[rows, steps]`.
        step_hours: Length of a step.
    """
    steps = np.arange(mask.shape[1])
    last = np.maximum.accumulate(np.where(mask, steps, 0), axis=1)
    before = np.concatenate([np.zeros_like(last[:, :1]), last[:, :-1]], axis=1)
    hours: npt.NDArray[Any] = ((steps - before) * step_hours).astype(np.float32)
    return hours


def _needed(measure: WindowMeasure) -> Sequence[str]:
    value = measure.value
    return value.sums if isinstance(value, Value) else (ROWS,)


def _sums(places: npt.NDArray[Any], added: npt.NDArray[Any], number: int) -> npt.NDArray[Any]:
    sums = np.zeros(number, dtype=np.int64)
    np.add.at(sums, places, added)
    return sums


def _listed(values: pa.Array, steps: int) -> pa.ListArray:
    offsets = np.arange(0, len(values) + 1, steps, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _slices(lengths: npt.NDArray[Any], plan: WindowPlan) -> Iterator[tuple[int, int]]:
    """Runs of rows, as many as a worker can hold with their values and pairs."""
    most_rows = max(_SLICE_VALUES // (plan.steps * len(plan.variables)), 1)
    ends = np.cumsum(lengths)
    first = 0
    while first < len(lengths):
        before = ends[first - 1] if first else 0
        last = int(np.searchsorted(ends, before + _SLICE_PAIRS, side="right"))
        last = min(max(last, first + 1), first + most_rows, len(lengths))
        yield first, last
        first = last
