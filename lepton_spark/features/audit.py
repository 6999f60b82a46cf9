"""What staged features must be before they are published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.errors import DataError, InternalError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def audit_features(
    staged: DataFrame, key: Sequence[str], num_rows: int, source: str | None
) -> None:
    """See that there is one row for each row to predict.

    Args:
        staged: The rows about to be published; read once.
        key: Columns that identify a row to predict.
        num_rows: How many rows to predict were known at the moment of their day.
        source: Where they are from; None where it may be that none was.

    Raises:
        DataError: Rows to predict are there, and none was known in time.
        InternalError: Rows were lost or repeated, or a key is null.
    """
    if not num_rows and source is not None:
        raise DataError(
            "LS-2089",
            f"no row of {source} was known at the moment of its day.",
            "a row is predicted with what was known then, and it has to be known itself.",
            f"see predict.at, and arrives and known_at of {source}: what is known of its rows"
            " later belongs to another source; or add --allow-empty.",
        )
    is_null = F.col("_as_of").isNull()
    for name in key:
        is_null = is_null | F.col(name).isNull()
    counted = staged.agg(F.count("*"), F.count_if(is_null)).collect()[0]
    if counted[0] != num_rows or counted[1]:
        raise InternalError(
            "LS-7030",
            f"{counted[0]} rows of features, {counted[1]} of them with a null key, for"
            f" {num_rows} rows to predict.",
            "each row to predict gives one row of features.",
            "report this with the log of the run.",
        )


def refuse_no_rows(source: str, days: str) -> None:
    """Say that there is nothing to compute features for, on those days."""
    raise DataError(
        "LS-2090",
        f"{source} has no rows {days}.",
        "a day without rows to predict is a failed delivery unless it is said to be allowed.",
        f"deliver the files of {source} and run the same command again, or add --allow-empty.",
    )


def refuse_loss(table: str, standing: DataFrame, as_of: date) -> None:
    """Refuse to give a table other columns where it holds days after the logical date.

    Raises:
        DataError: The last of those days is named.
    """
    last = standing.agg(F.max("_as_of")).collect()[0][0]
    if last is not None and last > as_of:
        raise DataError(
            "LS-2093",
            f"{table} holds features of {last}, and --as-of is {as_of}.",
            "features of all days are replaced where the case has others than the table.",
            f"run `lepton features` with --as-of {last} or later.",
            f"{table} is unchanged",
        )
