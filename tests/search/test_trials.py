"""How a search goes on past settings that no training survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lepton_spark.config.search import SearchSettings
from lepton_spark.errors import EnvironmentFault, TrainingError, TryAgainError
from lepton_spark.job.stop import Stopped
from lepton_spark.search.budget import Budget
from lepton_spark.search.database import open_database
from lepton_spark.search.division import Division, Outer
from lepton_spark.search.study import best_of, open_storage, open_study, tried
from lepton_spark.search.told import facts_of
from lepton_spark.search.training import Ended
from lepton_spark.search.trials import ESTIMATE, Ground, choose, measure
from tests.conftest import Silent
from tests.dataset.visits import tiny_case

GOOD, BAD = 32, 64
SETTINGS = SearchSettings.model_validate(
    {"space": {"train.batch_size": {"choices": [GOOD, BAD]}}, "trials": 6}
)
KILLED = TryAgainError("LS-7521", "rank 1 was killed", "", "")
FULL = EnvironmentFault("LS-5044", "rank 1 ran out of memory", "", "")
SICK = TrainingError("LS-6013", "a loss was not finite", "", "")
INNER = Division((0,), 1)
ROOT = Path(__file__).parents[2]


class Trainer:
    """Fits nothing: some settings raise an error, others have one epoch."""

    def __init__(self, error, deadly):
        self.error, self.deadly, self.calls = error, deadly, 0

    def read(self): ...

    def fit(self, case, _division, _checkpoint, decide):
        self.calls += 1
        if case.train.batch_size in self.deadly:
            raise self.error
        entry = {"epoch": 1, "validation_loss": 0.5}
        decide(entry)
        return Ended([entry], "")


@pytest.fixture
def ground(tmp_path):
    def make(error, *deadly):
        budget = Budget(600, 0.0, lambda _: None)
        folder = str(tmp_path / "checkpoint")
        return Ground(tiny_case(), SETTINGS, Trainer(error, deadly), budget, Silent(), folder)

    return make


class Deadly(Trainer):
    """Ends its process without a word."""

    def fit(self, *_given):
        os.kill(os.getpid(), signal.SIGKILL)


def chosen(folder, trainer):
    """The trials of a search whose database is kept in a folder."""
    with open_database(f"{folder}/study.db") as database:
        study = open_study(database.storage, "all", SETTINGS)
        budget = Budget(600, 0.0, lambda _: database.keep())
        ground = Ground(tiny_case(), SETTINGS, trainer, budget, Silent(), f"{folder}/checkpoint")
        choose(ground, study, [INNER], 1.0)
        return facts_of(SETTINGS, study, [], 1.0)["trials"]


def die(folder):
    """What a process does that is killed amid a trial."""
    chosen(folder, Deadly(None, ()))


@pytest.fixture
def study(tmp_path):
    """A maker of the one study, as another run of the search opens it."""
    return lambda: open_study(open_storage(str(tmp_path / "study.db")), "all", SETTINGS)


@pytest.mark.parametrize("error", [KILLED, FULL], ids=["killed", "memory"])
def test_settings_that_kill_their_ranks_twice_have_failed(ground, study, error):
    ended = []
    while len(tried(study())) < SETTINGS.trials and len(ended) < 2 * SETTINGS.trials:
        try:
            choose(ground(error, BAD), study(), [INNER], 1.0)
        except type(error):
            ended.append(len(tried(study())))

    facts = facts_of(SETTINGS, study(), [], 1.0)
    codes = [
        each["code"] for each in facts["trials"] if each["settings"] == {"train.batch_size": BAD}
    ]
    assert codes == [error.code] * len(ended)
    assert ended
    assert facts["best"]["settings"] == {"train.batch_size": GOOD}


@pytest.mark.fault
def test_settings_that_kill_the_driver_twice_are_not_tried_again(tmp_path):
    code = f"from tests.search.test_trials import die; die({str(tmp_path)!r})"
    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
        assert killed.returncode == -signal.SIGKILL

    trainer = Trainer(None, ())
    first, *others = chosen(tmp_path, trainer)

    assert (first["end"], first["code"], first["losses"]) == ("failed", "LS-6042", [])
    assert {each["end"] for each in others} == {"done"}
    assert trainer.calls == len(others) == SETTINGS.trials - 1


def test_settings_are_not_to_blame_for_a_stop_however_often(tmp_path):
    whole = chosen(tmp_path / "whole", Trainer(None, ()))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
        with pytest.raises(Stopped):
            chosen(tmp_path, Trainer(Stopped(number), (GOOD, BAD)))

    trials = chosen(tmp_path, Trainer(None, ()))

    assert [each | {"seconds": 0} for each in trials] == [each | {"seconds": 0} for each in whole]


def test_a_choice_that_kills_the_driver_is_not_measured_again(ground, study):
    choose(ground(None), study(), [INNER], 1.0)
    outer, dead = Outer(Division((0, 1), 2), (INNER,)), ground(MemoryError(), GOOD, BAD)

    for _ in range(2):
        with pytest.raises(MemoryError):
            measure(dead, study(), outer)
    for _ in range(2):
        measure(dead, study(), outer)

    assert study().user_attrs[ESTIMATE]["code"] == "LS-6042"
    assert dead.trainer.calls == 2


def test_a_measure_that_time_has_cut_goes_on_and_one_of_another_choice_is_not_taken(ground, study):
    choose(ground(None), study(), [INNER], 1.0)
    outer, cut = Outer(Division((0, 1), 2), (INNER,)), ground(None)
    cut.trainer.fit = lambda *_: Ended([], "time")

    for _ in range(3):
        measure(cut, study(), outer)
    assert ESTIMATE not in study().user_attrs
    measure(ground(None), study(), outer)
    kept = study().user_attrs[ESTIMATE]
    study().set_user_attr(ESTIMATE, kept | {"epoch": 7, "loss": 0.1})
    measure(ground(None), study(), outer)

    assert study().user_attrs[ESTIMATE] == kept
    assert kept["loss"] == 0.5


@pytest.mark.parametrize(("error", "times"), [(SICK, 0), (KILLED, 1)], ids=["sick", "killed"])
def test_a_choice_that_fails_on_other_rows_is_missing_from_the_estimate(
    ground, study, error, times
):
    choose(ground(error, BAD) if error is SICK else ground(error), study(), [INNER], 1.0)
    deadly, outer = ground(error, GOOD, BAD), Outer(Division((0, 1), 2), (INNER,))

    for _ in range(times):
        with pytest.raises(type(error)):
            measure(deadly, study(), outer)
    for _ in range(2):
        measure(deadly, study(), outer)

    kept = study().user_attrs[ESTIMATE]
    assert (kept["loss"], kept["code"]) == (None, error.code)
    assert deadly.trainer.calls == times + 1
    assert best_of(study()) is not None
    assert facts_of(SETTINGS, study(), [study()], 1.0)["estimate"] is None
    other = open_study(study()._storage, "other", SETTINGS)
    other.set_user_attr(ESTIMATE, {"loss": 0.4, "epoch": 1, "settings": {}})
    estimate = facts_of(SETTINGS, study(), [study(), other], 1.0)["estimate"]
    assert (estimate["loss"], estimate["missing"]) == (0.4, 1)
    assert [each["code"] for each in estimate["failed"]] == [error.code]
