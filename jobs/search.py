"""Try the settings that `search` of the case names, on training and validation rows.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/search.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.job.run import run_job
from lepton_spark.registry.searched import search_and_log

if __name__ == "__main__":
    sys.exit(run_job("search", [("search", search_and_log)], sys.argv[1:]))
