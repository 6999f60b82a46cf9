"""The audit sees rows that are in two parts, lost, doubled or wrongly labelled."""

from __future__ import annotations

import pytest

from lepton_spark.dataset.audit import audit_dataset
from lepton_spark.errors import DataError

pytestmark = pytest.mark.spark

SCHEMA = "shop string, visit int, _label double, _split string"
GOOD = [("a", 1, 1.0, "train"), ("a", 2, 0.0, "test"), ("b", 1, 0.0, "validate")]


def audit(spark, rows, num_rows=None):
    frame = spark.createDataFrame(rows, SCHEMA)
    audit_dataset(frame, ["shop", "visit"], num_rows=len(rows) if num_rows is None else num_rows)


def test_a_right_dataset_passes(spark):
    audit(spark, GOOD)


@pytest.mark.parametrize(
    ("rows", "num_rows"),
    [
        ([*GOOD, ("a", 1, 1.0, "test")], 4),
        ([*GOOD, ("a", 1, 1.0, "train")], 4),
        (GOOD, 4),
        ([*GOOD, ("c", 1, 0.5, "train")], 4),
        ([*GOOD, ("c", 1, None, "train")], 4),
        ([*GOOD, ("c", 1, 1.0, "later")], 4),
        ([*GOOD, ("c", 1, 1.0, None)], 4),
    ],
    ids=["two parts", "twice", "lost", "half", "unlabelled", "unknown part", "no part"],
)
def test_a_wrong_one_is_refused(spark, rows, num_rows):
    with pytest.raises(DataError, match="exactly one part"):
        audit(spark, rows, num_rows)
