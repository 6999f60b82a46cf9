"""Training jobs on a small table, in rings that the trials disturb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_spark.errors import LeptonError
from lepton_spark.train.barrier import BarrierBackend
from lepton_spark.train.network import fit_network
from tests.train.planted import job_on, rows_of

if TYPE_CHECKING:
    from lepton_spark.train.backend import Ring
    from lepton_spark.train.network import FittedNetwork, NetworkJob
    from tests.promises.lab import Lab

RANKS = 2
EPOCHS = 3
STALL_SECONDS = 10.0
RINGS: tuple[Ring, ...] = ("horovod", "tensorflow")
# Where a rank of such a job is: in an epoch, as it says itself, the start left out; and about the
# end of one, after its last step, before its state is kept and after.
WITHIN = tuple(
    f"epoch {epoch}, step {step}"
    for epoch in range(1, EPOCHS + 1)
    for step in (0, 2, 4)
    if (epoch, step) != (1, 0)
)
BOUNDARIES = tuple(
    f"epoch {epoch}, {place}"
    for epoch in range(1, EPOCHS + 1)
    for place in ("validation", "judged", "kept")
    if (epoch, place) != (1, "validation")
)
_ROWS = 2_000
_BLOCK_ROWS = 256


def job(folder: Path, **train: Any) -> NetworkJob:
    """A job on the same rows each time; a state is kept each block."""
    settings = {"epochs": EPOCHS, "stall_seconds": STALL_SECONDS, "checkpoint_minutes": 0, **train}
    made = job_on(rows_of(_ROWS), folder, **settings)
    return replace(made, most_block_rows=_BLOCK_ROWS)


def disturbed(made: NetworkJob, rank: int, action: str, place: str) -> NetworkJob:
    """The same job, in which a rank does something at a place."""
    Path(made.checkpoint).with_name("fault").write_text(f"{rank}:{action}:{place}")
    return replace(made, entry="tests.train.rank_work:fail_and_fit")


def fit(lab: Lab, made: NetworkJob, ring: Ring, size: int = RANKS) -> FittedNetwork:
    """Train to the end."""
    return fit_network(BarrierBackend(lab.spark, ring), made, size)


def error_of(run: Callable[[], object]) -> LeptonError | None:
    """What a run is refused with; None where it comes to an end."""
    try:
        run()
    except LeptonError as error:
        return error
    return None
