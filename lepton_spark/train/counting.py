"""Counting for validation: sums over rows from which loss and one metric follow."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lepton_spark.errors import TrainingError
from lepton_spark.models.lean import keras, tf
from lepton_spark.train.steps import Tensors, chosen

if TYPE_CHECKING:
    from lepton_spark.models.losses import Loss
    from lepton_spark.models.output import Output

    Count = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
    Floats = npt.NDArray[np.float64]

BINS = 8192
LOGIT_LIMIT = 16.0
_LOSS_AND_ROWS = 2


class Counting:
    """Sums the loss and what a metric is made of, without keeping a row.

    The metric is `auc` where a row is positive or not, `accuracy` of classes, and `mae` of an
    amount, in its own units.
    """

    def __init__(self, model: keras.Model, loss: Loss, output: Output) -> None:
        self._model = model
        self._loss = loss
        self._output = output
        counts: dict[str, tuple[str, int, Count]] = {
            "binary": ("auc", 2 * BINS, _bins),
            "classes": ("accuracy", 1, _hits),
            "amount": ("mae", 1, self._distances),
        }
        self.metric, self._size, self._count = counts[output.task.kind]
        self._compiled = tf.function(self._run, autograph=True, reduce_retracing=True)

    @property
    def size(self) -> int:
        """How many sums there are."""
        return _LOSS_AND_ROWS + self._size

    def run(self, block: Tensors, first: int, end: int, before: Floats) -> Floats:
        """Sums over some steps of a block, of this rank; `[size]`.

        Args:
            block: Of which steps.
            first: The first one.
            end: After the last one.
            before: Sums of the steps before; step by step is added to them, so that it does not
                matter which steps are taken together. Zeros at the beginning.
        """
        found: Floats = self._compiled(
            block, tf.constant(first, tf.int32), tf.constant(end, tf.int32), tf.constant(before)
        ).numpy()
        return found

    def read(self, sums: Floats) -> dict[str, float]:
        """Mean loss as `loss`, and the metric by its name; left out where it is no finite number.

        Args:
            sums: Of all ranks.

        Raises:
            TrainingError: They are of no row.
        """
        loss, rows, *counted = sums
        if rows == 0:
            raise TrainingError(
                "LS-6011",
                "no row of the validation part counts: the transform refuses all of them",
                "training stops, and keeps weights, by the loss of the validation part",
                "widen transform.outliers, or see why those rows differ from the training part",
                "no model was written",
            )
        if self._output.task.kind == "binary":
            value = area_under_curve(np.array(counted[:BINS]), np.array(counted[BINS:]))
        else:
            value = float(counted[0] / rows)
        # Rows of one class have no AUC, and JSON has no NaN.
        measured = {self.metric: value} if math.isfinite(value) else {}
        return {"loss": float(loss / rows), **measured}

    def _run(self, block: Tensors, first: tf.Tensor, end: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
        for step in tf.range(first, end):
            inputs, labels = chosen(block, block.index[step])
            rows = block.weight[step]
            outputs = self._model(inputs, training=False)
            loss = tf.reduce_sum(self._loss.of_rows(labels, outputs) * rows)
            counted = self._count(outputs, labels, rows)
            sums = tf.concat([tf.stack([loss, tf.reduce_sum(rows)]), counted], axis=0)
            total += tf.cast(sums, tf.float64)
        return total

    def _distances(self, outputs: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        task, center, scale = self._output.task, self._output.center, self._output.scale
        raw = outputs[:, task.main]
        amounts = center + scale * raw if task.power is None else center * tf.exp(raw)
        return tf.reduce_sum(tf.abs(amounts - labels) * weight)[tf.newaxis]


def _hits(outputs: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    is_hit = tf.equal(tf.argmax(outputs, axis=1, output_type=tf.int32), tf.cast(labels, tf.int32))
    return tf.reduce_sum(tf.cast(is_hit, tf.float32) * weight)[tf.newaxis]


def _bins(outputs: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Positives of each bin of the logit, then negatives."""
    place = (outputs[:, 0] + LOGIT_LIMIT) * (BINS / (2 * LOGIT_LIMIT))
    # Of a NaN the loss tells; it must not fail here as a bin that there is not.
    place = tf.where(tf.math.is_finite(place), place, 0.0)
    place = tf.cast(tf.clip_by_value(place, 0.0, BINS - 1.0), tf.int32)
    place += BINS * tf.cast(1.0 - labels, tf.int32)
    # Not bincount, which has no repeatable kernel for a GPU.
    return tf.math.unsorted_segment_sum(weight, place, 2 * BINS)


def area_under_curve(positives: Floats, negatives: Floats) -> float:
    """AUC from counts by rising score; rows in one bin count as ties; NaN for one class."""
    pairs = positives.sum() * negatives.sum()
    if pairs == 0:
        return float("nan")
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / pairs)
