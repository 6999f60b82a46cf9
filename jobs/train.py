"""Train the network on its workers, and the baselines beside it.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/train.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.job.run import run_job
from lepton_spark.train.stage import train

if __name__ == "__main__":
    sys.exit(run_job("train", [("train", train)], sys.argv[1:]))
