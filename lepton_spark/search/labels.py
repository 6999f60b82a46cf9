"""What the labels are like of the rows that a network is fitted to, and of no others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.scan import Scan
from lepton_spark.models.output import Output

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

    from lepton_spark.config.task import Task
    from lepton_spark.dataset.shards import Piece

_TWO = 2
_DIGITS = 9  # as the dataset has it: the last digits of a mean depend on the order of its rows


@dataclass(frozen=True)
class Labels:
    """What follows from the labels of some rows for a network that is fitted to them.

    Args:
        output: What it says of a row; an amount in the units of these rows.
        class_rows: Rows of each class, 1 at least, as each weighs by the inverse of it; empty where
            the label is an amount.
    """

    output: Output
    class_rows: tuple[int, ...] = ()


def labels_of(spark: SparkSession, pieces: Sequence[Piece], task: Task) -> Labels:
    """What the labels of some rows say; costs one small Spark job.

    Args:
        spark: Its workers read the files.
        pieces: Have `_label`, never null.
        task: What the label is.
    """
    num_classes = len(task.outputs) if task.kind == "classes" else _TWO

    def count(tables: Iterator[pa.Table]) -> bytes:
        """Of one task, as JSON: rows, mean and squares of an amount, or rows a class."""
        labels = [table[LABEL].to_numpy() for table in tables]
        values = np.concatenate([np.empty(0), *labels])
        if task.kind == "amount":
            mean = float(values.mean()) if len(values) else 0.0
            squares = float(np.square(values - mean).sum())
            return json.dumps([len(values), mean, squares]).encode()
        counts = np.bincount(values.astype(np.int64), minlength=num_classes)
        return json.dumps(counts.tolist()).encode()

    blobs = Scan(spark, tuple(pieces)).collect([LABEL], count)
    found = np.array([json.loads(blob) for blob in blobs])
    if task.kind != "amount":
        return Labels(Output(task), tuple(np.maximum(found.sum(axis=0), 1).tolist()))
    mean, deviation = map(_rounded, _moments(*found.T))
    return Labels(Output(task, mean, deviation or 1.0))


def _moments(rows: Any, means: Any, squares: Any) -> tuple[float, float]:
    """Mean and standard deviation of all, from those of parts.

    Source: Chan, Golub and LeVeque, Updating Formulae for Computing Sample Variances, 1979.
    """
    mean = float(np.average(means, weights=rows))
    total = float(squares.sum() + (rows * np.square(means - mean)).sum())
    return mean, float(np.sqrt(total / rows.sum()))


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
