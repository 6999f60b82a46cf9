"""What was measured of a table: the rows of `ops.metrics`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import date
from typing import TYPE_CHECKING

from lepton_spark.lake.catalog import TableId

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.context import RunContext

METRICS = TableId("ops", "metrics")
PARTITION_BY = ("case",)
# Of a column with more values only the most frequent of a day are parts of it.
MOST_PARTS = 100
_SCHEMA = (
    "case string, table string, as_of date, run_id string, name string, value double,"
    " column string, part string, day date, text string"
)


@dataclass(frozen=True)
class Metric:
    """One measurement of a table.

    Args:
        name: What was measured, such as rows, null_rate, mean, quantile_0.5 or share.
        value: Null where there was nothing to measure.
        column: Of which it is; None for the whole table.
        part: Which rows, such as `shop=4`; None for all. Never of a personal column.
        day: On which those rows arrived, UTC; None for rows of any day.
        text: What a frequent value is, the value as a date or instant, or the other column of a
            correlation. Never of a personal column.
    """

    name: str
    value: float | None
    column: str | None = None
    part: str | None = None
    day: date | None = None
    text: str | None = None


def metric_rows(context: RunContext, table: TableId, metrics: Iterable[Metric]) -> DataFrame:
    """The rows for `ops.metrics`, in one partition: some thousands at most."""
    ambient = (context.case.case, str(table), context.as_of, context.run_id)
    rows = [(*ambient, *astuple(metric)) for metric in metrics]
    return context.spark.createDataFrame(rows, _SCHEMA).coalesce(1)


def days_of(metrics: Iterable[Metric]) -> list[date]:
    """The days that were measured, in order."""
    return sorted({metric.day for metric in metrics if metric.day is not None})
