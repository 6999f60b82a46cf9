from __future__ import annotations

from functools import partial

import optuna

from lepton_spark.search import budget
from lepton_spark.search.budget import Budget, budget_of


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_time_of_earlier_runs_counts_and_time_between_them_does_not():
    clock, kept = Clock(), [0.0]
    first = Budget(60, 0.0, kept.append, clock=clock)
    clock.now += 40
    first.note()
    clock.now += 3600

    second = Budget(60, kept[-1], kept.append, clock=clock)

    assert not second.is_over()
    assert second.is_over(0.5)
    clock.now += 20
    assert second.used == 60
    assert second.is_over()


def test_it_is_noted_every_few_seconds_and_at_once_where_that_matters():
    clock, kept = Clock(), []
    noted = Budget(60, 0.0, kept.append, clock=clock)

    for _ in range(12):
        clock.now += 1
        noted.note()
    noted.note(at_once=True)

    assert kept == [5, 10, 12]


def test_of_time_that_is_added_every_share_gets_its_part(monkeypatch):
    clock, kept, study = Clock(), [], optuna.create_study()
    monkeypatch.setattr(budget, "Budget", partial(Budget, clock=clock))
    first = budget_of(study, 60, lambda: kept.append(dict(study.user_attrs)))
    clock.now += 60
    first.note(at_once=True)
    assert kept[0]["seconds"] == 60

    for seconds in (60, 30):
        assert budget_of(study, seconds, list).is_over(0.25)
    more = budget_of(study, 100, list)
    assert not more.is_over(0.25)
    clock.now += 10
    assert more.is_over(0.25)
    assert not more.is_over(0.5)
    assert not budget_of(study, 100, list).is_over(0.25)
    assert budget_of(study, 60, list).is_over()
