"""Bring the rows of each key and its events together, and fill the steps of windows in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructType

from lepton_spark.features.windows import (
    HAPPENED,
    KNOWN,
    PLACE,
    SUPERSEDED,
    WindowFinder,
    WindowPlan,
)
from lepton_spark.silver.knowledge import SUPERSEDED_AT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

# A worker holds the rows and the events of a bucket, each some hundred bytes.
_BUCKET_ROWS = 100_000
_BUCKET_EVENTS = 1_000_000
_BUCKET = "_bucket"
_ROW, _EVENT = "row", "event"


def measured(versions: DataFrame, plan: WindowPlan, values: Mapping[str, Column]) -> DataFrame:
    """Events with the plan's keys, the values, and when they happened and were known.

    Args:
        versions: With `_declared_at`, `_known_at` and `_superseded_at`.
        plan: What is needed of them.
        values: Column of the events: what it holds. One that happened at no instant is left out,
            and so is one of a value that the plan does not list.
    """
    timed = versions.select(
        *plan.by,
        *(value.alias(name) for name, value in values.items()),
        F.unix_micros("_known_at").alias(KNOWN),
        F.unix_micros(SUPERSEDED_AT).alias(SUPERSEDED),
    )
    if plan.variables[0].place is not None:
        timed = timed.filter(F.col(PLACE) >= 0)
    return timed.filter(F.col(HAPPENED).isNotNull())


def buckets(num_rows: int, num_events: int, partitions: int) -> int:
    """How many buckets of keys a worker can hold, and all workers have."""
    return max(partitions, -(-num_rows // _BUCKET_ROWS), -(-num_events // _BUCKET_EVENTS))


def align_all(
    rows: DataFrame, events: Sequence[tuple[WindowPlan, DataFrame]], number: int
) -> DataFrame:
    """Each row with the features of all plans, as `align` gives those of one."""
    for plan, known in events:
        rows = align(rows, known, plan, number)
    return rows


def align(rows: DataFrame, events: DataFrame, plan: WindowPlan, number: int) -> DataFrame:
    """Each row with the features of the plan.

    Args:
        rows: With `_moment` and the plan's keys.
        events: As `measured` gives them.
        plan: What to find.
        number: Buckets of keys; whatever it is, the features are the same.

    Returns:
        As many rows as were given, with their columns and the features. One shuffle of both.
    """
    # Keys of one kind may be of two types, whose hashes differ.
    alike = {name: F.col(name).try_cast(rows.schema[name].dataType) for name in plan.by}
    parts = [
        _slot(rows, plan.by, number, _ROW),
        _slot(events.withColumns(alike), plan.by, number, _EVENT),
    ]
    slots = parts[0].unionByName(parts[1], allowMissingColumns=True)
    by_bucket = slots.repartitionById(number, _BUCKET).sortWithinPartitions(F.col(_ROW).isNull())
    names = rows.columns
    return by_bucket.select(_ROW, _EVENT).mapInArrow(
        lambda batches: _answer(batches, plan, names), _schema(rows, plan)
    )


def _slot(rows: DataFrame, by: Sequence[str], number: int, name: str) -> DataFrame:
    bucket = F.pmod(F.xxhash64(*by), F.lit(number)).cast("int").alias(_BUCKET)
    return rows.select(bucket, F.struct(*rows.columns).alias(name))


def _schema(rows: DataFrame, plan: WindowPlan) -> StructType:
    schema = StructType(list(rows.schema))
    for name, type_ in plan.features.items():
        items = StructType().add(name, type_)[name].dataType
        schema = schema.add(name, ArrayType(items))
    return schema


def _answer(
    batches: Iterator[pa.RecordBatch], plan: WindowPlan, names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    given: list[pa.RecordBatch] = []
    finder: WindowFinder | None = None
    for batch in batches:
        num_rows = batch.num_rows - batch.column(_ROW).null_count
        if num_rows:
            rows = batch.column(_ROW).slice(0, num_rows)
            given.append(pa.RecordBatch.from_struct_array(rows))
        if num_rows < batch.num_rows and given:
            finder = finder or WindowFinder(plan, pa.Table.from_batches(given))
            events = batch.column(_EVENT).slice(num_rows)
            finder.add(pa.RecordBatch.from_struct_array(events))
    if not given:
        return
    table = pa.Table.from_batches(given)
    first = 0
    for number, features in (finder or WindowFinder(plan, table)).answers():
        part = table.slice(first, number).combine_chunks()
        columns = {name: part[name].combine_chunks() for name in names}
        yield pa.RecordBatch.from_pydict({**columns, **features})
        first += number
