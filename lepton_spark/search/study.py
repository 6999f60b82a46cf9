"""Optuna's side of a search: what was tried is in a file, and a search goes on from it."""

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

# Attributes of a trial.
CODE = "code"  # of the error that its own settings are to blame for
STOPPED = "stopped"  # why it was ended early; empty where it was not
_AGAIN = "put_again"  # number of the one before with the same settings
_KILLS = "kills"  # how many runs have ended amid these settings
_SPARED = "spared"  # the run ended amid it for another reason
TIME = "time"  # the reason that is no verdict: with more of it the trial goes on


def open_storage(path: str) -> RDBStorage:
    """The database of a search, made where there is none; a local path."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.storages.RDBStorage(f"sqlite:///{path}")


def open_study(storage: RDBStorage, name: str, settings: SearchSettings) -> Study:
    """A study by name; what was left, running or for want of time, is put again as it was.

    Nobody else may work on it at the same time.
    """
    pruner = MedianOfFold(settings.pruner.after_trials, settings.pruner.after_epochs)
    study = optuna.create_study(
        storage=storage, study_name=name, pruner=pruner, direction="minimize", load_if_exists=True
    )
    trials = study.get_trials(deepcopy=False)
    again = {trial.user_attrs.get(_AGAIN) for trial in trials}
    for left in trials:
        kills = 0
        if left.state == TrialState.RUNNING:
            study.tell(left.number, state=TrialState.FAIL)
            kills = kills_of(left) + (_SPARED not in left.user_attrs)
        elif not is_cut(left) or left.number in again:
            continue
        if left.params:
            study.enqueue_trial(left.params, user_attrs={_AGAIN: left.number, _KILLS: kills})
    return study


def is_cut(trial: FrozenTrial) -> bool:
    """Whether a trial was ended for want of time: to Optuna it says nothing then."""
    return trial.state == TrialState.FAIL and trial.user_attrs.get(STOPPED) == TIME


def tried(study: Study) -> list[FrozenTrial]:
    """The trials that were judged, given up, cut, or failed by their settings; killed ones are not.

    One that was cut is not among them any more once it goes on.
    """
    trials = study.get_trials(deepcopy=False)
    gone_on = {t.user_attrs.get(_AGAIN) for t in trials if t.state != TrialState.WAITING}
    return [
        trial
        for trial in trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        or (trial.state == TrialState.FAIL and CODE in trial.user_attrs)
        or (is_cut(trial) and trial.number not in gone_on)
    ]


def finished(study: Study) -> list[FrozenTrial]:
    """Those of them that are not to go on where there is more time."""
    return [trial for trial in tried(study) if not is_cut(trial)]


def kills_of(trial: Trial | FrozenTrial) -> int:
    """How many runs before have ended amid the settings of a trial, perhaps because of them."""
    return int(trial.user_attrs.get(_KILLS, 0))


def spare(trial: Trial) -> None:
    """Note that a trial is not to blame for what ends the run amid it."""
    trial.set_user_attr(_SPARED, value=True)


def next_trial(study: Study, settings: SearchSettings) -> Trial:
    """The next trial, found with TPE from those that are finished.

    The sampler begins anew with each, from seed and number: so a search that was killed tries what
    it would have tried otherwise.
    """
    state = np.random.SeedSequence([settings.seed, len(finished(study))]).generate_state(1)
    study.sampler = TPESampler(seed=int(state[0]))
    return study.ask()


def best_of(study: Study) -> FrozenTrial | None:
    """The trial with the smallest loss of those that were trained to their end."""
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return min(ended, key=lambda trial: (trial.value, trial.number), default=None)
