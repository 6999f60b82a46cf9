"""Predict the rows of a day with the champion and publish them.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/score.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.job.run import run_job
from lepton_spark.score.stage import score

if __name__ == "__main__":
    sys.exit(run_job("score", [("score", score)], sys.argv[1:]))
