"""Which files are not refined: those whose rows in silver and quarantine are not all of bronze.

Each table gives steps, rows that say: so many rows of this file are there. Their sums tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def bronze_steps(rows: DataFrame, source: str, moment: datetime) -> DataFrame:
    """A step a file, from the last of its rows; without name for files yet to arrive."""
    is_here = F.col("_arrived_at") <= F.lit(moment)
    return _steps(
        rows.filter(F.col("_records").isNotNull()),
        source=F.lit(source),
        file=F.when(is_here, F.col("_file")),
        sha256=F.col("_sha256"),
        landed=F.col("_records"),
    )


def silver_steps(rows: DataFrame, source: str, moment: datetime) -> DataFrame:
    """A step a row of silver that had arrived."""
    is_here = F.col("_arrived_at") <= F.lit(moment)
    return _steps(rows.filter(is_here), source=F.lit(source), file=F.col("_file"), good=F.lit(1))


def quarantine_steps(rows: DataFrame, case: str, prefix: str, moment: datetime) -> DataFrame:
    """A step a quarantined row of a case that had arrived.

    Args:
        rows: Of quarantine.
        case: Its name.
        prefix: What the names of its silver tables begin with, before the source.
        moment: Of the run, UTC.
    """
    is_here = F.col("arrived_at") <= F.lit(moment)
    source = F.substring(F.col("table"), F.lit(len(prefix) + 1), F.length("table"))
    mine = rows.filter((F.col("case") == case) & is_here)
    return _steps(mine, source=source, file=F.col("file"), quarantined=F.lit(1))


def open_files(steps: Sequence[DataFrame]) -> DataFrame:
    """A row a file that is not refined: source, file, sha256, landed, good and quarantined rows.

    The file is null in a row that stands for files yet to arrive. Costs one shuffle of counts.
    """
    sums = [F.sum(name).alias(name) for name in ("landed", "good", "quarantined")]
    by_file = reduce(DataFrame.unionByName, steps).groupBy("source", "file")
    states = by_file.agg(F.max("sha256").alias("sha256"), *sums)
    is_open = F.col("landed") != F.col("good") + F.col("quarantined")
    # Without rows in bronze there is nothing to refine again.
    return states.filter((F.col("landed") > 0) & is_open).orderBy("source", "file")


def _steps(rows: DataFrame, **given: Column) -> DataFrame:
    columns = {"sha256": F.lit(None).cast("string")}
    columns |= {name: F.lit(0).cast("bigint") for name in ("landed", "good", "quarantined")}
    columns |= given
    names = ("source", "file", "sha256", "landed", "good", "quarantined")
    return rows.select(*(columns[name].alias(name) for name in names))
