"""Dirty text to typed, checked columns, with 5 and with 50 rules, against four other ways.

`make bench NAME=clean`. Ours is what `refine` does to the cells of bronze: conform and
check_contract. Every side reads one Parquet file and writes Parquet, the values and how many
problems each row has; all outputs are compared before anything is told. Two million rows are
`SCALE=8`. The UDFs run on the smallest file, and their time is scaled by rows.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql import functions as F

from benchmarks import clean_peers
from benchmarks.clean_peers import PROBLEMS
from benchmarks.dirty_rows import Dirty, kind_of, write_dirty
from benchmarks.result import Check, compared, median, ratio, suffix, write
from benchmarks.rounds import Side, Times, exponent, interleaved, kept_by_jvm
from lepton_spark.lake import session
from lepton_spark.quality.reasons import REASONS
from lepton_spark.quality.rules import PROBLEM, check_contract
from lepton_spark.silver.conform import conform
from tests.conftest import environment_at

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

logger = logging.getLogger(__name__)
ROUNDS = 5
ROWS = (62_500, 250_000, 1_000_000)
FEW, MANY = 5, 50
_UDF = "a UDF a rule"


def cleaned(rows: DataFrame, dirty: Dirty) -> DataFrame:
    """The product's own path, in one projection over the file."""
    landed = rows.withColumn(PROBLEM, F.lit(None).cast("string"))
    typed = conform(landed, dirty.columns, ("",), dirty.cleaning)
    return check_contract(typed, dirty.columns, ())


def ours(spark: SparkSession, dirty: Dirty, target: Path) -> None:
    """Read, clean, check, write."""
    checked = cleaned(spark.read.parquet(str(dirty.path)), dirty)
    found = checked.select("id", *dirty.names, F.size(REASONS).alias(PROBLEMS))
    found.write.parquet(str(target))


class Folder:
    """Where sides write; each time to a new place."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fresh(self, name: str) -> Path:
        """A path where nothing is."""
        target = self._path / name
        if target.is_dir():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)
        return target


def sides_of(spark: SparkSession, dirty: Dirty, folder: Folder) -> dict[str, Side]:
    """Every side on one file, by name."""

    def on_spark(name: str, side: object) -> Side:
        return lambda: side(spark, dirty, folder.fresh(name))  # type: ignore[operator]  # a function

    def alone(name: str, side: object) -> Side:
        return lambda: side(dirty, folder.fresh(name))  # type: ignore[operator]  # a function

    return {
        "ours": on_spark("ours", ours),
        "a pass a rule": on_spark("a pass a rule", clean_peers.pass_a_rule),
        _UDF: on_spark(_UDF, clean_peers.udf_a_rule),
        "polars": alone("polars", clean_peers.polars),
        "pyarrow": alone("pyarrow", clean_peers.limit),
    }


def require_equal(sides: dict[str, Side], dirty: Dirty, folder: Path) -> int:
    """See that all sides give the same table; returns how many problems it has.

    Raises:
        RuntimeError: One does not.
    """
    tables = {}
    for name, side in sides.items():
        side()
        rows = ds.dataset(folder / name, format="parquet").to_table()
        tables[name] = rows.sort_by("id").combine_chunks()
    mine = tables["ours"]
    for name, table in tables.items():
        for column in ("id", *dirty.names, PROBLEMS):
            left, right = mine[column], table[column].cast(mine[column].type)
            if pa.types.is_floating(left.type):
                left, right = (pc.round(each, 9) for each in (left, right))
            if not left.equals(right):
                raise RuntimeError(f"{name} gives another {column}")
    return int(pc.sum(mine[PROBLEMS]).as_py())


def measure(spark: SparkSession, work: Path, scale: float, num_rules: int) -> list[Check]:
    """All checks of one number of rules."""
    groups = num_rules // len({kind_of(name) for name in Dirty(work, 0, 1).names})
    few, middle, many = (write_dirty(work, int(rows * scale), groups) for rows in ROWS)
    folder = Folder(work)
    problems = require_equal(sides_of(spark, few, folder), few, work)
    logger.info("%d rules: equal outputs with %d problems", num_rules, problems)
    sides = sides_of(spark, middle, folder)
    # Python takes a row at a time: the same work on fewer rows, scaled.
    sides[_UDF] = sides_of(spark, few, folder)[_UDF]
    times = interleaved(sides, ROUNDS)
    times[_UDF] = _scaled(times[_UDF], middle.rows / few.rows)
    larger = interleaved({"ours": sides_of(spark, many, folder)["ours"]}, ROUNDS)["ours"]
    smaller = interleaved({"ours": sides_of(spark, few, folder)["ours"]}, ROUNDS)["ours"]
    kept = [kept_by_jvm(spark, sides_of(spark, each, folder)["ours"]) for each in (few, many)]
    told = f"{num_rules} rules, {middle.rows} rows"
    mine = times["ours"]

    def against(name: str, target: str) -> Check:
        what = f"{name} against ours, {told}"
        return compared(what, times[name].seconds, mine.seconds, target)

    grown = [median(each.seconds) for each in (smaller, mine, larger)]
    return [
        against(_UDF, ">= 20"),
        against("a pass a rule", ">= 3"),
        against("polars", ""),
        Check(f"ours against pyarrow's kernels, {told}",
              *ratio(mine.seconds, times["pyarrow"].seconds)[:1], "x"),
        Check(f"growth exponent of ours, {num_rules} rules",
              exponent([few.rows, middle.rows, many.rows], grown), "", "<= 1.05"),
        Check(f"objects kept by the JVM, {many.rows} rows against {few.rows}, {num_rules} rules",
              kept[1] / kept[0], "x", "<= 1.5"),
        Check(f"ours, {told}", median(mine.seconds), "s"),
        Check(f"processors of ours, {told}", median(mine.busy), "s"),
        Check(f"processors of pyarrow's kernels, {told}", median(times["pyarrow"].busy), "s"),
    ]  # fmt: skip


def _scaled(times: Times, factor: float) -> Times:
    return Times(*([value * factor for value in each] for each in (times.seconds, times.busy)))


def main() -> None:
    """Measure and write results/bench/clean.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    scale = parser.parse_args().scale
    checks: list[Check] = []
    with tempfile.TemporaryDirectory() as work:
        spark = session.start(environment_at(Path(work) / "lake"), app_name="clean")
        for num_rules in (FEW, MANY):
            checks += measure(spark, Path(work), scale, num_rules)
        spark.stop()
    seconds = {check.what: check.value for check in checks}
    few, many = (
        next(value for what, value in seconds.items() if what.startswith(f"ours, {number} rules"))
        for number in (FEW, MANY)
    )
    growth = many / few / (MANY / FEW)
    checks.append(Check("a rule of 50 against a rule of 5, in time", growth, "x", "<= 1.1"))
    write(f"bench/clean{suffix()}", checks)


if __name__ == "__main__":
    main()
