"""What was known at a moment: versions of a key by arrival, and facts by when they were known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.bronze.arrivals import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

SUPERSEDED_AT = "_superseded_at"


def is_dated() -> Column:
    """True for a row of a file that says when it arrived, by its `_arrived_at`."""
    return F.col("_arrived_at") > F.lit(ALWAYS)


def came_at() -> Column:
    """When a row came, UTC: its arrival; in a file without a date, when it became known.

    Of a row with `_arrived_at` and `_known_at`. The files of a Delta table have random names and
    no date: which version of a key is the newer one is told by `known_at` alone.
    """
    return F.when(is_dated(), F.col("_arrived_at")).otherwise(F.col("_known_at"))


def versions(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """Add `_superseded_at`, UTC: when a newer version of the same key is known; null for the last.

    Newer is what came later (see `came_at`), or, of what came together, is later by file and row.
    A version that says it counts from next month leaves the one before it in place until then.

    Args:
        rows: Silver rows, with `_known_at`, `_arrived_at`, `_file` and `_row`. Read them up to a
            moment only if nothing that arrived later matters.
        key: Columns that identify an entity. Costs one shuffle on them.
    """
    newest_first = [came_at().desc(), F.col("_file").desc(), F.col("_row").desc()]
    of_key = Window.partitionBy(*key).orderBy(*newest_first)
    newer = of_key.rowsBetween(Window.unboundedPreceding, -1)
    return rows.withColumn(SUPERSEDED_AT, F.min("_known_at").over(newer))


def known_at(rows: DataFrame, moment: datetime | Column) -> DataFrame:
    """Those rows that were known at a moment, one a key.

    A row that says it becomes known only after the moment, even if it is here, is left out.

    Args:
        rows: As `versions` gives them.
        moment: An instant, or a timestamp column of the rows; what became known then counts.
    """
    return rows.filter(is_known(moment))


def is_known(moment: datetime | Column) -> Column:
    """True for a row of `versions` that was known at a moment."""
    instant = F.lit(moment)
    until = F.col(SUPERSEDED_AT)
    return (F.col("_known_at") <= instant) & (until.isNull() | (until > instant))
