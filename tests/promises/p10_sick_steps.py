"""P10: a loss or gradient that is not finite, on any rank, stops all in that step."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lepton_spark.models.weights import unpack
from lepton_spark.train.checkpoint import read_history
from tests.promises.promise import Promise
from tests.promises.rings import RANKS, RINGS, disturbed, error_of, fit, job

if TYPE_CHECKING:
    from lepton_spark.train.backend import Ring
    from lepton_spark.train.network import NetworkJob
    from tests.promises.lab import Lab

_CODE = "LS-6013"


def trials(lab: Lab, number: int) -> list[str]:
    """A rank gets NaN from some step on; all stop there, and the state before is good."""
    random_ = random.Random(lab.seed)
    failures = []
    for trial in range(number):
        ring, rank = RINGS[trial % len(RINGS)], random_.randrange(RANKS)
        epoch = random_.choice((2, 3))
        place = f"epoch {epoch}, step {random_.choice((0, 2))}"
        failures += _tried(
            lab, disturbed(job(lab.place()), rank, "spoil", place), ring, (rank, epoch)
        )
    return failures


def _tried(lab: Lab, made: NetworkJob, ring: Ring, expected: tuple[int, int]) -> list[str]:
    rank, epoch = expected
    what = f"{ring}, rank {rank}, epoch {epoch}"
    error = error_of(lambda: fit(lab, made, ring))
    if error is None:
        return [f"{what}: it went on"]
    failures = []
    if error.code != _CODE or f"of epoch {epoch}, on rank {rank};" not in error.what:
        failures.append(f"{what}: {error.what}")
    if len(read_history(made.checkpoint)) != epoch - 1 or not _is_finite(made):
        failures.append(f"{what}: the state is not that before")
    return failures


def _is_finite(made: NetworkJob) -> bool:
    newest = max(Path(made.checkpoint).glob("epoch-*"))
    arrays = unpack(newest.read_bytes()).items()
    return all(np.isfinite(array).all() for name, array in arrays if name != "facts")


def control(lab: Lab) -> list[str]:
    """Nobody looks whether a gradient is finite."""
    made = disturbed(job(lab.place()), 1, "spoil", "epoch 2, step 0")
    blind = replace(made, entry="tests.train.rank_work:fit_blindly")
    return _tried(lab, blind, "horovod", (1, 2))


PROMISE = Promise(
    "P10",
    "a loss or gradient that is not finite stops all ranks in that step, and spoils no state",
    trials,
    short=1,
    full=10,
    control=control,
    is_long=True,
)
