"""Rows a second of training one rank: ours from the disk, against model.fit on arrays in memory.

`make bench NAME=step SCALE=1`: 262,144 rows of 40 columns, networks of (256, 128) and (1024, 512)
units, in 32 bits and, for the large one, in 16. Each side is a process of its own; the limit is the
matrix products of the layers alone.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.result import Check, compared, median, suffix, write
from benchmarks.step_sides import LABEL

logger = logging.getLogger(__name__)
ROOT = Path(__file__).parents[1]
ROWS, COLUMNS, ROW_GROUP = 262_144, 40, 131_072
ROUNDS = 3
SIDES = ("ours", "in memory", "tf.data", "limit")
SMALL, LARGE = "256,128", "1024,512"
FLOAT, MIXED = "float32", "mixed_bfloat16"
# Which networks are trained in which precision, what of model.fit is wanted, and of the limit.
WORK = (
    (SMALL, FLOAT, ">= 1.5", ">= 0.5"),
    (LARGE, FLOAT, ">= 0.9", ""),
    (LARGE, MIXED, ">= 0.75", ""),
)
Answers = dict[str, list[dict[str, Any]]]


def written(folder: Path, rows: int) -> Path:
    """A file of normal floats, and a label that follows from products of some of them."""
    random_ = np.random.default_rng(7)
    numbers = random_.standard_normal((COLUMNS, rows), np.float32)
    logit = 1.5 * numbers[0] * numbers[1] + numbers[2] - np.abs(numbers[3])
    label = (random_.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.float32)
    names = [*(f"x{number:02}" for number in range(COLUMNS)), LABEL]
    path = folder / "rows.parquet"
    table = pa.table([*numbers, label], names=names)
    pq.write_table(
        table, path, row_group_size=ROW_GROUP, use_dictionary=False, write_page_checksum=True
    )
    return path


def run(side: str, path: Path, units: str, precision: str) -> dict[str, Any]:
    """What one side reached.

    Raises:
        RuntimeError: Its process failed.
    """
    command = [sys.executable, "-m", "benchmarks.step_sides", side, str(path), units, precision]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{side}: {done.stderr[-800:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    logger.info("%s %s %s: %s", units, precision, side, found)
    return found


def measured(path: Path, units: str, precision: str) -> Answers:
    """Rounds in random order; the curves of the loss have to be alike.

    From the second epoch on: before, the loss depends on which rows came first.

    Raises:
        RuntimeError: A side learned otherwise.
    """
    found: Answers = {side: [] for side in SIDES}
    for number in range(ROUNDS):
        for side in random.Random(number).sample(SIDES, len(SIDES)):
            found[side].append(run(side, path, units, precision))
    wanted = np.array(found["in memory"][0]["losses"][1:])
    for side in ("ours", "tf.data"):
        if not np.allclose(found[side][0]["losses"][1:], wanted, rtol=_likeness(precision)):
            raise RuntimeError(f"{side} learned otherwise: {found[side][0]['losses']}, {wanted}")
    return found


def _likeness(precision: str) -> float:
    return 0.01 if precision == FLOAT else 0.03


def checks_of(found: Answers, told: str, against_fit: str, against_limit: str) -> list[Check]:
    """The claims of one network."""
    seconds = {
        side: [1.0 / answer["rows_a_second"] for answer in answers]
        for side, answers in found.items()
    }
    return [
        compared(f"step {told}: model.fit in memory against ours", seconds["in memory"],
                 seconds["ours"], against_fit),
        compared(f"step {told}: model.fit on tf.data against ours", seconds["tf.data"],
                 seconds["ours"]),
        compared(f"step {told}: rate of ours against matrix products alone", seconds["limit"],
                 seconds["ours"], against_limit),
        Check(f"step {told}: rows a second of ours", 1.0 / median(seconds["ours"]), ""),
    ]  # fmt: skip


def main() -> None:
    """Measure and write results/bench/step.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    rows = int(ROWS * parser.parse_args().scale)
    checks: list[Check] = []
    with tempfile.TemporaryDirectory() as work:
        path = written(Path(work), rows)
        for units, precision, against_fit, against_limit in WORK:
            told = f"({units}) {precision}, {rows:,} rows"
            found = measured(path, units, precision)
            checks += checks_of(found, told, against_fit, against_limit)
    write(f"bench/step{suffix()}", checks)


if __name__ == "__main__":
    main()
