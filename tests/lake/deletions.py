"""Rows that are taken away without their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from delta.tables import DeltaTable
from deltalake import DeltaTable as Log

from lepton_spark.lake.catalog import TableId, location

if TYPE_CHECKING:
    from lepton_spark.context import RunContext


def take_away(context: RunContext, table: TableId, condition: str) -> int:
    """Delete rows by deletion vectors.

    Returns:
        The version of the table without them; its files still hold them.
    """
    folder = location(context.environment, table)
    other: Any = context.spark.newSession()  # ours names no tables by path
    other.conf.set("spark.sql.runSQLOnFiles", "true")
    told = "TBLPROPERTIES (delta.enableDeletionVectors = true)"
    other.sql(f"ALTER TABLE delta.`{folder}` SET {told}")
    before = rows_in_files(folder)
    DeltaTable.forPath(context.spark, folder).delete(condition)
    assert rows_in_files(folder) == before, "files were written anew"
    return int(Log(folder).version())


def rows_in_files(folder: str) -> int:
    """Rows that the files hold, taken away or not."""
    return sum(Log(folder).get_add_actions(flatten=True).column("num_records").to_pylist())
