"""Too little to learn from is told before anything is fitted."""

from __future__ import annotations

import pytest

from lepton_spark.config.task import Task
from lepton_spark.dataset.label_count import LabelCount
from lepton_spark.dataset.sufficiency import require_enough
from lepton_spark.errors import DataError, TrainingError, TryAgainError


def count(rows=0, positives=0):
    return LabelCount(rows, (rows - positives, positives))


ENOUGH = {"train": count(100, 20), "validate": count(40, 10), "test": count(40, 10)}
CLASSES = Task("classes", ("ant", "bee", "cat"))
AMOUNT = Task("amount", ("expected",))


def test_some_rows_of_both_classes_in_each_part_are_enough():
    require_enough(ENOUGH, Task(), label="is_long", unlabelled=0)


def test_no_label_at_all_may_come_later():
    with pytest.raises(TryAgainError, match="none of 7 rows") as refused:
        require_enough({}, Task(), label="is_long", unlabelled=7)

    assert refused.value.exit_code == 75


@pytest.mark.parametrize("positives", [0, 50])
def test_one_class_cannot_be_learned(positives):
    parts = {name: count(50, positives) for name in ENOUGH}

    with pytest.raises(TrainingError, match="is_long has one class") as refused:
        require_enough(parts, Task(), label="is_long", unlabelled=0)

    assert refused.value.exit_code == 60


@pytest.mark.parametrize("part", list(ENOUGH))
def test_a_part_with_few_of_a_class_is_named(part):
    for few in (count(100, 9), count(19, 10), count()):
        with pytest.raises(TrainingError, match=f"the part {part} has"):
            require_enough({**ENOUGH, part: few}, Task(), label="is_long", unlabelled=0)


def test_each_class_needs_rows_to_learn_from():
    parts = dict.fromkeys(ENOUGH, LabelCount(60, (30, 20, 10)))
    require_enough(parts, CLASSES, label="kind", unlabelled=0)

    parts["test"] = LabelCount(60, (60, 0, 0))  # what is absent there is not judged
    require_enough(parts, CLASSES, label="kind", unlabelled=0)

    parts["train"] = LabelCount(60, (30, 21, 9))
    with pytest.raises(TrainingError, match="the part train has 9 rows of the class cat"):
        require_enough(parts, CLASSES, label="kind", unlabelled=0)


def test_one_of_several_classes_cannot_be_learned():
    parts = dict.fromkeys(ENOUGH, LabelCount(60, (0, 60, 0)))

    with pytest.raises(TrainingError, match="one class of 3 in all 180 rows"):
        require_enough(parts, CLASSES, label="kind", unlabelled=0)


def test_amounts_that_are_all_the_same_cannot_be_learned():
    parts = dict.fromkeys(ENOUGH, LabelCount(60, mean=3.0, deviation=1.0))
    require_enough(parts, AMOUNT, label="minutes", unlabelled=0)

    parts["train"] = LabelCount(60, mean=3.0)
    with pytest.raises(TrainingError, match="minutes has one amount"):
        require_enough(parts, AMOUNT, label="minutes", unlabelled=0)


def test_a_part_with_few_amounts_is_named():
    parts = dict.fromkeys(ENOUGH, LabelCount(60, mean=3.0, deviation=1.0))

    with pytest.raises(TrainingError, match="the part validate has 9 rows"):
        require_enough(
            {**parts, "validate": LabelCount(9, deviation=1.0)}, AMOUNT, label="x", unlabelled=0
        )


@pytest.mark.parametrize(("task", "told"), [(CLASSES, "none of"), (AMOUNT, "no finite number")])
def test_labels_that_mean_nothing_are_counted_and_refused(task, told):
    parts = dict.fromkeys(ENOUGH, LabelCount(60, (30, 20, 10), strange=2, deviation=1.0))

    with pytest.raises(DataError, match=f"6 rows have a label kind that is {told}"):
        require_enough(parts, task, label="kind", unlabelled=0)


def test_tweedie_takes_no_amount_below_zero():
    parts = dict.fromkeys(ENOUGH, LabelCount(60, deviation=1.0, lowest=-0.5))

    with pytest.raises(DataError, match="amounts below 0"):
        require_enough(parts, Task("amount", ("expected",), (), 1.5), label="x", unlabelled=0)
