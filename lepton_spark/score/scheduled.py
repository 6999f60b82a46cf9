"""Which raw rows belong to a day: those that were accepted, and those that were refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.bronze.arrivals import expression_of
from lepton_spark.silver.conform import conform
from lepton_spark.silver.knowledge import known_at, versions

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from lepton_spark.config.contract import Contract
    from lepton_spark.config.source import Source


@dataclass(frozen=True)
class Day:
    """A day to predict.

    Args:
        column: Date column of the predicted source.
        moment: Instant, UTC, after which nothing may be known.
    """

    column: str
    as_of: date
    moment: datetime


def accepted(rows: DataFrame, key: Sequence[str], day: Day) -> DataFrame:
    """The rows of a day as they were known at its moment.

    Args:
        rows: Silver rows of the predicted source, one for each key and arrival. The rows of
            the day are copied to every worker.
        key: Columns that identify a row.
        day: Which.

    Returns:
        The key, `_file` and `_row`; one row a key.
    """
    arrived = rows.filter(F.col("_arrived_at") <= F.lit(day.moment))
    is_of_day = F.col(day.column) == F.lit(day.as_of)
    keys = arrived.filter(is_of_day).select(*key).distinct()
    # A newer version of a key may have moved it to another day.
    rivals = arrived.join(F.broadcast(keys), list(key), how="left_semi")
    known = known_at(versions(rivals, key), day.moment)
    return known.filter(is_of_day).select(*key, "_file", "_row")


def refused(
    records: DataFrame, quarantine: DataFrame, source: Source, contract: Contract, day: Day
) -> DataFrame:
    """The raw rows of a day that silver refused.

    A row is of the day that its cell says; where that cannot be read, of the date in the path of
    its file.

    Args:
        records: Bronze rows of the predicted source.
        quarantine: Refused rows of its silver table; copied to every worker.
        source: The predicted source.
        contract: Its columns.
        day: Which.

    Returns:
        Those contract columns that are in the key, typed, null where they cannot be read; `_file`,
        `_row` and `_reasons`.
    """
    wanted = [column for column in contract.columns if column.name in {*source.key, day.column}]
    known = quarantine.filter(F.col("arrived_at") <= F.lit(day.moment)).select(
        F.col("file").alias("_file"), F.col("row").alias("_row"), F.col("reasons").alias("_why")
    )
    located = records.join(F.broadcast(known), ["_file", "_row"], how="inner")
    cells = located.select("_file", "_row", "_why", *(column.name for column in wanted))
    typed = conform(cells, wanted, source.format.nulls, source.clean)
    of_file = _is_file_of(source.path, day.as_of)
    own = F.col(day.column) if day.column in typed.columns else F.lit(None).cast("date")
    is_of_day = F.coalesce(own == F.lit(day.as_of), of_file)
    keys = [column.name for column in wanted if column.name in source.key]
    return typed.filter(is_of_day).select(*keys, "_file", "_row", F.col("_why").alias("_reasons"))


def without_twins(
    refused_rows: DataFrame, accepted_rows: DataFrame, key: Sequence[str]
) -> DataFrame:
    """Refused rows, less those whose key was accepted from another row of the day."""
    if not set(key) <= set(refused_rows.columns):
        return refused_rows
    return refused_rows.join(F.broadcast(accepted_rows.select(*key)), list(key), how="left_anti")


def typed_like(rows: DataFrame, schema: StructType, key: Sequence[str]) -> list[Expression]:
    """The key columns of rows in the types of another table; null where rows lack one."""
    return [
        (F.col(name) if name in rows.columns else F.lit(None))
        .cast(schema[name].dataType)
        .alias(name)
        for name in key
    ]


def _is_file_of(path: str, as_of: date) -> Expression:
    if "{date}" not in path:
        return F.lit(col=False)
    dated = path.replace("{date}", as_of.isoformat())
    return F.col("_file").rlike(f"^{expression_of(dated).pattern}$")
