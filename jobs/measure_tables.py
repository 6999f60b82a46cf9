"""Measure what the clean tables of a case hold.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/measure_tables.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.job.run import run_job
from lepton_spark.statistics.stage import measure

if __name__ == "__main__":
    sys.exit(run_job("measure_tables", [("statistics", measure)], sys.argv[1:]))
