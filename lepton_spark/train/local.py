"""One training process: this one. Needs neither Horovod nor Spark."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lepton_spark.errors import TrainingError
from lepton_spark.train.backend import RankResult, Work, call
from lepton_spark.train.worker import LocalWorker


class LocalBackend:
    """Runs the work here, on all cores."""

    def run(self, work: Work, size: int) -> list[RankResult]:
        """Run as the only rank.

        Raises:
            TrainingError: More than one rank was asked for, or the work failed.
        """
        if size != 1:
            raise TrainingError(
                "LS-6021",
                f"{size} training processes were asked for, the local launcher has 1",
                "it trains in the process that calls it",
                "set train.workers to 1, or train.launcher to barrier",
            )
        with tempfile.TemporaryDirectory(prefix="lepton-rank-") as folder:
            outcome = call(work.entry, LocalWorker(Path(folder)), work.payload)
        return [RankResult(0, outcome.facts, outcome.files)]
