"""The rules of a contract, executed: each broken one becomes a reason of its row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.quality.reasons import REASONS, add, code, gathered, is_accepted

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame

    from lepton_spark.config.contract import Column

PROBLEM = "_problem"
ALL_NULL_KEY = "all_null_key"


def check_contract(rows: DataFrame, columns: Sequence[Column], key: Collection[str]) -> DataFrame:
    """Hold rows against their contract, all rules in one pass.

    Args:
        rows: Typed columns, `_reasons` of parsing, and `_problem` of landing, which is dropped.
        columns: What each column promises.
        key: Columns that identify a row; those that are computed later are not looked at.

    Returns:
        The same rows. A row with a problem has that reason only, and one whose key is all null
        has `all_null_key`. Any other has, besides those of parsing, at most one reason a column:
        `null_key`, `missing` (both told only where every cell parsed), `out_of_range`,
        `not_allowed`, `bad_pattern` or `too_long`.
    """
    rules = [_broken(column, is_key=column.name in key) for column in columns]
    broken = gathered(reason for reason in rules if reason is not None)
    reasons = F.when(F.col(PROBLEM).isNotNull(), F.array(F.col(PROBLEM)))
    own_key = [column.name for column in columns if column.name in key]
    if own_key:
        is_empty = (
            is_accepted() & F.coalesce(*(F.col(name).cast("string") for name in own_key)).isNull()
        )
        reasons = reasons.when(is_empty, F.array(F.lit(ALL_NULL_KEY)))
    reasons = reasons.otherwise(F.concat(F.col(REASONS), broken))
    return rows.withColumn(REASONS, reasons).drop(PROBLEM)


def check_key(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """Refuse rows whose key has a null that no other reason explains."""
    nulls = [F.when(F.col(name).isNull() & is_accepted(), code("null_key", name)) for name in key]
    return add(rows, nulls)


def _broken(column: Column, *, is_key: bool) -> Expression | None:
    """The first rule of a column that its value breaks, null where it keeps them; None: no rule."""
    value, broken = F.col(column.name), {}
    if is_key or column.required:
        # A cell that did not parse is null too, and has its reason.
        broken["null_key" if is_key else "missing"] = value.isNull() & is_accepted()
    if (is_out := _is_out(value, column)) is not None:
        broken["out_of_range"] = is_out
    if column.allowed is not None:
        broken["not_allowed"] = ~value.isin(*column.allowed)
    if column.pattern is not None:
        # Not ^ and $, which would let a line feed at the end pass.
        broken["bad_pattern"] = ~value.rlike(rf"\A(?:{column.pattern})\z")
    if column.max_length is not None:
        broken["too_long"] = F.length(value) > F.lit(column.max_length)
    reasons = [F.when(is_broken, code(name, column.name)) for name, is_broken in broken.items()]
    return F.coalesce(*reasons) if reasons else None


def _is_out(value: Expression, column: Column) -> Expression | None:
    """Whether a value is below the minimum or above the maximum of its column."""
    low = None if column.minimum is None else value < F.lit(column.minimum)
    high = None if column.maximum is None else value > F.lit(column.maximum)
    if low is None or high is None:
        return low if high is None else high
    return low | high
