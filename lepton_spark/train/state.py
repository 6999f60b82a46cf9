"""What the training loop is told, and where it stands: all that a resumed run needs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from lepton_spark.models.output import Output

if TYPE_CHECKING:
    from lepton_spark.config.train import TrainSettings

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class LoopSettings:
    """How to run the loop.

    Args:
        train: What the case asks for.
        output: What the network's numbers mean.
        class_rows: Training rows of each class; empty where there are none.
        checkpoint_minutes: How often a state is kept within an epoch.
        is_shuffled: False keeps the order of the rows, for comparisons.
        is_jitted: XLA compiles the gradients.
    """

    train: TrainSettings
    checkpoint_minutes: float
    output: Output = field(default_factory=Output)
    class_rows: tuple[int, ...] = ()
    is_shuffled: bool = True
    is_jitted: bool = False


@dataclass
class State:
    """Where training stands after an epoch or within one; all that a resumed run needs.

    Args:
        epoch: How many are done.
        steps: Of the epoch that has begun: how many are done.
        loss: Of these, sum of the loss of all rows.
        rows: Of these, rows.
        history: One entry an epoch: epoch, loss, validation_loss, validation_<metric>, rows, and
            what `Phases.read` says.
        current: Weights and optimizer variables.
        best: Weights of the best epoch.
        last: Weights of the last epoch as they were judged, once training has ended.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = math.inf
    steps: int = 0
    loss: float = 0.0
    rows: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    current: Arrays = field(default_factory=dict)
    best: Arrays = field(default_factory=dict)
    last: Arrays = field(default_factory=dict)
