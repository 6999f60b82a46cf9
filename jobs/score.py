"""Predict the rows of a day with the champion and publish them.

spark-submit --py-files lepton_spark.zip jobs/score.py --case CASE --as-of YYYY-MM-DD
"""

from __future__ import annotations

import sys

from lepton_spark.job.run import run_job
from lepton_spark.score.stage import score

if __name__ == "__main__":
    sys.exit(run_job("score", [("score", score)], sys.argv[1:]))
