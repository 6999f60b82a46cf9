"""Split features and labels into train, validate and test.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/prepare.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.dataset.stage import prepare
from lepton_spark.job.run import run_job

if __name__ == "__main__":
    sys.exit(run_job("prepare", [("dataset", prepare)], sys.argv[1:]))
