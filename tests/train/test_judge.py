from __future__ import annotations

import pytest

from lepton_spark.errors import DataError, TrainingError, TryAgainError
from lepton_spark.train.board import Status
from lepton_spark.train.judge import GRACE_SECONDS, Limits, error_of, judge

LIMITS = Limits(stall_seconds=10, start_seconds=60)
PLACE = "epoch 3, step 64"
LOST = {"kind": "lost", "type": "HorovodInternalError"}


def running(silent=0.0, *, place=PLACE, process="S"):
    return Status("running", place, silent, process)


def verdict_on(*statuses, quiet=0.0):
    return judge({rank: (status, quiet) for rank, status in enumerate(statuses)}, LIMITS)


def test_ranks_that_work_or_are_done_are_left_alone():
    assert verdict_on(running(9), Status("done", PLACE, exit_code=0)) is None
    assert verdict_on() is None


def test_a_start_may_take_longer_than_a_step():
    assert verdict_on(running(50, place="starting")) is None
    assert verdict_on(running(61, place="starting")).rank == 0


def test_a_killed_rank_is_named_with_its_signal_and_place():
    verdict = verdict_on(
        Status("failed", PLACE, exit_code=1, error=LOST, lost_seconds=9),
        Status("failed", PLACE, exit_code=-9),
    )

    assert (verdict.rank, verdict.is_passing) == (1, True)
    assert "rank 1 was killed by SIGKILL at epoch 3, step 64" in verdict.what


def test_of_silent_ranks_the_stopped_one_is_to_blame():
    verdict = verdict_on(running(14, process="S"), running(12, process="T"))

    assert verdict.rank == 1
    assert "was stopped by a signal" in verdict.what


def test_a_rank_that_waits_may_reach_the_limit_before_the_stopped_one():
    assert verdict_on(running(10.1, process="S"), running(9.9, process="T")).rank == 1


def test_a_stopped_rank_is_to_blame_for_the_connection_that_another_lost():
    lost = Status("failed", PLACE, exit_code=1, error=LOST, lost_seconds=GRACE_SECONDS + 1)

    assert verdict_on(lost, running(6, process="T")).rank == 1
    assert verdict_on(lost, running(6, process="S")).rank == 0


def test_of_silent_ranks_the_longest_silent_hangs():
    assert verdict_on(running(11), running(13)).rank == 1


def test_a_rank_that_lost_another_waits_for_that_one_to_be_found():
    early = Status("failed", PLACE, exit_code=1, error=LOST, lost_seconds=GRACE_SECONDS - 1)
    late = Status("failed", PLACE, exit_code=1, error=LOST, lost_seconds=GRACE_SECONDS + 1)

    assert verdict_on(early, running()) is None
    assert verdict_on(late, running()).rank == 0


def test_an_executor_that_writes_nothing_is_gone():
    assert verdict_on(running(), quiet=20) is None
    assert "executor of rank 0" in verdict_on(running(), quiet=31).what


def test_our_own_error_comes_back_as_it_was():
    told = {"kind": "told", "type": "DataError", "fields": ["LS-2061", "what", "why", "fix", "s"]}
    verdict = verdict_on(running(), Status("failed", PLACE, exit_code=1, error=told))

    with pytest.raises(DataError, match="LS-2061: what"):
        raise error_of(verdict, "resume")


def test_a_crash_is_a_training_error_and_a_kill_may_be_tried_again():
    crash = {"kind": "crashed", "type": "KeyError", "detail": "in loop.py, line 3"}
    crashed = verdict_on(Status("failed", PLACE, exit_code=1, error=crash))
    killed = verdict_on(Status("failed", PLACE, exit_code=-15))

    error = error_of(crashed, "resume")
    assert isinstance(error, TrainingError)
    assert "KeyError in loop.py, line 3" in str(error)
    assert isinstance(error_of(killed, "resume"), TryAgainError)
    assert error_of(killed, "run it again").fix == "run it again"


def test_a_rank_that_never_began_is_to_blame_for_those_that_wait_for_it():
    def seen(seconds):
        waiting = running(seconds, place="starting, meeting the other ranks")
        return verdict_on(waiting, Status("absent", silent_seconds=seconds))

    assert seen(59) is None
    assert seen(61).rank == 1
    assert "rank 1 has not begun 61 s after the first of the others" in seen(61).what
