"""Compute the features of every day up to the logical date.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/build_features.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys
from functools import partial

from lepton_spark.features.stage import build
from lepton_spark.job.run import run_job

if __name__ == "__main__":
    sys.exit(run_job("build_features", [("features", partial(build, days="all"))], sys.argv[1:]))
