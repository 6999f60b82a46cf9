"""One float matrix of a transformed block: what the baselines are fitted on and score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.series import CHANNELS

if TYPE_CHECKING:
    from lepton_spark.dataset.tensors import Block
    from lepton_spark.dataset.transform import FeatureTransform
    from lepton_spark.models.shape import Shape

Form = Literal["one_hot", "ordinal"]
Floats = npt.NDArray[np.float32]


def dense_width(shape: Shape) -> int:
    """Columns of `dense`."""
    return shape.width + sum(channels for _, channels in shape.series.values())


def dense_names(transform: FeatureTransform) -> list[str]:
    """What each column of `dense` is, for people."""
    summaries = [
        f"{variable.names.values} {part}"
        for series in transform.series
        for part in ("mean", "last", "seen")
        for variable in series.variables
    ]
    return [*transform.outputs, *summaries]


def width_of(shape: Shape, form: Form) -> int:
    """Columns of the design matrix of blocks of a shape."""
    categories = shape.cardinalities
    return dense_width(shape) + (sum(categories) if form == "one_hot" else len(categories))


def dense(block: Block, shape: Shape) -> Floats:
    """The numbers of a block and a summary of its series, float32 `[rows, dense_width]`.

    Of each variable of a series: the mean of its values, the last of them, and the share of steps
    that have one; zeros where no step has.
    """
    if not shape.series:
        return block.numbers
    summaries = [_summary(block.tensors[name]) for name in shape.series]
    return np.concatenate([block.numbers, *summaries], axis=1)


def design_matrix(block: Block, shape: Shape, form: Form) -> Floats:
    """What `dense` gives, then the categories of a block.

    Args:
        block: Of the shape.
        shape: Its sizes.
        form: `one_hot` gives a 0/1 column for each index (for linear models), `ordinal` the
            index itself (for trees).

    Returns:
        float32, [rows, width_of(shape, form)].
    """
    numbers = dense(block, shape)
    rows, start = numbers.shape
    matrix = np.zeros((rows, width_of(shape, form)), dtype=np.float32)
    matrix[:, :start] = numbers
    if form == "ordinal":
        matrix[:, start:] = block.categories
        return matrix
    for position, cardinality in enumerate(shape.cardinalities):
        matrix[np.arange(rows), start + block.categories[:, position]] = 1.0
        start += cardinality
    return matrix


def _summary(series: Floats) -> Floats:
    steps = series.shape[1]
    variables = series.shape[2] // CHANNELS
    values, masks = series[:, :, :variables], series[:, :, variables : 2 * variables]
    seen = masks.sum(axis=1)
    mean = (values * masks).sum(axis=1) / np.maximum(seen, 1.0)
    # The last step with a value: the first one seen from the end.
    place = steps - 1 - np.argmax(masks[:, ::-1] > 0, axis=1)
    last = np.take_along_axis(values, place[:, None, :], axis=1)[:, 0] * (seen > 0)
    return np.concatenate([mean, last, seen / steps], axis=1, dtype=np.float32)
