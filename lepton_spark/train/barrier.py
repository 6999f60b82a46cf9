"""A ring in a Spark barrier stage: each task supervises one training process."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lepton_spark.errors import EnvironmentFault, LeptonError, TrainingError, TryAgainError
from lepton_spark.train.backend import RankResult, Ring, Work
from lepton_spark.train.board import Board
from lepton_spark.train.judge import Limits, Verdict, error_of, judge

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
SCHEMA = "rank int, facts string, files map<string, binary>"
JUDGE_SECONDS = 0.1


class BarrierBackend:
    """Runs ranks in the task slots of a session, all at once or not at all."""

    def __init__(self, spark: SparkSession, ring: Ring = "horovod") -> None:
        self._spark = spark
        self._ring = ring

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
        host = str(self._spark.conf.get("spark.driver.host"))
        with Board(host) as board, _Bench(board, Limits(work.stall_seconds)) as bench:
            try:
                rows = self._run_stage(work, board, size)
            except LeptonError:
                raise
            except Exception as error:
                raise bench.error(work) or _broken_stage(error, work) from error
            bench.look()
        failure = bench.error(work)
        if failure:
            raise failure
        return _results(rows, size, work)

    def _run_stage(self, work: Work, board: Board, size: int) -> list[Any]:
        given = {"entry": work.entry, "payload": work.payload}
        task = barrier_task(given, asdict(board.address), self._ring)
        ranks = self._spark.range(0, size, 1, size)
        return ranks.mapInArrow(task, SCHEMA, barrier=True).collect()


def barrier_task(work: dict[str, Any], board: dict[str, Any], ring: Ring = "horovod") -> Any:
    """The function that each task of the stage runs; it refers to no session."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa  # noqa: PLC0415  # in the task
        from pyspark import BarrierTaskContext, SparkFiles  # noqa: PLC0415  # in the task only

        from lepton_spark.train.board import Address  # noqa: PLC0415  # in the task only
        from lepton_spark.train.supervise import RankJob, supervise  # noqa: PLC0415  # in the task only

        for _ in batches:
            pass
        context = BarrierTaskContext.get()
        hosts = [info.address.rpartition(":")[0] for info in context.getTaskInfos()]
        address = Address(**board)
        is_one_machine = set(hosts) == {address.host}
        job = RankJob(work, address, hosts, is_one_machine=is_one_machine, ring=ring)
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


def free_slots(spark: SparkSession) -> int | None:
    """Task slots of the session; none where the session does not tell."""
    try:
        context = spark.sparkContext._jsc.sc()  # Spark has no public way
        profile = context.resourceProfileManager().defaultResourceProfile()
        return int(context.maxNumConcurrentTasks(profile))
    except Exception:  # noqa: BLE001  # a remote session has no such objects
        return None


class _Bench:
    """Judges the ranks in a thread, while the driver waits for its stage."""

    def __init__(self, board: Board, limits: Limits) -> None:
        self._board = board
        self._limits = limits
        self._verdict: Verdict | None = None
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
        if self._verdict is None:
            self._verdict = judge(self._board.statuses(), self._limits)
            if self._verdict:
                logger.warning("stopping all ranks: %s", self._verdict.what)
                self._board.stop_all()

    def error(self, work: Work) -> LeptonError | None:
        """The error of the verdict, if there is one."""
        return error_of(self._verdict, work.resume) if self._verdict else None

    def _sit(self) -> None:
        while not self._is_over.wait(JUDGE_SECONDS):
            self.look()


def _results(rows: list[Any], size: int, work: Work) -> list[RankResult]:
    found = {row["rank"]: row for row in rows if row["facts"]}
    missing = sorted(set(range(size)) - set(found))
    if missing:
        raise TryAgainError(
            "LS-7522",
            f"the ranks {missing} gave no result",
            "Spark ran the stage again after it had lost an executor, and the ring was gone",
            work.resume,
            "no model was written; the checkpoint holds the last good epoch",
        )
    return [
        RankResult(rank, json.loads(found[rank]["facts"]), _files(found[rank]["files"]))
        for rank in range(size)
    ]


def _files(files: dict[str, Any]) -> dict[str, bytes]:
    return {name: bytes(content) for name, content in files.items()}


def _broken_stage(error: Exception, work: Work) -> LeptonError:
    if "ModuleNotFoundError" in str(error):
        return EnvironmentFault(
            "LS-5041",
            "the executors cannot import lepton_spark",
            "training processes run the same package as the driver",
            "install it on the cluster, or give spark-submit --py-files lepton_spark.zip",
        )
    return TryAgainError(
        "LS-7523",
        f"the barrier stage of the training processes broke ({type(error).__name__})",
        "Spark ended it: a task was killed, or an executor was lost",
        work.resume,
        "no model was written; the checkpoint holds the last good epoch",
    )
