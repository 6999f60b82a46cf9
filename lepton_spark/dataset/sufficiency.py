"""Whether labelled rows are enough to fit, choose and judge a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lepton_spark.dataset.split import PARTS
from lepton_spark.errors import TrainingError, TryAgainError

MIN_OF_CLASS = 10


@dataclass(frozen=True)
class PartCount:
    """Rows of one part of the dataset."""

    rows: int = 0
    positives: int = 0

    @property
    def negatives(self) -> int:
        """Rows of the other class."""
        return self.rows - self.positives


def require_enough(parts: Mapping[str, PartCount], *, label: str, unlabelled: int) -> None:
    """See that each part has some rows of both classes.

    Args:
        parts: By name; a part that is absent has no rows.
        label: Name of the label, for messages.
        unlabelled: Rows with features whose label is not known.

    Raises:
        TryAgainError: No row has a label.
        TrainingError: Only one class, or too few rows of one in a part.
    """
    counts = {name: parts.get(name, PartCount()) for name in PARTS}
    rows = sum(count.rows for count in counts.values())
    positives = sum(count.positives for count in counts.values())
    if rows == 0:
        raise TryAgainError(
            "LS-7511",
            f"none of {unlabelled} rows with features has a label {label}",
            "a model is fitted on rows whose outcome is known",
            "wait until outcomes have landed, or give a later --as-of",
        )
    if positives in {0, rows}:
        raise TrainingError(
            "LS-6007",
            f"label {label} has one class: {positives} positives, {rows - positives} negatives",
            "there is nothing to tell apart",
            "correct predict.label, or give it more data",
        )
    for name, count in counts.items():
        if min(count.positives, count.negatives) < MIN_OF_CLASS:
            raise TrainingError(
                "LS-6008",
                f"the part {name} has {count.positives} positives and {count.negatives} negatives",
                f"{MIN_OF_CLASS} of each are needed in each part",
                "move the dates or shares of predict.split, or give it more data",
            )
