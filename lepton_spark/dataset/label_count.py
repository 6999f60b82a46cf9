"""What the labels of one part of the dataset are like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.values import FLOAT32_MAX

if TYPE_CHECKING:
    from pyspark.sql import Column

    from lepton_spark.config.task import Task

_PERCENTS = range(101)
_ACCURACY = 10_000
_MOMENTS = ("mean", "deviation")
_TWO = 2
_DIGITS = 9  # a mean is rounded, since its last digits depend on the order of its rows


@dataclass(frozen=True)
class LabelCount:
    """Labels of one part.

    Args:
        classes: Rows of each class, where there are classes: negatives and positives of two.
        strange: Rows whose class is not named, or whose amount is no finite float32.
        mean: Of an amount; 0 where there are no rows.
        deviation: Its standard deviation.
        lowest: The smallest amount.
        percentiles: Of an amount, about: 101 values from the smallest to the largest.
    """

    rows: int = 0
    classes: tuple[int, ...] = ()
    strange: int = 0
    mean: float = 0.0
    deviation: float = 0.0
    lowest: float = 0.0
    percentiles: tuple[float, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> LabelCount:
        """From a row of `label_counts`."""
        mean, deviation = (float(f"{row[name] or 0.0:.{_DIGITS}g}") for name in _MOMENTS)
        return cls(
            rows=row["rows"],
            classes=tuple(row["classes"]),
            strange=row["strange"],
            mean=mean,
            deviation=deviation,
            lowest=row["lowest"] or 0.0,
            percentiles=tuple(row["percentiles"] or ()),
        )

    def facts(self) -> dict[str, Any]:
        """JSON-ready, without the value of any row."""
        if self.classes:
            return {"classes": list(self.classes)}
        return {"mean": self.mean, "deviation": self.deviation}


def label_counts(task: Task) -> list[Column]:
    """Aggregates over `_label` that `LabelCount.of` reads."""
    label = F.col(LABEL)
    if task.kind == "amount":
        sound = F.when(is_sound(task), label)
        classes = F.array().cast("array<bigint>")
        percents = F.percentile_approx(sound, [percent / 100 for percent in _PERCENTS], _ACCURACY)
    else:
        sound = F.lit(None).cast("double")
        classes = F.array(*(F.count_if(label == place) for place in range(_classes(task))))
        percents = F.lit(None).cast("array<double>")
    return [
        F.count("*").alias("rows"),
        classes.alias("classes"),
        F.count_if(~is_sound(task)).alias("strange"),
        F.avg(sound).alias("mean"),
        F.stddev_pop(sound).alias("deviation"),
        F.min(sound).alias("lowest"),
        percents.alias("percentiles"),
    ]


def is_sound(task: Task) -> Column:
    """Whether `_label` is the place of a class, or a finite float32; of two classes 0 or 1."""
    label = F.col(LABEL)
    if task.kind == "amount":
        return ~F.isnan(label) & (F.abs(label) <= FLOAT32_MAX)  # what a network can be told
    return label.between(0, _classes(task) - 1) & (label == F.floor(label))


def _classes(task: Task) -> int:
    return len(task.outputs) if task.kind == "classes" else _TWO
