"""One row a key and arrival; what loses is marked, never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.quality.reasons import REASONS, is_accepted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

SEVERITY = "_severity"
REFUSED, DUPLICATE = "refused", "duplicate"
EXACT, OLDER = "exact_duplicate", "older_duplicate"


def mark_duplicates(rows: DataFrame, key: Sequence[str], content: Sequence[str]) -> DataFrame:
    """Say of every row whether it is good, refused or a duplicate.

    Of rows with one key that arrived together the last wins, by file name and then by row. The
    others get the reason `exact_duplicate` where all their content is the winner's, else
    `older_duplicate`.

    Args:
        rows: Hold `_reasons`, `_arrived_at`, `_file` and `_row`; a row with a reason takes no part.
        key: Columns that identify a row, not null. Costs one shuffle on them.
        content: Columns that the file gives.

    Returns:
        The same rows with `_severity`: null where good, `refused` or `duplicate`.
    """
    # Refused rows are spread: their keys are often null, and all of one key go to one task.
    apart = F.when(~is_accepted(), F.xxhash64("_file", "_row"))
    group = Window.partitionBy(
        apart, *(F.when(is_accepted(), F.col(name)) for name in key), "_arrived_at"
    )
    last_first = group.orderBy(F.col("_file").desc(), F.col("_row").desc())
    rows = rows.withColumn("_content", F.xxhash64(*content))
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
    return rows.withColumn(REASONS, reasons).drop("_content", "_rank", "_winner")
