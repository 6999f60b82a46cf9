"""Make the best candidate that passed the gate the champion.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/register.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.job.run import run_job
from lepton_spark.registry.stage import register

if __name__ == "__main__":
    sys.exit(run_job("register", [("register", register)], sys.argv[1:]))
