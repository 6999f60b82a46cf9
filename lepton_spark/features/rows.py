"""The predicted rows as they were known at the moment of their own day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.silver.knowledge import known_at

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.features.grid import Grid


def visible(versions: DataFrame, day: str, grid: Grid) -> DataFrame:
    """One row for each that was known when its day was predicted, with `_day` and `_moment`.

    Args:
        versions: As `silver.knowledge.versions` gives them.
        day: Date column.
        grid: Moments of the case.
    """
    dated = versions.withColumn("_day", F.unix_date(F.col(day)))
    timed = dated.withColumn("_moment", grid.moment(F.col("_day")))
    return known_at(timed, F.col("_moment"))
