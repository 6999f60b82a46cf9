from __future__ import annotations

import errno
import signal

import pytest

from lepton_spark.errors import EnvironmentFault, LeptonError, TrainingError, TryAgainError
from lepton_spark.job.stop import Stopped
from lepton_spark.search.blame import attempt

SICK = TrainingError("LS-6013", "a loss was not finite", "", "")
SUSPECTS = [
    *(TryAgainError(f"LS-{code}", "lost", "", "") for code in (7521, 7522, 7523, 7524, 7525, 7531)),
    EnvironmentFault("LS-5044", "rank 1 ran out of memory", "", ""),
    TrainingError("LS-6015", "rank 1 failed", "", ""),
]
OF_DRIVER = [MemoryError(), RuntimeError(), TryAgainError("LS-7532", "Java ended", "", "")]
INNOCENT = [
    KeyboardInterrupt(),
    Stopped(signal.SIGTERM),
    OSError("the store did not answer"),
    OSError(errno.ENOSPC, "full"),
    EnvironmentFault("LS-5043", "no space for a checkpoint", "", ""),
    TrainingError("LS-6022", "too few task slots", "", ""),
]


def tried(error, kills):
    """The code, or the class of what is raised; and whether the settings were spared."""
    spared = []

    def train():
        raise error

    try:
        return attempt("trial 1", train, kills, lambda: spared.append(1)), bool(spared)
    except BaseException as raised:  # noqa: BLE001  # a stop is one
        assert raised is error
        return type(error), bool(spared)


def name(error):
    return getattr(error, "code", type(error).__name__)


def test_what_follows_from_settings_is_their_fault_at_once():
    assert tried(SICK, 0) == ("LS-6013", False)
    assert attempt("trial 1", list, 0, list) == ""


@pytest.mark.parametrize("error", SUSPECTS, ids=name)
def test_settings_are_to_blame_for_the_second_run_that_dies_of_them(error):
    assert tried(error, 0) == (type(error), False)
    assert tried(error, 1) == (error.code, False)


@pytest.mark.parametrize("error", OF_DRIVER, ids=name)
def test_a_driver_that_fails_twice_is_left_and_then_the_settings_are(error):
    assert tried(error, 0) == tried(error, 1) == (type(error), False)
    assert tried(error, 2) == ("LS-6042", False)


@pytest.mark.parametrize("error", INNOCENT, ids=name)
def test_a_stop_or_a_full_disk_is_nobodys_fault(error):
    assert tried(error, 0) == tried(error, 1) == (type(error), True)


def test_what_fails_because_of_a_stop_is_nobodys_fault():
    try:
        try:
            raise Stopped(signal.SIGTERM)
        finally:
            raise LeptonError("LS-7532", "Java is being stopped", "", "")
    except LeptonError as error:
        assert tried(error, 1) == (LeptonError, True)
