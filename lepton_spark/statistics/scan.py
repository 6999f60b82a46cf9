"""One pass over a table: its row groups are dealt to workers, who add up what they find."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import functions as F

from lepton_spark.dataset.shards import Piece, whole
from lepton_spark.quality.profile.column import Column
from lepton_spark.quality.profile.measurements import Measurement, measurements
from lepton_spark.quality.profile.profile import ROWS_AT_ONCE
from lepton_spark.statistics.work import PAIRS, PARTS, RESULTS, added_up, measured, read

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lepton_spark.lake.file_plan import FilePlan
    from lepton_spark.statistics.work import Wanted

# A table that is not large is shared by this many tasks; of a large one each has a million rows.
_FEW_TASKS, _MOST_ROWS = 8, 1 << 20


@dataclass(frozen=True)
class Found:
    """What was measured.

    Args:
        rows: That were known in time.
        columns: Measurements by column, in the order that was asked for.
        pairs: Two columns and their correlation, None where one of them does not vary.
    """

    rows: int
    columns: Mapping[str, list[Measurement]]
    pairs: list[tuple[str, str, float | None]]


def scan_files(spark: SparkSession, plan: FilePlan, wanted: Wanted) -> Found:
    """Measure the rows of a file plan.

    Tasks are cut by rows alone, and what they find is added up in their order: the same plan gives
    the same numbers to the bit on any number of cores. Costs one Spark job with one small shuffle;
    the driver collects one result a column.

    Args:
        spark: Its workers read the files.
        plan: Fit.
        wanted: What to measure.
    """
    groups = wanted.groups
    tasks = [(pieces, names) for pieces in _shares(plan) for names in groups]

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What was measured of the pieces of each task, read here."""
        for batch in batches:
            for number in batch.column(0).to_pylist():
                pieces, names = tasks[number]
                yield from measured(read(pieces, names, wanted), names, wanted, number)

    numbers = spark.range(0, len(tasks), 1, max(1, len(tasks)))
    return _found(numbers.mapInArrow(work, PARTS), wanted)


def scan_rows(rows: DataFrame, wanted: Wanted) -> Found:
    """Measure rows that come through the JVM, several times slower.

    How Spark cuts them into tasks decides within the stated errors.

    Args:
        rows: Hold the columns.
        wanted: What to measure.
    """
    names = list(wanted.kinds)
    # Nothing but whether a value is there leaves the JVM where nothing else is told of it.
    columns = [
        F.col(name) if kind.is_measured else F.when(F.col(name).isNotNull(), F.lit(1)).alias(name)
        for name, kind in wanted.kinds.items()
    ]

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What was measured of the rows that Spark read, by partition."""
        context = TaskContext.get()
        number = 0 if context is None else context.partitionId()
        parts = (pa.Table.from_batches([batch]) for batch in batches)
        yield from measured(parts, names, wanted, number)

    known = rows.filter(F.col(wanted.known_at) <= F.lit(wanted.until)).select(*columns)
    return _found(known.mapInArrow(work, PARTS), wanted)


def _shares(plan: FilePlan) -> list[list[Piece]]:
    """The row groups of each task, in their order."""
    enough = min(_MOST_ROWS, max(ROWS_AT_ONCE, plan.rows // _FEW_TASKS))
    shares: list[list[Piece]] = []
    room = 0
    for each in plan.slices:
        if room <= 0:
            shares.append([])
            room = enough
        shares[-1].append(whole(each.path, each.row_group, each.rows))
        room -= each.rows
    return shares


def _found(parts: DataFrame, wanted: Wanted) -> Found:
    """Bring together what the tasks know of each column, and put it into words."""
    num_cores = parts.sparkSession.sparkContext.defaultParallelism
    placed = parts.repartition(min(len(wanted.kinds) + 1, num_cores), "place")
    told = placed.sortWithinPartitions("place", "task").mapInArrow(
        lambda batches: added_up(batches, wanted), RESULTS
    )
    results = {row["place"]: json.loads(row["result"]) for row in told.collect()}
    counts = [result["rows"] for place, result in results.items() if place != PAIRS]
    columns = {}
    for place, (name, kind) in enumerate(wanted.kinds.items()):
        found = [Measurement(*each) for each in results.get(place, {}).get("measurements", ())]
        columns[name] = found or measurements(Column(), kind)  # of no rows nothing comes back
    names = wanted.correlated
    pairs = results.get(PAIRS, {}).get("pairs", ())
    return Found(
        max(counts, default=0), columns, [(names[one], names[two], r) for one, two, r in pairs]
    )
