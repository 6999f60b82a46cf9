"""Optuna's side of a search: what was tried is in a file, and a killed search goes on from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from lepton_spark.search.pruner import MedianOfFold

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

    from lepton_spark.config.search import SearchSettings

CODE = "code"  # attribute of a trial that failed by its own settings
_AGAIN = "put_again"  # attribute of a trial: number of the one before with the same settings
_KILLED = "killed"  # attribute of a trial, or of a study that measures: what killed its ranks


def open_storage(path: str) -> RDBStorage:
    """The database of a search, made where there is none; a local path."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.storages.RDBStorage(f"sqlite:///{path}")


def open_study(storage: RDBStorage, name: str, settings: SearchSettings) -> Study:
    """A study by name; what was running when it was left is put again, with the same settings.

    Nobody else may work on it at the same time.
    """
    pruner = MedianOfFold(settings.pruner.after_trials, settings.pruner.after_epochs)
    study = optuna.create_study(
        storage=storage, study_name=name, pruner=pruner, direction="minimize", load_if_exists=True
    )
    for left in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(left.number, state=TrialState.FAIL)
        if left.params:
            study.enqueue_trial(left.params, user_attrs={_AGAIN: left.number})
    return study


def tried(study: Study) -> list[FrozenTrial]:
    """The trials that were judged, given up, or failed by their settings; killed ones are not."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        or (trial.state == TrialState.FAIL and CODE in trial.user_attrs)
    ]


def kills_again(study: Study, trial: Trial, code: str) -> bool:
    """Note that the ranks of a trial were killed, or ran out of memory.

    Args:
        study: Of the trial.
        trial: Is running.
        code: Of the error.

    Returns:
        Whether that has happened before with the same settings, which were put again.
    """
    trial.set_user_attr(_KILLED, code)
    trials = study.get_trials(deepcopy=False)
    before = trial.user_attrs.get(_AGAIN)
    while before is not None:
        if _KILLED in trials[before].user_attrs:
            return True
        before = trials[before].user_attrs.get(_AGAIN)
    return False


def measuring_kills_again(study: Study, code: str) -> bool:
    """The same of a study, whose choice is measured."""
    is_again = _KILLED in study.user_attrs
    study.set_user_attr(_KILLED, code)
    return is_again


def next_trial(study: Study, settings: SearchSettings) -> Trial:
    """The next trial, found with TPE from those that were tried.

    The sampler begins anew with each, from seed and number: so a search that was killed tries what
    it would have tried otherwise.
    """
    state = np.random.SeedSequence([settings.seed, len(tried(study))]).generate_state(1)
    study.sampler = TPESampler(seed=int(state[0]))
    return study.ask()


def best_of(study: Study) -> FrozenTrial | None:
    """The trial with the smallest loss of those that were trained to their end."""
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return min(ended, key=lambda trial: (trial.value, trial.number), default=None)
