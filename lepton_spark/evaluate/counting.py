"""From predictions to metrics without a row on the driver: count in Spark, measure in workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.split import SPLIT
from lepton_spark.evaluate.measure import Cells, Resampling, best_place, measure
from lepton_spark.evaluate.metrics import BINS, LOGIT_LIMIT

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

UNIT = "_unit"
ALL = ""
NOWHERE = -1  # the bin of scores that are no numbers
_GROUP = ("model", "part", "slice", "value")
_SUMS = ("positives", "negatives", "probability", "loss", "squares")
# As scikit-learn does: a wrong certainty costs much, but not everything.
_EPSILON = float(np.finfo(np.float64).eps)
_RESULT = "model string, part string, slice string, value string, result string"
Group = tuple[str, str, str, str]


def count_scores(
    scored: DataFrame, models: Sequence[str], slices: Mapping[str, Column]
) -> DataFrame:
    """Count the scores of each model, part and slice by unit and bin.

    Args:
        scored: As `spread_scores` takes it. Costs one shuffle.
        models: Names.
        slices: By name.

    Returns:
        model, part, slice (empty: all rows), value, unit, place, the sums rows, positives,
        negatives, probability, loss and squares, the smallest and largest score, and the number of
        scores that are no numbers, `unsound`.
    """
    score, label = F.col("score"), F.col(LABEL)
    cells = spread_scores(scored, models, slices).groupBy(*_GROUP, "unit", _place(score))
    likelihood = F.when(label > 0, _clipped(score)).otherwise(1 - _clipped(score))
    return cells.agg(
        F.count("*").alias("rows"),
        F.sum(label).alias("positives"),
        F.sum(1 - label).alias("negatives"),
        F.sum(score).alias("probability"),
        F.sum(-F.log(likelihood)).alias("loss"),
        F.sum((score - label) * (score - label)).alias("squares"),
        F.min(score).alias("low"),
        F.max(score).alias("high"),
        F.count_if(F.isnan(score)).alias("unsound"),
    )


def spread_scores(
    scored: DataFrame, models: Sequence[str], slices: Mapping[str, Column]
) -> DataFrame:
    """One row for each score, in each group that it belongs to.

    Args:
        scored: `_label`, `_split`, `_unit`, and `p_<model>` of each model, null where the model
            refuses the row, which then does not count.
        models: Names.
        slices: By name; every value of one is a group of its own. Null is the value `null`.

    Returns:
        model, part, slice (empty: all rows), value, unit, score and `_label`. No shuffle.
    """
    groups = [_struct(slice=F.lit(ALL), value=F.lit(ALL))]
    groups += [_struct(slice=F.lit(name), value=_text(of)) for name, of in slices.items()]
    scores = [_struct(model=F.lit(name), score=F.col(f"p_{name}")) for name in models]
    sliced = scored.withColumn("_group", F.explode(F.array(*groups)))
    rows = sliced.withColumn("_scores", F.explode(F.array(*scores)))
    # A model is judged by the rows that it scores; one that it refuses has no score, not a bad one.
    return rows.filter(F.col("_scores.score").isNotNull()).select(
        F.col("_scores.model").alias("model"),
        F.col(SPLIT).alias("part"),
        F.col("_group.slice").alias("slice"),
        F.col("_group.value").alias("value"),
        F.col(UNIT).alias("unit"),
        F.col("_scores.score").alias("score"),
        LABEL,
    )


def largest_values(counts: DataFrame, *, part: str, count: int) -> DataFrame:
    """Leave out the rare values of each slice.

    Args:
        counts: As of `count_scores`, `sum_amounts` or `sum_classes`.
        part: In which the values are ranked by rows.
        count: Values of each slice that stay.

    Returns:
        The rows of `counts`, of all parts, whose value stays; the group of all rows does.
    """
    of_part = counts.filter(F.col("part") == part)
    sized = of_part.groupBy("slice", "value").agg(F.sum("rows").alias("_rows"))
    largest_first = Window.partitionBy("slice").orderBy(F.col("_rows").desc(), F.col("value"))
    ranked = sized.withColumn("_rank", F.row_number().over(largest_first))
    kept = ranked.filter(F.col("_rank") <= count).select("slice", "value")
    return counts.join(F.broadcast(kept), on=["slice", "value"], how="left_semi")


def best_places(counts: DataFrame) -> dict[str, int]:
    """For each model the bin from which on a positive decision gives the largest F1.

    Args:
        counts: As of `count_scores`, one group a model.

    Returns:
        Bins by name of the model. One job.
    """

    def choose(_key: object, cells: pa.Table) -> str:
        """The place of the best threshold among the cells, as JSON."""
        return json.dumps(best_place(_cells(cells)))

    return {key[0]: int(result) for key, result in in_workers(counts, choose).items()}


def measure_counts(
    counts: DataFrame, resampling: Resampling, places: Mapping[str, int]
) -> dict[Group, dict[str, Any]]:
    """Measure each group in a worker.

    Args:
        counts: As of `count_scores`.
        resampling: Its place is replaced by that of the model.
        places: Bin of the threshold of each model.

    Returns:
        By model, part, slice and value: as `measure` gives it; the resampled values are kept for
        the groups of all rows only.
    """
    chosen = dict(places)

    def judge(key: Sequence[str], cells: pa.Table) -> str:
        """The metrics of a group at the place that was chosen, as JSON."""
        keep = resampling.keep if key[2] == ALL else None
        given = replace(resampling, place=chosen[key[0]], keep=keep)
        return json.dumps(measure(_cells(cells), given))

    return in_workers(counts, judge)


def in_workers(
    counts: DataFrame, work: Callable[[Sequence[str], pa.Table], str]
) -> dict[Group, Any]:
    """What a function makes of the cells of each group: JSON text, given back as it reads."""

    def apply(key: tuple[pa.Scalar, ...], cells: pa.Table) -> pa.Table:
        """One row: the group's names and what `work` made of its cells."""
        names = [scalar.as_py() for scalar in key]
        columns = {name: [value] for name, value in zip(_GROUP, names, strict=True)}
        return pa.table({**columns, "result": [work(names, cells)]})

    found = counts.groupBy(*_GROUP).applyInArrow(apply, _RESULT)
    return {
        (row["model"], row["part"], row["slice"], row["value"]): json.loads(row["result"])
        for row in found.collect()
    }


def _cells(table: pa.Table) -> Cells:
    def column(name: str) -> Any:
        """A column as NumPy holds it."""
        return table.column(name).to_numpy()

    return Cells(
        unit=column("unit"),
        place=column("place"),
        columns={name: column(name) for name in _SUMS},
        low=column("low"),
        high=column("high"),
    )


def _struct(**columns: Column) -> Column:
    return F.struct(*(column.alias(name) for name, column in columns.items()))


def _text(value: Column) -> Column:
    return F.coalesce(value.cast("string"), F.lit("null"))


def _clipped(score: Column) -> Column:
    return F.least(F.greatest(score, F.lit(_EPSILON)), F.lit(1 - _EPSILON))


def _place(score: Column) -> Column:
    logit = F.log(_clipped(score) / (1 - _clipped(score)))
    place = F.floor((logit + LOGIT_LIMIT) * (BINS / (2 * LOGIT_LIMIT)))
    inside = F.least(F.greatest(place, F.lit(0)), F.lit(BINS - 1)).cast("int")
    return F.when(F.isnan(score), NOWHERE).otherwise(inside).alias("place")
