"""Scores of a table of 40 columns into a Delta table: ours, five other ways, the limit.

`make bench NAME=score SCALE=1`: 1,000,000 rows, and a quarter of them for the growth; SCALE=4 and
16 are 4 and 16 million. A network of (256, 128) units; all sides give the same scores.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks import score_peers as peers
from benchmarks.flat_file import features_of, pieces_of, untouched, written
from benchmarks.result import Check, compared, median, suffix, write
from benchmarks.rounds import Side, Times, exponent, interleaved, peak_of_workers
from benchmarks.score_limit import UNITS, Limit
from lepton_spark.config.train import ModelSettings
from lepton_spark.evaluate.predictions import predict
from lepton_spark.lake import session
from lepton_spark.lake.file_plan import FilePlan, FileSlice
from lepton_spark.models.network import arrays_of, build
from lepton_spark.models.shape import Shape
from lepton_spark.models.weights import pack
from lepton_spark.train.bundle import Bundle, to_json
from tests.conftest import environment_at

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lepton_spark.config.environment import Environment
    from lepton_spark.dataset.transform import FeatureTransform

logger = logging.getLogger(__name__)
ROWS, GROWTH = 1_000_000, 4
ROUNDS = 3
ONE_THREAD = dict.fromkeys(
    ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    "1",
)
TOLERANCE = 1e-5
LIMIT, SINGLE = "decoding and NumPy", "row by row on as many processes"
UDFS = ("mapInArrow", "mapInPandas", "predict_batch_udf", "MLflow spark_udf")


@dataclass(frozen=True)
class Work:
    """A table, and a model fitted to nothing.

    Args:
        folder: Of the model's weights, for the peers.
    """

    path: Path
    names: list[str]
    bundle: Bundle
    folder: str

    def rows(self, spark: SparkSession) -> DataFrame:
        """The table, as Spark reads it."""
        return spark.read.parquet(str(self.path))

    @property
    def plan(self) -> FilePlan:
        """Its row groups."""
        pieces = pieces_of(self.path)
        slices = [FileSlice(each.path, each.row_group, each.rows) for each in pieces]
        return FilePlan("gold.bench", 0, tuple(slices))


def prepared(folder: Path, rows: int) -> Work:
    """A file of rows with an id, and a bundle of a network with its first weights."""
    plain = written(folder, rows)
    names = features_of(plain)
    path = folder / f"scored-{rows}.parquet"
    with pq.ParquetFile(plain) as file, pq.ParquetWriter(path, _schema(names)) as target:
        first = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=names)
            ids = np.arange(first, first + table.num_rows)
            target.write_table(table.add_column(0, peers.ID, [ids]), row_group_size=1 << 20)
            first += table.num_rows
    settings = ModelSettings(hidden=UNITS, dropout=0.0)
    weights = pack(arrays_of(build(settings, Shape(len(names), ()), seed=7)))
    (folder / "weights.npz").write_bytes(weights)
    bundle = _bundle(untouched(plain, "0" * 64), settings, weights)
    return Work(path, names, bundle, str(folder))


def _schema(names: list[str]) -> Any:
    return pa.schema([(peers.ID, pa.int64()), *((name, pa.float32()) for name in names)])


def _bundle(transform: FeatureTransform, settings: ModelSettings, weights: bytes) -> Bundle:
    spec = {
        "kind": "table_mlp",
        "settings": settings.model_dump(mode="json"),
        **Shape.of(transform).to_spec(),
    }
    contract = {"columns": [{"name": name, "type": "float"} for name in transform.columns]}
    return Bundle(
        {
            "spec.json": to_json(spec),
            "contract.json": to_json(contract),
            "snapshot.json": to_json({}),
            "training.json": to_json({}),
            "transform.json": transform.to_json().encode(),
            "weights.npz": weights,
        }
    )


def ours(spark: SparkSession, work: Work) -> DataFrame:
    """As evaluation and scoring do it."""
    found = predict(work.rows(spark), {"m": work.bundle}, keep=[peers.ID], plan=work.plan)
    return found.withColumnRenamed("p_m", "score")


def sides_of(spark: SparkSession, work: Work, target: Path, limit: Limit) -> dict[str, Side]:
    """Every side on one file, by name, into a Delta table of its own."""
    rows, names, folder = work.rows(spark), work.names, work.folder
    udf = peers.mlflow_udf(spark, folder)
    frames = {
        "ours": ours(spark, work),
        "mapInArrow": peers.by_arrow(rows, names, folder),
        "mapInPandas": peers.by_pandas(rows, names, folder),
        "predict_batch_udf": peers.by_batch_udf(rows, names, folder),
        "MLflow spark_udf": rows.select(peers.ID, udf(*names).alias("score")),
    }
    found: dict[str, Side] = {
        name: partial(_write, frame, target / name.replace(" ", "-"))
        for name, frame in frames.items()
    }
    return {**found, LIMIT: partial(limit.scores, work.path, names, folder)}


def _write(frame: DataFrame, target: Path) -> None:
    frame.write.format("delta").mode("overwrite").save(str(target))


def require_equal(spark: SparkSession, sides: Mapping[str, Side], target: Path) -> None:
    """See that all sides give the same scores.

    Raises:
        RuntimeError: One does not.
    """
    wanted = np.asarray(sides[LIMIT]())
    for name in (each for each in sides if each != LIMIT):
        sides[name]()
        rows = spark.read.format("delta").load(str(target / name.replace(" ", "-")))
        plain = target / "plain"
        rows.write.mode("overwrite").parquet(str(plain))
        table = ds.dataset(plain, format="parquet").to_table().sort_by(peers.ID)
        if not np.allclose(table["score"].to_numpy(), wanted, atol=TOLERANCE):
            raise RuntimeError(f"{name} gives other scores")


def peak_of(work: Work, environment: Environment, target: Path) -> int:
    """The most bytes that workers hold which score this and nothing else before."""
    spark = session.start(environment, app_name="score")
    side = partial(_write, ours(spark, work), target)
    with peak_of_workers() as peak:
        interleaved({"ours": side}, ROUNDS)
    spark.stop()
    return peak.held


def measure(spark: SparkSession, folder: Path, works: tuple[Work, Work]) -> list[Check]:
    """The checks that are of time, by a table and one of GROWTH times as many rows."""
    (few, many), limit = works, Limit()
    sides = sides_of(spark, few, folder / "few", limit)
    require_equal(spark, sides, folder / "few")
    times = interleaved(sides_of(spark, many, folder / "many", limit), ROUNDS)
    limit.close()
    grown = []
    for work in works:
        side = partial(_write, ours(spark, work), folder / "alone")
        grown.append(median(interleaved({"ours": side}, ROUNDS)["ours"].seconds))
    tasks = spark.sparkContext.defaultParallelism
    single = peers.row_by_row(many.path, many.names, many.folder, tasks)
    counts = [sum(piece.rows for piece in pieces_of(work.path)) for work in works]
    return [
        *checks_of(times, single, counts[1]),
        Check(f"score: growth exponent from a quarter, {counts[1]:,} rows",
              exponent(counts, grown), "", "<= 1.05"),
    ]  # fmt: skip


def checks_of(times: Mapping[str, Times], single: float, rows: int) -> list[Check]:
    """What was measured against the peers."""
    mine, told = times["ours"].seconds, f"{rows:,} rows"
    best = min(UDFS, key=lambda name: median(times[name].seconds))
    return [
        compared(f"score: rate of ours against decoding and NumPy, {told}",
                 times[LIMIT].seconds, mine, ">= 0.8"),
        compared(f"score: the best UDF ({best}) against ours, {told}", times[best].seconds, mine,
                 ">= 3"),
        *(compared(f"score: {name} against ours, {told}", times[name].seconds, mine)
          for name in UDFS if name != best),
        Check(f"score: {SINGLE} against ours, {told}", single / median(mine), "x", ">= 500"),
        Check(f"score: rows a second of ours, {told}", rows / median(mine), ""),
        *(Check(f"score: processors of {name}, {told}", median(each.busy), "s")
          for name, each in times.items()),
    ]  # fmt: skip


def main() -> None:
    """Measure and write results/bench/score.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    rows = int(ROWS * parser.parse_args().scale)
    # What is started from here on inherits it: workers of all sides, one a core, and the limit.
    os.environ |= ONE_THREAD
    with tempfile.TemporaryDirectory() as name:
        folder, environment = Path(name), environment_at(Path(name) / "lake")
        few, many = prepared(folder, rows // GROWTH), prepared(folder, rows)
        peaks = [peak_of(work, environment, folder / "alone") for work in (few, many)]
        spark = session.start(environment, app_name="score")
        checks = measure(spark, folder, (few, many))
        spark.stop()
    checks.append(
        Check(f"score: memory of the workers against a quarter, {rows:,} rows",
              peaks[1] / peaks[0], "x", "<= 1.5")
    )  # fmt: skip
    write(f"bench/score{suffix()}", checks)


if __name__ == "__main__":
    main()
