"""What lies in quarantine, by source and reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.replay.selection import code

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lepton_spark.replay.selection import Selection

_NUM_EXAMPLES = 3


def summary(rows: DataFrame, prefix: str, selection: Selection, *, by_file: bool) -> DataFrame:
    """Count quarantined rows; one with two reasons is counted under both.

    Args:
        rows: Of one case.
        prefix: What the names of its silver tables begin with, before the source.
        selection: Which reason and source; others are left out.
        by_file: A row for each file too, not only for each source and reason.

    Returns:
        `source`, `reason`, `file` (only by file), `rows`, `files`, `first_arrived_at`,
        `last_arrived_at` as UTC text, and `examples`, up to three of `file:row`. Most rows first.
        Costs one shuffle.
    """
    source = F.substring(F.col("table"), F.lit(len(prefix) + 1), F.length("table"))
    told = rows.withColumns({"source": source, "reason": F.explode("reasons")})
    if selection.source is not None:
        told = told.filter(F.col("source") == F.lit(selection.source))
    if selection.reason is not None:
        told = told.filter(code(F.col("reason")) == F.lit(selection.reason))
    group = ["source", "reason", *(["file"] if by_file else [])]
    place = F.row_number().over(Window.partitionBy(*group).orderBy("file", "row"))
    example = F.concat_ws(":", "file", F.col("row").cast("string"))
    numbered = told.withColumn(
        "example",
        F.when(place <= F.lit(_NUM_EXAMPLES), F.struct(place.alias("n"), example.alias("at"))),
    )
    found = numbered.groupBy(*group).agg(
        F.count("*").alias("rows"),
        F.count_distinct("file").alias("files"),
        _text(F.min("arrived_at")).alias("first_arrived_at"),
        _text(F.max("arrived_at")).alias("last_arrived_at"),
        F.transform(F.array_sort(F.collect_list("example")), lambda each: each["at"]).alias(
            "examples"
        ),
    )
    return found.orderBy(F.desc("rows"), *group)


def _text(instant: Column) -> Column:
    return F.date_format(instant, "yyyy-MM-dd HH:mm:ss")
