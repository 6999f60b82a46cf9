"""Too little to learn from is told before anything is fitted."""

from __future__ import annotations

import pytest

from lepton_spark.dataset.sufficiency import PartCount, require_enough
from lepton_spark.errors import TrainingError, TryAgainError

ENOUGH = {"train": PartCount(100, 20), "validate": PartCount(40, 10), "test": PartCount(40, 10)}


def test_some_rows_of_both_classes_in_each_part_are_enough():
    require_enough(ENOUGH, label="is_long", unlabelled=0)


def test_no_label_at_all_may_come_later():
    with pytest.raises(TryAgainError, match="none of 7 rows") as refused:
        require_enough({}, label="is_long", unlabelled=7)

    assert refused.value.exit_code == 75


@pytest.mark.parametrize("positives", [0, 50])
def test_one_class_cannot_be_learned(positives):
    parts = {name: PartCount(50, positives) for name in ENOUGH}

    with pytest.raises(TrainingError, match="is_long has one class") as refused:
        require_enough(parts, label="is_long", unlabelled=0)

    assert refused.value.exit_code == 60


@pytest.mark.parametrize("part", list(ENOUGH))
def test_a_part_with_few_of_a_class_is_named(part):
    for count in (PartCount(100, 9), PartCount(19, 10), PartCount()):
        with pytest.raises(TrainingError, match=f"the part {part} has"):
            require_enough({**ENOUGH, part: count}, label="is_long", unlabelled=0)
