"""Check and clean bronze into silver.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/refine.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.job.run import run_job
from lepton_spark.silver.stage import refine

if __name__ == "__main__":
    sys.exit(run_job("refine", [("refine", refine)], sys.argv[1:]))
