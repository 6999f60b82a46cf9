"""Whether labelled rows are enough to fit, choose and judge a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lepton_spark.dataset.label_count import LabelCount
from lepton_spark.dataset.split import PARTS
from lepton_spark.errors import DataError, TrainingError, TryAgainError

if TYPE_CHECKING:
    from lepton_spark.config.task import Task

MIN_OF_CLASS = 10


def require_enough(
    parts: Mapping[str, LabelCount], task: Task, *, label: str, unlabelled: int
) -> None:
    """See that each part has rows to learn from: some of each class, or amounts that differ.

    Args:
        parts: By name; a part that is absent has no rows.
        task: Kind of the label, and its classes.
        label: Name of the label, for messages.
        unlabelled: Rows with features whose label is not known.

    Raises:
        TryAgainError: No row has a label.
        DataError: A label is of no class, no number, or an amount below 0 that cannot be.
        TrainingError: Only one class or amount, or too few rows.
    """
    counts = {name: parts.get(name, LabelCount()) for name in PARTS}
    rows = sum(count.rows for count in counts.values())
    if rows == 0:
        raise TryAgainError(
            "LS-7511",
            f"none of {unlabelled} rows with features has a label {label}",
            "a model is fitted on rows whose outcome is known",
            "wait until outcomes have landed, or give a later --as-of",
        )
    if strange := sum(count.strange for count in counts.values()):
        raise _strange(strange, task, label)
    if task.power is not None and min(count.lowest for count in counts.values()) < 0:
        raise _negative(label)
    if told := _only_one(counts, task):
        raise TrainingError(
            "LS-6007",
            f"label {label} has {told}",
            "there is nothing to tell apart",
            "correct predict.label, or give it more data",
        )
    for name, count in counts.items():
        for told, fewest in _fewest(name, count, task):
            if fewest < MIN_OF_CLASS:
                raise _too_few(name, told)


def _only_one(counts: Mapping[str, LabelCount], task: Task) -> str | None:
    """What all rows have in common, where they do."""
    if task.kind == "amount":
        return None if counts["train"].deviation > 0 else "one amount in all training rows"
    classes = [sum(of) for of in zip(*(c.classes for c in counts.values() if c.rows), strict=True)]
    if sum(number > 0 for number in classes) > 1:
        return None
    if task.kind == "binary":
        return f"one class: {classes[1]} positives, {classes[0]} negatives"
    return f"one class of {len(classes)} in all {sum(classes)} rows"


def _fewest(name: str, count: LabelCount, task: Task) -> Iterator[tuple[str, int]]:
    """What there is in a part, and the number that must not be small."""
    if task.kind == "binary":
        negatives, positives = count.classes or (0, 0)
        yield f"{positives} positives and {negatives} negatives", min(positives, negatives)
    elif task.kind == "classes" and name == "train":
        for which, number in zip(task.outputs, count.classes, strict=False):
            yield f"{number} rows of the class {which}", number
    yield f"{count.rows} rows", count.rows


def _too_few(name: str, told: str) -> TrainingError:
    return TrainingError(
        "LS-6008",
        f"the part {name} has {told}",
        f"{MIN_OF_CLASS} of each are needed to learn from, and as many rows in each part",
        "move the dates or shares of predict.split, or give it more data",
    )


def _strange(number: int, task: Task, label: str) -> DataError:
    of = "no finite number" if task.kind == "amount" else "none of predict.label.classes"
    return DataError(
        "LS-2177",
        f"{number} rows have a label {label} that is {of}",
        "a row that is left out without a word makes every measure wrong",
        "name the missing classes, correct the expression, or leave the rows out with only_if",
    )


def _negative(label: str) -> DataError:
    return DataError(
        "LS-2178",
        f"the label {label} has amounts below 0",
        "the loss tweedie is of amounts that are 0 or more",
        "choose another train.loss, or leave the rows out with predict.label.only_if",
    )
