"""Rows a second of two and four ranks against one, and against ranks that do not talk.

`make bench NAME=scaling SCALE=1`: 262,144 rows of 40 columns an epoch, a network of (256, 128)
units, batches of 1,024, 4,096 and 16,384 rows of a rank (weak scaling) or of all ranks (strong).
Each training is the real loop in a Spark barrier stage; epochs after the first count. One rank has
the cores that each of several has, or all of them where that is said. Ranks that share cores tell
only what talking costs, and not how training scales: the figure says so.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from benchmarks.flat_file import LABEL, pieces_of, untouched, written
from benchmarks.result import Check, compared, median, suffix, write
from lepton_spark.config.train import ModelSettings, TrainSettings
from lepton_spark.errors import LeptonError
from lepton_spark.models.weights import unpack
from lepton_spark.train.barrier import BarrierBackend
from lepton_spark.train.horovod_stock import StockBackend
from lepton_spark.train.network import FittedNetwork, NetworkJob, fit_network

if TYPE_CHECKING:
    from lepton_spark.dataset.shards import Piece
    from lepton_spark.train.backend import TrainingBackend

logger = logging.getLogger(__name__)
ROOT = Path(__file__).parents[1]
ROWS, EPOCHS, ROUNDS = 262_144, 3, 2
BATCHES, RANKS = (1024, 4096, 16_384), (2, 4)
DEALT = BATCHES[1:]  # to the ranks, in strong scaling
BY_VARIABLE = (2, 4096)
LIMITS = {1024: ">= 0.8", 4096: ">= 0.9", 16_384: ">= 0.97"}
OURS, PER_VARIABLE, ALONE = "ours", "per_variable", "alone"
CORES = len(os.sched_getaffinity(0))
_VALIDATED, _STALL_SECONDS = 4096, 60
# Rows, ranks and rows of a step: shards of which one has fewer rows, or none.
_UNEQUAL = ((3, 2, 1), (3, 4, 1), (10_007, 4, 1024))
_STEPS_COMPARED, _BATCH_COMPARED = 8, 4096


@dataclass(frozen=True)
class Side:
    """One way to train.

    Args:
        batch: Rows of a step of one rank.
        cores: Of one rank; 0 is an equal share of all.
    """

    name: str
    ranks: int
    batch: int
    cores: int = 0


@dataclass(frozen=True)
class ScalingJob(NetworkJob):
    """A training of a side."""

    cores: int = 0

    def payload(self, size: int) -> dict[str, Any]:
        """What a rank is told, its cores and where ranks without a ring meet besides."""
        meeting = Path(self.checkpoint).with_name("meeting")
        meeting.mkdir()
        return {**super().payload(size), "cores": self.cores, "meeting": str(meeting)}


def shared(ranks: int) -> int:
    """Cores of a rank."""
    return max(1, CORES // ranks)


def sides() -> list[Side]:
    """All ways, each once."""
    found = [Side(OURS, 1, batch, shared(1)) for batch in DEALT]
    for ranks in RANKS:
        found += [Side(OURS, 1, batch, shared(ranks)) for batch in BATCHES]
        found += [Side(name, ranks, batch) for batch in BATCHES for name in (OURS, ALONE)]
        found += [Side(OURS, ranks, batch // ranks) for batch in DEALT]
    return list(dict.fromkeys([*found, Side(PER_VARIABLE, *BY_VARIABLE)]))


def job_of(side: Side, pieces: Sequence[Piece], folder: Path, **train: Any) -> ScalingJob:
    """The training of a side; few rows are validated, as they are not what is measured."""
    settings = {
        "batch_size": side.batch, "epochs": EPOCHS, "patience": EPOCHS, "schedule": "constant",
        "weight_decay": 0.0, "stall_seconds": _STALL_SECONDS, **train,
    }  # fmt: skip
    return ScalingJob(
        model=ModelSettings(hidden=(256, 128), dropout=0.0),
        train=TrainSettings.model_validate(settings),
        transform=untouched(pieces[0].path),
        fitted=tuple(pieces),
        validated=(replace(pieces[0], rows=min(_VALIDATED, pieces[0].rows)),),
        label=LABEL,
        checkpoint=str(Path(tempfile.mkdtemp(dir=folder)) / "checkpoint"),
        entry=f"benchmarks.scaling_ranks:{side.name}",
        cores=side.cores,
    )


def fitted(backend: TrainingBackend, side: Side, job: ScalingJob) -> FittedNetwork:
    """What a side came to, told in a line."""
    started_at = time.monotonic()
    found = fit_network(backend, job, side.ranks)
    took = time.monotonic() - started_at
    logger.info("%s: %.1f s, epochs of %s s", side, took, [round(s, 2) for s in seconds_of(found)])
    return found


def seconds_of(found: FittedNetwork) -> list[float]:
    """Of each epoch after the first, which reads the file and compiles."""
    return [
        float(sum(entry[f"{phase}_seconds"] for phase in ("read", "hand_over", "step")))
        for entry in found.history[1:]
    ]


def measured(backend: TrainingBackend, path: Path, folder: Path) -> dict[Side, list[float]]:
    """Seconds of epochs of each side, whose rounds are in random order.

    Raises:
        RuntimeError: With a sum a variable the loss was another.
    """
    seconds: dict[Side, list[float]] = defaultdict(list)
    losses: dict[Side, float] = {}
    for number in range(ROUNDS):
        every = sides()
        for side in random.Random(number).sample(every, len(every)):
            found = fitted(backend, side, job_of(side, pieces_of(path), folder))
            seconds[side] += seconds_of(found)
            losses[side] = found.history[-1]["loss"]
    for side, loss in losses.items():
        if side.name == PER_VARIABLE and not np.isclose(
            loss, losses[replace(side, name=OURS)], rtol=1e-4
        ):
            raise RuntimeError(f"{side} learned otherwise")
    return seconds


def compared_with_stock(spark: SparkSession, path: Path, folder: Path) -> list[Check]:
    """The same training by horovod.spark.run, twice, interleaved.

    Raises:
        RuntimeError: The weights differ.
    """
    side, weights = Side(OURS, *BY_VARIABLE), set()
    took, epochs = defaultdict(list), defaultdict(list)
    backends = {"barrier": BarrierBackend(spark), "stock": StockBackend(spark)}
    for number in range(ROUNDS):
        for name in random.Random(number).sample(sorted(backends), 2):
            job = job_of(side, pieces_of(path), folder)
            started_at = time.monotonic()
            found = fitted(backends[name], side, job)
            took[name].append(time.monotonic() - started_at)
            epochs[name] += seconds_of(found)
            weights.add(found.weights_digest)
    if len(weights) != 1:
        raise RuntimeError("the launchers gave other weights")
    what = (
        f"scaling: horovod.spark.run against ours, {side.ranks} ranks of {side.batch:,} rows, {{}}"
    )
    return [
        compared(what.format(f"a training of {EPOCHS} epochs with its launch"), took["stock"],
                 took["barrier"]),
        compared(what.format("an epoch"), epochs["stock"], epochs["barrier"]),
    ]  # fmt: skip


def differences(backend: TrainingBackend, path: Path, folder: Path) -> list[Check]:
    """How far weights of several ranks are from those of one on the same global batches."""
    rows = min(_STEPS_COMPARED * _BATCH_COMPARED, pq.read_metadata(path).num_rows)
    table, found = pq.read_table(path).slice(0, rows), {}
    for ranks in (1, *RANKS):
        side = Side(OURS, ranks, _BATCH_COMPARED // ranks)
        # A rank reads rows that follow each other: its parts of all steps.
        order = np.arange(rows).reshape(-1, ranks, side.batch).transpose(1, 0, 2).ravel()
        dealt = folder / f"dealt-{ranks}.parquet"
        pq.write_table(table.take(order), dealt, write_page_checksum=True)
        job = replace(job_of(side, pieces_of(dealt), folder, epochs=1), is_shuffled=False)
        found[ranks] = unpack(fitted(backend, side, job).weights)
    return [
        Check(
            f"scaling: largest difference of a weight, {ranks} ranks against one, "
            f"{rows // _BATCH_COMPARED} steps of the same {_BATCH_COMPARED:,} rows",
            max(float(np.abs(found[1][name] - found[ranks][name]).max()) for name in found[1]),
            "",
            "<= 0.0001",
        )
        for ranks in RANKS
    ]  # fmt: skip


def failures(backend: TrainingBackend, path: Path, folder: Path) -> Check:
    """Trainings on shards that are not equal which hang, fail or lose a row."""
    failed = 0
    for rows, ranks, batch in _UNEQUAL:
        side, pieces = Side(OURS, ranks, batch), [replace(pieces_of(path)[0], rows=rows)]
        try:
            history = fitted(backend, side, job_of(side, pieces, folder)).history
            failed += any(entry["rows"] != rows for entry in history)
        except LeptonError as error:
            logger.warning("%s", error)
            failed += 1
    what = f"scaling: hung, failed or lost rows, {len(_UNEQUAL)} trainings on unequal shards"
    return Check(what, failed, "", "<= 0")


def noted(ranks: int) -> str:
    """That there are fewer cores than ranks, where it is so."""
    return f" ({ranks} ranks share {CORES} cores)" if ranks > CORES else ""


def checks_of(seconds: dict[Side, list[float]], rows: int) -> list[Check]:
    """The claims of all sides; a rate is as many times another as its seconds are fewer."""
    two, four_thousand = BY_VARIABLE
    mine = seconds[Side(OURS, two, four_thousand)]
    told = f"{two} ranks of {four_thousand:,} rows{noted(two)}"
    return [
        *(check for ranks in RANKS for check in _weak(seconds, ranks)),
        *(check for ranks in RANKS for check in _strong(seconds, ranks)),
        compared(f"scaling: a sum a variable against ours, {told}",
                 seconds[Side(PER_VARIABLE, two, four_thousand)], mine),
        Check(f"scaling: rows a second of {told}", rows / median(mine)),
    ]  # fmt: skip


def _weak(seconds: dict[Side, list[float]], ranks: int) -> list[Check]:
    """Each rank has as many rows of a step as one alone."""
    checks = []
    for batch in BATCHES:
        mine, told = seconds[Side(OURS, ranks, batch)], f"{batch:,} rows a rank{noted(ranks)}"
        checks += [
            compared(f"scaling: rate of {ranks} ranks against {ranks} that do not talk, {told}",
                     seconds[Side(ALONE, ranks, batch)], mine, LIMITS[batch]),
            compared(f"scaling: rate of {ranks} ranks against one on as few cores, {told}",
                     seconds[Side(OURS, 1, batch, shared(ranks))], mine,
                     ">= 1.6" if ranks == RANKS[0] else ""),
        ]  # fmt: skip
    return checks


def _strong(seconds: dict[Side, list[float]], ranks: int) -> list[Check]:
    """All ranks together have as many rows of a step as one alone."""
    checks = []
    for batch in DEALT:
        mine, told = seconds[Side(OURS, ranks, batch // ranks)], f"{batch:,} rows a step"
        for cores, one in (
            (shared(ranks), "one on as few cores"),
            (shared(1), "one process with all threads"),
        ):
            what = f"scaling: rate of {ranks} ranks against {one}, {told}{noted(ranks)}"
            checks.append(compared(what, seconds[Side(OURS, 1, batch, cores)], mine))
    return checks


def main() -> None:
    """Measure and write results/bench/scaling.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    rows = int(ROWS * parser.parse_args().scale)
    # Python workers of Spark import what their ranks do.
    os.environ |= {"PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable,
                   "SPARK_LOCAL_IP": "127.0.0.1", "TF_CPP_MIN_LOG_LEVEL": "3"}  # fmt: skip
    builder = SparkSession.builder.master(f"local[{RANKS[-1]}]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    with tempfile.TemporaryDirectory() as work:
        path, folder, backend = written(Path(work), rows), Path(work), BarrierBackend(spark)
        checks = [*differences(backend, path, folder), failures(backend, path, folder)]
        is_same = all(check.holds for check in checks)
        if is_same:  # else no time says anything
            checks += checks_of(measured(backend, path, folder), rows)
            checks += compared_with_stock(spark, path, folder)
    spark.stop()
    write(f"bench/scaling{suffix()}", checks)
    if not is_same:
        logger.error("the ranks did not learn the same, or one failed: nothing was timed")
        sys.exit(1)


if __name__ == "__main__":
    main()
