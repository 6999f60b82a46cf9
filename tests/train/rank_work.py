"""What the ranks of tests do."""

from __future__ import annotations

import os
import signal
import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np

from lepton_spark.train.backend import Outcome


def add_ranks(worker, payload):
    total = worker.sum(np.array([float(worker.rank), 1.0]))
    files = {"echo.bin": payload["echo"].encode()} if worker.rank == 0 else {}
    return Outcome({"total": total.tolist(), "rank": worker.rank}, files)


def leave_temporary_file(_worker, _payload):
    descriptor, path = tempfile.mkstemp()
    os.close(descriptor)
    return Outcome({"left": path, "was_there": Path(path).exists()})


def _stop(_worker):
    os.kill(os.getpid(), signal.SIGSTOP)


def _kill(_worker):
    os.kill(os.getpid(), signal.SIGKILL)


def _leave(_worker):
    os._exit(137)


def _raise(_worker):
    raise KeyError("a cell value that nobody may see")


def _spoil(_worker):
    """Make every later loss of this rank NaN."""
    loop = import_module("lepton_spark.train.loop")
    load = loop.load

    def spoiled(block):
        block.rows.block.numbers[:] = np.nan
        return load(block)

    loop.load = spoiled


DO = {"stop": _stop, "kill": _kill, "leave": _leave, "raise": _raise, "spoil": _spoil}


def fail_and_fit(worker, payload):
    """Train, but at one place one rank does what a file beside the checkpoint says."""
    fault = Path(payload["checkpoint"]).with_name("fault").read_text()
    rank, action, place = fault.split(":")
    beat = worker.beat

    def beat_or_fail(where):
        beat(where)
        if int(rank) == worker.rank and where == place:
            DO[action](worker)

    worker.beat = beat_or_fail
    return import_module("lepton_spark.train.table_network").fit(worker, payload)
