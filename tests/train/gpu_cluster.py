"""Two ranks on a host with two GPUs, found by a discovery script; a program.

`python -m tests.train.gpu_cluster SCRIPT`: prints what each rank was told, as JSON.
"""

from __future__ import annotations

import json
import sys

from pyspark.sql import SparkSession

from lepton_spark.train.backend import Work
from lepton_spark.train.barrier import BarrierBackend

AMOUNTS = {"worker": 2, "executor": 1, "task": 1}


def main(script: str) -> None:
    """One executor of one GPU a rank."""
    builder = SparkSession.builder.master("local-cluster[1,2,2048]")
    settings = {f"spark.{of}.resource.gpu.amount": amount for of, amount in AMOUNTS.items()}
    scripts = {f"spark.{of}.resource.gpu.discoveryScript": script for of in AMOUNTS if of != "task"}
    others = {
        "spark.executor.cores": "1",
        "spark.ui.enabled": "false",
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    }
    for name, value in {**settings, **scripts, **others}.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.range(2).count()  # waits for both executors, without which there are too few slots
    work = Work("tests.train.rank_work:tell_devices", {}, stall_seconds=60)
    found = [result.facts for result in BarrierBackend(spark).run(work, 2)]
    spark.stop()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
