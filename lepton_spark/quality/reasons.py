"""Reason codes of a row: one array column, `<code>` or `<code>:<column>`, never a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.table_rules import RowSeverity

REASONS = "_reasons"
# Reasons that refuse no row: told as warnings, or counted against a limit. Only where a contract
# has such rules.
MARKS = "_marks"
_BETWEEN = "\u0001"


def code(name: str, column: str) -> Column:
    """The text of a reason: what is wrong, and in which column."""
    return F.lit(f"{name}:{column}")


def none_yet() -> Column:
    """An empty array of reasons."""
    return F.array().cast("array<string>")


def gathered(reasons: Iterable[Column]) -> Column:
    """One array of those reasons that are not null."""
    listed = list(reasons)
    if not listed:
        return none_yet()
    # array_compact would call a function for each reason of each row.
    joined = F.concat_ws(_BETWEEN, *listed)
    return F.array_remove(F.split(joined, _BETWEEN), "")


def add(rows: DataFrame, reasons: Iterable[Column]) -> DataFrame:
    """Append reasons to `_reasons`; null ones are left out.

    Args:
        rows: Holds `_reasons`.
        reasons: Text columns, null where nothing is wrong; all end up in one projection.
    """
    return rows.withColumn(REASONS, F.concat(F.col(REASONS), gathered(reasons)))


def mark_rows(rows: DataFrame, marks: Iterable[Column]) -> DataFrame:
    """Append reasons to `_marks`, which is made where it is not there; null ones are left out."""
    found = gathered(marks)
    if MARKS in rows.columns:
        found = F.concat(F.col(MARKS), found)
    return rows.withColumn(MARKS, found)


def refuses(severity: RowSeverity) -> bool:
    """Whether a row that breaks a rule of this severity is refused."""
    return severity in ("error", "critical")


def add_by(rows: DataFrame, reason: Column, severity: RowSeverity) -> DataFrame:
    """Append a reason to `_reasons`, or to `_marks` where its severity refuses no row."""
    return add(rows, [reason]) if refuses(severity) else mark_rows(rows, [reason])


def is_accepted() -> Column:
    """True where a row has no reason yet.

    Expressions that could fail on a wild value are computed only where this holds.
    """
    return F.size(F.col(REASONS)) == 0
