"""Fixed cost: some hundred rows through the whole journey, and the same in plain PySpark.

`make bench NAME=fixed`. Both run in processes of their own, one after the other, in random order.
"""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from deltalake import DeltaTable

from benchmarks.result import Check, median, ratio, write
from tests.journey.plant import Plant, make_plant

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[1]
ROUNDS = 2
MACHINES, DAYS = 6, 26
SCORE_DAY = "2024-01-20"
# The fewest rows that training and the gate take: ten and thirty of each class.
SPLIT = ("2024-01-06", "2024-01-10")
PROGRAM = "import sys; from lepton_spark.cli import main; sys.exit(main())"
IMPORTS = (
    "import tensorflow; from pyspark.sql import SparkSession; SparkSession.builder.getOrCreate()"
)
SAME = {
    "outcomes_by_machine_7d_shifts": "machine_7d_count",
    "outcomes_by_machine_28d_failed": "machine_28d_failed",
    "outcomes_by_kind_7d_failed": "kind_7d_failed",
    "outcomes_by_all_28d_shifts": "all_28d_count",
    "sensors_temperature": "temperature",
}


@dataclass(frozen=True)
class Round:
    """One run of one side: seconds, and the lake that it left."""

    seconds: float
    lake: Path


def ours(folder: Path) -> Round:
    """`lepton run` on a fresh lake."""
    plant = fresh(folder)
    options = [
        "--conf-dir", str(plant.conf_dir),
        "--set", f"predict.split.validate_from={SPLIT[0]}",
        "--set", f"predict.split.test_from={SPLIT[1]}",
        "--set", "gate.suspicious_above=1.0",
        "--set", "train.batch_size=8",
    ]  # fmt: skip
    command = [sys.executable, "-c", PROGRAM, "run", "plant", "--as-of", str(plant.as_of),
               "--score-date", SCORE_DAY, *options]  # fmt: skip
    return Round(seconds_of(command), plant.lakehouse)


def plain(folder: Path) -> Round:
    """The same steps in plain PySpark on a fresh lake."""
    plant = fresh(folder)
    command = [sys.executable, "-m", "benchmarks.plain_journey", str(plant.landing),
               str(plant.lakehouse), *SPLIT, SCORE_DAY]  # fmt: skip
    return Round(seconds_of(command), plant.lakehouse)


def starts(folder: Path) -> Round:
    """The limit: starting a JVM with Spark, and TensorFlow."""
    folder.mkdir()
    return Round(seconds_of([sys.executable, "-c", IMPORTS]), folder)


def fresh(folder: Path) -> Plant:
    """Raw files and settings of the invented plant, the same each time."""
    return make_plant(folder, machines=MACHINES, days=DAYS, seed=3)


def seconds_of(command: list[str]) -> float:
    """How long a process takes, from its start to its end."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1",
               "TF_CPP_MIN_LOG_LEVEL": "3"}  # fmt: skip
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True,
                          check=False)  # fmt: skip
    seconds = time.monotonic() - started
    if done.returncode != 0:
        raise RuntimeError(f"{command[2:4]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return seconds


def require_equal(ours: Path, plain: Path) -> None:
    """See that both computed the same features and scored the same rows.

    Raises:
        RuntimeError: They did not.
    """
    mine = rows_of(ours / "gold" / "plant_features", [*SAME])
    theirs = rows_of(plain / "gold" / "features", [*SAME.values()])
    for own, other in SAME.items():
        # Nothing known: our count is 0, a left join gives null.
        left, right = np.nan_to_num(mine[own]), np.nan_to_num(theirs[other])
        if not np.allclose(left, right, atol=1e-9):
            raise RuntimeError(f"{own} differs from {other}")
    scored = rows_of(ours / "gold" / "plant_predictions", ["score"])["score"]
    if len(scored) != len(rows_of(plain / "gold" / "predictions", ["prediction"])["prediction"]):
        raise RuntimeError("the numbers of predictions differ")


def rows_of(path: Path, columns: list[str]) -> dict[str, np.ndarray]:
    """Columns of a Delta table in the order of the key, read without Spark."""
    table = DeltaTable(path).to_pyarrow_table(columns=["machine", "day", *columns])
    table = table.sort_by([("machine", "ascending"), ("day", "ascending")])
    return {name: table[name].to_numpy().astype(np.float64) for name in columns}


def main() -> None:
    """Measure, check that both give the same, write `results/bench/fixed.json`."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    found: dict[str, list[Round]] = {"ours": [], "plain": [], "starts": []}
    sides = {"ours": ours, "plain": plain, "starts": starts}
    order = random.Random(7)
    with tempfile.TemporaryDirectory() as work:
        for number in range(ROUNDS):
            for name in order.sample(list(sides), len(sides)):
                found[name].append(sides[name](Path(work, f"{name}-{number}")))
                logger.info("round %d: %s %.1f s", number, name, found[name][-1].seconds)
            require_equal(found["ours"][-1].lake, found["plain"][-1].lake)
    seconds = {name: [each.seconds for each in rounds] for name, rounds in found.items()}
    value, low, high = ratio(seconds["ours"], seconds["plain"])
    rows = MACHINES * DAYS
    write(
        "bench/fixed",
        [
            Check(f"{rows} rows through the journey, against plain PySpark and spark.ml", value,
                  "x", "<= 1.3", low, high),
            Check(f"{rows} rows through the journey", median(seconds["ours"]), "s"),
            Check(f"{rows} rows in plain PySpark and spark.ml", median(seconds["plain"]), "s"),
            Check("starting Spark and TensorFlow, nothing else", median(seconds["starts"]), "s"),
        ],
    )  # fmt: skip
    logger.info("%.2fx (%.2f to %.2f)", value, low, high)


if __name__ == "__main__":
    main()
