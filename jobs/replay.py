"""Judge every quarantined row again, after a fix of the case or of a contract.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/replay.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.job.run import run_job
from lepton_spark.replay.stage import replay
from lepton_spark.silver.stage import refine

if __name__ == "__main__":
    sys.exit(run_job("replay", [("refine", refine), ("replay", replay)], sys.argv[1:]))
