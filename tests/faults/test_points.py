"""The fault points themselves: inert unless a test arms them."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lepton_spark import faults
from lepton_spark.errors import EnvironmentFault, UsageError


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(faults, "_reached", type(faults._reached)())
    monkeypatch.setenv("LEPTON_ALLOW_FAULTS", "1")
    return monkeypatch


def test_nothing_happens_where_nothing_is_set(fresh):
    fresh.delenv("LEPTON_FAULT", raising=False)

    for point in faults.POINTS:
        faults.reach(point)


def test_production_settings_refuse_a_fault(fresh):
    fresh.delenv("LEPTON_ALLOW_FAULTS")
    fresh.setenv("LEPTON_FAULT", "before_commit:hang")

    with pytest.raises(EnvironmentFault, match="LEPTON_FAULT is set"):
        faults.reach("after_commit")


@pytest.mark.parametrize("text", ["before_comit:kill", "before_commit:explode", "nonsense"])
def test_a_fault_that_cannot_be_read_is_refused(fresh, text):
    fresh.setenv("LEPTON_FAULT", text)

    with pytest.raises(UsageError):
        faults.reach("before_commit")


def test_a_fault_acts_at_the_time_that_it_names_and_at_no_other(fresh):
    fresh.setenv("LEPTON_FAULT", "after_audit:raise(OSError:ENOSPC)@2")

    faults.reach("after_audit")
    faults.reach("before_audit")
    with pytest.raises(OSError, match="No space") as raised:
        faults.reach("after_audit")
    faults.reach("after_audit")

    assert raised.value.errno == errno.ENOSPC


def test_a_hang_lasts_as_long_as_it_says(fresh):
    fresh.setenv("LEPTON_FAULT", "before_lock:hang(0.2);before_commit:kill")
    started = time.monotonic()

    faults.reach("before_lock")

    assert 0.2 <= time.monotonic() - started < 5


def test_a_kill_cannot_be_caught(fresh):
    fresh.setenv("LEPTON_FAULT", "before_commit:kill")
    program = (
        "from lepton_spark import faults\n"
        "try: faults.reach('before_commit')\n"
        "finally: print('survived')"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        cwd=Path(faults.__file__).parents[1],
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"")
