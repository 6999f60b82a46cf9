"""Labels are told of the rows that are given, however they are cut."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.config.task import Task
from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.shards import Piece
from lepton_spark.search.labels import labels_of

pytestmark = pytest.mark.spark


@pytest.fixture
def pieces(tmp_path):
    """A maker: the first `count` labels of a file of row groups of 4 rows."""

    def make(labels, count):
        path = str(tmp_path / f"labels-{len(labels)}.parquet")
        pq.write_table(pa.table({LABEL: pa.array(labels, pa.float64())}), path, row_group_size=4)
        places = range(0, count, 4)
        return [
            Piece(path, at // 4, 0, min(4, count - at), min(4, len(labels) - at)) for at in places
        ]

    return make


def test_classes_are_counted_in_these_rows_and_no_others(spark, pieces):
    found = labels_of(spark, pieces([0, 1, 0, 0, 0, 1, 1, 1], 5), Task())

    assert found.class_rows == (4, 1)
    assert labels_of(spark, pieces([0, 0, 1], 2), Task()).class_rows == (2, 1)


def test_an_amount_has_the_moments_of_these_rows(spark, pieces):
    labels = [1e6 + value for value in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 1e9)]

    found = labels_of(spark, pieces(labels, 7), Task(kind="amount"))

    assert found.class_rows == ()
    assert found.output.center == pytest.approx(np.mean(labels[:7]), rel=1e-8)
    assert found.output.scale == pytest.approx(np.std(labels[:7]), rel=1e-8)
    assert labels_of(spark, pieces([3.0, 3.0], 2), Task(kind="amount")).output.scale == 1.0
