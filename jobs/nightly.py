"""One night: land what is new, refine it, compute the day's features, score and publish.

spark-submit --py-files lepton_spark.zip jobs/nightly.py --case CASE --as-of YYYY-MM-DD
"""

from __future__ import annotations

import sys
from functools import partial

from lepton_spark.bronze.stage import land
from lepton_spark.entities.stage import resolve
from lepton_spark.features.stage import build
from lepton_spark.job.run import run_job
from lepton_spark.score.stage import score
from lepton_spark.silver.stage import refine

NIGHT = (
    ("land", land),
    ("refine", refine),
    ("resolve", resolve),
    ("features", partial(build, days="one")),
    ("score", score),
)

if __name__ == "__main__":
    sys.exit(run_job("nightly", NIGHT, sys.argv[1:]))
