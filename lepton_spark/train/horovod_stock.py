"""Horovod's own launcher, for comparison and for clusters that forbid barrier stages.

It supervises nothing: a rank that is killed breaks the ring, a rank that hangs is ended by
Horovod's own stall check, which knows neither which rank it was nor where. Its services listen on
all interfaces and take only what is signed with a key of the run; the store by which its ranks find
each other knows no key.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_spark.errors import TryAgainError
from lepton_spark.train.backend import RankResult, Work, call
from lepton_spark.train.judge import STATE, Verdict, error_of
from lepton_spark.train.place import LOOPBACK
from lepton_spark.train.rank import describe
from lepton_spark.train.traffic import missing_safeguards, refusal
from lepton_spark.train.worker import HorovodWorker

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class StockBackend:
    """Runs ranks with horovod.spark.run."""

    def __init__(self, spark: SparkSession, *, is_isolated: bool = False) -> None:
        self._spark = spark
        self._missing = missing_safeguards(spark, is_isolated=is_isolated)

    def run(self, work: Work, size: int) -> list[RankResult]:
        """Run to the end; see `TrainingBackend`."""
        import horovod.spark  # noqa: PLC0415  # an extra

        is_local = str(self._spark.conf.get("spark.master", "")).startswith("local")
        try:
            answers = horovod.spark.run(
                run_rank,
                args=(work.entry, dict(work.payload), self._missing),
                num_proc=size,
                use_gloo=True,
                env=_environment(work),
                nics={LOOPBACK} if is_local else None,
                verbose=0,
            )
        except Exception as error:
            raise TryAgainError(
                "LS-7524",
                f"horovod.spark.run failed ({type(error).__name__})",
                "a rank was killed, hung, or could not be started; this launcher tells no more",
                f"set train.launcher to barrier to see which, or {work.resume}",
                STATE,
            ) from error
        return _results(answers, work)


def run_rank(entry: str, payload: Mapping[str, Any], missing: Sequence[str]) -> dict[str, Any]:
    """What each process of the launcher does; an error comes back as data, not as an exception."""
    is_one_host = os.environ["HOROVOD_LOCAL_SIZE"] == os.environ["HOROVOD_SIZE"]
    if refused := refusal(missing, is_one_host=is_one_host):
        return {"error": describe(refused)}
    with tempfile.TemporaryDirectory(prefix="rank-") as folder:
        try:
            worker = HorovodWorker(Path(folder), lambda _place: None)
            outcome = call(entry, worker, payload)
            worker.close()
        except Exception as error:  # noqa: BLE001  # whatever it is, the driver must know
            return {"error": describe(error)}
    return {"facts": dict(outcome.facts), "files": dict(outcome.files)}


def _environment(work: Work) -> dict[str, str]:
    return {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "HOROVOD_STALL_CHECK_TIME_SECONDS": str(int(max(work.stall_seconds / 2, 1))),
        "HOROVOD_STALL_SHUTDOWN_TIME_SECONDS": str(int(max(work.stall_seconds, 2))),
    }


def _results(answers: Sequence[Mapping[str, Any]], work: Work) -> list[RankResult]:
    errors = {rank: answer["error"] for rank, answer in enumerate(answers) if "error" in answer}
    if errors:
        rank = min(errors, key=lambda r: (errors[r]["kind"] == "lost", r))
        is_lost = errors[rank]["kind"] == "lost"
        what = f"rank {rank} failed: {errors[rank]['type']}"
        raise error_of(Verdict(rank, what, errors[rank], is_passing=is_lost), work.resume)
    return [
        RankResult(rank, answer["facts"], answer["files"]) for rank, answer in enumerate(answers)
    ]
