"""What a network makes of an image: blocks of convolutions, each at half the size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.models.dropout import Dropout
from lepton_spark.models.lean import keras

if TYPE_CHECKING:
    from lepton_spark.config.train import ModelSettings
    from lepton_spark.models.seeds import Seeds

layers = keras.layers
_GROUP = 8  # channels that are scaled together


def look(
    pixels: keras.KerasTensor, name: str, settings: ModelSettings, seeds: Seeds
) -> keras.KerasTensor:
    """What is seen in an image, `[batch, last filters]`.

    Channels are scaled in groups of one image, as in Wu and He, Group Normalization, 2018: the
    mean of a batch, the usual choice, would differ with the number of workers that share it.

    Args:
        pixels: uint8 `[batch, height, width, channels]`.
        name: Of the input; those of the layers begin with it.
        settings: Filters, and how training changes images.
        seeds: Of the weights and the changes.
    """
    values = layers.Rescaling(1 / 127.5, offset=-1.0, name=f"{name}_scaled")(pixels)
    if settings.flip:
        flip = layers.RandomFlip("horizontal", seed=seeds.take(), name=f"{name}_flip")
        values = flip(values)
    if settings.shift:
        move = layers.RandomTranslation(
            settings.shift,
            settings.shift,
            fill_mode="nearest",
            seed=seeds.take(),
            name=f"{name}_shift",
        )
        values = move(values)
    for block, filters in enumerate(settings.filters):
        for part in range(2):
            values = _convolve(values, filters, f"{name}_{block}_{part}", seeds)
        if min(values.shape[1:3]) > 1:
            values = layers.MaxPooling2D(name=f"{name}_{block}_half")(values)
    values = layers.GlobalAveragePooling2D(name=f"{name}_seen")(values)
    if settings.dropout:
        drop = Dropout(settings.dropout, seed=seeds.take(), name=f"{name}_dropout")
        values = drop(values)
    return values


def _convolve(
    values: keras.KerasTensor, filters: int, name: str, seeds: Seeds
) -> keras.KerasTensor:
    convolve = layers.Conv2D(
        filters,
        3,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(seed=seeds.take()),
        name=name,
    )
    scale = layers.GroupNormalization(groups=filters // _GROUP, name=f"{name}_norm")
    return layers.Activation("relu", name=f"{name}_active")(scale(convolve(values)))
