"""One training process: this one. Needs neither Horovod nor Spark."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lepton_spark.errors import LeptonError, TrainingError
from lepton_spark.train.backend import RankResult, Work, call
from lepton_spark.train.judge import Verdict, error_of
from lepton_spark.train.rank import describe
from lepton_spark.train.worker import LocalWorker


class LocalBackend:
    """Runs the work here, on all cores."""

    def run(self, work: Work, size: int) -> list[RankResult]:
        """Run as the only rank.

        Raises:
            TrainingError: More than one rank was asked for, or the work failed.
            MemoryError: This process has none left.
            OSError: The file system failed; `job.ending` tells these two.
        """
        if size != 1:
            raise TrainingError(
                "LS-6021",
                f"{size} training processes were asked for, the local launcher has 1",
                "it trains in the process that calls it",
                "set train.workers to 1, or train.launcher to barrier",
            )
        with tempfile.TemporaryDirectory(prefix="lepton-rank-") as folder:
            try:
                outcome = call(work.entry, LocalWorker(Path(folder)), work.payload)
            except (LeptonError, MemoryError, OSError):
                raise
            except Exception as error:
                what = f"the training process failed: {type(error).__name__}"
                verdict = Verdict(0, what, describe(error), is_passing=False)
                raise error_of(verdict, work.resume) from error
        return [RankResult(0, outcome.facts, outcome.files)]
