"""Deal training and validation rows to places, so that each row is in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.split import is_shortly_before, key_hash
from lepton_spark.search.division import first_days

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PLACE = "_place"
_BUCKET, _ROWS, _BEFORE, _NUMBER, _GROUP = "_bucket", "_rows", "_before", "_number", "_group"
_BUCKETS = 1024


def stratified(rows: DataFrame, key: Sequence[str], count: int, seed: int) -> DataFrame:
    """Deal the rows of each label in the order of a hash: shares differ by one row at most.

    Args:
        rows: Have the key, one row each, and `_label`, whose values are few.
        key: Columns that identify a row.
        count: Of places.
        seed: Another one deals otherwise.

    Returns:
        The same rows and columns, and `_place`, int from 0. Costs a shuffle by label and parts of
        the hash, so that one label is no single task, and another to count them.
    """
    hashed = rows.withColumn(_BUCKET, F.pmod(key_hash(key, seed), F.lit(_BUCKETS)))
    earlier = Window.partitionBy(LABEL).orderBy(_BUCKET).rowsBetween(Window.unboundedPreceding, -1)
    counted = hashed.groupBy(LABEL, _BUCKET).agg(F.count("*").alias(_ROWS))
    before = F.coalesce(F.sum(_ROWS).over(earlier), F.lit(0))
    # Each label begins at another place, or the first would have a row more of all.
    begin = F.pmod(F.xxhash64(F.lit(seed), F.col(LABEL)), F.lit(count))
    counted = counted.select(LABEL, _BUCKET, (before + begin).alias(_BEFORE))
    within = Window.partitionBy(LABEL, _BUCKET).orderBy(key_hash(key, seed), *key)
    numbered = hashed.withColumn(_NUMBER, F.row_number().over(within))
    joined = numbered.join(F.broadcast(counted), on=[LABEL, _BUCKET], how="inner")
    place = F.pmod(F.col(_BEFORE) + F.col(_NUMBER), F.lit(count)).cast("int")
    return joined.select(*rows.columns, place.alias(PLACE))


def grouped(rows: DataFrame, by: str, count: int, seed: int) -> DataFrame:
    """Deal whole groups, the largest first; null is a group of its own.

    Args:
        rows: Have the column.
        by: Its values are the groups.
        count: Of places.
        seed: Deals groups of one size otherwise.

    Returns:
        The same rows and columns, and `_place`, int from 0. Costs a shuffle on the column to count
        groups, which one task orders, and one to join them.
    """
    largest = Window.orderBy(F.desc(_ROWS), key_hash([by], seed), F.col(by))
    groups = rows.groupBy(by).agg(F.count("*").alias(_ROWS))
    number = F.row_number().over(largest) - 1
    # Back and forth, so that the first place does not get the larger group of every round.
    turn, step = F.floor(number / count), F.pmod(number, F.lit(count))
    place = F.when(F.pmod(turn, F.lit(2)) == 0, step).otherwise(F.lit(count - 1) - step)
    dealt = groups.select(F.col(by).alias(_GROUP), place.cast("int").alias(PLACE))
    joined = rows.join(dealt, F.col(by).eqNullSafe(F.col(_GROUP)), how="inner")
    return joined.select(*rows.columns, PLACE)


def time_ordered(rows: DataFrame, day: str, count: int, gap_days: int) -> DataFrame:
    """Cut the days into blocks, each later than the one before, of about as many rows.

    Args:
        rows: Have the day, never null. Collects a number a day.
        day: Date column.
        count: Of places.
        gap_days: Rows of so many days before each block but the first are left out.

    Returns:
        The other rows and all columns, and `_place`, int from 0.

    Raises:
        TrainingError: There are fewer days than places.
    """
    counted = rows.groupBy(day).agg(F.count("*").alias(_ROWS)).collect()
    firsts = first_days({row[day]: row[_ROWS] for row in counted}, count)
    place = F.lit(0)
    for first in firsts:
        place = place + (F.col(day) >= F.lit(first)).cast("int")
    kept = rows.filter(~is_shortly_before(firsts, day, gap_days))
    return kept.withColumn(PLACE, place)
