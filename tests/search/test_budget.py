from __future__ import annotations

from lepton_spark.search.budget import Budget


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_time_of_earlier_runs_counts_and_time_between_them_does_not():
    clock, kept = Clock(), [0.0]
    first = Budget(60, 0.0, kept.append, clock)
    clock.now += 40
    first.note()
    clock.now += 3600

    second = Budget(60, kept[-1], kept.append, clock)

    assert not second.is_over()
    assert second.is_over(0.5)
    clock.now += 20
    assert second.used == 60
    assert second.is_over()
