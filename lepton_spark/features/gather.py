"""Bring each part of the rows what is known on its days, once, and answer it in one pass.

Rows are cut by day and by hash (see `chunks`). A part's rows go to one worker, then every event
that is known on any of its days, piece by piece. So nothing is joined, no key is ever too large,
and what a worker holds depends on the rows of a part, not on the events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

if TYPE_CHECKING:
    from lepton_spark.features.chunks import Chunks
    from lepton_spark.features.questions import Days

_SLICE_ROWS = 16_384
_ROW = "row"
_TASK = "_task"
_SLOT = "_slot"
Plan = HistoryPlan | LatestPlan


class Finder(Protocol):
    """Answers the questions of a part's rows from events that come in pieces, in any order."""

    def add(self, events: pa.RecordBatch) -> None:
        """Take in a piece of the events."""

    def answers(self) -> Iterator[tuple[str, pa.Array, npt.NDArray[Any]]]:
        """Feature, its values, and for each row the place of its value."""


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
        As many rows as were given. One shuffle, and none without a plan: of rows once, of events
        once for each chunk and copy.
    """
    if not events:
        return rows.select(*kept)
    num_kinds = len(events) + 1
    parts = [_slot(rows.withColumn(_TASK, chunks.task_of_row(rows)), num_kinds, 0, _ROW)]
    for kind, (plan, known) in enumerate(events, start=1):
        placed = _each_part(known, plan, chunks, rows.schema)
        parts.append(_slot(placed, num_kinds, kind, f"events{kind}"))
    slots = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), parts)
    by_task = slots.repartitionById(chunks.tasks, _TASK).sortWithinPartitions(_SLOT)
    plans = [plan for plan, _ in events]
    schema = _schema(rows, kept, plans)
    # In Python, as Spark sorts the rows of every running sum of every window, and then joins them.
    return by_task.drop(_TASK).mapInArrow(
        lambda batches: _answer(batches, plans, list(kept), chunks), schema
    )


def _each_part(events: DataFrame, plan: Plan, chunks: Chunks, types: StructType) -> DataFrame:
    """Each event once for every part whose rows may ask for it, with its number."""
    copies = chunks.parts.copies
    last_day = F.greatest(*map(F.col, plan.spans), F.lit(chunks.first_day - 1)) - 1
    entered = F.least(chunks.of(F.col("_enters")), F.lit(chunks.number))
    first = F.greatest(entered, F.lit(0)) * copies
    last = F.least(chunks.of(last_day), F.lit(chunks.number - 1)) * copies + (copies - 1)
    ranged = events.withColumns({"_first": first, "_last": last})
    # No filter: Spark would move it down and compute all days of each event once more.
    touched = F.when(F.col("_first") <= F.col("_last"), F.sequence("_first", "_last"))
    # Keys of one kind may be of two types, whose hashes differ.
    keys = [F.col(name).try_cast(types[name].dataType) for name in chunks.parts.by]
    placed = ranged.withColumn(_TASK, F.explode(touched)).drop("_first", "_last")
    return placed.withColumn(_TASK, chunks.task(F.col(_TASK), chunks.parts.group(keys)))


def _slot(rows: DataFrame, num_kinds: int, kind: int, name: str) -> DataFrame:
    content = F.struct(*(column for column in rows.columns if column != _TASK))
    # One number, so that Spark sorts by its bits; rows come before events.
    slot = F.col(_TASK).cast("bigint") * num_kinds + kind
    return rows.select(_TASK, slot.alias(_SLOT), content.alias(name))


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
    for task, slots in groupby(pieces, key=lambda piece: piece[0] // num_kinds):
        kinds = ((slot % num_kinds, content) for slot, content in slots)
        yield from _answer_part(kinds, plans, kept, chunks.days(task))


def _pieces(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Runs of one slot, each with all its columns."""
    for batch in batches:
        slots = np.asarray(batch[_SLOT])
        ends = [*(np.flatnonzero(np.diff(slots)) + 1), len(slots)]
        for begin, end in zip([0, *ends], ends, strict=False):
            if begin < end:
                yield int(slots[begin]), batch.slice(begin, end - begin)


def _answer_part(
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
