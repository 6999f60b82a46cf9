"""History: measures over windows of what was known, for each key and day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lepton_spark.config.model import EVERYTHING_KNOWN, LastRows, window_label
from lepton_spark.errors import DataError
from lepton_spark.features.exact import DECLARED_AT, Trend
from lepton_spark.features.kept import (
    KeptEvents,
    KeptWindow,
    asked,
    nothing_kept,
    number_of,
)
from lepton_spark.features.latest import ORDER
from lepton_spark.features.measure import ROWS, WindowMeasure, magnitude, sum_names, values_of
from lepton_spark.features.questions import Days, Questions
from lepton_spark.features.spans import Spans

if TYPE_CHECKING:
    import pyarrow as pa

    from lepton_spark.config.model import AnyWindow
    from lepton_spark.features.exact import Sums
    from lepton_spark.features.spans import Whole

_MOST = 2**63 - 1
_BY_AGE = frozenset({"first", "last", "lag"})


@dataclass(frozen=True)
class HistoryPlan:
    """What to measure of one source.

    Args:
        key_sets: Columns that events and rows both have; () is all events.
        windows: Label in column names: length.
        measures: Over columns of the events.
    """

    source: str
    key_sets: tuple[tuple[str, ...], ...]
    windows: Mapping[str, AnyWindow]
    measures: tuple[WindowMeasure, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key column once."""
        return tuple(dict.fromkeys(column for key in self.key_sets for column in key))

    @property
    def order(self) -> tuple[str, ...]:
        """Columns of the events that say when they were, as far as that is needed."""
        if self.has_rows or any(each.kind in _BY_AGE for each in self.measures):
            return ORDER
        is_timed = any(
            each.kind == "time_since" or isinstance(each.value, Trend) for each in self.measures
        )
        return (DECLARED_AT,) if is_timed else ()

    @property
    def spans(self) -> dict[str, timedelta | None]:
        """Column of the events for the day they leave a window: how long they are in it."""
        return {
            leaves(window): window if isinstance(window, timedelta) else None
            for window in (*self.windows.values(), *self.longer)
        }

    @property
    def longer(self) -> tuple[AnyWindow, ...]:
        """Windows that ratios compare with."""
        return tuple(dict.fromkeys(each.to for each in self.measures if each.to is not None))

    @property
    def summed(self) -> tuple[WindowMeasure, ...]:
        """Measures that sums are enough for."""
        return tuple(measure for measure in self.measures if measure.is_summed)

    @property
    def running(self) -> tuple[AnyWindow, ...]:
        """Windows whose sums follow from what entered and left: all but those of rows."""
        windows = dict.fromkeys((*self.windows.values(), *self.longer)) if self.summed else {}
        return tuple(window for window in windows if not isinstance(window, LastRows))

    @property
    def kept(self) -> tuple[str, ...]:
        """Columns of the events that must be kept; () where sums are enough for all."""
        if not self.has_rows and len(self.summed) == len(self.measures):
            return ()
        values = [
            each.value.column
            for each in self.measures
            if each.value is not None and (self.has_rows or not each.is_summed)
        ]
        return tuple(dict.fromkeys([*values, *self.order, "_enters", *self.spans]))

    @property
    def features(self) -> dict[str, str]:
        """Feature: Spark's name of its type, in the order of the table."""
        return {
            name_of(self.source, key_set, label, measure): measure.type_
            for key_set in self.key_sets
            for label, window in self.windows.items()
            for measure in self.measures_over(window)
        }

    def measures_over(self, window: AnyWindow) -> tuple[WindowMeasure, ...]:
        """All but the ratios that compare with the window itself."""
        return tuple(measure for measure in self.measures if measure.to != window)

    @property
    def has_rows(self) -> bool:
        """Whether a window is made of the newest rows."""
        windows = (*self.windows.values(), *self.longer)
        return any(isinstance(window, LastRows) for window in windows)


def leaves(window: AnyWindow) -> str:
    """Column of the events: the day on which a window has lost them."""
    is_timed = isinstance(window, timedelta)
    return f"_leaves_{window_label(window) if is_timed else EVERYTHING_KNOWN}"


def name_of(source: str, key_set: Sequence[str], label: str, measure: WindowMeasure) -> str:
    """Name of a feature in the table."""
    return f"{source}_by_{'_'.join(key_set) or 'all'}_{label}_{measure.name}"


class HistoryFinder:
    """Answers the questions of a part's rows from events that come in pieces, in any order.

    An event changes the sums of its key from the question after it entered to the one after it
    left. The changes are noted where they happen and added up at the end. Events are kept only for
    what sums are not enough for.
    """

    def __init__(self, plan: HistoryPlan, rows: pa.Table, days: Days) -> None:
        self._plan = plan
        self._rows = rows
        self._bounds = dict.fromkeys(sum_names(plan.summed), 0)
        self._sets = [_KeySet(plan, key_set, rows, days) for key_set in plan.key_sets]
        self._pieces: list[pa.RecordBatch] = []

    def add(self, events: pa.RecordBatch) -> None:
        """Take in a piece of the events."""
        numbers = _added_by(self._plan, events)
        for name, added in numbers.items():
            self._bounds[name] += magnitude(added) * len(added)
            if self._bounds[name] > _MOST:
                raise DataError(
                    "LS-2092",
                    f"the sums of a history measure of {self._plan.source} may exceed 64 bits.",
                    "they would no longer be exact.",
                    "divide the values in the measure's expression.",
                )
        found = [key_set.add(events, numbers) for key_set in self._sets]
        if self._plan.kept:
            self._pieces.append(asked(events, found, self._plan.kept))

    def answers(self) -> Iterator[tuple[str, pa.Array, npt.NDArray[Any]]]:
        """Feature, its values, and for each row the place of its value."""
        kept = KeptEvents.of(self._pieces) if self._pieces else None
        if kept is None and self._plan.kept:
            kept = KeptEvents(nothing_kept(self._plan.kept, len(self._sets), self._plan.measures))
        added = _added_by(self._plan, kept.events) if kept and self._plan.has_rows else {}
        for number, key_set in enumerate(self._sets):
            windows = {}
            if kept is not None:
                windows = key_set.kept_windows(kept, number, self._rows)
            yield from key_set.answers(windows, added)


class _KeySet:
    """The sums of one key set: what was gained and, for each window, lost at each question."""

    def __init__(
        self, plan: HistoryPlan, key_set: tuple[str, ...], rows: pa.Table, days: Days
    ) -> None:
        self._plan = plan
        self._key_set = key_set
        keys = [rows[name].combine_chunks() for name in key_set]
        self._questions = Questions(keys, rows["_day"].to_numpy(), days)
        shape = (len(sum_names(plan.summed)), len(self._questions) + 1)
        self._gained = np.zeros(shape, dtype=np.int64)
        self._lost = {window: np.zeros(shape, dtype=np.int64) for window in plan.running}

    def add(self, events: pa.RecordBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> Whole:
        """Note what events change; returns the numbers of their keys."""
        keys = [events[name] for name in self._key_set]
        every = self._questions.numbers(keys, events.num_rows)
        is_asked = every >= 0
        found = every[is_asked]
        added = [numbers[name][is_asked] for name in sum_names(self._plan.summed)]
        changes = {"_enters": self._gained} if self._lost else {}
        changes |= {leaves(window): lost for window, lost in self._lost.items()}
        for day, totals in changes.items():
            places = self._questions.from_day(found, np.asarray(events[day])[is_asked])
            for total, change in zip(totals, added, strict=True):
                np.add.at(total, places, change)
        return every

    def kept_windows(
        self, kept: KeptEvents, number: int, rows: pa.Table
    ) -> dict[AnyWindow, KeptWindow]:
        """Each window with the events that are in it at each question."""
        windows = {}
        numbers = np.asarray(kept.events[number_of(number)])
        begin = self._questions.from_day(numbers, np.asarray(kept.events["_enters"]))
        for window in (*self._plan.windows.values(), *self._plan.longer):
            end = self._questions.from_day(numbers, np.asarray(kept.events[leaves(window)]))
            # The last is the place of rows that ask nothing: no event is there.
            spans = Spans.of(np.where(numbers < 0, end, begin), end, len(self._questions) + 1)
            if isinstance(window, LastRows):
                spans = spans.newest(kept.age, window.number)
            windows[window] = KeptWindow(kept, spans, lambda: self._moments(rows))
        return windows

    def answers(
        self, kept: Mapping[AnyWindow, KeptWindow], added: Mapping[str, Whole]
    ) -> Iterator[tuple[str, pa.Array, npt.NDArray[Any]]]:
        """Feature, its values, and for each row the place of its value."""
        longer = {window: self._sums(window, kept, added) for window in self._plan.longer}
        for label, window in self._plan.windows.items():
            sums = self._sums(window, kept, added) if self._plan.summed else None
            for measure in self._plan.measures_over(window):
                name = name_of(self._plan.source, self._key_set, label, measure)
                if sums is not None and measure.is_summed:
                    past = None if measure.to is None else longer[measure.to]
                    yield name, measure.finished(sums, past), self._questions.place
                else:
                    yield name, kept[window].measured(measure), self._questions.place

    def _sums(
        self,
        window: AnyWindow,
        kept: Mapping[AnyWindow, KeptWindow],
        added: Mapping[str, Whole],
    ) -> Sums:
        if window not in self._lost:
            return kept[window].sums(added)
        # The last is the place of rows that ask nothing: all has left by then, it is 0.
        running = np.cumsum(self._gained - self._lost[window], axis=1)
        return dict(zip(sum_names(self._plan.summed), running, strict=True)).__getitem__

    def _moments(self, rows: pa.Table) -> Whole:
        return self._questions.moments(rows["_moment"])


def _added_by(plan: HistoryPlan, events: pa.RecordBatch | pa.Table) -> dict[str, npt.NDArray[Any]]:
    """What each event adds to each sum."""
    numbers = {ROWS: np.ones(events.num_rows, dtype=np.int64)}
    for value in values_of(plan.summed):
        numbers |= value.added_by(events)
    return numbers
