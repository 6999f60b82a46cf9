"""Read new raw files into bronze, each exactly once.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/land.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.bronze.stage import land
from lepton_spark.job.run import run_job

if __name__ == "__main__":
    sys.exit(run_job("land", [("land", land)], sys.argv[1:]))
