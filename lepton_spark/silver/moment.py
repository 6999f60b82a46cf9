"""As of when a row looks things up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.config.moment import needed_before_lookups
from lepton_spark.quality.reasons import REASONS
from lepton_spark.silver.clock import add_instant
from lepton_spark.silver.derive import add_known_at, derive
from lepton_spark.silver.knowledge import came_at

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.source import Source

ASKED_AT = "_asked_at"


def add_asked_at(rows: DataFrame, source: Source) -> DataFrame:
    """Add `_asked_at`, UTC: when a row arrived; of a file without a date, when it was known.

    Args:
        rows: Hold `_arrived_at` and `_reasons`, and nothing that is looked up yet.
        source: Its times and expressions, as far as `known_at` needs them, are computed for this
            and once more with all others.

    Returns:
        The rows with the column. Where `known_at` reads what is looked up it is the arrival too.
    """
    names = {name for lookup in source.lookup for name in lookup.take}
    columns = [*rows.columns, *names, *source.times, *source.derive]
    is_asked = source.arrives is None and bool(source.lookup)
    needed = needed_before_lookups(source, columns) if is_asked else None
    if needed is None:
        return rows.withColumn(ASKED_AT, F.col("_arrived_at"))
    told = rows.withColumn("_reasons_before", F.col(REASONS))
    for name, time in source.times.items():
        if name in needed:
            told = add_instant(told, name, time)
    told = derive(told, {name: text for name, text in source.derive.items() if name in needed})
    told = add_known_at(told, source.known_at)
    kept = [name for name in rows.columns if name != REASONS]
    return told.select(*kept, F.col("_reasons_before").alias(REASONS), came_at().alias(ASKED_AT))
