"""Launching an empty two-rank job: a Spark barrier stage against horovod.spark.run.

`make bench NAME=launch`. Both sides import the same modules the same way, so that the difference
is that of the launchers; a job is one ring and one allreduce. Cold is the first launch of a fresh
driver, warm a later one.
"""

from __future__ import annotations

import json
import logging
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.result import Check, compared, median, write

logger = logging.getLogger(__name__)
ROOT = Path(__file__).parents[1]
ROUNDS = 3
SIDES = ("barrier", "stock")
IMPORT = "from lepton_spark.models.lean import tf; import horovod.tensorflow"


def run(side: str) -> dict[str, Any]:
    """The seconds of one fresh driver."""
    command = [sys.executable, "-m", "benchmarks.launch_once", side]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    logger.info("%s: %s", side, found)
    return found


def import_seconds() -> float:
    """The limit: what each rank imports, in a process of its own."""
    program = f"import time; t = time.monotonic(); {IMPORT}; print(time.monotonic() - t)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Measure and write results/bench/launch.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    limit = [import_seconds() for _ in range(2)][1:]
    for _ in range(ROUNDS):
        for side in random.sample(SIDES, len(SIDES)):
            found[side].append(run(side))
        limit.append(import_seconds())
    cold = {side: [each["cold"] for each in found[side]] for side in SIDES}
    warm = {side: [each for one in found[side] for each in one["warm"]] for side in SIDES}
    checks = [
        compared(
            "launch of two ranks, cold, against horovod.spark.run",
            cold["barrier"],
            cold["stock"],
            "<= 0.5",
        ),
        compared(
            "launch of two ranks, warm, against horovod.spark.run",
            warm["barrier"],
            warm["stock"],
            "<= 0.2",
        ),
        *(
            Check(f"launch of two ranks, {state}, {side}", median(seconds[side]), "s")
            for state, seconds in (("cold", cold), ("warm", warm))
            for side in SIDES
        ),
        Check("importing Horovod and TensorFlow in one process", median(limit), "s"),
    ]
    path = write("bench/launch", checks)
    sys.stdout.write(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
