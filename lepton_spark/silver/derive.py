"""New columns from checked SQL expressions over one row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import DateType, DoubleType, FloatType, TimestampType

from lepton_spark.config.column import readable_kinds
from lepton_spark.config.expression import parse
from lepton_spark.quality.reasons import add, is_accepted
from lepton_spark.quality.span import as_reason
from lepton_spark.silver.knowledge import is_dated

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def derive(rows: DataFrame, expressions: Mapping[str, str]) -> DataFrame:
    """Add columns in the order written; later ones may read earlier ones.

    Args:
        rows: Hold `_reasons`; on a refused row the new columns are null.
        expressions: Column name to the author's SQL, checked before Spark sees it.

    Returns:
        The rows with the columns. A date or instant outside 1678 to 2261 refuses its row
        (`date_out_of_range`, `looks_like_milliseconds`), and so does NaN or infinity
        (`not_finite`).

    Raises:
        ConfigError: An expression that is not allowed, or a column that is not there.
    """
    for name, text in expressions.items():
        checked = parse(text, columns=readable_kinds(rows.dtypes), where=f"derive.{name}")
        rows = rows.withColumn(name, F.when(is_accepted(), F.expr(checked.sql)))
    wild = [_wild(rows, name) for name in expressions]
    return add(rows, [reason for reason in wild if reason is not None])


def add_known_at(rows: DataFrame, expression: str | None) -> DataFrame:
    """Add `_known_at`, UTC: what the expression says, but never before the row arrived.

    Args:
        rows: Hold `_arrived_at` and `_reasons`.
        expression: The author's SQL; without one, or where it is null in a file that has a date,
            it is the arrival.

    Returns:
        The rows. An instant that cannot be held refuses its row, as in `derive`; one after the
        arrival is kept, and the row is not used before. Where the expression is null and the file
        has no date the row is refused (`no_known_at`): it would count as always known.
    """
    arrived_at = F.col("_arrived_at")
    if expression is None:
        return rows.withColumn("_known_at", arrived_at)
    checked = parse(expression, columns=readable_kinds(rows.dtypes), where="known_at")
    told = F.when(is_accepted(), F.expr(checked.sql).cast("timestamp"))
    rows = rows.withColumn("_told", told)
    is_lost = is_accepted() & F.col("_told").isNull() & ~is_dated()
    rows = add(rows, [F.when(is_lost, F.lit("no_known_at"))])
    rows = rows.withColumn("_known_at", F.greatest(arrived_at, "_told")).drop("_told")
    return add(rows, [F.concat(as_reason(F.col("_known_at")), F.lit(":known_at"))])


def _wild(rows: DataFrame, name: str) -> Column | None:
    """The reason of a value that later tools could not hold; None for kinds that have none."""
    kind, value = rows.schema[name].dataType, F.col(name)
    if isinstance(kind, DateType | TimestampType):
        return F.concat(as_reason(value), F.lit(f":{name}"))
    if isinstance(kind, DoubleType | FloatType):
        is_finite = F.abs(value) < F.lit(float("inf"))
        return F.when(~is_finite, F.lit(f"not_finite:{name}"))
    return None
