"""Judge every candidate, and put it through the gate.

spark-submit --py-files lepton_spark.zip jobs/evaluate.py --case CASE --as-of YYYY-MM-DD
"""

from __future__ import annotations

import sys

from lepton_spark.evaluate.stage import evaluate
from lepton_spark.job.run import run_job

if __name__ == "__main__":
    sys.exit(run_job("evaluate", [("evaluate", evaluate)], sys.argv[1:]))
