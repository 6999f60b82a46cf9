"""Trains in this process: `python -m tests.promises.alone FOLDER [FAULT]`."""

from __future__ import annotations

import sys
from pathlib import Path

from lepton_spark.train.local import LocalBackend
from lepton_spark.train.network import fit_network
from tests.promises.rings import disturbed, job

WEIGHTS = "weights.npz"


def main(folder: Path, *fault: str) -> None:
    """Train to the end, or until what is asked for happens: `RANK:ACTION:PLACE`."""
    made = job(folder)
    if fault:
        rank, action, place = fault[0].split(":")
        made = disturbed(made, int(rank), action, place)
    (folder / WEIGHTS).write_bytes(fit_network(LocalBackend(), made, 1).weights)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
