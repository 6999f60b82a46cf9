"""Amounts and classes: sums a unit in Spark, from which every metric of a resample follows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pyspark.sql import functions as F

from lepton_spark.dataset.label import LABEL
from lepton_spark.evaluate.counting import ALL, Group, in_workers, spread_scores
from lepton_spark.evaluate.measure import Resampling, draws, interval, plain

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

    from lepton_spark.models.output import Output

    Floats = npt.NDArray[np.float64]
    Metrics = Callable[[Floats], dict[str, Floats]]

_GROUP = ("model", "part", "slice", "value", "unit")
_AMOUNTS = ("rows", "errors", "distances", "squares", "labels", "label_squares")
_TOTALS = 3  # of classes: rows, loss, squares
_LEAST = float(np.finfo(np.float64).eps)


def sum_amounts(
    scored: DataFrame, models: Sequence[str], slices: Mapping[str, Column], output: Output
) -> DataFrame:
    """Sums of errors of each model, part and slice by unit. Costs one shuffle.

    Args:
        scored: As `spread_scores` takes it.
        models: Names.
        slices: By name.
        output: Its center is taken from labels, so that their squares stay small.

    Returns:
        model, part, slice, value, unit, the sums of `_AMOUNTS`, `pinballs` and `below`, arrays
        with a place for each quantile, and `unsound`, the number of scores that are no numbers.
    """
    task = output.task
    main = F.col("score")[task.main] if task.quantiles else F.col("score")
    label = F.col(LABEL) - output.center
    error = main - F.col(LABEL)
    pinballs, below = [], []
    for place, quantile in enumerate(task.quantiles):
        short = F.col(LABEL) - F.col("score")[place]
        pinballs.append(F.sum(F.greatest(quantile * short, (quantile - 1) * short)))
        below.append(F.count_if(short <= 0).cast("double"))
    return (
        spread_scores(scored, models, slices)
        .groupBy(*_GROUP)
        .agg(
            F.count("*").alias("rows"),
            F.sum(error).alias("errors"),
            F.sum(F.abs(error)).alias("distances"),
            F.sum(error * error).alias("squares"),
            F.sum(label).alias("labels"),
            F.sum(label * label).alias("label_squares"),
            F.array(*pinballs).cast("array<double>").alias("pinballs"),
            F.array(*below).cast("array<double>").alias("below"),
            F.count_if(F.isnan(main)).alias("unsound"),
        )
    )


def sum_classes(
    scored: DataFrame, models: Sequence[str], slices: Mapping[str, Column]
) -> DataFrame:
    """Rows of each class by what each model takes them for. Costs one shuffle.

    Returns:
        model, part, slice, value, unit, `actual`, `predicted` (places of classes), rows, the sums
        loss (of the logarithm of the right class) and squares (of Brier), and `unsound`.
    """
    score, label = F.col("score"), F.col(LABEL).cast("int")
    right = score[label]
    best = F.array_position(score, F.array_max(score)).cast("int") - 1
    squares = F.aggregate(score, F.lit(0.0), lambda total, share: total + share * share)
    return (
        spread_scores(scored, models, slices)
        .groupBy(*_GROUP, label.alias("actual"), best.alias("predicted"))
        .agg(
            F.count("*").alias("rows"),
            F.sum(-F.log(F.greatest(right, F.lit(_LEAST)))).alias("loss"),
            F.sum(squares - 2 * right + 1).alias("squares"),
            F.count_if(F.isnan(right)).alias("unsound"),
        )
    )


def measure_sums(
    sums: DataFrame, resampling: Resampling, output: Output
) -> dict[Group, dict[str, Any]]:
    """Measure each group in a worker.

    Args:
        sums: As of `sum_amounts` or `sum_classes`.
        resampling: `keep` holds for the groups of all rows only.
        output: Of which kind they are.

    Returns:
        By model, part, slice and value: rows, units, and each metric as value, low and high; of
        all rows of a part also `classes`, the rows of each class.
    """
    is_amount = output.task.kind == "amount"

    def judge(key: Sequence[str], cells: pa.Table) -> str:
        """The metrics of a group, by unit resampled, as JSON."""
        given = replace(resampling, keep=resampling.keep if key[2] == ALL else None)
        _, unit = np.unique(cells.column("unit").to_numpy(), return_inverse=True)
        values, metrics = _amounts(cells, output) if is_amount else _classes(cells, output)
        by_unit = np.zeros((unit.max() + 1, values.shape[1]))
        np.add.at(by_unit, unit, values)
        found = _measure(by_unit, metrics, given)
        if not is_amount and key[2] == ALL:
            found["classes"] = _rows_by_class(by_unit, output)
        return json.dumps(found)

    return in_workers(sums, judge)


def _measure(by_unit: Floats, metrics: Metrics, resampling: Resampling) -> dict[str, Any]:
    """Metrics of sums `[units, sums]`, the first of which is rows."""
    parts = [metrics(weights @ by_unit) for weights in draws(len(by_unit), resampling)]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {
        "rows": int(by_unit[:, 0].sum()),
        "units": len(by_unit),
        "metrics": {name: interval(values) for name, values in found.items()},
        **({"resampled": plain(found[resampling.keep])} if resampling.keep else {}),
    }


def _column(cells: pa.Table, name: str) -> Floats:
    values: Floats = cells.column(name).to_numpy().astype(np.float64)
    return values


def _amounts(cells: pa.Table, output: Output) -> tuple[Floats, Metrics]:
    """Sums of each cell, and the metrics that follow from them."""
    values = [_column(cells, name)[:, None] for name in _AMOUNTS]
    task, fixed = output.task, len(_AMOUNTS)
    for name in ("pinballs", "below"):
        flat = cells.column(name).combine_chunks().flatten().to_numpy()
        values.append(flat.reshape(len(cells), len(task.quantiles)))

    def metrics(sums: Floats) -> dict[str, Floats]:
        """Each metric of amounts by resample; NaN where labels do not differ."""
        rows, errors, distances, squares, labels, label_squares = sums[:, :fixed].T
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = label_squares - labels * labels / rows
            found = {
                "rmse": np.sqrt(squares / rows),
                "mae": distances / rows,
                "r2": np.where(spread > 0, 1.0 - squares / spread, np.nan),
                "bias": errors / rows,
            }
            if task.quantiles:
                each = sums[:, fixed:] / rows[:, None]
                count = len(task.quantiles)
                found["pinball"] = each[:, :count].mean(axis=1)
                for place, name in enumerate(task.outputs):
                    found[f"below_{name}"] = each[:, count + place]
        return found

    return np.hstack(values), metrics


def _rows_by_class(by_unit: Floats, output: Output) -> dict[str, int]:
    """Of sums as `_classes` makes them."""
    rows = by_unit[:, _TOTALS : _TOTALS + output.width].sum(axis=0)
    return {name: int(count) for name, count in zip(output.task.outputs, rows, strict=True)}


def _classes(cells: pa.Table, output: Output) -> tuple[Floats, Metrics]:
    """Sums of each cell, and the metrics that follow from them.

    F1 of a class that neither occurs nor is predicted counts for nothing in their mean, as in
    scikit-learn where only such classes are left out.
    """
    number, fixed = output.width, _TOTALS
    rows = _column(cells, "rows")
    actual, predicted = (cells.column(name).to_numpy() for name in ("actual", "predicted"))
    values = np.zeros((len(cells), fixed + 3 * number))
    values[:, :fixed] = np.stack([rows, _column(cells, "loss"), _column(cells, "squares")], axis=1)
    is_hit = np.flatnonzero(actual == predicted)
    place = np.arange(len(cells))
    values[place, fixed + actual] = rows
    values[place, fixed + number + predicted] = rows
    values[is_hit, fixed + 2 * number + actual[is_hit]] = rows[is_hit]

    def metrics(sums: Floats) -> dict[str, Floats]:
        """Each metric of classes by resample; a class that never occurs is left out of macro F1."""
        total, loss, squares = sums[:, :fixed].T
        actual_, predicted_, hits = np.split(sums[:, fixed:], 3, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            f1 = 2 * hits / (actual_ + predicted_)
        return {
            "accuracy": hits.sum(axis=1) / total,
            "macro_f1": np.nanmean(f1, axis=1),
            "log_loss": loss / total,
            "brier": squares / total,
        }

    return values, metrics
