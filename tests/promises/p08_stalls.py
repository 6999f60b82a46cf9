"""P8: a rank that dies, stops or fails ends the job in time, with its name and the place."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from pyspark import SparkFiles

from lepton_spark.train import judge
from tests.promises.promise import Promise, without
from tests.promises.rings import EPOCHS, RINGS, STALL_SECONDS, disturbed, error_of, fit, job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lepton_spark.errors import LeptonError
    from lepton_spark.train.backend import Ring
    from lepton_spark.train.network import NetworkJob
    from tests.promises.lab import Lab

_LATE_SECONDS = STALL_SECONDS + 15
_WORKER = "pyspark.daemon"  # in the command of a Python worker of Spark
# What a rank does, where, and what the error says of it; empty where it is to end well.
_CASES = tuple(
    (ring, rank, action, place, told)
    for ring in RINGS
    for rank, action, place, told in (
        (1, "kill", "epoch 2, step 0", "rank 1 was killed by SIGKILL at epoch 2"),
        (0, "kill", "epoch 2, validation", "rank 0 was killed by SIGKILL at epoch 2"),
        (1, "stop", "epoch 2, step 2", "rank 1 was stopped by a signal"),
        (0, "stop", "epoch 2, validation", "rank 0 was stopped by a signal"),
        (1, "leave", "epoch 3, step 0", "rank 1 ended with exit code 137 at epoch 3"),
        (1, "slow", "epoch 2, step 0", ""),
        (0, "fill", "epoch 2, step 0", "after 1 epochs and 2 steps could not be written"),
        (0, "raise", "epoch 2, step 4", "rank 0 failed at epoch 2, step 4: KeyError"),
    )
)


def trials(lab: Lab, number: int) -> list[str]:
    """A rank is killed, stopped, leaves or fails; the job has to end, and no process to be left.

    One that is slow, but for less than a stall at a time, ends nothing. What could not write its
    state goes on where there is room.
    """
    failures = []
    for ring, rank, action, place, told in _CASES[-number:]:
        what = f"{ring}: {action} of rank {rank} at {place}"
        made, before = job(lab.place()), _processes()
        error, seconds = _run(lab, disturbed(made, rank, action, place), ring)
        if (error is None) == bool(told) or (error is not None and told not in error.what):
            failures.append(f"{what}: {error.what if error else 'it ended well'}")
        if error is not None and seconds > _LATE_SECONDS:
            failures.append(f"{what}: it took {seconds:.0f} s")
        if left := _left(before, has_failed=error is not None):
            failures.append(f"{what}: {left} are left")
        if action == "fill" and len(fit(lab, made, ring).history) != EPOCHS:
            failures.append(f"{what}: it did not go on to the end")
    return failures


def _run(lab: Lab, made: NetworkJob, ring: Ring) -> tuple[LeptonError | None, float]:
    """The error, and the seconds from when the last epoch before the place had ended."""
    checkpoint = Path(made.checkpoint)
    told: list[LeptonError | None] = []
    run = threading.Thread(target=lambda: told.append(error_of(lambda: fit(lab, made, ring))))
    run.start()
    while run.is_alive() and not list(checkpoint.glob("epoch-00001-*")):
        time.sleep(0.1)
    begun = time.monotonic()
    run.join(4 * _LATE_SECONDS)
    seconds = time.monotonic() - begun
    for process in _processes() if run.is_alive() else ():
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    run.join()
    return told[0], seconds


def _processes() -> dict[int, str]:
    """Fork servers and ranks of this session, whose logs lie in its folder: command of the parent.

    A server keeps the log of its first rank.
    """
    folder, found = Path(SparkFiles.getRootDirectory()), {}
    for path in Path("/proc").glob("[0-9]*/fd/2"):
        # Of another user, or gone meanwhile.
        with suppress(OSError, psutil.Error):
            if folder in path.readlink().parents:
                process = psutil.Process(int(path.parts[2]))
                found[process.pid] = " ".join(psutil.Process(process.ppid()).cmdline())
    return found


def _left(before: Mapping[int, str], *, has_failed: bool) -> dict[int, str]:
    """Processes of a job that is over; not servers that wait for the next one of their worker.

    Of a job that has failed no server is kept.
    """
    return {
        process: parent
        for process, parent in _processes().items()
        if _WORKER not in parent or (has_failed and process not in before)
    }


def control(lab: Lab) -> list[str]:
    """Nobody looks at how long a rank has said nothing."""
    with without(
        (judge, "_silent", lambda *_: None),
        (judge, "_quiet", lambda *_: None),
    ):
        made = disturbed(job(lab.place()), 1, "stop", "epoch 2, step 2")
        _, seconds = _run(lab, made, "horovod")
    return [f"it took {seconds:.0f} s"] if seconds > _LATE_SECONDS else []


PROMISE = Promise(
    "P8",
    "a dead, stopped or failing rank ends the job in time, named, and leaves no process",
    trials,
    short=1,
    full=len(_CASES),
    control=control,
    is_long=True,
)
