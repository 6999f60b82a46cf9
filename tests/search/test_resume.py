"""A search that ended amid a trial goes on after its last epoch, and comes out the same."""

from __future__ import annotations

from functools import partial

import pytest

from lepton_spark.lake import files
from lepton_spark.search import budget, training
from lepton_spark.search.budget import Budget
from lepton_spark.search.stage import search
from lepton_spark.train.checkpoint import ask_to_stop, read_history
from lepton_spark.train.network import fit_network
from tests.search.conftest import repeatable

pytestmark = [pytest.mark.spark, pytest.mark.tensorflow]

SETTINGS = {"trials": 2, "seed": 13, "folds": {"kind": "time_ordered", "count": 2}}
SECOND_FOLD_OF_SECOND_TRIAL = 4


class OneEpoch:
    """Trains on another backend, for one epoch."""

    def __init__(self, backend):
        self._backend = backend

    def run(self, work, size):
        ask_to_stop(work.payload["checkpoint"])
        return self._backend.run(work, size)


@pytest.fixture(scope="module")
def whole(run):
    """What an undisturbed search comes to."""
    return search(run(SETTINGS)).facts


@pytest.fixture
def begun(whole, monkeypatch):
    """A maker of lists of the epochs that trainings begin with; one of them ends after one more."""

    files.delete_tree(whole["path"])

    def interrupt(*, before=lambda: None, after=lambda: None):
        epochs = []

        def fit(backend, job, size, **others):
            epochs.append(len(read_history(job.checkpoint)))
            if len(epochs) != SECOND_FOLD_OF_SECOND_TRIAL:
                return fit_network(backend, job, size, **others)
            before()
            fitted = fit_network(OneEpoch(backend), job, size, **others)
            after()
            return fitted

        monkeypatch.setattr(training, "fit_network", fit)
        return epochs

    return interrupt


def test_a_trial_that_was_killed_goes_on_after_its_last_epoch(run, whole, begun):
    def kill():
        raise RuntimeError

    epochs = begun(after=kill)

    with pytest.raises(RuntimeError):
        search(run(SETTINGS))
    facts = search(run(SETTINGS)).facts

    assert epochs == [0, 0, 0, 0, 3, 1]
    assert repeatable(facts) == repeatable(whole)


def test_a_trial_that_time_has_cut_goes_on_with_more_of_it_and_not_without(
    run, whole, begun, monkeypatch
):
    seconds = [0.0]
    monkeypatch.setattr(budget, "Budget", partial(Budget, clock=lambda: seconds[0]))
    epochs = begun(before=lambda: seconds.append(seconds.pop() + 3600))

    cut = search(run(SETTINGS)).facts
    again = search(run(SETTINGS)).facts

    assert (cut["trials"][1]["end"], cut["trials"][1]["stopped"]) == ("stopped", "time")
    assert cut["trials"][0] | {"seconds": 0} == whole["trials"][0] | {"seconds": 0}
    assert cut["used_minutes"] == 60
    assert again == cut
    assert epochs == [0, 0, 0, 0]
    more = search(run({**SETTINGS, "budget_minutes": 61})).facts
    assert epochs == [0, 0, 0, 0, 3, 1]
    assert repeatable(more) == repeatable(whole)
    assert files.names_in(more["path"]) == ["study.db"]
