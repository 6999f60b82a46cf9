"""The compiled inner loops: a training step with its allreduce, and counting for validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lepton_spark.models.lean import keras, tf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lepton_spark.dataset.blocks import StepBlock
    from lepton_spark.train.worker import Worker

STEPS_PER_CALL = 32  # between two calls a rank says that it lives
BINS = 8192
LOGIT_LIMIT = 16.0


@dataclass(frozen=True)
class Tally:
    """What some steps gave, over all ranks.

    Args:
        loss: Sum of the loss of all rows.
        rows: Rows, padding not counted.
        sick_step: Step in the block, from 0, at which a loss or gradient was not finite; -1 none.
        sick_ranks: On which ranks.
    """

    loss: float
    rows: int
    sick_step: int = -1
    sick_ranks: tuple[int, ...] = ()


class TrainingSteps:
    """Runs steps inside one graph: gather, forward, backward, one fused allreduce, update."""

    def __init__(
        self, model: keras.Model, optimizer: keras.optimizers.Optimizer, worker: Worker, seed: int
    ) -> None:
        self._model = model
        self._optimizer = optimizer
        self._worker = worker
        self._seed = seed
        self._dropouts = [
            layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)
        ]
        self._compiled = tf.function(self._run, autograph=True, reduce_retracing=True)

    def load(self, block: StepBlock) -> list[tf.Tensor]:
        """Hand a block to TensorFlow, once."""
        rows = block.rows
        arrays = (rows.block.numbers, rows.block.categories, rows.labels)
        return [tf.convert_to_tensor(array) for array in (*arrays, block.index, block.weight)]

    def run(self, block: Sequence[tf.Tensor], first: int, end: int) -> Tally:
        """Take the steps `first` to `end` of a block; stops before the first sick update."""
        loss, rows, sick_step, sick = self._compiled(
            *block, tf.constant(first, tf.int32), tf.constant(end, tf.int32)
        )
        ranks = tuple(np.flatnonzero(sick.numpy()).tolist())
        return Tally(float(loss), int(rows), int(sick_step), ranks)

    def _run(  # noqa: PLR0913, PLR0917  # tensors of one block, which a graph takes one by one
        self,
        numbers: tf.Tensor,
        categories: tf.Tensor,
        labels: tf.Tensor,
        index: tf.Tensor,
        weight: tf.Tensor,
        first: tf.Tensor,
        end: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        loss = tf.zeros((), tf.float64)
        rows = tf.zeros((), tf.float64)
        sick_step = tf.constant(-1, tf.int32)
        sick = tf.zeros((self._worker.size,), tf.float32)
        step = first
        while step < end and sick_step < 0:
            chosen = index[step]
            inputs = {
                "numbers": tf.gather(numbers, chosen),
                "categories": tf.gather(categories, chosen),
            }
            gradients, sums, sick = self._gradients(inputs, tf.gather(labels, chosen), weight[step])
            if tf.reduce_any(sick > 0):
                sick_step = step
            else:
                self._optimizer.apply(gradients, self._model.trainable_variables)
                loss += tf.cast(sums[0], tf.float64)
                rows += tf.cast(sums[1], tf.float64)
            step += 1
        return loss, rows, sick_step, sick

    def _gradients(
        self, inputs: dict[str, tf.Tensor], labels: tf.Tensor, weight: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        self._seed_dropout()
        with tf.GradientTape() as tape:
            logits = self._model(inputs, training=True)[:, 0]
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_sum(losses * weight)
        gradients = [
            tf.convert_to_tensor(gradient)
            for gradient in tape.gradient(loss, self._model.trainable_variables)
        ]
        is_sick = tf.cast(tf.logical_not(_all_finite([loss, *gradients])), tf.float32)
        flags = is_sick * tf.one_hot(self._worker.rank, self._worker.size)
        sums = tf.stack([loss, tf.reduce_sum(weight)])
        *summed, sums, flags = self._worker.sum_tensors([*gradients, sums, flags])
        rows = tf.maximum(sums[1], 1.0)
        return [gradient / rows for gradient in summed], sums, flags

    def _seed_dropout(self) -> None:
        # A function of seed, step and rank alone: a resumed run draws what a whole one draws.
        step = tf.cast(self._optimizer.iterations.value, tf.uint32)
        place = step * np.uint32(self._worker.size) + np.uint32(self._worker.rank)
        for salt, layer in enumerate(self._dropouts):
            seed = np.uint32(self._seed * 1009 + salt & 0xFFFFFFFF)
            layer.seed_generator.state.assign(tf.stack([tf.constant(seed), place]))


def _all_finite(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(tensor)) for tensor in tensors])


class Counting:
    """Counts logits of positives and negatives, and sums the loss, without keeping a row."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._compiled = tf.function(self._run, autograph=True, reduce_retracing=True)

    def run(self, block: Sequence[tf.Tensor], first: int, end: int) -> npt.NDArray[np.float64]:
        """Loss sum, row count, then positives and negatives of each logit bin; of this rank."""
        tensors: Any = self._compiled(
            *block, tf.constant(first, tf.int32), tf.constant(end, tf.int32)
        )
        return np.concatenate([np.asarray(tensor, np.float64).ravel() for tensor in tensors])

    def _run(  # noqa: PLR0913, PLR0917  # tensors of one block, which a graph takes one by one
        self,
        numbers: tf.Tensor,
        categories: tf.Tensor,
        labels: tf.Tensor,
        index: tf.Tensor,
        weight: tf.Tensor,
        first: tf.Tensor,
        end: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        sums = tf.zeros((2,), tf.float64)
        bins = tf.zeros((2 * BINS,), tf.float64)
        for step in tf.range(first, end):
            chosen = index[step]
            inputs = {
                "numbers": tf.gather(numbers, chosen),
                "categories": tf.gather(categories, chosen),
            }
            wanted, rows = tf.gather(labels, chosen), weight[step]
            logits = self._model(inputs, training=False)[:, 0]
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=wanted, logits=logits)
            sums += tf.cast(
                tf.stack([tf.reduce_sum(losses * rows), tf.reduce_sum(rows)]), tf.float64
            )
            bins += tf.cast(_count(logits, wanted, rows), tf.float64)
        return sums, bins


def _count(logits: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    place = (logits + LOGIT_LIMIT) * (BINS / (2 * LOGIT_LIMIT))
    place = tf.cast(tf.clip_by_value(place, 0.0, BINS - 1.0), tf.int32)
    place += BINS * tf.cast(1.0 - labels, tf.int32)
    return tf.math.bincount(place, weights=weight, minlength=2 * BINS, maxlength=2 * BINS)


def area_under_curve(
    positives: npt.NDArray[np.float64], negatives: npt.NDArray[np.float64]
) -> float:
    """AUC from counts by rising score; rows in one bin count as ties; NaN for one class."""
    pairs = positives.sum() * negatives.sum()
    if pairs == 0:
        return float("nan")
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / pairs)
