"""Rows that were refused: where they are and why, never what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.lake.catalog import TableId

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

QUARANTINE = TableId("ops", "quarantine")
COLUMNS = ("case", "table", "file", "row", "reasons", "severity", "arrived_at", "run_id")


@dataclass(frozen=True)
class Locator:
    """Where a row is."""

    file: str
    row: int

    @property
    def row_id(self) -> str:
        """A name for the row that tells nothing of it or its file: ten digits of SHA-256."""
        return hashlib.sha256(f"{self.file}:{self.row}".encode()).hexdigest()[:10]

    def __str__(self) -> str:
        return f"{self.file}:{self.row} (row id {self.row_id})"


def quarantined(judged: DataFrame, *, case: str, table: str, run_id: str) -> DataFrame:
    """The rows for `ops.quarantine`: one for each that is refused or a duplicate.

    Args:
        judged: Rows with `_severity`, null where good, and `_reasons`.
        case: Name of the case.
        table: The silver table that the rows were meant for.
        run_id: Of this run.
    """
    bad = judged.filter(F.col("_severity").isNotNull())
    return bad.select(
        F.lit(case).alias("case"),
        F.lit(table).alias("table"),
        F.col("_file").alias("file"),
        F.col("_row").alias("row"),
        F.col("_reasons").alias("reasons"),
        F.col("_severity").alias("severity"),
        F.col("_arrived_at").alias("arrived_at"),
        F.lit(run_id).alias("run_id"),
    )


def condition_of(case: str, files: Mapping[str, Iterable[str]]) -> str:
    """SQL that is true for the quarantined rows of some files of some tables of a case."""
    parts = [
        f"(`table` = {_quoted(table)} AND `file` IN ({', '.join(map(_quoted, sorted(paths)))}))"
        for table, paths in sorted(files.items())
    ]
    return f"`case` = {_quoted(case)} AND ({' OR '.join(parts)})"


def _quoted(text: str) -> str:
    """A SQL literal: a file may have any name."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
