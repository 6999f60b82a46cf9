from __future__ import annotations

import pytest

from lepton_spark.train.pace import MOST_STEPS, Pace


def calls(pace, seconds, steps):
    """The calls of a block whose steps take so many seconds each."""
    found = []
    for first, end in pace.calls(steps):
        found.append(end - first)
        seconds.now += seconds.of_a_step * (end - first)
    return found


class Seconds:
    def __init__(self, of_a_step):
        self.now = 0.0
        self.of_a_step = of_a_step

    def __call__(self):
        return self.now


def test_quick_steps_are_soon_taken_together():
    seconds = Seconds(0.001)
    pace = Pace(seconds)

    assert calls(pace, seconds, 70) == [1, 2, 4, 8, 16, 32, 7]
    assert calls(pace, seconds, 64) == [MOST_STEPS, MOST_STEPS]


@pytest.mark.parametrize("of_a_step", [0.3, 3.0, 30.0])
def test_slow_steps_are_taken_in_calls_of_a_few_seconds(of_a_step):
    seconds = Seconds(of_a_step)

    found = calls(Pace(seconds), seconds, 100)

    assert sum(found) == 100
    assert max(found) * of_a_step <= max(4.0, of_a_step)


def test_steps_that_become_slow_are_taken_by_fewer_again():
    seconds = Seconds(0.001)
    pace = Pace(seconds)
    calls(pace, seconds, 100)
    seconds.of_a_step = 2.0

    assert calls(pace, seconds, 64)[:6] == [32, 16, 8, 4, 2, 2]
