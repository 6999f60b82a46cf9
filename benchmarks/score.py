"""Scores of a table of 40 columns into a Delta table: ours, five other ways, the limit.

`make bench NAME=score SCALE=1`: 1,000,000 rows, and a quarter of them for the growth; SCALE=4 and
16 are 4 and 16 million. A network of (256, 128) units; all sides give the same scores.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks import score_peers as peers
from benchmarks.loader import GROWTH, ROWS, written
from benchmarks.loader_sides import LABEL
from benchmarks.result import Check, compared, median, suffix, write
from benchmarks.rounds import Side, Times, exponent, interleaved, peak_of_workers
from lepton_spark.config.case import Case
from lepton_spark.config.train import ModelSettings
from lepton_spark.context import RunContext
from lepton_spark.dataset.transform import FeatureTransform, NumberColumn
from lepton_spark.evaluate.predictions import predict
from lepton_spark.lake import session
from lepton_spark.lake.file_plan import FilePlan, FileSlice
from lepton_spark.models.network import arrays_of, build
from lepton_spark.models.shape import Shape
from lepton_spark.models.weights import pack
from lepton_spark.train.bundle import Bundle, to_json
from tests.conftest import TINY_CASE, Silent, environment_at

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

logger = logging.getLogger(__name__)
ROUNDS = 3
TOLERANCE = 1e-5
LIMIT, SINGLE = "decoding and NumPy", "row by row"
UDFS = ("mapInArrow", "mapInPandas", "predict_batch_udf", "MLflow spark_udf")


@dataclass(frozen=True)
class Work:
    """A table, and a model fitted to nothing.

    Args:
        folder: Of the model's weights, for the peers.
    """

    context: RunContext
    path: Path
    names: list[str]
    bundle: Bundle
    folder: str

    @property
    def rows(self) -> DataFrame:
        """The table, as Spark reads it."""
        return self.context.spark.read.parquet(str(self.path))

    @property
    def plan(self) -> FilePlan:
        """Its row groups."""
        meta = pq.read_metadata(self.path)
        slices = [
            FileSlice(str(self.path), group, meta.row_group(group).num_rows)
            for group in range(meta.num_row_groups)
        ]
        return FilePlan("gold.bench", 0, tuple(slices))


def prepared(context: RunContext, folder: Path, rows: int) -> Work:
    """A file of rows with an id, and a bundle of a network with its first weights."""
    plain = written(folder, rows)
    names = [name for name in pq.read_schema(plain).names if name != LABEL]
    path = folder / f"scored-{rows}.parquet"
    with pq.ParquetFile(plain) as file, pq.ParquetWriter(path, _schema(names)) as target:
        first = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=names)
            ids = np.arange(first, first + table.num_rows)
            target.write_table(table.add_column(0, peers.ID, [ids]), row_group_size=1 << 20)
            first += table.num_rows
    settings = ModelSettings(hidden=peers.UNITS, dropout=0.0)
    weights = pack(arrays_of(build(settings, Shape(len(names), ()), seed=7)))
    (folder / "weights.npz").write_bytes(weights)
    return Work(context, path, names, _bundle(names, settings, weights), str(folder))


def _schema(names: list[str]) -> Any:
    return pa.schema([(peers.ID, pa.int64()), *((name, pa.float32()) for name in names)])


def _bundle(names: list[str], settings: ModelSettings, weights: bytes) -> Bundle:
    numbers = tuple(
        NumberColumn(name, -10.0, 10.0, 0.0, 0.0, 1.0, has_missing_flag=False) for name in names
    )
    transform = FeatureTransform(numbers, (), "0" * 64)
    spec = {
        "kind": "table_mlp",
        "settings": settings.model_dump(mode="json"),
        **Shape.of(transform).to_spec(),
    }
    contract = {"columns": [{"name": name, "type": "float"} for name in names]}
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


def ours(work: Work) -> DataFrame:
    """As evaluation and scoring do it."""
    found = predict(work.rows, {"m": work.bundle}, keep=[peers.ID], plan=work.plan)
    return found.withColumnRenamed("p_m", "score")


def sides_of(work: Work, target: Path) -> dict[str, Side]:
    """Every side on one file, by name, into a Delta table of its own."""
    rows, names, folder = work.rows, work.names, work.folder
    udf = peers.mlflow_udf(work.context.spark, folder)
    frames = {
        "ours": ours(work),
        "mapInArrow": peers.by_arrow(rows, names, folder),
        "mapInPandas": peers.by_pandas(rows, names, folder),
        "predict_batch_udf": peers.by_batch_udf(rows, names, folder),
        "MLflow spark_udf": rows.select(peers.ID, udf(*names).alias("score")),
    }
    found: dict[str, Side] = {
        name: partial(_write, frame, target / name.replace(" ", "-"))
        for name, frame in frames.items()
    }
    return {**found, LIMIT: partial(peers.limit, work.path, names, folder)}


def _write(frame: DataFrame, target: Path) -> None:
    frame.write.format("delta").mode("overwrite").save(str(target))


def require_equal(sides: Mapping[str, Side], work: Work, target: Path) -> None:
    """See that all sides give the same scores.

    Raises:
        RuntimeError: One does not.
    """
    wanted = np.asarray(sides[LIMIT]())
    spark = work.context.spark
    for name in (each for each in sides if each != LIMIT):
        sides[name]()
        rows = spark.read.format("delta").load(str(target / name.replace(" ", "-")))
        plain = target / "plain"
        rows.write.mode("overwrite").parquet(str(plain))
        table = ds.dataset(plain, format="parquet").to_table().sort_by(peers.ID)
        if not np.allclose(table["score"].to_numpy(), wanted, atol=TOLERANCE):
            raise RuntimeError(f"{name} gives other scores")


def measure(context: RunContext, folder: Path, rows: int) -> list[Check]:
    """All checks."""
    few, many = (prepared(context, folder, count) for count in (rows // GROWTH, rows))
    sides = sides_of(few, folder / "few")
    require_equal(sides, few, folder / "few")
    times = interleaved(sides_of(many, folder / "many"), ROUNDS)
    alone, peaks = {}, []
    for work in (few, many):
        with peak_of_workers() as peak:
            side = partial(_write, ours(work), folder / "alone")
            alone[work.path.name] = interleaved({"ours": side}, ROUNDS)["ours"]
        peaks.append(peak.held)
    single = peers.row_by_row(many.path, many.names, many.folder)
    grown = [median(each.seconds) for each in alone.values()]
    return [
        *checks_of(times, single, rows),
        Check(f"score: growth exponent from a quarter, {rows:,} rows",
              exponent([rows // GROWTH, rows], grown), "", "<= 1.05"),
        Check(f"score: memory of the workers against a quarter, {rows:,} rows",
              peaks[1] / peaks[0], "x", "<= 1.5"),
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
    ]  # fmt: skip


def main() -> None:
    """Measure and write results/bench/score.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    rows = int(ROWS * parser.parse_args().scale)
    with tempfile.TemporaryDirectory() as work:
        environment = environment_at(Path(work) / "lake")
        spark = session.start(environment, app_name="score")
        checks = measure(_context(spark, environment), Path(work), rows)
        spark.stop()
    write(f"bench/score{suffix()}", checks)


def _context(spark: SparkSession, environment: Any) -> RunContext:
    return RunContext(
        spark=spark,
        case=Case.model_validate(TINY_CASE),
        environment=environment,
        contracts={},
        progress=Silent(),
        run_id="r-bench",
        as_of=date(2024, 2, 29),
        started_at=datetime(2024, 3, 1, tzinfo=UTC),
    )


if __name__ == "__main__":
    main()
