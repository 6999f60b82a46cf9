"""Which rows are resampled together: days where time decides the split, else parts of a hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.dataset.split import SPLIT, key_hash

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

BUCKETS = 200
MOST_UNITS = 400
MIN_DAYS = 20
_SEED = 30_011  # another than the split's


def unit_of(rows: DataFrame, *, day: str, key: Sequence[str], is_by_day: bool) -> Column:
    """The unit of each row: at most 400 in each part.

    Rows of one day share weather and mood, so they count as one observation; long parts take runs
    of days, parts of few days take 200 buckets of a hash.

    Args:
        rows: With `_split`, the day and the key. One job; collects one row a part.
        day: Date column.
        key: Columns whose hash it is: those that identify a row, or what its split keeps together.
        is_by_day: Whether the split goes by day.

    Returns:
        An int, unique within the part of the row; not null.
    """
    bucket = F.pmod(key_hash(key, _SEED), F.lit(BUCKETS)).cast("int")
    if not is_by_day:
        return bucket
    spans = rows.groupBy(SPLIT).agg(F.min(day).alias("first"), F.max(day).alias("last")).collect()
    unit = bucket
    for span in spans:
        days = _days(span["first"], span["last"])
        if days >= MIN_DAYS:
            run = -(-days // MOST_UNITS)
            place = F.floor(F.datediff(F.col(day), F.lit(span["first"])) / run).cast("int")
            unit = F.when(F.col(SPLIT) == span[SPLIT], place).otherwise(unit)
    return unit


def _days(first: date, last: date) -> int:
    return (last - first).days + 1
