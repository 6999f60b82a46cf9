"""What 46 columns hold: 40 numbers and 6 texts of up to a million values, against the usual means.

`make bench NAME=statistics SCALE=1`: 250,000 rows, and a quarter of them for the growth; SCALE=4
and 16 are 1,000,000 and 4,000,000, without the peers in Spark, which would take an hour. All sides
read the same Delta table on two cores; what they found is compared first.
"""

from __future__ import annotations

import argparse
import logging
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import ColumnProperties, WriterProperties, write_deltalake

from benchmarks import statistics_peers as peers
from benchmarks.result import Check, compared, median, ratio, suffix, write
from benchmarks.rounds import Side, Slow, interleaved, peak_of_workers
from lepton_spark.config.case import Case
from lepton_spark.context import RunContext
from lepton_spark.dataset.reader import read_table
from lepton_spark.lake import file_plan, session
from lepton_spark.lake.catalog import TableId, location
from lepton_spark.quality.profile.distinct import STANDARD_ERROR
from lepton_spark.quality.profile.kind import Kind
from lepton_spark.statistics.scan import Found, scan_files
from lepton_spark.statistics.work import Wanted
from tests.conftest import TINY_CASE, Silent, environment_at

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

logger = logging.getLogger(__name__)

ROWS = 250_000
ROWS_OF_A_FILE = 131_072
NUMBERS = [f"x{place:02}" for place in range(40)]
LEVELS = {"s1": 10, "s2": 100, "s3": 1000, "s4": 10_000, "s5": 100_000, "s6": 1_000_000}
TEXTS = list(LEVELS)
MISSING = 0.05
GROWTH = 4
CORES = 2
SLOW_SECONDS, SLOW_ROUNDS = 10.0, 2
# The loop takes minutes; it does every eighth number, which is scaled up, and all texts.
LOOPED = NUMBERS[::8]
PLAIN = ("one wide aggregation", "aggregations of 8 columns", "approxQuantile and aggregations")
NIGHT = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Table:
    """A table of the benchmark.

    Args:
        rows: As a DataFrame of the pinned version.
    """

    context: RunContext
    name: TableId
    folder: Path
    rows: DataFrame


def make_table(context: RunContext, num_rows: int) -> Table:
    """Write a table of invented rows, a file for each 131,072 of them."""
    name = TableId("gold", f"rows_{num_rows}")
    folder = Path(location(context.environment, name))
    plain = ColumnProperties(dictionary_enabled=False)
    properties = WriterProperties(
        compression="SNAPPY",
        max_row_group_size=ROWS_OF_A_FILE,
        column_properties=dict.fromkeys(NUMBERS, plain),
    )
    for first in range(0, num_rows, ROWS_OF_A_FILE):
        part = invented(first, min(ROWS_OF_A_FILE, num_rows - first))
        write_deltalake(folder, part, mode="append", writer_properties=properties)
    rows = context.spark.read.format("delta").load(str(folder))
    return Table(context, name, folder, rows)


def invented(seed: int, number: int) -> pa.Table:
    """Numbers of several forms, one in twenty of some missing; texts of which few are frequent."""
    draw = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for place, name in enumerate(NUMBERS):
        values = draw.lognormal(2, 1, number) if place % 3 else draw.normal(size=number)
        is_missing = draw.random(number) < MISSING if place % 4 == 0 else None
        columns[name] = pa.array(np.round(values, 3 + place % 9), mask=is_missing)
    for name, levels in LEVELS.items():
        which = (levels * draw.random(number) ** 3).astype(np.int64)
        columns[name] = pa.array(np.char.add(f"{name} ", which.astype(str)))
    columns["_arrived_at"] = pa.array([NIGHT] * number, pa.timestamp("us", "UTC"))
    return pa.table(columns)


def ours(table: Table, *, is_correlated: bool = False) -> Found:
    """The scan, with its file plan."""
    kinds = dict.fromkeys(NUMBERS, Kind.NUMBER) | dict.fromkeys(TEXTS, Kind.TEXT)
    wanted = Wanted(kinds, tuple(NUMBERS) if is_correlated else (), "_arrived_at", NIGHT)
    version = len(list(table.folder.glob("*.parquet"))) - 1
    plan = file_plan.plan(table.context, table.name, version)
    if plan.unfit is not None:
        raise RuntimeError(plan.unfit)
    return scan_files(table.context.spark, plan, wanted)


def decode(table: Table) -> None:
    """The limit: pyarrow reads the same columns, a thread a core."""
    wanted = [*NUMBERS, *TEXTS]
    groups = [
        (str(path), group)
        for path in sorted(table.folder.glob("*.parquet"))
        for group in range(pq.read_metadata(path).num_row_groups)
    ]
    with ThreadPoolExecutor(CORES) as pool:
        for _ in pool.map(lambda each: read_table(*each, wanted).num_rows, groups):
            pass


def require_equal(table: Table) -> int:
    """See that what ours found is true, and that a peer found the same; gives the columns compared.

    Raises:
        RuntimeError: It is not.
    """
    found = ours(table).columns
    peer = peers.chunks(table.rows, NUMBERS, TEXTS)
    for name in (*NUMBERS, *TEXTS):
        values = pq.read_table(table.folder, columns=[name], partitioning=None)[name]
        told = {each.name: each.value for each in found[name] if each.name != "frequency"}
        most = [(e.text, e.value) for e in found[name] if e.name == "frequency"]
        _demand(name, "nulls", told["nulls"] == values.null_count == peer[f"{name}_nulls"])
        exact = len(values.drop_null().unique())
        _demand(name, "distinct", abs(told["distinct"] / exact - 1) <= 4 * STANDARD_ERROR)
        if name in TEXTS:
            counts = {row[0]: row[1] for row in peer[f"{name}_most"]}
            error = told["frequency_error"]
            _demand(name, "frequent", _is_frequent(dict(most), counts, error))
        else:
            _require_number(name, told, values.drop_null().to_numpy(), peer)
    return len(found)


def _require_number(
    name: str, told: Mapping[str, Any], values: np.ndarray, peer: Mapping[str, Any]
) -> None:
    rows = np.sort(values)
    _demand(name, "mean", math.isclose(told["mean"], values.mean(), rel_tol=1e-9, abs_tol=1e-12))
    _demand(
        name,
        "mean of the peer",
        math.isclose(told["mean"], peer[f"avg({name})"], rel_tol=1e-9, abs_tol=1e-12),
    )
    _demand(
        name, "deviation", math.isclose(told["deviation"], peer[f"stddev({name})"], rel_tol=1e-9)
    )
    _demand(name, "ends", (told["min"], told["max"]) == (rows[0], rows[-1]))
    for place, share in enumerate(peers.SHARES):
        for value in (told[f"quantile_{share}"], peer[f"{name}_quantiles"][place]):
            low, high = (np.searchsorted(rows, value, side=side) for side in ("left", "right"))
            off = max(low - share * len(rows), share * len(rows) - high, 0) / len(rows)
            _demand(name, f"rank at {share}", off <= peers.RANK_ERROR + 1 / len(rows))


def _is_frequent(most: Mapping[str, float], counts: Mapping[str, int], error: float) -> bool:
    """Whether each value has as many rows as it says, and none that is clearly frequent lacks."""
    is_right = all(
        counts[text] - error <= most[text] <= counts[text] for text in most if text in counts
    )
    least = min(most.values(), default=error)
    return is_right and all(
        text in most for text, rows in counts.items() if rows > least + 2 * error
    )


def _demand(column: str, what: str, is_so: bool) -> None:  # noqa: FBT001  # a fact, no flag
    if not is_so:
        raise RuntimeError(f"{column}: {what} is not the same")


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def measured(sides: Mapping[str, Side], rounds: int) -> dict[str, list[float]]:
    """Seconds of each side by rounds; slow ones take part in fewer."""
    slow = Slow(SLOW_SECONDS, SLOW_ROUNDS)
    return {name: times.seconds for name, times in interleaved(sides, rounds, slow).items()}


def held_by_workers(table: Table) -> int:
    """Bytes that the Python workers hold at most during the profile."""
    with peak_of_workers() as peak:
        ours(table)
    return peak.held


def looped(table: Table) -> float:
    """Seconds of the loop over all columns, from those of every eighth number and all texts."""
    texts = timed(lambda: peers.loop(table.rows, [], TEXTS))
    numbers = timed(lambda: peers.loop(table.rows, LOOPED, []))
    return texts + numbers * len(NUMBERS) / len(LOOPED)


def sides_of(table: Table, *, has_spark: bool) -> dict[str, Side]:
    """Ours, the peers, those in Spark where wanted, and the limit."""
    in_spark = {
        PLAIN[0]: peers.wide,
        PLAIN[1]: peers.chunks,
        PLAIN[2]: peers.approx_quantile,
        "summary(), no distinct or frequent values": peers.summary,
        "spark.ml Imputer, StandardScaler, StringIndexer": peers.spark_ml,
    }
    elsewhere = {"duckdb": peers.in_duckdb, "polars": peers.in_polars}
    return {
        "ours": lambda: ours(table),
        "with correlations": lambda: ours(table, is_correlated=True),
        **{
            name: partial(each, table.rows, NUMBERS, TEXTS)
            for name, each in in_spark.items()
            if has_spark
        },
        **{name: partial(each, table.folder, NUMBERS, TEXTS) for name, each in elsewhere.items()},
        "decode": lambda: decode(table),
    }


def checks(
    few: Table, many: Table, seconds: Mapping[str, Sequence[float]], rounds: int
) -> list[Check]:
    """All claims but those against Spark, and those that do not hold included."""
    mine = seconds["ours"]
    told = f"46 columns of {many.rows.count():,} rows"
    others = [name for name in seconds if name not in ("ours", "decode", *PLAIN)]
    of_few = measured({"a quarter of the rows": lambda: ours(few)}, rounds)
    exponent, low, high = (
        math.log(value) / math.log(GROWTH) for value in ratio(mine, *of_few.values())
    )
    peaks = [held_by_workers(table) for table in (few, many)]
    return [
        compared(f"{told}: the profile, against decoding", mine, seconds["decode"], "<= 4"),
        *(compared(f"{told}: {name}, against the profile", seconds[name], mine) for name in others),
        Check(f"{told}: growth exponent from a quarter of them", exponent, "", "<= 1", low, high),
        Check(f"{told}: memory of the workers, against a quarter of them", peaks[1] / peaks[0], "x",
              "<= 1.5"),
        Check(f"{told}: memory of the workers", peaks[1] / 1e6, "MB"),
        Check(f"{told}: the profile", median(mine), "s"),
    ]  # fmt: skip


def checks_of_spark(seconds: Mapping[str, Sequence[float]], loop: float) -> list[Check]:
    """Claims against the usual means in Spark: a loop over columns, and the best of the others."""
    mine = seconds["ours"]
    best = min(PLAIN, key=lambda name: median(seconds[name]))
    others = [name for name in PLAIN if name != best]
    return [
        Check("46 columns: a loop over columns, against the profile", loop / median(mine), "x",
              ">= 8"),
        compared(f"46 columns: the best plain PySpark ({best}), against the profile",
                 seconds[best], mine, ">= 3"),
        *(compared(f"46 columns: {name}, against the profile", seconds[name], mine)
          for name in others),
    ]  # fmt: skip


def main() -> None:
    """Measure and write results/bench/statistics.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--scale", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as work:
        environment = environment_at(work)
        conf = {**environment.spark.conf, "spark.driver.memory": "3g"}
        spark_settings = environment.spark.model_copy(update={"conf": conf})
        environment = environment.model_copy(update={"spark": spark_settings})
        spark = session.start(environment, app_name="statistics")
        context = RunContext(spark, Case.model_validate(TINY_CASE), environment, Silent(),
                             "r-bench", date(2024, 1, 1), NIGHT)  # fmt: skip
        few, many = (make_table(context, ROWS * given.scale // part) for part in (GROWTH, 1))
        has_spark = given.scale == 1
        logger.info("%d columns hold the same", require_equal(many if has_spark else few))
        seconds = measured(sides_of(many, has_spark=has_spark), given.rounds)
        found = checks_of_spark(seconds, looped(many)) if has_spark else []
        write(f"bench/statistics{suffix()}", found + checks(few, many, seconds, given.rounds))
        spark.stop()


if __name__ == "__main__":
    main()
