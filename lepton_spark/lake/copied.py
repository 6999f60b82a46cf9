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
    if not files.exists(join(folder, _WHOLE)):
        writer = rows.write.mode("overwrite")
        writer.option("parquet.block.row.count.limit", row_group_rows).parquet(folder)
    paths = [file.uri for file in files.list_files(folder) if file.path.endswith(".parquet")]
    return slices_of(context, paths)
