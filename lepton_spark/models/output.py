"""What the numbers that a network gives mean: probabilities, or an amount in its own units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from lepton_spark.config.task import Task

Floats = npt.NDArray[np.float64]
_MOST_EXPONENT = 50.0


@dataclass(frozen=True)
class Output:
    """From the raw numbers of a network, about 0 and of size 1, to what is said of a row.

    Args:
        task: What is said.
        center: Of an amount: mean of the training rows.
        scale: Their standard deviation; not used where the mean is fitted as an exponent.
    """

    task: Task = field(default_factory=Task)
    center: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """How many numbers there are for a row."""
        return len(self.task.outputs)

    def predictions(self, raw: npt.NDArray[Any]) -> Floats:
        """What a network means.

        Args:
            raw: `[rows, width]`.

        Returns:
            `[rows, width]`: a probability; those of the classes, whose sum is 1; an amount; or its
            quantiles, sorted where they cross (Chernozhukov and others, Quantile and Probability
            Curves Without Crossing, 2010).
        """
        values = np.asarray(raw, dtype=np.float64)
        if self.task.kind == "binary":
            return sigmoid(values)
        if self.task.kind == "classes":
            return softmax(values)
        if self.task.power is not None:
            return self.center * np.exp(np.clip(values, -_MOST_EXPONENT, _MOST_EXPONENT))
        return np.sort(self.center + self.scale * values, axis=1)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"task": self.task.to_dict(), "center": self.center, "scale": self.scale}

    @classmethod
    def read(cls, spec: Mapping[str, Any]) -> Output:
        """Of the spec of a model; one that says nothing of its output has two classes.

        Raises:
            KeyError: As `of`.
            ValueError: As `of`.
        """
        return cls.of(spec["output"]) if "output" in spec else cls()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Output:
        """From `to_dict`.

        Raises:
            KeyError: A part is missing.
            ValueError: One is of another form.
        """
        output = cls(Task.of(document["task"]), float(document["center"]), float(document["scale"]))
        if not (isfinite(output.center) and isfinite(output.scale) and output.scale > 0):
            raise ValueError("a scale that cannot be")
        return output


def sigmoid(logits: Floats) -> Floats:
    """Probabilities of logits, each by itself."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -500, 500)))


def softmax(logits: Floats) -> Floats:
    """Probabilities of the logits of a row, whose sum is 1; `[rows, classes]`."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
