"""P7: training that is killed anywhere goes on and ends with the weights of an undisturbed run.

One rank is killed, or all, or the driver of a barrier stage; within an epoch, and about its end.
"""

from __future__ import annotations

import pickle
import random
import signal
import sys
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING

from lepton_spark.train.phases import repeatable
from tests.promises.alone import FITTED
from tests.promises.marked import running
from tests.promises.promise import Promise
from tests.promises.rings import BOUNDARIES, RANKS, RINGS, WITHIN, disturbed, error_of, fit, job

if TYPE_CHECKING:
    from pathlib import Path

    from lepton_spark.train.backend import Ring
    from lepton_spark.train.network import FittedNetwork, NetworkJob
    from tests.promises.lab import Lab

_EXIT = 75
_DRIVERS = 4  # one trial of so many kills the driver
_MOST_SECONDS = 600.0
_GONE_SECONDS = 60.0  # in which Java, workers, fork servers and ranks follow their driver


def trials(lab: Lab, number: int) -> list[str]:
    """Something is killed at a random place, then the job is given again.

    Each place comes once before one comes again: two trials about the end of an epoch, two within.
    """
    random_ = random.Random(lab.seed)
    dealt = [cycle(random_.sample(places, len(places))) for places in (BOUNDARIES, WITHIN)]
    wanted = {ring: fit(lab, job(lab.place()), ring) for ring in RINGS[:number]}
    failures = []
    for trial in range(number):
        is_driver = trial < number // _DRIVERS
        ring, place = RINGS[trial % len(RINGS)], next(dealt[trial // 2 % 2])
        rank = random_.choice(range(RANKS) if is_driver else (*range(RANKS), -1))
        kill = _kill_driver if is_driver else _kill_rank
        told = f"{ring}, {'driver' if is_driver else 'killed'} when rank {rank} was at {place}"
        found = kill(lab, ring, rank, place)
        if isinstance(found, str):
            failures.append(f"{told}: {found}")
        elif not _is_same(found, wanted[ring]):
            failures.append(f"{told}: other weights or another history")
    return failures


def _kill_rank(lab: Lab, ring: Ring, rank: int, place: str) -> FittedNetwork | str:
    """What the job that was given again came to; words where it was not killed."""
    made = job(lab.place())
    killed = error_of(lambda: fit(lab, disturbed(made, rank, "kill", place), ring))
    if killed is None or killed.exit_code != _EXIT:
        return killed.code if killed else "it was not killed"
    return fit(lab, made, ring)


def _kill_driver(lab: Lab, ring: Ring, rank: int, place: str) -> FittedNetwork | str:
    """As `_kill_rank`; each driver is a process with a JVM of its own, and takes all with it."""
    folder = lab.place()
    wrong = _drive(folder, ring, -signal.SIGKILL, f"{rank}:kill_driver:{place}")
    wrong = wrong or _drive(folder, ring, 0)
    if wrong:
        return wrong
    fitted: FittedNetwork = pickle.loads((folder / FITTED).read_bytes())
    return fitted


def _drive(folder: Path, ring: Ring, expected: int, *fault: str) -> str:
    """What is wrong with how a driver ended and with what it left; empty where nothing is."""
    command = [sys.executable, "-m", "tests.promises.alone", folder, ring, *fault]
    with running(command, folder / "said") as run:
        code = run.process.wait(_MOST_SECONDS)
        if code != expected:
            return f"exit code {code}, {run.last_words}"
        return "" if run.gone_after(_GONE_SECONDS) is not None else f"{run.alive()} are left"


def _is_same(one: FittedNetwork, other: FittedNetwork) -> bool:
    histories = [[repeatable(epoch) for epoch in run.history] for run in (one, other)]
    return one.weights == other.weights and histories[0] == histories[1]


def control(lab: Lab) -> list[str]:
    """A state comes back without what the optimizer had kept of each weight."""
    wanted = fit(lab, job(lab.place()), "horovod")
    made = job(lab.place())
    error_of(lambda: fit(lab, disturbed(made, 1, "kill", "epoch 2, step 4"), "horovod"))
    forgetful: NetworkJob = replace(made, entry="tests.train.rank_work:forget_and_fit")
    found = fit(lab, forgetful, "horovod")
    return [] if _is_same(found, wanted) else ["other weights after a state without moments"]


PROMISE = Promise(
    "P7",
    "training killed anywhere goes on to the same weights, to the bit",
    trials,
    short=1,
    full=20,
    control=control,
    is_long=True,
)
