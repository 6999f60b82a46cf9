"""Latest: the last row known at the moment, by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.features.exact import DECLARED_AT
from lepton_spark.features.questions import Days, Questions
from lepton_spark.features.spans import Spans

LEAVES = "_leaves"
# What decides between rows: the first that differs. No two rows of a source agree in all.
ORDER = (DECLARED_AT, "_arrived_at", "_file", "_row")
_BEGIN, _END = "_begin", "_end"
_MICROSECONDS_AN_HOUR = 3_600_000_000


@dataclass(frozen=True)
class LatestPlan:
    """What to take of one source.

    Args:
        on: Key columns that its rows and the predicted rows both have.
        take: Column: Spark's name of its type.
        within: A row known longer ago counts as missing.
    """

    source: str
    on: tuple[str, ...]
    take: Mapping[str, str]
    within: timedelta

    @property
    def keys(self) -> tuple[str, ...]:
        """The key columns."""
        return self.on

    @property
    def key_sets(self) -> tuple[tuple[str, ...], ...]:
        """The one set of key columns."""
        return (self.on,)

    @property
    def order(self) -> tuple[str, ...]:
        """Columns of the events that decide between them."""
        return ORDER

    @property
    def spans(self) -> dict[str, timedelta | None]:
        """Column of the events for the day they count no more: how long they do."""
        return {LEAVES: self.within}

    @property
    def features(self) -> dict[str, str]:
        """Feature: Spark's name of its type, in the order of the table."""
        taken = {f"{self.source}_{name}": type_ for name, type_ in self.take.items()}
        return {**taken, f"{self.source}_age_hours": "float"}


class LatestFinder:
    """Answers the questions of a part's rows from events that come in pieces, in any order.

    Only the best event so far is kept for each question. To find them costs as much as there are
    questions, so pieces wait until they are as many together.
    """

    def __init__(self, plan: LatestPlan, rows: pa.Table, days: Days, events: pa.Schema) -> None:
        self._plan = plan
        self._columns = [*ORDER, *plan.take]
        spans = [pa.field(name, pa.int64()) for name in (_BEGIN, _END)]
        known = pa.schema([*(events.field(name) for name in self._columns), *spans])
        self._best = known.empty_table()
        self._waiting: list[pa.Table] = []
        self._num_waiting = 0
        keys = [rows[name].combine_chunks() for name in plan.on]
        self._questions = Questions(keys, rows["_day"].to_numpy(), days)
        self._moments = self._questions.moments(rows["_moment"])

    def add(self, events: pa.RecordBatch) -> None:
        """Take in a piece of the events."""
        keys = [events[name] for name in self._plan.on]
        numbers = self._questions.numbers(keys, events.num_rows)
        begin, end = (
            self._questions.from_day(numbers, np.asarray(events[day]))
            for day in ("_enters", LEAVES)
        )
        # An event of a key that is not asked for counts over no question.
        spans = Spans.of(begin, np.where(numbers >= 0, end, begin), len(self._questions))
        if not len(spans):
            return
        known = pa.Table.from_batches([events]).select(self._columns).take(pa.array(spans.event))
        self._waiting.append(_over(known, spans.begin, spans.end))
        self._num_waiting += len(spans)
        if self._num_waiting > len(self._questions):
            self._keep_best()

    def answers(self) -> Iterator[tuple[str, pa.Array, npt.NDArray[Any]]]:
        """Feature, its values, and for each row the place of its value."""
        self._keep_best()
        best = self._best
        index = np.full(len(self._questions) + 1, best.num_rows, dtype=np.int64)
        index[np.asarray(best[_BEGIN])] = np.arange(best.num_rows)
        place = index[self._questions.place]
        for name in self._plan.take:
            yield f"{self._plan.source}_{name}", _and_null(best[name].combine_chunks()), place
        yield f"{self._plan.source}_age_hours", _and_null(self._ages(best)), place

    def _keep_best(self) -> None:
        """For each question that any event counts over keep the best of them."""
        if not self._waiting:
            return
        events = pa.concat_tables([self._best, *self._waiting])
        self._waiting, self._num_waiting = [], 0
        keys = [(name, "ascending") for name in ORDER]
        by_order = np.asarray(pc.sort_indices(events, sort_keys=keys))
        rank = np.empty(events.num_rows, dtype=np.int64)
        rank[by_order] = np.arange(events.num_rows)
        begin, end = (events[name].to_numpy() for name in (_BEGIN, _END))
        spans = Spans(begin, end, np.arange(events.num_rows), len(self._questions))
        largest = spans.largest(rank)[:, 0]
        place = np.flatnonzero(largest >= 0)
        best = events.select(self._columns).take(pa.array(by_order[largest[place]]))
        self._best = _over(best, place, place + 1)

    def _ages(self, best: pa.Table) -> pa.Array:
        moments = self._moments[np.asarray(best[_BEGIN])]
        declared = np.asarray(best[DECLARED_AT].cast(pa.int64()))
        return pa.array(((moments - declared) / _MICROSECONDS_AN_HOUR).astype(np.float32))


def _over(events: pa.Table, begin: npt.NDArray[Any], end: npt.NDArray[Any]) -> pa.Table:
    """The events, each with the run of questions that it counts over."""
    return events.append_column(_BEGIN, pa.array(begin)).append_column(_END, pa.array(end))


def _and_null(values: pa.Array) -> pa.Array:
    """The values, and a null for rows that find nothing."""
    return pa.concat_arrays([values, pa.nulls(1, values.type)])
