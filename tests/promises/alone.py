"""Trains as a driver of its own: `python -m tests.promises.alone FOLDER RING [FAULT]`."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_spark.lake import session
from lepton_spark.train.barrier import BarrierBackend
from lepton_spark.train.network import fit_network
from tests.conftest import environment_at
from tests.promises.rings import RANKS, disturbed, job
from tests.train.rank_work import DRIVER

if TYPE_CHECKING:
    from lepton_spark.train.backend import Ring

FITTED = "fitted.pickle"


def main(folder: Path, ring: Ring, *fault: str) -> None:
    """Train to the end, or until what is asked for happens: `RANK:ACTION:PLACE`."""
    os.environ[DRIVER] = str(os.getpid())  # ranks have it too
    spark = session.start(environment_at(folder / "lake"), app_name="promises")
    made = job(folder)
    if fault:
        rank, action, place = fault[0].split(":")
        made = disturbed(made, int(rank), action, place)
    fitted = fit_network(BarrierBackend(spark, ring), made, RANKS)
    (folder / FITTED).write_bytes(pickle.dumps(fitted))
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])  # type: ignore[arg-type]  # one of RINGS
