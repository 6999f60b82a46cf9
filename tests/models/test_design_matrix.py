"""Numbers first, then categories in the form that the model wants."""

from __future__ import annotations

import numpy as np
import pytest

from lepton_spark.dataset.series import Names, Series, Variable
from lepton_spark.dataset.tensors import Block
from lepton_spark.dataset.transform import FeatureTransform
from lepton_spark.models.design_matrix import (
    dense,
    dense_names,
    design_matrix,
    hot_columns,
    width_of,
)
from lepton_spark.models.shape import Shape

BLOCK = Block.of(
    numbers=np.array([[0.5, -1.0], [2.0, 3.0]], np.float32),
    categories=np.array([[0, 2], [1, 0]], np.int32),
)
SHAPE = Shape(2, (2, 3))


def test_one_hot_has_a_column_for_each_index():
    assert hot_columns(BLOCK, SHAPE).tolist() == [[2, 6], [3, 4]]
    assert width_of(SHAPE, "one_hot") == 7


def test_ordinal_keeps_the_index_as_a_number():
    matrix = design_matrix(BLOCK, SHAPE)

    assert matrix.tolist() == [[0.5, -1, 0, 2], [2, 3, 1, 0]]
    assert matrix.shape[1] == width_of(SHAPE, "ordinal")
    assert matrix.dtype == np.float32


def test_rows_without_categories_are_their_numbers():
    block = Block.of(BLOCK.numbers, np.zeros((2, 0), np.int32))

    assert design_matrix(block, Shape(2, ())).tolist() == BLOCK.numbers.tolist()
    assert hot_columns(block, Shape(2, ())).shape == (2, 0)


def test_of_a_series_the_mean_the_last_value_and_the_share_of_steps_with_one_are_taken():
    values = [[1.0, 5.0, 0.0], [0.0, 0.0, 0.0]]
    masks = [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    gaps = [[0.0, 1.0, 1.0], [0.0, 1.0, 2.0]]
    series = np.stack([values, masks, gaps], axis=2).astype(np.float32)
    block = Block({**BLOCK.tensors, "series_a": series})
    shape = Shape(2, (2, 3), {"series_a": (3, 3)})

    assert dense(block, shape)[:, 2:] == pytest.approx(np.array([[3, 5, 2 / 3], [0, 0, 0]]))
    assert design_matrix(block, shape).shape == (2, width_of(shape, "ordinal"))
    assert hot_columns(block, shape).tolist() == [[5, 9], [6, 7]]
    variable = Variable(Names("pulse", "mask", "gap"), 0.0, 1.0, 0.0, 1.0)
    transform = FeatureTransform((), (), "", series=(Series("series_a", 3, (variable,)),))
    assert dense_names(transform) == ["pulse mean", "pulse last", "pulse seen"]
