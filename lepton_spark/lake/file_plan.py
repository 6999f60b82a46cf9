"""The files of one pinned version of a table, for workers that read them without the JVM."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from delta.tables import DeltaTable

from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake import files, log
from lepton_spark.lake.catalog import TableId, location, scheme_of
from lepton_spark.lake.troubles import told_as

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

    from lepton_spark.context import RunContext

# So many footers of local files are read by threads of the driver. All others are read by a Spark
# job: what counts of a store is whether workers reach it, who may lack what the driver has.
_MOST_HERE = 256
_THREADS = 16
_MOST_TOLD = 200


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class _Footer:
    """What the end of one file says: rows of each row group, and the columns it holds.

    Args:
        unread: Why its store does not give the file to pyarrow; it then holds nothing.
    """

    path: str
    rows: tuple[int, ...] = ()
    columns: frozenset[str] = frozenset()
    unread: str | None = None


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
        context: Its session and environment are used.
        table: Must exist at that version.
        version: Pinned; files of later versions are not seen.
        condition: SQL; files that hold no such row, by what the log says of them, are left out.
            One over partition columns is exact; after any other, who reads has to filter again.
        without: Partition columns that the reader does without. Files hold no such columns, so
            any other makes the plan unfit.

    Returns:
        What is to be read, in a fixed order, or why that is not enough.

    Raises:
        EnvironmentFault: The version, or a file of it, is gone or damaged.
    """
    with told_as(table):
        folder = location(context.environment, table)
        detail = DeltaTable.forPath(context.spark, folder).detail().first()
        partitions = list(detail["partitionColumns"]) if detail is not None else []
        reason = (
            _why_unfit(context, detail)
            or _why_older(folder, version)
            or _why_narrow(partitions, without)
        )
        if reason is not None:
            return FilePlan(str(table), version, (), reason)
        rows = context.spark.read.format("delta").option("versionAsOf", version).load(folder)
        wanted = rows if condition is None else rows.where(condition)
        # The log alone knows them: nothing is scanned.
        paths = {files.named_by_spark(uri) for uri in wanted.inputFiles()}
        footers = _footers(context, sorted(paths))
        reason = _why_unread(footers) or _why_incomplete(
            rows, footers, partitions, is_whole=condition is None
        )
        if reason is not None:
            return FilePlan(str(table), version, (), reason)
        return FilePlan(str(table), version, _slices(footers))


def slices_of(context: RunContext, paths: Sequence[str]) -> tuple[FileSlice, ...]:
    """The row groups of some files, in their order; reads their footers.

    Raises:
        EnvironmentFault: The workers do not get at them, or one is damaged.
    """
    footers = _footers(context, paths)
    if (reason := _why_unread(footers)) is not None:
        raise EnvironmentFault(
            "LS-5038",
            reason,
            "training reads rows with pyarrow in the workers, which has its own way to the store:"
            " what Spark was given for it does not count there",
            "give it to the workers as well, such as AWS_ACCESS_KEY_ID by spark.executorEnv, or put"
            " the lakehouse where they can read",
        )
    return _slices(footers)


def _why_unfit(context: RunContext, detail: Row | None) -> str | None:
    properties = dict(detail["properties"]) if detail is not None else {}
    features = set(detail["tableFeatures"] or ()) if detail is not None else set()
    reasons = {
        "a catalog may filter its rows or hide its files": context.environment.catalog is not None,
        "its files may have deletion vectors": "deletionVectors" in features
        or properties.get("delta.enableDeletionVectors") == "true",
        "its columns have other names in the files (column mapping)": properties.get(
            "delta.columnMapping.mode", "none"
        )
        != "none",
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def _why_older(folder: str, version: int) -> str | None:
    """Features are told of the newest version only; what it dropped, an older one may have."""
    later = sorted(number for number in log.versions_of(folder) if number > version)
    changed = (n for n in later if any("protocol" in said for said in log.actions(folder, n)))
    if (first := next(changed, None)) is None:
        return None
    return f"the features of its table were changed later, by version {first}"


def _why_narrow(partitions: Sequence[str], without: Collection[str]) -> str | None:
    lacking = [name for name in partitions if name not in without]
    return f"its files lack the partition columns {', '.join(lacking)}" if lacking else None


def _why_unread(footers: Sequence[_Footer]) -> str | None:
    """What Spark reaches by ways of its own, its workers may not."""
    unread = next((footer for footer in footers if footer.unread is not None), None)
    if unread is None:
        return None
    return f"workers cannot read {scheme_of(unread.path)}: files ({unread.unread})"


def _why_incomplete(
    rows: DataFrame, footers: Sequence[_Footer], partitions: Sequence[str], *, is_whole: bool
) -> str | None:
    """What the files themselves say: a column came later, or the log takes rows away."""
    promised = set(rows.columns) - set(partitions)
    lacking = sorted({column for footer in footers for column in promised - footer.columns})
    if lacking:
        return f"some of its files are older than the columns {', '.join(lacking)}"
    num_stored = sum(sum(footer.rows) for footer in footers)
    if is_whole and num_stored != (num_rows := rows.count()):
        return f"its files hold {num_stored} rows and the table {num_rows}: deletion vectors"
    return None


def _slices(footers: Sequence[_Footer]) -> tuple[FileSlice, ...]:
    return tuple(
        FileSlice(footer.path, index, rows)
        for footer in footers
        for index, rows in enumerate(footer.rows)
        if rows > 0
    )


def _footers(context: RunContext, paths: Sequence[str]) -> list[_Footer]:
    """One for each path, in their order."""
    if len(paths) <= _MOST_HERE and all(scheme_of(path) == "file" for path in paths):
        return _at_once(_read_footer, paths)
    num_tasks = context.spark.sparkContext.defaultParallelism
    listed = context.spark.createDataFrame([(path,) for path in paths], "path string")
    read = listed.repartition(num_tasks).mapInArrow(
        _each(_read_footer), "path string, rows array<bigint>, columns array<string>, unread string"
    )
    found = (
        _Footer(row.path, tuple(row.rows), frozenset(row.columns), row.unread)
        for row in read.collect()
    )
    return sorted(found, key=lambda footer: footer.path)


def _at_once(read: Callable[[str], _Footer], paths: Sequence[str]) -> list[_Footer]:
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(read, paths))


def _each(
    read: Callable[[str], _Footer],
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def in_worker(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Path, rows of each row group, columns and why there are none, a row a file."""
        for batch in batches:
            footers = _at_once(read, batch.column(0).to_pylist())
            columns = [
                pa.array([footer.path for footer in footers], pa.string()),
                pa.array([list(footer.rows) for footer in footers], pa.list_(pa.int64())),
                pa.array([sorted(footer.columns) for footer in footers], pa.list_(pa.string())),
                pa.array([footer.unread for footer in footers], pa.string()),
            ]
            yield pa.record_batch(columns, names=["path", "rows", "columns", "unread"])

    return in_worker


def _read_footer(path: str) -> _Footer:
    """What a file says, or why its store does not give it.

    Raises:
        FileNotFoundError: It is gone.
        OSError: A disk does not give it.
        EnvironmentFault: It is damaged.
    """
    try:
        stream = files.open_input(path)
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        if scheme_of(path) == "file":
            raise
        return _Footer(path, unread=str(error).partition("\n")[0][:_MOST_TOLD])
    try:
        with stream:
            footer = pq.read_metadata(stream)
    except (OSError, pa.ArrowInvalid) as error:
        if getattr(error, "errno", None):
            raise
        raise EnvironmentFault(
            "LS-5032",
            f"the file {path} cannot be read ({type(error).__name__})",
            "a Parquet file ends with what it holds; storage or upload damaged it",
            "restore the table to an earlier version, or build it again",
        ) from error
    rows = tuple(footer.row_group(index).num_rows for index in range(footer.num_row_groups))
    return _Footer(path, rows, frozenset(footer.schema.to_arrow_schema().names))
