"""The fitted transform over the files of a table, against five other ways and the limit.

`make bench NAME=transform`. Numbers are filled, clipped and standardised, missing ones flagged,
categories looked up; every side reads one Parquet file, is given the same statistics, and writes
Parquet. Logarithms, hashes and crosses are no part of the transform: a case derives them in silver.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks import transform_peers as peers
from benchmarks.clean import Folder
from benchmarks.result import Check, compared, median, suffix, write
from benchmarks.rounds import Side, exponent, interleaved, kept_by_jvm
from benchmarks.transform_peers import Work
from lepton_spark.config.train import TransformSettings
from lepton_spark.dataset.fit import Columns, fit_transform
from lepton_spark.dataset.reader import read_table
from lepton_spark.dataset.shards import whole
from lepton_spark.lake import session
from tests.conftest import environment_at

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
ROUNDS = 5
ROWS = (65_536, 262_144, 1_048_576)
NUMBERS, CATEGORIES, WORDS = 20, 4, 200
ROW_GROUP = 65_536
_TOLERANCE = 1e-5
_DEFAULTS = "one select with Spark's defaults"
_HUGE_METHODS, _UNTUNED = "spark.sql.codegen.hugeMethodLimit", "65535"


def ours(spark: SparkSession, work: Work, target: Path) -> None:
    """A task a row group, as in scoring: read, transform, write, no value through the JVM."""
    target.mkdir()
    transform, path, names = work.transform, str(work.path), work.names

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for group in batch.column(0).to_pylist():
                rows = read_table(path, group, ["id", *transform.columns])
                block = transform.apply(rows)
                columns = [*block.numbers.T, *block.categories.T]
                table = pa.table([rows["id"], *map(pa.array, columns)], names=["id", *names])
                pq.write_table(table, target / f"{group}.parquet")
                yield pa.RecordBatch.from_pydict({"rows": pa.array([table.num_rows])})

    groups = pq.ParquetFile(work.path).num_row_groups
    spark.range(0, groups, 1, groups).mapInArrow(run, "rows bigint").collect()


def written(spark: SparkSession, folder: Path, rows: int) -> Work:
    """A file of rows with gaps and long tails, and the transform fitted to it."""
    random = np.random.default_rng(7)
    path = folder / f"rows-{rows}.parquet"
    columns: dict[str, Any] = {"id": pa.array(np.arange(rows))}
    for number in range(NUMBERS):
        is_missing = random.random(rows) < (0.1 if number % 2 else 0.0)
        columns[f"n{number}"] = pa.array(random.lognormal(size=rows), mask=is_missing)
    words = pa.array([f"word {n}" for n in range(WORDS)])
    for number in range(CATEGORIES):
        places = np.minimum(random.zipf(1.5, rows), WORDS) - 1
        columns[f"c{number}"] = words.take(pa.array(places))
    pq.write_table(pa.table(columns), path, row_group_size=ROW_GROUP, write_page_checksum=True)
    meta = pq.read_metadata(path)
    pieces = [
        whole(str(path), group, meta.row_group(group).num_rows)
        for group in range(meta.num_row_groups)
    ]
    named = Columns(
        tuple(f"n{n}" for n in range(NUMBERS)), tuple(f"c{n}" for n in range(CATEGORIES))
    )
    settings = TransformSettings(min_category_count=1)
    return Work(path, rows, fit_transform(spark, pieces, named, settings))


def sides_of(
    spark: SparkSession, work: Work, model: PipelineModel, folder: Folder
) -> dict[str, Side]:
    """Every side on one file, by name."""
    ways: dict[str, Any] = {
        "ours": partial(ours, spark, work),
        "one select": partial(peers.one_select, spark, work),
        _DEFAULTS: partial(_with_defaults, partial(peers.one_select, spark, work), spark),
        "a withColumn loop": partial(peers.column_by_column, spark, work),
        "pandas UDFs": partial(peers.by_pandas, spark, work),
        "spark.ml": partial(peers.by_ml, spark, work, model),
        "polars": partial(peers.polars, work),
        "pyarrow and NumPy": partial(peers.limit, work),
    }
    return {name: _into(way, folder, name) for name, way in ways.items()}


def _with_defaults(way: Any, spark: SparkSession, target: Path) -> None:
    """As in a session that nobody tuned: ours has wide projections interpreted."""
    tuned = spark.conf.get(_HUGE_METHODS) or _UNTUNED
    spark.conf.set(_HUGE_METHODS, _UNTUNED)
    try:
        way(target)
    finally:
        spark.conf.set(_HUGE_METHODS, tuned)


def _into(way: Any, folder: Folder, name: str) -> Side:
    return lambda: way(folder.fresh(name.replace(" ", "-")))


def require_equal(sides: dict[str, Side], work: Work, model: PipelineModel, folder: Path) -> None:
    """See that all sides give the same table.

    Raises:
        RuntimeError: One does not.
    """
    tables = {}
    for name, side in sides.items():
        side()
        rows = ds.dataset(folder / name.replace(" ", "-"), format="parquet").to_table()
        tables[name] = rows.sort_by("id")
    mine = tables.pop("ours")
    for name, table in tables.items():
        for column in work.names:
            left = mine[column].to_numpy()
            right = _of_ml(table, column, work, model) if name == "spark.ml" else table[column]
            if not np.allclose(left, np.asarray(right), rtol=_TOLERANCE, atol=_TOLERANCE):
                raise RuntimeError(f"{name} gives another {column}")


def _of_ml(table: pa.Table, column: str, work: Work, model: PipelineModel) -> Any:
    """A column of spark.ml in our units: it divides by the deviation of the filled values."""
    for place, number in enumerate(work.transform.numbers):
        if number.name == column:
            values = table["scaled"].combine_chunks().field("values")
            matrix = values.flatten().to_numpy().reshape(-1, len(work.transform.numbers))
            return matrix[:, place] * model.stages[4].std[place] / number.scale
    for category in work.transform.categories:
        if category.name == column:
            return (table[column].to_numpy() + 1) % (len(category.vocabulary) + 1)
    return table[column]


def measure(spark: SparkSession, folder: Path, scale: float) -> list[Check]:
    """All checks."""
    few, middle, many = (written(spark, folder, int(rows * scale)) for rows in ROWS)
    place = Folder(folder)
    models = [peers.ml_pipeline(spark, work) for work in (few, middle)]
    require_equal(sides_of(spark, few, models[0], place), few, models[0], folder)
    logger.info("equal outputs")
    times = interleaved(sides_of(spark, middle, models[1], place), ROUNDS)
    alone = {
        work.rows: {"ours": _into(partial(ours, spark, work), place, "ours")}
        for work in (few, many)
    }
    more = {rows: interleaved(side, ROUNDS)["ours"] for rows, side in alone.items()}
    kept = [kept_by_jvm(spark, side["ours"]) for side in alone.values()]
    mine, told = times["ours"], f"{middle.rows} rows"

    def against(name: str, target: str) -> Check:
        what = f"{name} against the transform, {told}"
        return compared(what, times[name].seconds, mine.seconds, target)

    grown = [median(each.seconds) for each in (more[few.rows], mine, more[many.rows])]
    limit = times["pyarrow and NumPy"]
    return [
        against(_DEFAULTS, ">= 6"),
        against("one select", ""),
        against("a withColumn loop", ""),
        against("pandas UDFs", ""),
        against("spark.ml", ">= 3"),
        against("polars", ""),
        compared(f"transform against pyarrow and NumPy, {told}",
                 mine.seconds, limit.seconds, "<= 2.5"),
        Check("growth exponent of the transform",
              exponent([few.rows, middle.rows, many.rows], grown), "", "<= 1.05"),
        Check(f"transform: objects kept by the JVM, {many.rows} rows against {few.rows}",
              kept[1] / kept[0], "x", "<= 1.5"),
        Check(f"transform, {told}", median(mine.seconds), "s"),
        Check(f"processors of the transform, {told}", median(mine.busy), "s"),
        Check(f"processors of pyarrow and NumPy, {told}",
              median(limit.busy), "s"),
    ]  # fmt: skip


def main() -> None:
    """Measure and write results/bench/transform.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    scale = parser.parse_args().scale
    with tempfile.TemporaryDirectory() as work:
        spark = session.start(environment_at(Path(work) / "lake"), app_name="transform")
        checks = measure(spark, Path(work), scale)
        spark.stop()
    write(f"bench/transform{suffix()}", checks)


if __name__ == "__main__":
    main()
