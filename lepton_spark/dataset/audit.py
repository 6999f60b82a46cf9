"""What must be true of a dataset before it is published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.dataset.label_count import is_sound
from lepton_spark.dataset.split import PARTS, SPLIT
from lepton_spark.errors import DataError, TrainingError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.task import Task


def audit_dataset(
    rows: DataFrame, key: Sequence[str], task: Task, *, num_rows: int, by: Sequence[str] = ()
) -> None:
    """See that each key is there once, and each group in one part, with a label that can be.

    Args:
        rows: Of the dataset. Costs one shuffle on the key and two jobs, and as much for groups.
        key: Columns that identify a row.
        task: Kind of the label.
        num_rows: How many were labelled.
        by: Rows with the same values of these are one group, null like any value; none: no groups.

    Raises:
        DataError: A row is missing, or has no label or part that can be.
        TrainingError: A key occurs twice, or a group is in two parts, so that what was learned
            from is judged. Messages hold counts only.
    """
    is_right = is_sound(task) & F.col(SPLIT).isin(*PARTS)
    counted = rows.agg(F.count("*").alias("rows"), F.count_if(is_right).alias("right")).first()
    found, right = (counted["rows"], counted["right"]) if counted else (0, 0)
    repeated = rows.groupBy(*key).agg(F.count("*").alias("_rows")).filter(F.col("_rows") > 1)
    if twice := repeated.count():
        raise TrainingError(
            "LS-6010",
            f"{twice} keys occur more than once in the dataset",
            "a row that is in two parts is learned from and judged, which looks too good",
            "see that the key of the predicted source is unique; if it is, report this",
        )
    _refuse_shared(rows, by)
    if found != num_rows or right != found:
        raise DataError(
            "LS-2071",
            f"the dataset has {found} rows where {num_rows} have a label; {found - right} rows "
            "have no valid label or part",
            "each labelled row is in exactly one part of the dataset, once",
            "see that the features of the case keep each row of the predicted source; if they do, "
            "report this",
        )


def _refuse_shared(rows: DataFrame, by: Sequence[str]) -> None:
    if not by:
        return
    groups = rows.groupBy(*by).agg((F.min(SPLIT) != F.max(SPLIT)).alias("_is_shared"))
    counted = groups.agg(F.count("*").alias("groups"), F.count_if("_is_shared").alias("shared"))
    groups_, shared = next(((row["groups"], row["shared"]) for row in counted.collect()), (0, 0))
    if shared:
        raise TrainingError(
            "LS-6010",
            f"{shared} of {groups_} groups of {', '.join(by)} are in more than one part of the"
            " dataset",
            "what is learned of a group before test tells of its test rows, which looks too good",
            "split by validate_share and test_share, which deal whole groups; or remove"
            " predict.split.by where the same ones will be predicted in production",
        )
