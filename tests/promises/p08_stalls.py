"""P8: a rank that dies, stops or fails ends the job in time, with its name and the place."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark import SparkFiles

from lepton_spark.train import judge
from tests.promises.promise import Promise, without
from tests.promises.rings import RINGS, STALL_SECONDS, disturbed, error_of, fit, job

if TYPE_CHECKING:
    from lepton_spark.errors import LeptonError
    from tests.promises.lab import Lab

_LATE_SECONDS = STALL_SECONDS + 15
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

    One that is slow, but for less than a stall at a time, ends nothing.
    """
    failures = []
    for ring, rank, action, place, told in _CASES[-number:]:
        what = f"{ring}: {action} of rank {rank} at {place}"
        error, seconds = _disturb(lab, ring, rank, action, place)
        if (error is None) == bool(told) or (error is not None and told not in error.what):
            failures.append(f"{what}: {error.what if error else 'it ended well'}")
        if seconds > _LATE_SECONDS:
            failures.append(f"{what}: it took {seconds:.0f} s")
        if left := rank_processes():
            failures.append(f"{what}: {len(left)} processes are left")
    return failures


def _disturb(
    lab: Lab, ring: str, rank: int, action: str, place: str
) -> tuple[LeptonError | None, float]:
    """The error, and the seconds from when the last epoch before the place had ended."""
    made = disturbed(job(lab.place()), rank, action, place)
    checkpoint = Path(made.checkpoint)
    told: list[LeptonError | None] = []
    run = threading.Thread(target=lambda: told.append(error_of(lambda: fit(lab, made, ring))))
    run.start()
    while run.is_alive() and not list(checkpoint.glob("epoch-00001-*")):
        time.sleep(0.1)
    begun = time.monotonic()
    run.join(4 * _LATE_SECONDS)
    seconds = time.monotonic() - begun
    for process in rank_processes() if run.is_alive() else ():
        os.kill(process, signal.SIGKILL)
    run.join()
    return told[0], seconds


def rank_processes() -> list[int]:
    """Training processes of this session, which lie in a folder of its own."""
    folder, found = Path(SparkFiles.getRootDirectory()), []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if folder in path.readlink().parents:
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def control(lab: Lab) -> list[str]:
    """Nobody looks at how long a rank has said nothing."""
    with without(
        (judge, "_silent", lambda *_: None),
        (judge, "_quiet", lambda *_: None),
    ):
        _, seconds = _disturb(lab, "horovod", 1, "stop", "epoch 2, step 2")
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
