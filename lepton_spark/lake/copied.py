"""Rows as plain Parquet files, for workers that cannot read the files of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.lake import files
from lepton_spark.lake.catalog import join
from lepton_spark.lake.file_plan import FileSlice, slices_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.context import RunContext

_WHOLE = "_SUCCESS"  # written by Spark when all files are


def copied(
    context: RunContext, rows: DataFrame, folder: str, *, row_group_rows: int
) -> tuple[FileSlice, ...]:
    """The row groups of a copy, in a fixed order.

    Written by Spark, so that deletion vectors, renamed columns and row filters are settled. Made
    once: a folder that is whole is taken as it is, so that a rerun reads the same files.

    Args:
        context: Of the run.
        rows: Of a pinned version.
        folder: Path or URI that Spark and the workers reach.
        row_group_rows: Most rows of a row group.
    """
    _write(rows, folder, row_group_rows)
    return slices_of(context, _paths(folder))


def copied_by(
    context: RunContext, rows: DataFrame, folder: str, column: str, *, row_group_rows: int
) -> dict[str, tuple[FileSlice, ...]]:
    """The same for each value of a column, written as text; the files then lack the column."""
    _write(rows, folder, row_group_rows, column)
    found: dict[str, list[str]] = {}
    for path in _paths(folder):
        value = path.rpartition(f"/{column}=")[2].partition("/")[0]
        found.setdefault(value, []).append(path)
    return {value: slices_of(context, paths) for value, paths in found.items()}


def _write(rows: DataFrame, folder: str, row_group_rows: int, *columns: str) -> None:
    if not files.exists(join(folder, _WHOLE)):
        writer = rows.write.mode("overwrite").partitionBy(*columns)
        writer.option("parquet.block.row.count.limit", row_group_rows).parquet(folder)


def _paths(folder: str) -> list[str]:
    return [file.uri for file in files.list_files(folder) if file.path.endswith(".parquet")]
