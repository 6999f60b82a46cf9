"""Judge every candidate, and put it through the gate.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/evaluate.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.evaluate.stage import evaluate
from lepton_spark.job.run import run_job

if __name__ == "__main__":
    sys.exit(run_job("evaluate", [("evaluate", evaluate)], sys.argv[1:]))
