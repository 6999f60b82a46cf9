"""History: counts, sums, means and shares over windows of what was known, for each key and day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lepton_spark.errors import DataError
from lepton_spark.features.measure import ROWS, WindowMeasure, sum_names, values_of
from lepton_spark.features.questions import Days, Questions

if TYPE_CHECKING:
    import pyarrow as pa

_MOST = 2**63 - 1


@dataclass(frozen=True)
class HistoryPlan:
    """What to sum of one source.

    Args:
        key_sets: Columns that events and rows both have; () is all events.
        windows: Label in column names: length.
        measures: Over columns of the events.
    """

    source: str
    key_sets: tuple[tuple[str, ...], ...]
    windows: Mapping[str, timedelta]
    measures: tuple[WindowMeasure, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key column once."""
        return tuple(dict.fromkeys(column for key in self.key_sets for column in key))

    @property
    def spans(self) -> dict[str, timedelta]:
        """Column of the events for the day they leave a window: how long they are in it."""
        return {leaves(label): window for label, window in self.windows.items()}

    @property
    def features(self) -> dict[str, str]:
        """Feature: Spark's name of its type, in the order of the table."""
        return {
            name_of(self.source, key_set, label, measure): measure.type_
            for key_set in self.key_sets
            for label in self.windows
            for measure in self.measures
        }


def leaves(label: str) -> str:
    """Column of the events: the day on which a window has lost them."""
    return f"_leaves_{label}"


def name_of(source: str, key_set: Sequence[str], label: str, measure: WindowMeasure) -> str:
    """Name of a feature in the table."""
    return f"{source}_by_{'_'.join(key_set) or 'all'}_{label}_{measure.name}"


class HistoryFinder:
    """Answers the questions of a chunk's rows from events that come in pieces, in any order.

    An event changes the sums of its key from the question after it entered to the one after it
    left. The changes are noted where they happen and added up at the end: no event is kept.
    """

    def __init__(self, plan: HistoryPlan, rows: pa.Table, days: Days) -> None:
        self._plan = plan
        self._bounds = dict.fromkeys(sum_names(plan.measures), 0)
        self._sets = [_KeySet(plan, key_set, rows, days) for key_set in plan.key_sets]

    def add(self, events: pa.RecordBatch) -> None:
        """Take in a piece of the events."""
        numbers = {ROWS: np.ones(events.num_rows, dtype=np.int64)}
        for value in values_of(self._plan.measures):
            numbers |= value.whole_numbers(events[value.column])
        for name, added in numbers.items():
            self._bounds[name] += int(np.abs(added).max(initial=0)) * len(added)
            if self._bounds[name] > _MOST:
                raise DataError(
                    "LS-2092",
                    f"the sums of a history measure of {self._plan.source} may exceed 64 bits.",
                    "they would no longer be exact.",
                    "divide the values in the measure's expression.",
                )
        for key_set in self._sets:
            key_set.add(events, numbers)

    def answers(self) -> Iterator[tuple[str, pa.Array, npt.NDArray[Any]]]:
        """Feature, its values, and for each row the place of its value."""
        for key_set in self._sets:
            yield from key_set.answers()


class _KeySet:
    """The sums of one key set: what was gained and, for each window, lost at each question."""

    def __init__(
        self, plan: HistoryPlan, key_set: tuple[str, ...], rows: pa.Table, days: Days
    ) -> None:
        self._plan = plan
        self._key_set = key_set
        keys = [rows[name].combine_chunks() for name in key_set]
        self._questions = Questions(keys, rows["_day"].to_numpy(), days)
        shape = (len(sum_names(plan.measures)), len(self._questions) + 1)
        self._gained = np.zeros(shape, dtype=np.int64)
        self._lost = {label: np.zeros(shape, dtype=np.int64) for label in plan.windows}

    def add(self, events: pa.RecordBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        keys = [events[name] for name in self._key_set]
        found = self._questions.numbers(keys, events.num_rows)
        is_asked = found >= 0
        found = found[is_asked]
        added = [numbers[name][is_asked] for name in sum_names(self._plan.measures)]
        changes = {"_enters": self._gained}
        changes |= {leaves(label): lost for label, lost in self._lost.items()}
        for day, totals in changes.items():
            places = self._questions.from_day(found, np.asarray(events[day])[is_asked])
            for total, change in zip(totals, added, strict=True):
                np.add.at(total, places, change)

    def answers(self) -> Iterator[tuple[str, pa.Array, npt.NDArray[Any]]]:
        names = sum_names(self._plan.measures)
        for label, lost in self._lost.items():
            # The last is the place of rows that ask nothing: all has left by then, it is 0.
            running = np.cumsum(self._gained - lost, axis=1)
            sums = dict(zip(names, running, strict=True))
            for measure in self._plan.measures:
                name = name_of(self._plan.source, self._key_set, label, measure)
                yield name, measure.finished(sums.__getitem__), self._questions.place
