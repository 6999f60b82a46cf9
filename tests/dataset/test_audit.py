"""The audit sees rows that are in two parts, lost, doubled or wrongly labelled."""

from __future__ import annotations

import pytest

from lepton_spark.config.task import Task
from lepton_spark.dataset.audit import audit_dataset
from lepton_spark.errors import DataError, TrainingError

pytestmark = pytest.mark.spark

SCHEMA = "shop string, visit int, _label double, _split string"
GOOD = [("a", 1, 1.0, "train"), ("a", 2, 0.0, "test"), ("b", 1, 0.0, "validate")]


def audit(spark, rows, num_rows=None, task=None):
    frame = spark.createDataFrame(rows, SCHEMA)
    number = len(rows) if num_rows is None else num_rows
    audit_dataset(frame, ["shop", "visit"], task or Task(), num_rows=number)


def test_a_right_dataset_passes(spark):
    audit(spark, GOOD)


@pytest.mark.parametrize(
    ("rows", "num_rows"),
    [
        (GOOD, 4),
        ([*GOOD, ("c", 1, 0.5, "train")], 4),
        ([*GOOD, ("c", 1, None, "train")], 4),
        ([*GOOD, ("c", 1, 1.0, "later")], 4),
        ([*GOOD, ("c", 1, 1.0, None)], 4),
    ],
    ids=["lost", "half", "unlabelled", "unknown part", "no part"],
)
def test_a_wrong_one_is_refused(spark, rows, num_rows):
    with pytest.raises(DataError, match="exactly one part"):
        audit(spark, rows, num_rows)


@pytest.mark.parametrize("part", ["test", "train"])
def test_a_key_that_is_there_twice_is_refused_in_whatever_parts(spark, part):
    with pytest.raises(TrainingError, match="1 keys occur more than once"):
        audit(spark, [*GOOD, ("a", 1, 1.0, part)])


def test_groups_in_two_parts_are_counted(spark):
    rows = [*GOOD, (None, 1, 1.0, "train"), (None, 2, 0.0, "validate"), ("c", 1, 1.0, "test")]
    frame = spark.createDataFrame(rows, SCHEMA)

    with pytest.raises(TrainingError, match="2 of 4 groups of shop are in more than one") as told:
        audit_dataset(frame, ["shop", "visit"], Task(), num_rows=6, by=["shop"])

    assert (told.value.code, told.value.exit_code) == ("LS-6010", 60)
    audit_dataset(frame, ["shop", "visit"], Task(), num_rows=6, by=["shop", "visit"])


@pytest.mark.parametrize(
    ("task", "right", "wrong"),
    [
        (Task("classes", ("ant", "bee", "cat")), 2.0, [3.0, -1.0, 0.5, float("nan")]),
        (Task("amount", ("expected",)), -7.5, [float("nan"), float("inf")]),
    ],
)
def test_a_label_is_of_its_kind(spark, task, right, wrong):
    audit(spark, [("a", 1, right, "train")], task=task)

    for label in wrong:
        with pytest.raises(DataError, match="1 rows have no valid label"):
            audit(spark, [("a", 1, label, "train")], task=task)
