"""Reason codes of a row: one array column, `<code>` or `<code>:<column>`, never a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

REASONS = "_reasons"


def code(name: str, column: str) -> Column:
    """The text of a reason: what is wrong, and in which column."""
    return F.lit(f"{name}:{column}")


def none_yet() -> Column:
    """An empty array of reasons."""
    return F.array().cast("array<string>")


def gathered(reasons: Iterable[Column]) -> Column:
    """One array of those reasons that are not null."""
    listed = list(reasons)
    return F.array_compact(F.array(*listed)) if listed else none_yet()


def add(rows: DataFrame, reasons: Iterable[Column]) -> DataFrame:
    """Append reasons to `_reasons`; null ones are left out.

    Args:
        rows: Holds `_reasons`.
        reasons: Text columns, null where nothing is wrong; all end up in one projection.
    """
    return rows.withColumn(REASONS, F.concat(F.col(REASONS), gathered(reasons)))


def is_accepted() -> Column:
    """True where a row has no reason yet.

    Expressions that could fail on a wild value are computed only where this holds.
    """
    return F.size(F.col(REASONS)) == 0
