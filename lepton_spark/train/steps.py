"""The compiled inner loop of training: a step with its allreduce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lepton_spark.models.lean import keras, tf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lepton_spark.dataset.blocks import StepBlock
    from lepton_spark.models.losses import Loss
    from lepton_spark.train.state import LoopSettings
    from lepton_spark.train.worker import Worker

_DRAWS = 8  # more than a layer makes of one batch
_SEEDS = ("seed_generator", "generator")  # where layers of Keras keep what they draw from


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


class Tensors(NamedTuple):
    """A block as TensorFlow holds it.

    Args:
        inputs: Of the model, by name; the first axis is rows.
        labels: float32 `[rows]`.
        index: int32 `[steps, places]`, into the rows.
        weight: float32 `[steps, places]`, 0 for padding and for refused rows.
    """

    inputs: dict[str, tf.Tensor]
    labels: tf.Tensor
    index: tf.Tensor
    weight: tf.Tensor


def load(block: StepBlock) -> Tensors:
    """Hand a block to TensorFlow, once."""
    rows, put = block.rows, tf.convert_to_tensor
    inputs = {name: put(values) for name, values in rows.block.tensors.items()}
    return Tensors(inputs, put(rows.labels), put(block.index), put(block.weight))


def chosen(block: Tensors, places: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Inputs and labels of the rows at some places."""
    inputs = {name: tf.gather(values, places) for name, values in block.inputs.items()}
    return inputs, tf.gather(block.labels, places)


class TrainingSteps:
    """Runs steps inside one graph: gather, forward, backward, one fused allreduce, update."""

    def __init__(
        self,
        model: keras.Model,
        loss: Loss,
        optimizer: keras.optimizers.Optimizer,
        worker: Worker,
        settings: LoopSettings,
    ) -> None:
        self._model = model
        self._loss = loss
        self._optimizer = optimizer
        self._worker = worker
        self._settings = settings.train
        self._seeds = [
            getattr(layer, name)
            for layer in model.layers
            for name in _SEEDS
            if isinstance(getattr(layer, name, None), keras.random.SeedGenerator)
        ]
        self._compiled = tf.function(self._run, autograph=True, reduce_retracing=True)
        # Inside, the gradients alone: XLA knows no allreduce.
        self._derived = (
            tf.function(self._derive, jit_compile=True) if settings.is_jitted else self._derive
        )

    def run(self, block: Tensors, first: int, end: int, before: Tally) -> Tally:
        """Take some steps of a block; stops before the first sick update.

        Args:
            block: Of which steps.
            first: The first one.
            end: After the last one.
            before: Of the steps before; what these give is added step by step, so that it does not
                matter which steps are taken together.

        Returns:
            Loss and rows of `before` and these; the rest is of these steps alone.
        """
        sums = tf.constant([before.loss, before.rows], tf.float64)
        sums, sick_step, sick = self._compiled(
            block, tf.constant(first, tf.int32), tf.constant(end, tf.int32), sums
        )
        loss, rows = sums.numpy().tolist()
        ranks = tuple(np.flatnonzero(sick.numpy()).tolist())
        return Tally(loss, int(rows), int(sick_step), ranks)

    def _run(
        self, block: Tensors, first: tf.Tensor, end: tf.Tensor, total: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        sick_step = tf.constant(-1, tf.int32)
        sick = tf.zeros((self._worker.size,), tf.float32)
        step = first
        while step < end and sick_step < 0:
            gradients, sums, sick = self._gradients(block, step)
            if tf.reduce_any(sick > 0):
                sick_step = step
            else:
                self._optimizer.apply(gradients, self._model.trainable_variables)
                total += tf.cast(sums, tf.float64)
            step += 1
        return total, sick_step, sick

    def _gradients(
        self, block: Tensors, step: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        """Mean gradients over the rows of a step, of all ranks; sums of loss and rows; the sick."""
        gradients, sums = self._batch(block, step, tf.constant(0))
        if self._settings.accumulate > 1:
            for part in tf.range(1, self._settings.accumulate):
                more, further = self._batch(block, step, part)
                gradients = [one + other for one, other in zip(gradients, more, strict=True)]
                sums += further
        is_sick = tf.cast(tf.logical_not(self._is_sound(sums, gradients)), tf.float32)
        flags = is_sick * tf.one_hot(self._worker.rank, self._worker.size)
        *summed, sums, flags = self._worker.sum_tensors([*gradients, sums, flags])
        rows = tf.maximum(sums[1], 1.0)
        return [gradient / rows for gradient in summed], sums, flags

    def _batch(
        self, block: Tensors, step: tf.Tensor, part: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Summed gradients of one batch of a step; sums of loss and rows."""
        size = self._settings.batch_size
        places = slice(part * size, (part + 1) * size)
        inputs, labels = chosen(block, block.index[step, places])
        self._seed(part)
        return self._derived(inputs, labels, block.weight[step, places])

    def _derive(
        self, inputs: dict[str, tf.Tensor], labels: tf.Tensor, weight: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Summed gradients of some rows; sums of loss and rows."""
        with tf.GradientTape() as tape:
            outputs = self._model(inputs, training=True)
            loss = tf.reduce_sum(self._loss.of_rows(labels, outputs) * weight)
        gradients = [
            tf.convert_to_tensor(gradient)
            for gradient in tape.gradient(loss, self._model.trainable_variables)
        ]
        return gradients, tf.stack([loss, tf.reduce_sum(weight)])

    def _is_sound(self, sums: tf.Tensor, gradients: Sequence[tf.Tensor]) -> tf.Tensor:
        """Whether what this rank gives is finite, and the norm of all ranks' sum will be too.

        The norm by which gradients are clipped overflows long before they do.
        """
        norms = [tf.reduce_sum(tf.square(gradient * self._worker.size)) for gradient in gradients]
        return tf.reduce_all(tf.math.is_finite(tf.concat([sums, tf.stack(norms)], axis=0)))

    def _seed(self, part: tf.Tensor) -> None:
        # A function of seed, step, rank and batch alone: a resumed run draws what a whole one does.
        step = tf.cast(self._optimizer.iterations.value, tf.uint32)
        place = step * np.uint32(self._worker.size) + np.uint32(self._worker.rank)
        place = place * np.uint32(self._settings.accumulate) + tf.cast(part, tf.uint32)
        place = place * np.uint32(_DRAWS)  # each draw of a generator takes one place further
        for salt, generator in enumerate(self._seeds):
            seed = np.uint32(self._settings.seed * 1009 + salt & 0xFFFFFFFF)
            generator.state.assign(tf.stack([tf.constant(seed), place]))
