"""Numbers first, then categories in the form that the model wants."""

from __future__ import annotations

import numpy as np

from lepton_spark.dataset.tensors import Block
from lepton_spark.models.design_matrix import design_matrix, width_of

BLOCK = Block.of(
    numbers=np.array([[0.5, -1.0], [2.0, 3.0]], np.float32),
    categories=np.array([[0, 2], [1, 0]], np.int32),
)
CARDINALITIES = (2, 3)


def test_one_hot_has_a_column_for_each_index():
    matrix = design_matrix(BLOCK, CARDINALITIES, "one_hot")

    assert matrix.tolist() == [[0.5, -1, 1, 0, 0, 0, 1], [2, 3, 0, 1, 1, 0, 0]]


def test_ordinal_keeps_the_index_as_a_number():
    matrix = design_matrix(BLOCK, CARDINALITIES, "ordinal")

    assert matrix.tolist() == [[0.5, -1, 0, 2], [2, 3, 1, 0]]


def test_the_width_is_known_before_a_row_is_seen():
    for form in ("one_hot", "ordinal"):
        matrix = design_matrix(BLOCK, CARDINALITIES, form)
        assert matrix.shape[1] == width_of(2, CARDINALITIES, form)
        assert matrix.dtype == np.float32


def test_rows_without_categories_are_their_numbers():
    block = Block.of(BLOCK.numbers, np.zeros((2, 0), np.int32))

    assert design_matrix(block, (), "one_hot").tolist() == BLOCK.numbers.tolist()
