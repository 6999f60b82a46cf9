"""The network: embeddings of categories and what a GRU makes of series beside the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.tensors import CATEGORIES, NUMBERS
from lepton_spark.errors import ModelError
from lepton_spark.models.lean import keras

if TYPE_CHECKING:
    from lepton_spark.config.train import ModelSettings
    from lepton_spark.models.shape import Shape

layers = keras.layers
Array = npt.NDArray[np.generic]


def embedding_size(cardinality: int, largest: int) -> int:
    """Units of the embedding of one category column: about `1.6 * cardinality ** 0.56`."""
    return max(1, min(largest, round(1.6 * math.pow(cardinality, 0.56))))


def build(settings: ModelSettings, shape: Shape, *, seed: int = 0) -> keras.Model:
    """A model from the tensors of a block to a logit, with weights drawn by the seed.

    Inputs are `numbers` `[batch, width]`, `categories` `[batch, n]` and each series
    `[batch, steps, channels]` by its name; the output is `[batch, 1]`. No layer looks across the
    rows of a batch, so a batch may be dealt to several ranks.

    Args:
        settings: Sizes.
        shape: Of the inputs.
        seed: Of the initial weights; the same seed gives the same weights.
    """
    seeds = _Seeds(seed)
    numbers = keras.Input((shape.width,), dtype="float32", name=NUMBERS)
    categories = keras.Input((len(shape.cardinalities),), dtype="int32", name=CATEGORIES)
    series = {
        name: keras.Input(sizes, dtype="float32", name=name) for name, sizes in shape.series.items()
    }
    beside = [
        _embed(categories, index, cardinality, settings.embedding, seeds)
        for index, cardinality in enumerate(shape.cardinalities)
    ]
    values = _drop(numbers, settings.input_dropout, "numbers", seeds)
    beside += [_read(steps, name, settings, seeds) for name, steps in series.items()]
    if beside:
        values = layers.Concatenate(name="inputs")([values, *beside])
    for index, units in enumerate(settings.hidden):
        values = _dense(values, units, f"hidden_{index}", settings.dropout, seeds)
    # In 32 bits whatever the others are in: the loss and the gate look at it.
    logit = layers.Dense(1, name="logit", kernel_initializer=seeds.glorot(), dtype="float32")(
        values
    )
    inputs = {NUMBERS: numbers, CATEGORIES: categories, **series}
    return keras.Model(inputs, logit, name=settings.kind)


class _Seeds:
    """One seed after the other, so that no two layers start alike."""

    def __init__(self, seed: int) -> None:
        self._next = seed * 1000

    def take(self) -> int:
        self._next += 1
        return self._next

    def glorot(self) -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=self.take())


def _embed(
    categories: keras.KerasTensor, index: int, cardinality: int, largest: int, seeds: _Seeds
) -> keras.KerasTensor:
    initial = keras.initializers.RandomUniform(-0.05, 0.05, seed=seeds.take())
    lookup = layers.Embedding(
        cardinality,
        embedding_size(cardinality, largest),
        embeddings_initializer=initial,
        name=f"embedding_{index}",
    )
    return lookup(categories[:, index])


def _read(
    steps: keras.KerasTensor, name: str, settings: ModelSettings, seeds: _Seeds
) -> keras.KerasTensor:
    """What is left of a series when its last step has been read."""
    reader = layers.GRU(
        settings.series_units,
        kernel_initializer=seeds.glorot(),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seeds.take()),
        name=f"{name}_gru",
    )
    return _drop(reader(steps), settings.dropout, f"{name}_gru", seeds)


def _dense(
    values: keras.KerasTensor, units: int, name: str, dropout: float, seeds: _Seeds
) -> keras.KerasTensor:
    values = layers.Dense(units, name=name, kernel_initializer=seeds.glorot())(values)
    values = layers.LayerNormalization(name=f"{name}_norm")(values)
    values = layers.Activation("relu", name=f"{name}_active")(values)
    return _drop(values, dropout, name, seeds)


def _drop(values: keras.KerasTensor, share: float, name: str, seeds: _Seeds) -> keras.KerasTensor:
    if share == 0:
        return values
    return layers.Dropout(share, seed=seeds.take(), name=f"{name}_dropout")(values)


def arrays_of(model: keras.Model) -> dict[str, Array]:
    """The weights by their path, such as `hidden_0/kernel`."""
    return {weight.path: np.asarray(weight.numpy()) for weight in model.weights}


def put_arrays(model: keras.Model, arrays: Mapping[str, Array]) -> None:
    """Set the weights from `arrays_of` of a model of the same sizes.

    Raises:
        ModelError: A name or a shape is not this model's.
    """
    if {weight.path: tuple(weight.shape) for weight in model.weights} != {
        name: array.shape for name, array in arrays.items()
    }:
        raise ModelError(
            "LS-3022",
            "the weights do not fit the network",
            "names and shapes of the weights follow from the network's settings",
            "restore the model's files, or train again",
        )
    for weight in model.weights:
        weight.assign(arrays[weight.path])
