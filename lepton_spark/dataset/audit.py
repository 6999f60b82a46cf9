"""What must be true of a dataset before it is published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.dataset.label_count import is_sound
from lepton_spark.dataset.split import PARTS, SPLIT
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.task import Task


def audit_dataset(rows: DataFrame, key: Sequence[str], task: Task, *, num_rows: int) -> None:
    """See that each key is there once, in one part, with a label that can be.

    Args:
        rows: Of the dataset. Costs one shuffle on the key and two jobs.
        key: Columns that identify a row.
        task: Kind of the label.
        num_rows: How many were labelled.

    Raises:
        DataError: It is not so; the message holds counts only.
    """
    is_right = is_sound(task) & F.col(SPLIT).isin(*PARTS)
    counted = rows.agg(F.count("*").alias("rows"), F.count_if(is_right).alias("right")).first()
    found, right = (counted["rows"], counted["right"]) if counted else (0, 0)
    repeated = rows.groupBy(*key).agg(F.count("*").alias("_rows")).filter(F.col("_rows") > 1)
    twice = repeated.count()
    if found != num_rows or right != found or twice:
        raise DataError(
            "LS-2071",
            f"the dataset has {found} rows where {num_rows} have a label; {twice} keys occur more "
            f"than once, {found - right} rows have no valid label or part",
            "each labelled row is in exactly one part of the dataset, once",
            "see that the key of the predicted source is unique; if it is, report this",
        )
