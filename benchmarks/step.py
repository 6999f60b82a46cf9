"""Rows a second of training one rank: ours from the disk, against model.fit on arrays in memory.

`make bench NAME=step SCALE=1`: 262,144 rows of 40 columns, networks of (256, 128) and (1024, 512)
units, in 32 bits and, for the large one, in 16. Each side is a process of its own; the limit is the
matrix products of the layers alone. Petastorm's is left out, and said so, without PETASTORM_PYTHON
(`benchmarks.side_process`).
"""

from __future__ import annotations

import argparse
import logging
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.flat_file import written
from benchmarks.result import Check, compared, median, suffix, write
from benchmarks.side_process import PETASTORM, PETASTORM_PYTHON, ROOT, answer_of, petastorm_sides

logger = logging.getLogger(__name__)
ROWS, ROUNDS = 262_144, 3
SIDES = ("ours", "in memory", "tf.data", "limit")
LEARNING = ("ours", "tf.data", PETASTORM)  # beside model.fit in memory
SMALL, LARGE = "256,128", "1024,512"
FLOAT, MIXED = "float32", "mixed_bfloat16"
# Which networks are trained in which precision, what of model.fit is wanted, and of the limit.
WORK = (
    (SMALL, FLOAT, ">= 1.5", ">= 0.5"),
    (LARGE, FLOAT, "", ">= 0.9"),
    (LARGE, MIXED, "", ">= 0.75"),
)
LIKE, UNLIKE = 0.01, 0.1  # losses: so near is wanted, and beyond this no time says anything
Answers = dict[str, list[dict[str, Any]]]


def run(side: str, path: Path, units: str, precision: str) -> dict[str, Any]:
    """What one side reached.

    Raises:
        RuntimeError: Its process failed.
    """
    if side == PETASTORM:
        program = [str(ROOT / "benchmarks" / "step_petastorm.py"), str(path), units]
        found = answer_of(program, python=str(PETASTORM_PYTHON))
    else:
        found = answer_of(["-m", "benchmarks.step_sides", side, str(path), units, precision])
    logger.info("%s %s %s: %s", units, precision, side, found)
    return found


def measured(path: Path, units: str, precision: str) -> Answers | None:
    """Rounds in random order, after one of ours that warms up.

    Returns:
        What each side reached, an entry a round; None where this machine has no units for the
        precision: ours computes in 32 bits there, and the others do not.

    Raises:
        RuntimeError: A side learned otherwise.
    """
    if run("ours", path, units, precision)["precision"] != precision:
        return None
    sides = SIDES + (petastorm_sides(PETASTORM) if precision == FLOAT else ())
    found: Answers = {side: [] for side in sides}
    for number in range(ROUNDS):
        for side in random.Random(number).sample(sides, len(sides)):
            found[side].append(run(side, path, units, precision))
    if apart(found) > UNLIKE:
        raise RuntimeError(f"a side learned otherwise: {found}")
    return found


def apart(found: Answers) -> float:
    """The largest share by which a loss is another than that of model.fit in memory.

    From the second epoch on: before, the loss depends on which rows came first.
    """
    wanted = np.array(found["in memory"][0]["losses"][1:])
    others = [np.array(found[side][0]["losses"][1:]) for side in found if side in LEARNING]
    return max(float(np.max(np.abs(losses / wanted - 1))) for losses in others)


def checks_of(found: Answers, told: str, against_fit: str, against_limit: str) -> list[Check]:
    """The claims of one network."""
    seconds = {
        side: [1.0 / answer["rows_a_second"] for answer in answers]
        for side, answers in found.items()
    }
    checks = [
        compared(f"step {told}: model.fit in memory against ours", seconds["in memory"],
                 seconds["ours"], against_fit),
        compared(f"step {told}: model.fit on tf.data against ours", seconds["tf.data"],
                 seconds["ours"]),
        compared(f"step {told}: rate of ours against matrix products alone", seconds["limit"],
                 seconds["ours"], against_limit),
        Check(f"step {told}: rows a second of ours", 1.0 / median(seconds["ours"]), ""),
        Check(f"step {told}: largest difference of a loss from that of model.fit in memory, share",
              apart(found), "", f"<= {LIKE}"),
    ]  # fmt: skip
    if PETASTORM in seconds:
        what = f"step {told}: model.fit on petastorm against ours"
        checks.append(compared(what, seconds[PETASTORM], seconds["ours"]))
    return checks


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
            if found is None:
                what = f"step {told}: left out, as this machine has no units for it"
                logger.warning(what)
                checks.append(Check(what, 1))
            else:
                checks += checks_of(found, told, against_fit, against_limit)
    write(f"bench/step{suffix()}", checks)


if __name__ == "__main__":
    main()
