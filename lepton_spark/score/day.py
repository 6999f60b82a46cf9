"""What scoring and tracing share: where a day's predictions are, and how they are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.evaluate.predictions import predict
from lepton_spark.lake import file_plan
from lepton_spark.lake.catalog import TableId
from lepton_spark.models.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def day_scores(context: RunContext, features: DataFrame, version: int, model: Bundle) -> DataFrame:
    """What a model says of each row of the logical date that has features.

    Args:
        context: Its date is the day.
        features: Of any days, the table at a pinned version.
        version: That version; workers read its files where they can.
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
    plan = file_plan.plan(
        context,
        features_table(context),
        version,
        condition=f"`{predicted.day}` = DATE '{context.as_of}'",
        without=[name for name in features.columns if name.startswith("_")],
    )
    of_day = (predicted.day, context.as_of)
    found = predict(rows, {JOB: model}, keep=key, plan=plan, where=of_day)
    task = Output.read(model.spec).task
    return found.select(*key, *_answers(F.col(f"p_{JOB}"), task))


def digest_of(rows: DataFrame, columns: Sequence[str]) -> list[int]:
    """What some columns of rows hold, as numbers: the same rows in any order give the same ones.

    Args:
        rows: One job reads them.
        columns: Of any type but maps.
    """
    # A hash passes over nulls, so a value beside a null would do in either column.
    is_null = (F.col(name).isNull() for name in columns)
    digest = F.xxhash64(*columns, *is_null)
    row = rows.agg(
        F.count("*"), F.bit_xor(digest), F.sum(F.shiftrightunsigned(digest, 32))
    ).collect()[0]
    return [int(number or 0) for number in row]


def _answers(said: Column, task: Task) -> list[Column]:
    if len(task.outputs) == 1:
        return [said.alias("score")]
    names = F.array(*(F.lit(name) for name in task.outputs))
    by_name = F.when(said.isNotNull(), F.map_from_arrays(names, said))
    if task.kind == "amount":
        return [said[task.main].alias("score"), by_name.alias("quantiles")]
    largest = F.array_max(said)
    # Not element_at: of an array without nulls it gives the last one where the place is null.
    likeliest = F.get(names, F.array_position(said, largest).cast("int") - 1)
    return [largest.alias("score"), likeliest.alias("decision"), by_name.alias("probabilities")]
