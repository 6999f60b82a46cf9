"""Shuffled batches of 40 columns from Parquet, for two epochs: ours, three other ways, the limit.

`make bench NAME=loader SCALE=1`: 1,000,000 rows, and a quarter of them for the growth; SCALE=4 and
16 are 4 and 16 million. Each side is a process of its own. Petastorm's are left out, and said so,
without PETASTORM_PYTHON (`benchmarks.side_process`).
"""

from __future__ import annotations

import argparse
import logging
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.flat_file import written
from benchmarks.result import Check, compared, median, suffix, write
from benchmarks.rounds import exponent
from benchmarks.side_process import PETASTORM, PETASTORM_PYTHON, ROOT, answer_of, petastorm_sides

logger = logging.getLogger(__name__)
ROWS = 1_000_000
ROUNDS, SLOW_ROUNDS = 5, 2
GROWTH = 4
PETASTORM_SIDES = (PETASTORM, f"{PETASTORM}, stacked")
SLOW = ("textbook", *PETASTORM_SIDES)
QUARTER = "ours, a quarter of the rows"  # between the others: growth is a ratio within one run
_TOLERANCE = 1e-6


@dataclass
class Runs:
    """What a side took, a value a round; its time is of all rows, also where fewer were timed."""

    rows: int = 0
    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)


def run(side: str, path: Path) -> dict[str, Any]:
    """The seconds, the sum and the memory of one side; its time is scaled to all rows.

    Raises:
        RuntimeError: Its process failed.
    """
    if side in PETASTORM_SIDES:
        program = ROOT / "benchmarks" / "loader_petastorm.py"
        found = answer_of([str(program), side, str(path)], python=str(PETASTORM_PYTHON))
    else:
        own = "ours" if side == QUARTER else side
        found = answer_of(["-m", "benchmarks.loader_sides", own, str(path)])
    part = pq.read_metadata(path).num_rows / found["rows"]
    found["seconds"] = [seconds * part for seconds in found["seconds"]]
    logger.info("%s: %s", side, found)
    return found


def measured(files: dict[str, Path]) -> dict[str, Runs]:
    """Rounds in random order; before them each side once, whose sums are compared.

    Args:
        files: What each side reads.

    Raises:
        RuntimeError: A side read other rows.
    """
    found = {side: Runs() for side in files}
    before = {side: run(side, path) for side, path in files.items()}
    whole, quarter = before["decode"], run("decode", files[QUARTER])
    for side, answer in before.items():
        found[side].rows = answer["rows"]
        every = quarter if side == QUARTER else whole
        is_part = side in SLOW and answer["rows"] < every["rows"]
        is_same = np.isclose(answer["total"], every["total"], rtol=_TOLERANCE, atol=1.0)
        if not is_part and not is_same:
            raise RuntimeError(f"{side} read other rows: {answer['total']}, not {every['total']}")
    for number in range(ROUNDS):
        asked = [side for side in files if side not in SLOW or number < SLOW_ROUNDS]
        for side in random.Random(number).sample(asked, len(asked)):
            answer = run(side, files[side])
            found[side].first.append(answer["seconds"][0])
            found[side].second.append(answer["seconds"][1])
            found[side].peak.append(answer["peak"])
    return found


def checks_of(many: dict[str, Runs], rows: int) -> list[Check]:
    """All claims."""
    few, mine, limit, told = many[QUARTER], many["ours"], many["decode"], f"{rows:,} rows"
    grown = [median(each.second) for each in (few, mine)]
    checks = [
        compared(f"loader: the textbook against ours, {told}", many["textbook"].first,
                 mine.first, ">= 12"),
        compared(f"loader: tf.data in memory against ours, epoch 1, {told}",
                 many["in memory"].first, mine.first),
        compared(f"loader: tf.data in memory against ours, epoch 2, {told}",
                 many["in memory"].second, mine.second),
        compared(f"loader: rate of ours against decoding, epoch 1, {told}", limit.first,
                 mine.first, ">= 0.4"),
        compared(f"loader: rate of ours in epoch 2 against decoding, {told}", limit.first,
                 mine.second, ">= 0.9"),
        Check(f"loader: growth exponent of epoch 2 from a quarter, {told}",
              exponent([rows // GROWTH, rows], grown), "", "<= 1.03"),
        Check(f"loader: memory of ours against a quarter of the rows, {told}",
              median(mine.peak) / median(few.peak), "x", "<= 1.1"),
        compared(f"loader: rate of ours in epoch 2 against a copy in memory, {told}", limit.second,
                 mine.second),
        Check(f"loader: rows a second of ours, epoch 1, {told}", rows / median(mine.first), ""),
        Check(f"loader: rows a second of ours, epoch 2, {told}", rows / median(mine.second), ""),
        *(Check(f"loader: rows of {side} that were timed, {told}", each.rows, "")
          for side, each in many.items() if side in SLOW and each.rows < rows),
    ]  # fmt: skip
    for side, target in zip(PETASTORM_SIDES, (">= 60", ""), strict=True):
        if side in many:
            first, second = many[side].first, many[side].second
            checks += [
                compared(f"loader: {side} against ours, {told}", first, mine.first, target),
                compared(f"loader: {side} against ours, epoch 2, {told}", second, mine.second),
            ]
    return checks


def main() -> None:
    """Measure and write results/bench/loader.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    rows = int(ROWS * parser.parse_args().scale)
    sides = ["ours", "textbook", "in memory", "decode", *petastorm_sides(*PETASTORM_SIDES)]
    with tempfile.TemporaryDirectory() as work:
        part, whole = (written(Path(work), count) for count in (rows // GROWTH, rows))
        found = measured({QUARTER: part} | dict.fromkeys(sides, whole))
    write(f"bench/loader{suffix()}", checks_of(found, rows))


if __name__ == "__main__":
    main()
