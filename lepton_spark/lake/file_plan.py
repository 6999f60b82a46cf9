"""The files of one pinned version of a table, for workers that read them without the JVM."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from delta.tables import DeltaTable
from pyspark.sql import functions as F

from lepton_spark.lake import files
from lepton_spark.lake.catalog import TableId, location, scheme_of
from lepton_spark.lake.troubles import told_as

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

    from lepton_spark.context import RunContext

_REACHED_BY_WORKERS = frozenset({"file", "s3", "s3a", "gs", "hdfs", "abfs", "abfss"})
# Above this many files, their footers are read by a Spark job instead of threads of the driver.
_MOST_HERE = 256
_THREADS = 16


@dataclass(frozen=True, order=True)
class FileSlice:
    """One row group of one Parquet file.

    Args:
        path: A path, or a URI for pyarrow.fs.
        row_group: Its number in the file.
        rows: How many rows it holds.
    """

    path: str
    row_group: int
    rows: int


@dataclass(frozen=True)
class FilePlan:
    """What workers have to read to see exactly the rows of a pinned version.

    Args:
        table: Written `layer.name`.
        slices: In a fixed order; empty where the plan is unfit, or the table is.
        unfit: Why the files do not hold just the table's rows; the caller then reads through Spark.
    """

    table: str
    version: int
    slices: tuple[FileSlice, ...]
    unfit: str | None = None

    @property
    def rows(self) -> int:
        """Rows in all slices."""
        return sum(each.rows for each in self.slices)


def plan(
    context: RunContext,
    table: TableId,
    version: int,
    *,
    condition: str | None = None,
    without: Collection[str] = (),
) -> FilePlan:
    """The row groups of a table at one version.

    Args:
        table: Must exist at that version.
        version: Pinned; files of later versions are not seen.
        condition: SQL; only files with at least one such row are in the plan. Their other rows
            are too: who reads them has to filter again. Costs one scan of its columns.
        without: Partition columns that the reader can do without: files do not hold them.

    Raises:
        EnvironmentFault: The version, or a file of it, is gone or damaged.
    """
    with told_as(table):
        folder = location(context.environment, table)
        detail = DeltaTable.forPath(context.spark, folder).detail().first()
        reason = _why_unfit(context, detail, folder, without)
        if reason is not None:
            return FilePlan(str(table), version, (), reason)
        rows = context.spark.read.format("delta").option("versionAsOf", version).load(folder)
        found = FilePlan(str(table), version, _slices(context, _paths(rows, condition)))
        if condition is None and found.rows != (num_rows := rows.count()):
            reason = f"its files hold {found.rows} rows and the table {num_rows}: deletion vectors"
            return FilePlan(str(table), version, (), reason)
        return found


def _why_unfit(
    context: RunContext, detail: Row | None, folder: str, without: Collection[str]
) -> str | None:
    properties = dict(detail["properties"]) if detail is not None else {}
    features = set(detail["tableFeatures"] or ()) if detail is not None else set()
    partitions = list(detail["partitionColumns"]) if detail is not None else []
    partitions = [name for name in partitions if name not in without]
    reasons = {
        "a catalog may filter its rows or hide its files": context.environment.catalog is not None,
        f"workers cannot read {scheme_of(folder)}: files": scheme_of(folder)
        not in _REACHED_BY_WORKERS,
        "its files may have deletion vectors": "deletionVectors" in features
        or properties.get("delta.enableDeletionVectors") == "true",
        "its columns have other names in the files (column mapping)": properties.get(
            "delta.columnMapping.mode", "none"
        )
        != "none",
        f"its files lack the partition columns {', '.join(partitions)}": bool(partitions),
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def _paths(rows: DataFrame, condition: str | None) -> list[str]:
    if condition is None:
        uris = rows.inputFiles()
    else:
        matching = rows.where(condition).select(F.col("_metadata.file_path").alias("uri"))
        uris = [row["uri"] for row in matching.distinct().collect()]
    return sorted(_as_pyarrow_names_it(uri) for uri in uris)


def _as_pyarrow_names_it(uri: str) -> str:
    """Spark gives encoded URIs; pyarrow takes local paths as they are, and s3: for s3a:."""
    if uri.startswith("file:"):
        return "/" + unquote(uri.removeprefix("file:")).lstrip("/")
    return uri.replace("s3a://", "s3://", 1)


def _slices(context: RunContext, paths: Sequence[str]) -> tuple[FileSlice, ...]:
    if len(paths) <= _MOST_HERE:
        with ThreadPoolExecutor(_THREADS) as pool:
            return tuple(found for some in pool.map(_row_groups, paths) for found in some)
    parts = context.spark.sparkContext.defaultParallelism
    listed = context.spark.createDataFrame([(path,) for path in paths], "path string")
    footers = listed.repartition(parts).mapInArrow(
        _read_footers, "path string, row_group int, rows bigint"
    )
    return tuple(sorted(FileSlice(*row) for row in footers.collect()))


def _read_footers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Runs in Spark workers."""
    for batch in batches:
        found = [each for path in batch.column(0).to_pylist() for each in _row_groups(path)]
        yield pa.record_batch(
            {
                "path": pa.array([each.path for each in found], pa.string()),
                "row_group": pa.array([each.row_group for each in found], pa.int32()),
                "rows": pa.array([each.rows for each in found], pa.int64()),
            }
        )


def _row_groups(path: str) -> list[FileSlice]:
    with files.open_input(path) as stream:
        footer = pq.read_metadata(stream)
        counts = [footer.row_group(index).num_rows for index in range(footer.num_row_groups)]
    return [FileSlice(path, index, rows) for index, rows in enumerate(counts) if rows > 0]
