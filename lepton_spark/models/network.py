"""The network: dense layers over numbers, embeddings, and what is read of series and images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.tensors import CATEGORIES, NUMBERS
from lepton_spark.models.convolution import look
from lepton_spark.models.dropout import Dropout
from lepton_spark.models.graph import read_graphs
from lepton_spark.models.lean import keras
from lepton_spark.models.seeds import Seeds

if TYPE_CHECKING:
    from lepton_spark.config.train import ModelSettings
    from lepton_spark.models.shape import Shape

layers = keras.layers
Array = npt.NDArray[np.generic]


def embedding_size(cardinality: int, largest: int) -> int:
    """Units of the embedding of one category column: about `1.6 * cardinality ** 0.56`."""
    return max(1, min(largest, round(1.6 * math.pow(cardinality, 0.56))))


def build(settings: ModelSettings, shape: Shape, width: int = 1, *, seed: int = 0) -> keras.Model:
    """A model from the tensors of a block to its outputs, with weights drawn by the seed.

    Inputs are `numbers` `[batch, shape.width]`, `categories` `[batch, n]`, each series
    `[batch, steps, channels]`, each image `[batch, height, width, channels]` and each text
    `[batch, length]` by its name, and the three tensors of each graph; the output is
    `[batch, width]`. No layer looks across the rows of a batch, so a batch may be dealt to several
    ranks.

    Args:
        settings: Sizes.
        shape: Of the inputs.
        width: Numbers of the output, such as logits.
        seed: Of the initial weights; the same seed gives the same weights.

    Returns:
        Not compiled; its inputs are named as the tensors of a block are.
    """
    seeds = Seeds(seed)
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
    images = {
        name: keras.Input(sizes, dtype="uint8", name=name) for name, sizes in shape.images.items()
    }
    beside += [look(pixels, name, settings, seeds) for name, pixels in images.items()]
    tokens = {
        name: keras.Input((length,), dtype="int32", name=name)
        for name, (length, _) in shape.tokens.items()
    }
    for name, (_, cardinality) in shape.tokens.items():
        words = _embed_words(tokens[name], name, cardinality, settings, seeds)
        beside.append(_read(words, name, settings, seeds, is_masked=True))
    graphs, read = read_graphs(shape.graphs, settings, seeds)
    beside += read
    if beside:
        values = layers.Concatenate(name="inputs")([values, *beside])
    for index, units in enumerate(settings.hidden):
        values = _dense(values, units, f"hidden_{index}", settings.dropout, seeds)
    # In 32 bits whatever the others are in: the loss and the gate look at it.
    logit = layers.Dense(width, name="logit", kernel_initializer=seeds.glorot(), dtype="float32")(
        values
    )
    inputs = {NUMBERS: numbers, CATEGORIES: categories, **series, **images, **tokens, **graphs}
    return keras.Model(inputs, logit, name=settings.kind)


def _embed(
    categories: keras.KerasTensor, index: int, cardinality: int, largest: int, seeds: Seeds
) -> keras.KerasTensor:
    initial = keras.initializers.RandomUniform(-0.05, 0.05, seed=seeds.take())
    lookup = layers.Embedding(
        cardinality,
        embedding_size(cardinality, largest),
        embeddings_initializer=initial,
        name=f"embedding_{index}",
    )
    return lookup(categories[:, index])


def _embed_words(
    tokens: keras.KerasTensor, name: str, cardinality: int, settings: ModelSettings, seeds: Seeds
) -> keras.KerasTensor:
    """A vector a word; padding, which is 0, is masked from what reads it."""
    lookup = layers.Embedding(
        cardinality,
        settings.series_units,
        mask_zero=True,
        embeddings_initializer=keras.initializers.RandomUniform(-0.05, 0.05, seed=seeds.take()),
        name=f"{name}_words",
    )
    return lookup(tokens)


def _read(
    steps: keras.KerasTensor,
    name: str,
    settings: ModelSettings,
    seeds: Seeds,
    *,
    is_masked: bool = False,
) -> keras.KerasTensor:
    """What is left of a series, or of a text, when its last step has been read."""
    reader = layers.GRU(
        settings.series_units,
        kernel_initializer=seeds.glorot(),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seeds.take()),
        # cuDNN refuses a mask that leaves nothing of a row, as that of an empty text does.
        use_cudnn=False if is_masked else "auto",
        name=f"{name}_gru",
    )
    return _drop(reader(steps), settings.dropout, f"{name}_gru", seeds)


def _dense(
    values: keras.KerasTensor, units: int, name: str, dropout: float, seeds: Seeds
) -> keras.KerasTensor:
    values = layers.Dense(units, name=name, kernel_initializer=seeds.glorot())(values)
    values = layers.LayerNormalization(name=f"{name}_norm")(values)
    values = layers.Activation("relu", name=f"{name}_active")(values)
    return _drop(values, dropout, name, seeds)


def _drop(values: keras.KerasTensor, share: float, name: str, seeds: Seeds) -> keras.KerasTensor:
    if share == 0:
        return values
    return Dropout(share, seed=seeds.take(), name=f"{name}_dropout")(values)


def arrays_of(model: keras.Model) -> dict[str, Array]:
    """The weights by their path, such as `hidden_0/kernel`."""
    return {weight.path: np.asarray(weight.numpy()) for weight in model.weights}


def put_arrays(model: keras.Model, arrays: Mapping[str, Array]) -> None:
    """Set the weights from `arrays_of` of a model of the same sizes.

    Raises:
        ValueError: A name or a shape is not this model's.
    """
    if {weight.path: tuple(weight.shape) for weight in model.weights} != {
        name: array.shape for name, array in arrays.items()
    }:
        raise ValueError("weights of another network")
    for weight in model.weights:
        weight.assign(arrays[weight.path])
