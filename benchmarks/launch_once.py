"""One fresh driver that launches an empty two-rank job several times; see `benchmarks.launch`."""

from __future__ import annotations

import json
import sys
import time

from pyspark.sql import SparkSession

from lepton_spark.train.backend import TrainingBackend, Work
from lepton_spark.train.barrier import BarrierBackend
from lepton_spark.train.horovod_stock import StockBackend

RANKS = 2
WARM = 2
BACKENDS = {"barrier": BarrierBackend, "stock": StockBackend}


def seconds_of(backend: TrainingBackend) -> float:
    """From the call to the results of all ranks."""
    started_at = time.monotonic()
    results = backend.run(Work("benchmarks.launch_entry:add"), RANKS)
    seconds = time.monotonic() - started_at
    if [result.facts["sum"] for result in results] != [3.0] * RANKS:
        raise SystemExit("the ranks did not add up")
    return seconds


def main() -> None:
    """Print the seconds of a cold launch and of warm ones as JSON."""
    builder = SparkSession.builder.master(f"local[{RANKS}]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    spark.range(1).count()
    backend = BACKENDS[sys.argv[1]](spark)
    cold, *warm = (seconds_of(backend) for _ in range(1 + WARM))
    sys.stdout.write(json.dumps({"cold": cold, "warm": warm}) + "\n")
    spark.stop()


if __name__ == "__main__":
    main()
