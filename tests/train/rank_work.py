"""What the ranks of tests do."""

from __future__ import annotations

import numpy as np

from lepton_spark.train.backend import Outcome


def add_ranks(worker, payload):
    total = worker.sum(np.array([float(worker.rank), 1.0]))
    files = {"echo.bin": payload["echo"].encode()} if worker.rank == 0 else {}
    return Outcome({"total": total.tolist(), "rank": worker.rank}, files)
