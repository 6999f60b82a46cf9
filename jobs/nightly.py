"""One night: land what is new, refine it, compute the day's features, score and publish.

spark-submit --py-files lepton_spark.zip --jars JARS jobs/nightly.py --case CASE --as-of DATE

Delta's JARS are what `python -m lepton_spark.lake.jars` prints.
"""

from __future__ import annotations

import sys

from lepton_spark.job.run import run_work
from lepton_spark.journey import nights

if __name__ == "__main__":
    sys.exit(run_work("nightly", lambda context: nights(context, context.as_of), sys.argv[1:]))
