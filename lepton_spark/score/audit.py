"""What predictions must be like before anyone sees them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lepton_spark.errors import DataError
from lepton_spark.score.assemble import NO_FEATURES, REFUSED, SCORED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.task import Task

_MANY = 100
_LARGEST = sys.float_info.max
_NO_SHARE = "NaN or outside 0 and 1"
_UNSOUND = {"binary": _NO_SHARE, "classes": _NO_SHARE, "amount": "NaN or infinite"}


def audit(staged: DataFrame, num_expected: int, task: Task) -> dict[str, Any]:
    """Check predictions as they will be published.

    Args:
        staged: Rows of the prediction table.
        num_expected: Raw rows of the day.
        task: What is said of a row.

    Returns:
        `scored`, `refused` and, of two classes, `decided`: counts of rows.

    Raises:
        DataError: A row is missing or doubled, no row has features, a score is not a probability
            or, of an amount, no finite number, or all are the same.
    """
    found = _measured(staged, task)
    if not found["rows"] == found["locators"] == num_expected:
        raise _broken(
            "LS-2080",
            f"{found['rows']} predictions of {found['locators']} raw rows; the day has"
            f" {num_expected}.",
            "each raw row of the day has exactly one prediction.",
            "build the features of the day again: lepton features.",
        )
    if found["featureless"] and not found["scored"]:
        raise _broken(
            "LS-2086",
            f"none of the {found['featureless']} accepted rows of the day has features.",
            "a night without a single score is one whose features were not built.",
            "build them, then score: lepton features, or lepton nightly, which does both.",
        )
    if found["unsound"]:
        raise _broken(
            "LS-2081",
            f"{found['unsound']} of {found['scored']} scores are {_UNSOUND[task.kind]}.",
            f"a score is {'an amount' if task.kind == 'amount' else 'a probability'}.",
            "look at the features of the day and at the model; do not lower the check.",
        )
    if found["scored"] > _MANY and found["lowest"] == found["highest"]:
        raise _broken(
            "LS-2082",
            f"all {found['scored']} scores are equal.",
            "a model that tells no row from another is broken, or its features are empty.",
            "look at the features of the day: their sources may be missing.",
        )
    return {name: found[name] for name in ("scored", "refused", "decided") if name in found}


def _measured(staged: DataFrame, task: Task) -> dict[str, Any]:
    score, is_scored = F.col("score"), F.col("status") == SCORED
    low, high = (-_LARGEST, _LARGEST) if task.kind == "amount" else (0.0, 1.0)
    is_sound = score.between(low, high) & ~F.isnan(score)
    decided = [F.count_if(F.col("decision")).alias("decided")] * (task.kind == "binary")
    row = staged.agg(
        *decided,
        F.count("*").alias("rows"),
        F.count_distinct("_file", "_row").alias("locators"),
        F.count_if(is_scored).alias("scored"),
        F.count_if(F.col("status") == REFUSED).alias("refused"),
        F.count_if(F.col("reason") == NO_FEATURES).alias("featureless"),
        F.count_if(is_scored & ~F.coalesce(is_sound, F.lit(col=False))).alias("unsound"),
        F.min(F.when(is_scored, score)).alias("lowest"),
        F.max(F.when(is_scored, score)).alias("highest"),
    ).first()
    return row.asDict() if row is not None else {}


def _broken(code: str, what: str, why: str, fix: str) -> DataError:
    return DataError(code, what, why, fix, "the predictions of the day were not published")
