"""Bring each chunk of days what is known in it, once, and answer its rows in one pass.

Days are cut into chunks. A chunk's rows go to one worker, then every event that is known on any of
its days, piece by piece. So nothing is joined, no key is ever too large, and what a worker holds
depends on the rows of a chunk, not on the events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lepton_spark.features.history import HistoryFinder, HistoryPlan
from lepton_spark.features.latest import LatestFinder, LatestPlan
from lepton_spark.features.questions import Days

if TYPE_CHECKING:
    from pyspark.sql import Column

_SLICE_ROWS = 16_384
# A worker holds the rows of a chunk with their questions and sums: some kilobytes a row.
_CHUNK_ROWS = 500_000
_ENDLESS_CHUNKS = 5
_ROW = "row"
_CHUNK = "_chunk"
_SLOT = "_slot"
Plan = HistoryPlan | LatestPlan


class Finder(Protocol):
    """Answers the questions of a chunk's rows from events that come in pieces, in any order."""

    def add(self, events: pa.RecordBatch) -> None:
        """Take in a piece of the events."""

    def answers(self) -> Iterator[tuple[str, pa.Array, npt.NDArray[Any]]]:
        """Feature, its values, and for each row the place of its value."""


@dataclass(frozen=True)
class Chunks:
    """Days of the grid, cut into chunks of the same length."""

    first_day: int
    num_days: int
    number: int

    @classmethod
    def over(
        cls, first: int, last: int, *, rows: int, longest: timedelta | None, partitions: int
    ) -> Chunks:
        """Chunks that a worker can hold, for all workers where that does not cost too much.

        Args:
            first: First day of a row.
            last: Last day of a row.
            rows: How many there are on all days.
            longest: Span of the events: they go to every chunk that it touches. None is without
                end: they go to every later one.
            partitions: How many tasks a shuffle makes.
        """
        num_days = last - first + 1
        # Chunks of half the longest span already cost thrice the events, and so do five of what
        # has no end: on average an event touches half of the chunks.
        worth = _ENDLESS_CHUNKS
        if longest is not None:
            worth = -(-num_days // max(-(-longest // timedelta(days=2)), 1))
        number = max(min(partitions, worth), -(-rows // _CHUNK_ROWS), 1)
        length = -(-num_days // min(number, num_days))
        return cls(first, length, -(-num_days // length))

    def of(self, day: Column) -> Column:
        """The chunk of a day; below 0 or beyond the last for other days."""
        return F.floor((day - self.first_day) / F.lit(self.num_days)).cast("int")

    def days(self, chunk: int) -> Days:
        """The days of a chunk."""
        return Days(self.first_day + chunk * self.num_days, self.num_days)


class Spanning(Protocol):
    """A plan, as far as its events count for a time."""

    @property
    def spans(self) -> Mapping[str, timedelta | None]:
        """Column of the events: how long they count; None is without end."""


def longest_span(plans: Sequence[Spanning]) -> timedelta | None:
    """How long an event may count; None where one of them has no end."""
    spans = [span for plan in plans for span in plan.spans.values()]
    known = [span for span in spans if span is not None]
    return max(known, default=timedelta(days=1)) if len(known) == len(spans) else None


def gather(
    rows: DataFrame, events: Sequence[tuple[Plan, DataFrame]], kept: Sequence[str], chunks: Chunks
) -> DataFrame:
    """Each row with its own columns and all features.

    Args:
        rows: With `_day`, `_moment`, and every key column of the plans.
        events: Plans with their events (see `events.prepare`).
        kept: Columns of the rows to keep, in order.
        chunks: Hold the days of all rows. Whatever they are, the features are the same.

    Returns:
        As many rows as were given. One shuffle: of rows once, of events once a chunk.
    """
    num_kinds = len(events) + 1
    parts = [_slot(rows.withColumn(_CHUNK, chunks.of(F.col("_day"))), num_kinds, 0, _ROW)]
    for kind, (plan, known) in enumerate(events, start=1):
        parts.append(_slot(_each_chunk(known, plan, chunks), num_kinds, kind, f"events{kind}"))
    slots = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), parts)
    by_chunk = slots.repartitionById(chunks.number, _CHUNK).sortWithinPartitions(_SLOT)
    plans = [plan for plan, _ in events]
    schema = _schema(rows, kept, plans)
    # In Python, as Spark sorts the rows of every running sum of every window, and then joins them.
    return by_chunk.drop(_CHUNK).mapInArrow(
        lambda batches: _answer(batches, plans, list(kept), chunks), schema
    )


def _each_chunk(events: DataFrame, plan: Plan, chunks: Chunks) -> DataFrame:
    last_day = F.greatest(*map(F.col, plan.spans), F.lit(chunks.first_day - 1)) - 1
    first = F.greatest(chunks.of(F.col("_enters")), F.lit(0))
    last = F.least(chunks.of(last_day), F.lit(chunks.number - 1))
    ranged = events.withColumns({"_first": first, "_last": last})
    # No filter: Spark would move it down and compute all days of each event once more.
    touched = F.when(F.col("_first") <= F.col("_last"), F.sequence("_first", "_last"))
    return ranged.withColumn(_CHUNK, F.explode(touched)).drop("_first", "_last")


def _slot(rows: DataFrame, num_kinds: int, kind: int, name: str) -> DataFrame:
    content = F.struct(*(column for column in rows.columns if column != _CHUNK))
    # One number, so that Spark sorts by its bits; rows come before events.
    slot = F.col(_CHUNK).cast("bigint") * num_kinds + kind
    return rows.select(_CHUNK, slot.alias(_SLOT), content.alias(name))


def _schema(rows: DataFrame, kept: Sequence[str], plans: Sequence[Plan]) -> StructType:
    schema = StructType([rows.schema[name] for name in kept])
    for plan in plans:
        for name, type_ in plan.features.items():
            schema = schema.add(name, type_)
    return schema


def _answer(
    batches: Iterator[pa.RecordBatch], plans: Sequence[Plan], kept: Sequence[str], chunks: Chunks
) -> Iterator[pa.RecordBatch]:
    num_kinds = len(plans) + 1
    pieces = _pieces(batches)
    for chunk, slots in groupby(pieces, key=lambda piece: piece[0] // num_kinds):
        days = chunks.days(chunk)
        kinds = ((slot % num_kinds, content) for slot, content in slots)
        yield from _answer_chunk(kinds, plans, kept, days)


def _pieces(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Runs of one slot, each with all its columns."""
    for batch in batches:
        slots = np.asarray(batch[_SLOT])
        ends = [*(np.flatnonzero(np.diff(slots)) + 1), len(slots)]
        for begin, end in zip([0, *ends], ends, strict=False):
            if begin < end:
                yield int(slots[begin]), batch.slice(begin, end - begin)


def _answer_chunk(
    pieces: Iterator[tuple[int, pa.RecordBatch]],
    plans: Sequence[Plan],
    kept: Sequence[str],
    days: Days,
) -> Iterator[pa.RecordBatch]:
    given: list[pa.RecordBatch] = []
    finders: list[Finder] = []
    rows: pa.Table | None = None
    schema = pa.schema([])
    for kind, piece in pieces:
        content = pa.RecordBatch.from_struct_array(piece[kind + 1])
        if kind == 0:
            given.append(content)
            schema = piece.schema
            continue
        if rows is None:
            if not given:
                return
            rows, finders = _start(given, plans, days, piece.schema)
        finders[kind - 1].add(content)
    if rows is None and given:
        rows, finders = _start(given, plans, days, schema)
    if rows is not None:
        yield from _sliced(rows.select(list(kept)), finders)


def _start(
    given: list[pa.RecordBatch], plans: Sequence[Plan], days: Days, schema: pa.Schema
) -> tuple[pa.Table, list[Finder]]:
    rows = pa.Table.from_batches(given)
    finders: list[Finder] = []
    for kind, plan in enumerate(plans, start=1):
        if isinstance(plan, HistoryPlan):
            finders.append(HistoryFinder(plan, rows, days))
        else:
            events = pa.schema(schema.field(kind + 1).type.fields)
            finders.append(LatestFinder(plan, rows, days, events))
    return rows, finders


def _sliced(rows: pa.Table, finders: Sequence[Finder]) -> Iterator[pa.RecordBatch]:
    found = [answer for finder in finders for answer in finder.answers()]
    for begin in range(0, rows.num_rows, _SLICE_ROWS):
        part = rows.slice(begin, _SLICE_ROWS).combine_chunks()
        columns = {name: part[name].combine_chunks() for name in part.column_names}
        for name, values, place in found:
            columns[name] = values.take(pa.array(place[begin : begin + _SLICE_ROWS]))
        yield pa.RecordBatch.from_pydict(columns)
