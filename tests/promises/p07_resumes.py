"""P7: training that is killed anywhere goes on and ends with the weights of an undisturbed run.

One rank is killed, or all, or the driver: with the local launcher it trains itself.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_spark.train.phases import repeatable
from tests.promises.alone import WEIGHTS
from tests.promises.promise import Promise
from tests.promises.rings import RANKS, RINGS, disturbed, error_of, fit, job, places

if TYPE_CHECKING:
    from lepton_spark.train.network import FittedNetwork, NetworkJob
    from tests.promises.lab import Lab

_EXIT = 75
_DRIVERS = 4  # one trial of so many kills the driver


def trials(lab: Lab, number: int) -> list[str]:
    """Something is killed at a random place, then the job is given again."""
    random_ = random.Random(lab.seed)
    of_drivers = number // _DRIVERS
    failures = _killed_drivers(lab, of_drivers, random_) if of_drivers else []
    return failures + _killed_ranks(lab, number - of_drivers, random_)


def _killed_ranks(lab: Lab, number: int, random_: random.Random) -> list[str]:
    wanted = {ring: fit(lab, job(lab.place()), ring) for ring in RINGS[:number]}
    failures = []
    for trial in range(number):
        ring = RINGS[trial % len(wanted)]
        rank, place = random_.choice((*range(RANKS), -1)), random_.choice(places())
        told = f"{ring}, rank {rank} at {place}"
        made = job(lab.place())
        killed = error_of(lambda: fit(lab, disturbed(made, rank, "kill", place), ring))  # noqa: B023  # called at once
        if killed is None or killed.exit_code != _EXIT:
            failures.append(f"{told}: {killed.code if killed else 'it was not killed'}")
        elif not _is_same(fit(lab, made, ring), wanted[ring]):
            failures.append(f"{told}: other weights or another history")
    return failures


def _killed_drivers(lab: Lab, number: int, random_: random.Random) -> list[str]:
    wanted = lab.place()
    _fit_alone(wanted)
    failures = []
    for _ in range(number):
        place, folder = random_.choice(places()), lab.place()
        if _fit_alone(folder, f"0:kill:{place}") != -signal.SIGKILL or _fit_alone(folder) != 0:
            failures.append(f"driver at {place}: it was not killed, or did not go on")
        elif (folder / WEIGHTS).read_bytes() != (wanted / WEIGHTS).read_bytes():
            failures.append(f"driver at {place}: other weights")
    return failures


def _fit_alone(folder: Path, *fault: str) -> int:
    """The exit code of a process that trains by itself."""
    command = [sys.executable, "-m", "tests.promises.alone", str(folder), *fault]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    return done.returncode


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
