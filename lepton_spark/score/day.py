"""What scoring and tracing share: where a day's predictions are, and how they are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.evaluate.predictions import predict
from lepton_spark.lake.catalog import TableId
from lepton_spark.models.output import Output

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.task import Task
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
    """What a model says of each row of the logical date that has features.

    Args:
        context: Its date is the day.
        features: Of any days, at a pinned version.
        model: Its digest has been checked.

    Returns:
        The key and `score`: of two classes the probability of a positive, of several that of the
        likeliest, of an amount its mean or median. Of several classes `decision`, the likeliest,
        and `probabilities` by class; of an amount's quantiles `quantiles` by name. All are null
        where the model refuses the row.
    """
    predicted = context.case.predict
    rows = features.filter(F.col(predicted.day) == F.lit(context.as_of))
    key = context.case.key_of(predicted.each)
    found = predict(context, rows, {JOB: model}, keep=key)
    task = Output.read(model.spec).task
    return found.select(*key, *_answers(F.col(f"p_{JOB}"), task))


def _answers(said: Column, task: Task) -> list[Column]:
    if len(task.outputs) == 1:
        return [said.alias("score")]
    names = F.array(*(F.lit(name) for name in task.outputs))
    by_name = F.when(said.isNotNull(), F.map_from_arrays(names, said))
    if task.kind == "amount":
        return [said[task.main].alias("score"), by_name.alias("quantiles")]
    largest = F.array_max(said)
    likeliest = F.element_at(names, F.array_position(said, largest).cast("int"))
    return [largest.alias("score"), likeliest.alias("decision"), by_name.alias("probabilities")]
