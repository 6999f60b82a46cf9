"""Find rows that mean the same, and make one entity of them.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/resolve.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.entities.stage import resolve
from lepton_spark.job.run import run_job

if __name__ == "__main__":
    sys.exit(run_job("resolve", [("resolve", resolve)], sys.argv[1:]))
