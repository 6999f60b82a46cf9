"""P10: a loss or gradient that is not finite, on any rank, stops all in that step."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import cycle, islice, product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lepton_spark.config.loss import LossSettings
from lepton_spark.config.task import Task
from lepton_spark.models.output import Output
from lepton_spark.models.weights import unpack
from lepton_spark.train.checkpoint import read_history
from tests.promises.promise import Promise
from tests.promises.rings import RANKS, RINGS, disturbed, error_of, fit, job

if TYPE_CHECKING:
    from lepton_spark.train.backend import Ring
    from lepton_spark.train.network import NetworkJob
    from tests.promises.lab import Lab

_CODE = "LS-6013"
_BLOCK_STEPS = 2
# What a rank gets, and in which step of each later block: a gradient that is NaN where the loss is
# a number, a loss that overflows where no gradient does, an input of +Inf, inputs of NaN.
_FAULTS = {"bend": 1, "overflow": 1, "infinite": 1, "spoil": 0}


class _Place(NamedTuple):
    """Where a step is sick."""

    rank: int
    epoch: int
    step: int


def trials(lab: Lab, number: int) -> list[str]:
    """A rank gets something sick from some step on; all stop there, the state before is good."""
    random_ = random.Random(lab.seed)
    failures = []
    for fault, ring in islice(cycle(product(_FAULTS, RINGS)), number):
        rank, epoch = random_.randrange(RANKS), random_.choice((2, 3))
        block = random_.choice((0, 2, 4))
        # In the block before, whose rows are there already.
        before = f"epoch {epoch}, step {block - 2}" if block else f"epoch {epoch - 1}, kept"
        made = _made(lab, fault, rank, before)
        place = _Place(rank, epoch, block + _FAULTS[fault])
        failures += [f"{fault}, {ring}, {told}" for told in _tried(lab, made, ring, place)]
    return failures


def _made(lab: Lab, fault: str, rank: int, place: str) -> NetworkJob:
    if fault == "overflow":
        made = job(lab.place(), loss=LossSettings(kind="huber"))
        amounts = Output(Task("amount", ("expected",)))
        return disturbed(replace(made, output=amounts), rank, fault, place)
    made = disturbed(job(lab.place()), rank, fault, place)
    return replace(made, entry="tests.train.rank_work:bend_and_fit") if fault == "bend" else made


def _tried(lab: Lab, made: NetworkJob, ring: Ring, place: _Place) -> list[str]:
    rank, epoch, step = place
    error = error_of(lambda: fit(lab, made, ring))
    if error is None:
        return [f"{place}: it went on"]
    failures = []
    told = f"at step {step} of epoch {epoch}, on rank {rank};"
    if error.code != _CODE or told not in error.what:
        failures.append(f"{place}: {error.what}")
    newest = max(Path(made.checkpoint).glob("epoch-*"))
    before = f"epoch-{epoch - 1:05d}-{step - step % _BLOCK_STEPS:08d}.npz"
    is_before = newest.name == before and len(read_history(made.checkpoint)) == epoch - 1
    if not is_before or not _is_finite(newest):
        failures.append(f"{place}: the state is not that before")
    return failures


def _is_finite(state: Path) -> bool:
    arrays = unpack(state.read_bytes()).items()
    return all(np.isfinite(array).all() for name, array in arrays if name != "facts")


def control(lab: Lab) -> list[str]:
    """Nobody looks whether a gradient is finite."""
    made = disturbed(job(lab.place()), 1, "spoil", "epoch 2, step 0")
    blind = replace(made, entry="tests.train.rank_work:fit_blindly")
    return _tried(lab, blind, "horovod", _Place(1, 2, 2))


PROMISE = Promise(
    "P10",
    "a loss or gradient that is not finite stops all ranks in that step, and spoils no state",
    trials,
    short=1,
    full=10,
    control=control,
    is_long=True,
)
