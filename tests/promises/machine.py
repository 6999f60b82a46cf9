"""One machine with a zone, a language and a hash seed of its own: prints the digests of its tables.

python -m tests.promises.machine FOLDER SEED IS_NAIVE
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from lepton_spark.lake import session
from tests.conftest import environment_at
from tests.promises.lab import Lab, day
from tests.promises.shop import write_days

# 2024-02-26 and 37 days more: a leap day, and the night in which New York's clocks skip an hour.
_DAYS = 16


def main(folder: str, seed: str, is_naive: str) -> None:
    """Run the stages once."""
    spark = session.start(environment_at(folder), app_name="promises")
    if int(is_naive):
        # The JVM is told to be in UTC too, so that LOCAL would not be the zone of the machine.
        spark.conf.set("spark.sql.session.timeZone", os.environ["TZ"])
    lake = Lab(spark, Path(folder)).lake()
    write_days(lake.lakehouse, int(seed), days=_DAYS, visits=10, sales=30)
    lake.run("land", "refine", "features", as_of=day(_DAYS))
    digests = lake.digests()
    spark.stop()
    sys.stdout.write(json.dumps(digests) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
