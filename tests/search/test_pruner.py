"""A trial is given up by what the others had come to, fold by fold."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from lepton_spark.search.pruner import MedianOfFold, step_of


def pruned(others, mine, *, after_trials=1, after_epochs=1):
    """Whether a trial with these values by (fold, epoch) is given up after the last of them."""
    study = optuna.create_study(direction="minimize")
    for values in others:
        study.add_trial(trial(TrialState.COMPLETE, values, value=0.0))
    running = trial(TrialState.RUNNING, mine)
    return MedianOfFold(after_trials, after_epochs).prune(study, running)


def trial(state, values, **others):
    steps = {step_of(*place): value for place, value in values.items()}
    return create_trial(state=state, intermediate_values=steps, **others)


@pytest.mark.parametrize(("second", "is_pruned"), [(0.9, True), (0.5, False)])
def test_an_easy_first_fold_does_not_hide_the_next(second, is_pruned):
    other = {(0, 1): 0.5, (1, 1): 0.5}

    assert pruned([other], {(0, 1): 0.1, (1, 1): second}) is is_pruned


def test_a_trial_that_ended_sooner_counts_with_what_it_came_to():
    quick = {(0, 1): 0.3, (0, 2): 0.2}
    slow = {(0, epoch): 0.9 for epoch in range(1, 6)}

    assert pruned([quick, quick, slow], {(0, 5): 0.5})
    assert not pruned([quick, slow, slow], {(0, 5): 0.5})


def test_every_trial_has_its_first_epochs_and_the_first_trials_all_of_theirs():
    other, bad = {(0, 1): 0.1, (0, 2): 0.1}, {(0, 2): 0.9}

    assert pruned([other], bad, after_epochs=2)
    assert not pruned([other], bad, after_epochs=3)
    assert not pruned([other], bad, after_trials=2)
    assert not pruned([other], {})
    assert pruned([other], {(0, 1): float("nan")})
