"""A ring in a Spark barrier stage: each task supervises one training process."""

from __future__ import annotations

import json
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lepton_spark.errors import EnvironmentFault, LeptonError, TrainingError, TryAgainError
from lepton_spark.lake.complaints import OTHER
from lepton_spark.lake.troubles import explain
from lepton_spark.train.backend import RankResult, Ring, Work
from lepton_spark.train.board import Board
from lepton_spark.train.judge import STATE, Limits, Verdict, error_of, judge
from lepton_spark.train.place import LOCALHOST
from lepton_spark.train.traffic import missing_safeguards

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
SCHEMA = "rank int, facts string, files map<string, binary>"
JUDGE_SECONDS = 0.1
# Supervisors end within a second of a verdict; those on a host that is gone never do, and a stage
# that Spark tries again waits for task slots that may never come.
ENDING_SECONDS = 10.0
WAITING_SECONDS = 60.0  # between two words on task slots that others have
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


class BarrierBackend:
    """Runs ranks in the task slots of a session, all at once or not at all.

    Args:
        spark: The session.
        ring: What sums over the ranks.
        is_isolated: The environment declares that only hosts of the cluster are on its network.
    """

    def __init__(
        self, spark: SparkSession, ring: Ring = "horovod", *, is_isolated: bool = False
    ) -> None:
        self._spark = spark
        self._ring = ring
        self._missing = missing_safeguards(spark, is_isolated=is_isolated)

    def run(self, work: Work, size: int) -> list[RankResult]:
        """Run to the end and leave no process behind."""
        slots = free_slots(self._spark)
        if slots is not None and slots < size:
            raise TrainingError(
                "LS-6022",
                f"{size} training processes were asked for, Spark has {slots} task slots",
                "all of them must run at the same time, one a slot",
                f"set train.workers to {slots} or less, or give Spark more cores",
            )
        tag = f"lepton-ranks-{uuid4()}"
        limits = Limits(work.stall_seconds)
        cancel = partial(self._spark.sparkContext.cancelJobsWithTag, tag)
        with board_for(self._spark, size) as board, _Bench(board, limits, cancel) as bench:
            try:
                with _tagged(self._spark, tag):
                    rows = self._run_stage(work, board, size)
            except LeptonError:
                raise
            except Exception as error:
                raise bench.error(work) or broken_stage(error, work) from error
            bench.look()
        failure = bench.error(work)
        if failure:
            raise failure
        return results_of(rows, size, work)

    def _run_stage(self, work: Work, board: Board, size: int) -> list[Any]:
        given = {"entry": work.entry, "payload": work.payload}
        task = barrier_task(given, asdict(board.address), self._ring, self._missing)
        ranks = self._spark.range(0, size, 1, size)
        return ranks.mapInArrow(task, SCHEMA, barrier=True).collect()


def barrier_task(
    work: dict[str, Any], board: dict[str, Any], ring: Ring, missing: Sequence[str]
) -> Any:
    """The function that each task of the stage runs; it refers to no session."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row: what the rank of this task came to."""
        import pyarrow as pa  # noqa: PLC0415  # in the task
        from pyspark import BarrierTaskContext, SparkFiles  # noqa: PLC0415  # in the task only

        from lepton_spark.train.board import Address  # noqa: PLC0415  # in the task only
        from lepton_spark.train.supervise import RankJob, supervise  # noqa: PLC0415  # in the task only

        for _ in batches:
            pass
        context = BarrierTaskContext.get()
        hosts = [info.address.rpartition(":")[0] for info in context.getTaskInfos()]
        job = RankJob(work, Address(**board), hosts, ring, missing)
        gpus = context.resources()["gpu"].addresses if "gpu" in context.resources() else []
        report = supervise(job, context.partitionId(), SparkFiles.getRootDirectory(), gpus)
        files = list((report.files or {}).items())
        yield pa.RecordBatch.from_arrays(
            [
                pa.array([report.rank], pa.int32()),
                pa.array([report.facts], pa.string()),
                pa.array([files], pa.map_(pa.string(), pa.binary())),
            ],
            names=["rank", "facts", "files"],
        )

    return run


def board_for(spark: SparkSession, size: int) -> Board:
    """Listens where no other machine reaches it, if all ranks are on this one.

    Raises:
        EnvironmentFault: This machine has no such address.
    """
    if str(spark.conf.get("spark.master", "")).startswith("local"):
        return Board(LOCALHOST, size)
    bind = spark.conf.get("spark.driver.bindAddress", "")
    return Board(str(spark.conf.get("spark.driver.host")), size, bind=str(bind))


def free_slots(spark: SparkSession) -> int | None:
    """Task slots of the session; none where the session does not tell."""
    try:
        context = spark.sparkContext._jsc.sc()  # Spark has no public way
        profile = context.resourceProfileManager().defaultResourceProfile()
        return int(context.maxNumConcurrentTasks(profile))
    except Exception:  # noqa: BLE001  # a remote session has no such objects
        return None


@contextmanager
def _tagged(spark: SparkSession, tag: str) -> Iterator[None]:
    """Mark what this thread runs in the block, so that another thread can cancel it."""
    # Not the session's own interruptTag: that one ends only what the thread that calls it began.
    spark.sparkContext.addJobTag(tag)
    try:
        yield
    finally:
        spark.sparkContext.removeJobTag(tag)


class _Bench:
    """Judges the ranks in a thread, while the driver waits for its stage.

    Args:
        board: What the ranks' supervisors write on.
        limits: Of silence.
        cancel: Ends the stage; called where it goes on after a verdict.
    """

    def __init__(self, board: Board, limits: Limits, cancel: Callable[[], object]) -> None:
        self._board = board
        self._limits = limits
        self._cancel = cancel
        self._verdict: Verdict | None = None
        self._looking = threading.Lock()
        self._ends_at = math.inf
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sit, name="bench", daemon=True)

    def __enter__(self) -> _Bench:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._board.stop_all()
        self._thread.join()

    def look(self) -> None:
        """Judge once; the first verdict stands."""
        with self._looking:
            if self._verdict is not None:
                return
            self._verdict = judge(self._board.statuses(), self._limits)
            if self._verdict:
                logger.warning("stopping all ranks: %s", self._verdict.what)
                self._board.stop_all()
                self._ends_at = time.monotonic() + ENDING_SECONDS

    def error(self, work: Work) -> LeptonError | None:
        """The error of the verdict, if there is one."""
        return error_of(self._verdict, work.resume) if self._verdict else None

    def _sit(self) -> None:
        told_at = time.monotonic()
        while not self._is_over.wait(JUDGE_SECONDS):
            self.look()
            if self._board.is_empty() and time.monotonic() - told_at > WAITING_SECONDS:
                told_at = time.monotonic()
                logger.warning("waiting for %d free task slots at once", self._board.size)
            if time.monotonic() > self._ends_at:
                self._end_stage()

    def _end_stage(self) -> None:
        logger.warning("cancelling the stage: it goes on %.0f s after that", ENDING_SECONDS)
        try:
            self._cancel()
        except Exception as error:  # noqa: BLE001  # tried again; who waits must not lose the bench
            logger.warning("the stage could not be cancelled (%s)", type(error).__name__)
        self._ends_at = time.monotonic() + ENDING_SECONDS


def results_of(rows: Sequence[Any], size: int, work: Work) -> list[RankResult]:
    """What the ranks brought, from the rows of the stage.

    Raises:
        TryAgainError: A rank is missing.
    """
    found = {row["rank"]: row for row in rows if row["facts"]}
    missing = sorted(set(range(size)) - set(found))
    if missing:
        raise TryAgainError(
            "LS-7522",
            f"the ranks {missing} gave no result",
            "Spark ran the stage again after it had lost an executor, and the ring was gone",
            work.resume,
            STATE,
        )
    return [
        RankResult(rank, json.loads(found[rank]["facts"]), _files(found[rank]["files"]))
        for rank in range(size)
    ]


def _files(files: dict[str, Any]) -> dict[str, bytes]:
    return {name: bytes(content) for name, content in files.items()}


def broken_stage(error: Exception, work: Work) -> LeptonError:
    """What to say of a stage that ended without a verdict on a rank."""
    if found := _NO_MODULE.search(str(error)):
        return EnvironmentFault(
            "LS-5041",
            f"the executors cannot import {found[1]}",
            "training processes run the same packages as the driver",
            "install it on each machine of the cluster; lepton_spark itself can be given to"
            " spark-submit by --py-files",
        )
    told = explain(error)
    if told.code != OTHER.code:
        return type(told)(told.code, told.what, told.why, told.fix, STATE)
    return TryAgainError(
        "LS-7523",
        f"the barrier stage of the training processes broke ({type(error).__name__})",
        "Spark ended it: a task was killed, or an executor was lost",
        work.resume,
        STATE,
    )
