"""What the ranks of tests do."""

from __future__ import annotations

import os
import resource
import signal
import tempfile
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import numpy as np

from lepton_spark.train.backend import Outcome

DRIVER = "LEPTON_DRIVER"  # variable with the number of the process that may be killed
SLOW_SECONDS = 1.0  # of a block
_BENT = 0.25  # a label that no row has


def add_ranks(worker, payload):
    total = worker.sum(np.array([float(worker.rank), 1.0]))
    files = {"echo.bin": payload["echo"].encode()} if worker.rank == 0 else {}
    return Outcome({"total": total.tolist(), "rank": worker.rank}, files)


def tell_devices(worker, _payload):
    names = ("CUDA_VISIBLE_DEVICES", "LEPTON_GPU")
    return Outcome({name: os.environ.get(name) for name in names} | {"size": worker.size})


def give_file(_worker, payload):
    return Outcome(files={"large": os.urandom(payload["bytes"])})


def tell_cores(_worker, _payload):
    import_module("lepton_spark.train.device").prepared_device()
    threads = [int(path.name) for path in Path("/proc/self/task").iterdir()]
    policies = {os.sched_getscheduler(thread) for thread in threads}
    cores = {core for thread in threads for core in os.sched_getaffinity(thread)}
    return Outcome(
        {"cores": sorted(cores), "own": os.sched_getscheduler(0), "others": sorted(policies)}
    )


def leave_temporary_file(_worker, _payload):
    descriptor, path = tempfile.mkstemp()
    os.close(descriptor)
    return Outcome({"left": path, "was_there": Path(path).exists()})


def _stop(_worker):
    os.kill(os.getpid(), signal.SIGSTOP)


def _stop_supervisor(_worker):
    """Stop the Python worker of Spark, which is the parent of this rank's own."""
    stat = Path(f"/proc/{os.getppid()}/stat").read_text()
    os.kill(int(stat.rpartition(")")[2].split()[1]), signal.SIGSTOP)


def _kill(_worker):
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_driver(_worker):
    """Kill who started all of this, and stand still: nobody is left to be told, or to tell."""
    os.kill(int(os.environ[DRIVER]), signal.SIGKILL)
    time.sleep(600)


def _leave(_worker):
    os._exit(137)


def _starve(_worker):
    """Give this rank no more memory than it has, and ask for some."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))
    np.ones(1 << 28)


def _fill(_worker):
    """Let this rank write no file of more than a kilobyte, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))


def _slow(worker):
    """Take a second more for each call, as on a machine that does other things too."""
    beat = worker.beat

    def late(where):
        time.sleep(1.0)
        beat(where)

    worker.beat = late


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


def _change_last_step(change):
    """Change rows of the last step of each later block of this rank."""

    def change_them(_worker):
        loop = import_module("lepton_spark.train.loop")
        load = loop.load

        def changed(block):
            change(block.rows, block.index[-1])
            return load(block)

        loop.load = changed

    return change_them


def _infinite(rows, places):
    rows.block.numbers[places[0], 0] = np.inf


def _overflow(rows, places):
    """No label alone is too large, the sum of their errors is; the slope of huber stays 1."""
    rows.labels[places] = 3e38


def _bend(rows, places):
    rows.labels[places[0]] = _BENT


DO = {
    "stop": _stop,
    "stop_supervisor": _stop_supervisor,
    "kill": _kill,
    "kill_driver": _kill_driver,
    "leave": _leave,
    "starve": _starve,
    "fill": _fill,
    "slow": _slow,
    "raise": _raise,
    "spoil": _spoil,
    "infinite": _change_last_step(_infinite),
    "overflow": _change_last_step(_overflow),
    "bend": _change_last_step(_bend),
}


def fail_and_fit(worker, payload):
    """Train, but at one place one rank does what a file beside the checkpoint says.

    A place is what a rank says of where it is, or the end of an epoch: `epoch 2, judged` before
    its state is kept, `epoch 2, kept` after.
    """
    fault = Path(payload["checkpoint"]).with_name("fault").read_text()
    rank, action, place = fault.split(":")
    table_network = import_module("lepton_spark.train.table_network")
    beat, finish = worker.beat, table_network.Loop._finish

    def fail_at(where):
        if int(rank) in (worker.rank, -1) and where == place:
            DO[action](worker)

    def beat_or_fail(where):
        beat(where)
        fail_at(where)

    def finish_or_fail(loop, epoch, *measured):
        fail_at(f"epoch {epoch}, judged")
        finish(loop, epoch, *measured)
        fail_at(f"epoch {epoch}, kept")

    worker.beat = beat_or_fail
    with patch.object(table_network.Loop, "_finish", finish_or_fail):
        return table_network.fit(worker, payload)


def bend_and_fit(worker, payload):
    """Train and fail, but the loss of a row that is bent, a number, has a slope that is none."""
    losses = import_module("lepton_spark.models.losses")
    tf, of_rows = losses.tf, losses.Loss.of_rows

    def bent(loss, labels, outputs):
        bend = tf.where(tf.equal(labels, _BENT), np.nan, 0.0)

        @tf.custom_gradient
        def as_it_is(found):
            return found, lambda slope: slope + bend

        return as_it_is(of_rows(loss, labels, outputs))

    losses.Loss.of_rows = bent
    return fail_and_fit(worker, payload)


def forget_and_fit(worker, payload):
    """Train, but go on from a state without what the optimizer had kept."""
    table_network = import_module("lepton_spark.train.table_network")
    load = table_network._Keeper.load

    def forgetful(keeper):
        state = load(keeper)
        for name, array in state.current.items():
            if name not in state.best:
                state.current[name] = np.zeros_like(array)
        return state

    table_network._Keeper.load = forgetful
    return table_network.fit(worker, payload)


def read_slowly_and_fit(worker, payload):
    """Train, but one rank waits long for each of its blocks."""
    phases = import_module("lepton_spark.train.phases").Phases
    reading = phases.reading

    def late(blocks):
        for block in blocks:
            time.sleep(SLOW_SECONDS)
            yield block

    if worker.rank == 1:
        phases.reading = lambda clock, blocks: reading(clock, late(blocks))
    return import_module("lepton_spark.train.table_network").fit(worker, payload)


def drift_and_fit(worker, payload):
    """Train, but one rank changes what was summed."""
    sum_tensors = worker.sum_tensors
    worker.sum_tensors = lambda tensors: [
        summed * (1 + 0.01 * worker.rank) for summed in sum_tensors(tensors)
    ]
    return import_module("lepton_spark.train.table_network").fit(worker, payload)


def drop_and_fit(worker, payload):
    """Train, but only as many whole steps as the smallest shard has."""
    table_network = import_module("lepton_spark.train.table_network")
    deal = table_network.deal

    def dropping(pieces, size, batch_size):
        dealt = deal(pieces, size, batch_size)
        steps = min(shard.rows for shard in dealt.shards) // batch_size
        return replace(dealt, steps=max(1, steps))

    table_network.deal = dropping
    return table_network.fit(worker, payload)


def fit_blindly(worker, payload):
    """Train and fail, but nobody looks whether a gradient is finite."""
    steps = import_module("lepton_spark.train.steps")
    steps.TrainingSteps._is_sound = lambda *_: steps.tf.constant(value=True)
    return fail_and_fit(worker, payload)
