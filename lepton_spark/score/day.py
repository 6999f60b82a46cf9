"""What scoring and tracing share: where a day's predictions are, and how they are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.evaluate.predictions import predict
from lepton_spark.lake.catalog import TableId

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.context import RunContext
    from lepton_spark.train.bundle import Bundle

JOB = "score"


def predictions_table(context: RunContext) -> TableId:
    """Where the predictions of a case are."""
    return TableId("gold", f"{context.case.case}_predictions")


def features_table(context: RunContext) -> TableId:
    """Where the features of a case are."""
    return TableId("gold", f"{context.case.case}_features")


def day_scores(context: RunContext, features: DataFrame, model: Bundle) -> DataFrame:
    """The key and `score` of each row of the logical date that has features.

    Args:
        context: Its date is the day.
        features: Of any days, at a pinned version.
        model: Its digest has been checked.
    """
    predicted = context.case.predict
    rows = features.filter(F.col(predicted.day) == F.lit(context.as_of))
    key = context.case.key_of(predicted.each)
    return predict(context, rows, {JOB: model}, keep=key).withColumnRenamed(f"p_{JOB}", "score")
