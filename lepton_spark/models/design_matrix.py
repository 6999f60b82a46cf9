"""One float matrix of a transformed block: what the baselines are fitted on and score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from lepton_spark.dataset.tensors import Block

Form = Literal["one_hot", "ordinal"]


def width_of(num_numbers: int, cardinalities: Sequence[int], form: Form) -> int:
    """Columns of the design matrix of `num_numbers` numbers and these categories."""
    extra = sum(cardinalities) if form == "one_hot" else len(cardinalities)
    return num_numbers + int(extra)


def design_matrix(
    block: Block, cardinalities: Sequence[int], form: Form
) -> npt.NDArray[np.float32]:
    """The numbers of a block, then its categories.

    Args:
        block: Numbers [rows, d] and category indices [rows, c].
        cardinalities: Number of indices of each category.
        form: `one_hot` gives a 0/1 column for each index (for linear models), `ordinal` the
            index itself (for trees).

    Returns:
        float32, [rows, width_of(d, cardinalities, form)].
    """
    rows, num_numbers = block.numbers.shape
    matrix = np.zeros((rows, width_of(num_numbers, cardinalities, form)), dtype=np.float32)
    matrix[:, :num_numbers] = block.numbers
    if form == "ordinal":
        matrix[:, num_numbers:] = block.categories
        return matrix
    start = num_numbers
    for position, cardinality in enumerate(cardinalities):
        matrix[np.arange(rows), start + block.categories[:, position]] = 1.0
        start += int(cardinality)
    return matrix
