"""One row a key and time of coming; what loses is marked, never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.quality.reasons import REASONS, is_accepted
from lepton_spark.quality.skew import GROUP
from lepton_spark.silver.knowledge import came_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

SEVERITY = "_severity"
REFUSED, DUPLICATE = "refused", "duplicate"
_CAME_AT = "_came_at"
EXACT, OLDER, LATE = "exact_duplicate", "older_duplicate", "late_duplicate"


def mark_duplicates(rows: DataFrame, key: Sequence[str], content: Sequence[str]) -> DataFrame:
    """Say of every row whether it is good, refused or a duplicate.

    Of rows with one key that came together (see `knowledge.came_at`) the last wins, by file name
    and then by row. The others get the reason `exact_duplicate` where all their content is the
    winner's, else `older_duplicate`.

    Args:
        rows: Hold `_reasons`, `_arrived_at`, `_known_at`, `_file` and `_row`; a row with a reason
            takes no part.
        key: Columns that identify a row, not null. Costs one shuffle on them.
        content: Columns that the file gives.

    Returns:
        The same rows with `_severity`, null where good, `refused` or `duplicate`; and `_group`, of
        a row that took part: its number among those it came together with, and a hash of the key.
    """
    # Refused rows are spread: their keys are often null, and all of one key go to one task.
    apart = F.when(~is_accepted(), F.xxhash64("_file", "_row"))
    group = Window.partitionBy(
        apart, *(F.when(is_accepted(), F.col(name)) for name in key), came_at()
    )
    last_first = group.orderBy(F.col("_file").desc(), F.col("_row").desc())
    rows = rows.withColumn("_content", _digest(content))
    rows = rows.withColumns(
        {
            "_rank": F.row_number().over(last_first),
            "_winner": F.first("_content").over(last_first),
        }
    )
    is_duplicate = is_accepted() & (F.col("_rank") > 1)
    kind = F.when(F.col("_content") == F.col("_winner"), EXACT).otherwise(OLDER)
    rows = rows.withColumn(SEVERITY, F.when(is_duplicate, DUPLICATE).when(~is_accepted(), REFUSED))
    reasons = F.when(is_duplicate, F.array(kind)).otherwise(F.col(REASONS))
    group_of_row = F.struct(F.col("_rank").alias("rows"), F.xxhash64(*key).alias("key"))
    rows = rows.withColumn(GROUP, F.when(is_accepted(), group_of_row))
    return rows.withColumn(REASONS, reasons).drop("_content", "_rank", "_winner")


def yield_to_silver(
    judged: DataFrame, silver: DataFrame, key: Sequence[str], content: Sequence[str]
) -> DataFrame:
    """Make duplicates of those rows whose key and time of coming silver holds already.

    What is published stays: such a row has the reason `exact_duplicate` where its content is that
    of the row in silver, `older_duplicate` where it comes before that row, by file name and then
    by row, and else `late_duplicate`.

    Args:
        judged: As `mark_duplicates` gives them; refused rows stay refused.
        silver: Published rows of any files. Costs one shuffle of both on the key.
        key: Columns that identify a row.
        content: Columns that the file gives.
    """
    group = [*key, _CAME_AT]
    place = F.struct("_file", "_row")
    last = F.max_by(F.struct(_digest(content).alias("content"), place.alias("place")), place)
    present = silver.withColumn(_CAME_AT, came_at()).groupBy(*group).agg(last.alias("_there"))
    joined = judged.withColumn(_CAME_AT, came_at()).join(present, group, how="left")
    there, took_part = F.col("_there"), F.col(SEVERITY).isNull() | (F.col(SEVERITY) == DUPLICATE)
    kind = F.when(_digest(content) == there["content"], EXACT)
    kind = kind.when(place < there["place"], OLDER).otherwise(LATE)
    is_late = there.isNotNull() & took_part
    columns = {
        SEVERITY: F.when(is_late, DUPLICATE).otherwise(F.col(SEVERITY)),
        REASONS: F.when(is_late, F.array(kind)).otherwise(F.col(REASONS)),
    }
    return joined.withColumns(columns).select(*judged.columns)


def _digest(content: Sequence[str]) -> Column:
    """A hash of all cells; of nulls too, which xxhash64 passes over."""
    return F.xxhash64(*(each for name in content for each in (F.isnull(name), F.col(name))))
