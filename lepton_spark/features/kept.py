"""Kept events: what needs the values of a window one by one, or which of its rows are the newest.

Memory grows with the events that touch a part, and with its questions times the rows of the
largest window of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.errors import DataError
from lepton_spark.features.exact import DECLARED_AT
from lepton_spark.features.latest import ORDER
from lepton_spark.features.measure import Kept, WindowMeasure

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

    from lepton_spark.features.spans import Spans, Whole

_MICROSECONDS_AN_HOUR = 3_600_000_000
# Parts of a bit that the terms of an entropy are rounded to, so that they can be summed exactly.
_PARTS_OF_A_BIT = 2.0**24

_KEPT_TYPES = {
    "double": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "long": pa.int64(),
}
_INSTANT = pa.timestamp("us", "UTC")
_TYPES = dict(zip(ORDER, (_INSTANT, _INSTANT, pa.string(), pa.int64()), strict=True))


@dataclass(frozen=True)
class Ranked:
    """The values of a column in order, and the place of each event's; -1 where it is null."""

    values: pa.Array
    rank: Whole

    @classmethod
    def of(cls, column: pa.Array) -> Ranked:
        """Numbers by size, text by its bytes, false before true."""
        if pa.types.is_boolean(column.type):
            ranked = cls.of(column.cast(pa.int8()))
            return cls(ranked.values.cast(pa.bool_()), ranked.rank)
        if pa.types.is_floating(column.type):
            column = pc.add(column, 0.0)  # so that 0 and -0 are one value
        values = pc.unique(column.drop_null())
        values = values.take(pc.sort_indices(values))
        rank = pc.index_in(column, value_set=values).fill_null(-1)
        return cls(values, np.asarray(rank).astype(np.int64))

    def at(self, rank: Whole) -> pa.Array:
        """The values at ranks; null for -1."""
        return self.values.take(pa.array(rank, mask=rank < 0))


class KeptEvents:
    """All events that a part's rows may ask for, with what they hold."""

    def __init__(self, events: pa.Table) -> None:
        self.events = events
        self._ranked: dict[str, Ranked] = {}

    @classmethod
    def of(cls, pieces: Sequence[pa.RecordBatch]) -> KeptEvents:
        """The events of all pieces; in what order they came makes no difference.

        Raises:
            DataError: A number is NaN or infinite.
        """
        events = pa.Table.from_batches(pieces).combine_chunks()
        for column in events.columns:
            is_number = pa.types.is_floating(column.type)
            if is_number and pc.any(pc.invert(pc.is_finite(column))).as_py():
                _refuse_not_finite()
        return cls(events)

    @cached_property
    def age(self) -> Whole:
        """The place of each event in time, the oldest 0: no two have the same."""
        keys = [(name, "ascending") for name in ORDER]
        place = np.empty(self.events.num_rows, dtype=np.int64)
        place[np.asarray(pc.sort_indices(self.events, sort_keys=keys))] = np.arange(len(place))
        return place

    def ranked(self, column: str) -> Ranked:
        """The values of a column in order."""
        if column not in self._ranked:
            self._ranked[column] = Ranked.of(_array(self.events[column]))
        return self._ranked[column]


class KeptWindow:
    """The events of one window and key set over the questions, and what they tell.

    Args:
        events: Of the part.
        spans: Over which questions each of them counts.
        moments: Of each question, in microseconds.
    """

    def __init__(self, events: KeptEvents, spans: Spans, moments: Callable[[], Whole]) -> None:
        self._events = events
        self._spans = spans
        self._moments = moments

    def sums(self, added: Mapping[str, Whole]) -> Callable[[str], Whole]:
        """Sums over the window of what each event adds, by name."""
        return lambda name: self._spans.total(added[name])

    def measured(self, measure: WindowMeasure) -> pa.Array:
        """What a measure finds, for each question."""
        if not isinstance(measure.value, Kept):
            raise TypeError(measure.kind)
        return _MEASURES[measure.kind](self, measure.value.column, measure)

    def _of(self, column: str) -> tuple[Ranked, Spans]:
        """A column in order, and the spans of events that hold a value."""
        ranked = self._events.ranked(column)
        return ranked, self._spans.only(ranked.rank >= 0)

    def _smallest(self, column: str, _: WindowMeasure) -> pa.Array:
        ranked, spans = self._of(column)
        last = len(ranked.values) - 1
        found = spans.largest(last - ranked.rank)[:, 0]
        return ranked.at(np.where(found < 0, -1, last - found))

    def _largest(self, column: str, _: WindowMeasure) -> pa.Array:
        ranked, spans = self._of(column)
        return ranked.at(spans.largest(ranked.rank)[:, 0])

    def _quantile(self, column: str, measure: WindowMeasure) -> pa.Array:
        """The smallest value that the share of the values does not exceed."""
        ranked, spans = self._of(column)
        count = spans.total(np.ones(len(ranked.rank), dtype=np.int64))
        found = spans.ranked(ranked.rank, _reached(count, measure.at))
        return ranked.at(np.where(count == 0, -1, found))

    def _oldest(self, column: str, _: WindowMeasure) -> pa.Array:
        spans = self._of(column)[1]
        last = len(self._events.age) - 1
        found = spans.largest(last - self._events.age)[:, 0]
        return self._at_age(column, np.where(found < 0, -1, last - found))

    def _newest(self, column: str, measure: WindowMeasure) -> pa.Array:
        spans = self._of(column)[1]
        found = spans.largest(self._events.age, measure.rows)[:, measure.rows - 1]
        return self._at_age(column, found)

    def _distinct(self, column: str, _: WindowMeasure) -> pa.Array:
        ranked, spans = self._of(column)
        return pa.array(spans.by_category(ranked.rank).distinct().astype(np.int32))

    def _most_frequent(self, column: str, _: WindowMeasure) -> pa.Array:
        ranked, spans = self._of(column)
        return ranked.at(spans.by_category(ranked.rank).most_frequent())

    def _entropy(self, column: str, _: WindowMeasure) -> pa.Array:
        """Of n values, c of each category: log2(n) less the sum of c log2(c) over n."""
        ranked, spans = self._of(column)
        categories = spans.by_category(ranked.rank)
        within = categories.total(_weighted(categories.after), _weighted(categories.before))
        count = spans.total(np.ones(len(ranked.rank), dtype=np.int64))
        whole = (_weighted(count) - within) / _PARTS_OF_A_BIT
        entropy = np.maximum(whole / np.maximum(count, 1), 0.0)
        return pa.array(entropy.astype(np.float32), mask=count == 0)

    def _hours_since(self, column: str, _: WindowMeasure) -> pa.Array:
        holds = np.asarray(self._events.events[column].fill_null(False))  # noqa: FBT003  # a value
        declared = self._events.ranked(DECLARED_AT)
        found = declared.at(self._spans.only(holds).largest(declared.rank)[:, 0])
        micros = np.asarray(found.cast(pa.int64()).fill_null(0))
        hours = (self._moments() - micros) / _MICROSECONDS_AN_HOUR
        return pa.array(hours.astype(np.float32), mask=np.asarray(pc.is_null(found)))

    def _at_age(self, column: str, age: Whole) -> pa.Array:
        at = np.empty(len(self._events.age), dtype=np.int64)
        at[self._events.age] = np.arange(len(at))
        if len(at):
            age = np.where(age < 0, -1, at[age])
        return _array(self._events.events[column]).take(pa.array(age, mask=age < 0))


_MEASURES: Mapping[str, Callable[[KeptWindow, str, WindowMeasure], pa.Array]] = {
    "min": KeptWindow._smallest,
    "max": KeptWindow._largest,
    "quantile": KeptWindow._quantile,
    "first": KeptWindow._oldest,
    "last": KeptWindow._newest,
    "lag": KeptWindow._newest,
    "distinct": KeptWindow._distinct,
    "top": KeptWindow._most_frequent,
    "entropy": KeptWindow._entropy,
    "time_since": KeptWindow._hours_since,
}


def asked(events: pa.RecordBatch, found: Sequence[Whole], columns: Iterable[str]) -> pa.RecordBatch:
    """The events that any key set asks for: some columns, and the number of their keys.

    Args:
        events: A piece of them.
        found: For each key set the numbers; -1 where nothing is asked.
        columns: Those to keep.
    """
    is_asked = np.zeros(events.num_rows, dtype=bool)
    for numbers in found:
        is_asked |= numbers >= 0
    held = {name: events[name] for name in columns}
    held |= {number_of(at): pa.array(numbers) for at, numbers in enumerate(found)}
    return pa.RecordBatch.from_pydict(held).filter(pa.array(is_asked))


def nothing_kept(
    columns: Iterable[str], key_sets: int, measures: Sequence[WindowMeasure]
) -> pa.Table:
    """What is kept of no events, each column with its type."""
    types = dict(_TYPES)
    for measure in measures:
        if isinstance(measure.value, Kept):
            types[measure.value.column] = _KEPT_TYPES[measure.value.type_]
        elif measure.value is not None:
            types[measure.value.column] = pa.float64()
    fields = [(name, types.get(name, pa.int32())) for name in columns]
    numbers = [(number_of(at), pa.int64()) for at in range(key_sets)]
    return pa.schema([*fields, *numbers]).empty_table()


def number_of(key_set: int) -> str:
    """Column of kept events: the number of their key in a key set."""
    return f"_number_{key_set}"


def _reached(count: Whole, share: Fraction) -> Whole:
    """The place, counted from 0, at which a share of so many values is reached; 0 for none."""
    counts, place = np.unique(count, return_inverse=True)
    # In Python's integers: a product with the parts of the share may exceed 64 bits.
    reached = [max(ceil(int(each) * share) - 1, 0) for each in counts]
    return np.array(reached, dtype=np.int64)[place]


def _weighted(count: Whole) -> Whole:
    parts: Whole = np.rint(count * np.log2(np.maximum(count, 1)) * _PARTS_OF_A_BIT).astype(np.int64)
    return parts


def _array(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def _refuse_not_finite() -> None:
    raise DataError(
        "LS-2161",
        "a value of a history measure is not finite.",
        "it has no place in an order of numbers.",
        "leave it out in the measure's expression, such as with nullif or case.",
    )
