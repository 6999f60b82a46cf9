"""What is written down of the days of a batch, and what is read of days before it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lepton_spark.lake.marker import json_digest
from lepton_spark.lake.publication import Publication
from lepton_spark.quality.measurement import LAST, NEWEST, ROWS, VARIES
from lepton_spark.quality.metrics import METRICS, PARTITION_BY, days_of, metric_rows
from lepton_spark.silver.batch import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lepton_spark.config.contract import Contract
    from lepton_spark.context import RunContext
    from lepton_spark.quality.metrics import Metric
    from lepton_spark.silver.batch import Batch

# Of no use to later days; the newest values are values of a row.
_UNTOLD = (VARIES, NEWEST, LAST)


def window_of(contract: Contract, measured: Sequence[Metric]) -> tuple[date, date] | None:
    """The first and the last day whose metrics are wanted; None where none are compared."""
    days, rules = days_of(measured), contract.rules
    if not days or not rules.compared:
        return None
    back = max(rule.days for rule in rules.compared)
    return days[0] - timedelta(days=back), days[-1]


def metrics_between(rows: DataFrame, case: str, table: str, days: tuple[date, date]) -> DataFrame:
    """The metrics of the days of a table, as the run that measured most of a day's rows told them.

    A file that comes late is measured alone and says little of its day.

    Args:
        rows: Of `ops.metrics`.
        case: Its name.
        table: The silver table.
        days: The first and the last.
    """
    mine = rows.filter((F.col("case") == case) & (F.col("table") == table))
    mine = mine.filter(F.col("day").between(*days))
    is_number = (F.col("name") == ROWS) & F.col("part").isNull()
    of_run = Window.partitionBy("day", "as_of", "run_id")
    mine = mine.withColumn("_rows", F.max(F.when(is_number, F.col("value"))).over(of_run))
    best = F.max_by("value", F.struct("_rows", "as_of", "run_id")).alias("value")
    return mine.groupBy("name", "column", "part", "day", "text").agg(best)


def compares_days(context: RunContext, batch: Batch) -> bool:
    """Whether the contract of a batch compares days, and there are some."""
    source = context.case.sources[batch.inlet.name]
    return bool(context.contracts[source.contract].rules.compared and batch.counted.measured)


def measured_rows(context: RunContext, batches: Sequence[Batch]) -> DataFrame:
    """The rows for `ops.metrics`: what was measured of the days of some batches."""
    rows = [
        metric_rows(
            context,
            batch.inlet.silver,
            [each for each in batch.counted.measured if each.name not in _UNTOLD],
        )
        for batch in batches
    ]
    return reduce(DataFrame.unionByName, rows)


def publication_of(context: RunContext, batches: Sequence[Batch], job: str) -> Publication:
    """How those rows are published: once for the files that they are of."""
    files = {str(batch.inlet.silver): list(map(asdict, batch.inlet.files)) for batch in batches}
    return Publication(
        METRICS,
        job,
        json_digest([context.case.case, files]),
        json_digest(
            [settings_of(batch.inlet, context.case, context.contracts) for batch in batches]
        ),
        partition_by=PARTITION_BY,
        facts={"case": context.case.case},
    )


def merged(*newest: Mapping[str, float | None]) -> dict[str, float]:
    """The newest value of each column in any of them."""
    found: dict[str, float] = {}
    for each in newest:
        for name, value in each.items():
            if value is not None:
                found[name] = max(value, found.get(name, value))
    return found
