"""When a trial is given up: its loss is above the median of the others after as many epochs."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from optuna.pruners import BasePruner
from optuna.trial import TrialState

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

_STEPS_OF_A_FOLD = 100_000  # more than a training has epochs


def step_of(fold: int, epoch: int) -> int:
    """The step that a trial reports after an epoch of a fold."""
    return fold * _STEPS_OF_A_FOLD + epoch


class MedianOfFold(BasePruner):
    """Optuna's MedianPruner for trials of several folds, each of which may end early.

    That one takes the smallest value of a trial over all steps, so that an easy first fold hides
    what the others come to; and the median only over trials that trained for so many epochs, which
    are the slow ones. Here what a trial reports last counts; and a trial whose fold has ended
    before counts with what it came to.

    Args:
        after_trials: So many are trained to their end first.
        after_epochs: So many epochs every trial has.
    """

    def __init__(self, after_trials: int, after_epochs: int) -> None:
        self._after_trials = after_trials
        self._after_epochs = after_epochs

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether to give up a trial, by what it has reported last."""
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        step = trial.last_step
        if step is None or step < self._after_epochs or len(ended) < self._after_trials:
            return False
        others = [value for each in ended if (value := _value_at(each, step)) is not None]
        # A value that is no number is above every other.
        return bool(others) and not trial.intermediate_values[step] <= median(others)


def _value_at(trial: FrozenTrial, step: int) -> float | None:
    """What a trial had come to by this step of its fold; None where it has not begun the fold."""
    begin = step - step % _STEPS_OF_A_FOLD
    reported = [each for each in trial.intermediate_values if begin <= each <= step]
    return trial.intermediate_values[max(reported)] if reported else None
