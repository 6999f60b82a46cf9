"""The rules of a contract, executed: each broken one becomes a reason of its row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.config.pattern import MOST_LETTERS, read_pattern
from lepton_spark.quality.reasons import (
    REASONS,
    add,
    code,
    gathered,
    is_accepted,
    mark_rows,
    refuses,
)

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
        has `all_null_key`; where the key is made later, one of which all columns are, if there are
        more than one. Any other has, besides those of parsing, at most one reason a column:
        `null_key`, `missing` (both told only where every cell parsed), `out_of_range`,
        `not_allowed`, `bad_pattern` or `too_long`. Where a rule does not refuse its rows, they
        have all such reasons in `_marks`.
    """
    rules = [_Broken(column, is_key=column.name in key) for column in columns]
    broken = gathered(rule.reason for rule in rules if rule.reason is not None)
    reasons = F.when(F.col(PROBLEM).isNotNull(), F.array(F.col(PROBLEM)))
    own_key = [column.name for column in columns if column.name in key]
    if not own_key and len(columns) > 1:  # an empty line has no key, and must not become a row
        own_key = [column.name for column in columns]
    if own_key:
        is_empty = (
            is_accepted() & F.coalesce(*(F.col(name).cast("string") for name in own_key)).isNull()
        )
        reasons = reasons.when(is_empty, F.array(F.lit(ALL_NULL_KEY)))
    reasons = reasons.otherwise(F.concat(F.col(REASONS), broken))
    marks = [mark for rule in rules for mark in rule.marks]
    if marks:
        rows = mark_rows(rows, marks)
    return rows.withColumn(REASONS, reasons).drop(PROBLEM)


def check_key(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """Refuse rows whose key has a null that no other reason explains."""
    nulls = [F.when(F.col(name).isNull() & is_accepted(), code("null_key", name)) for name in key]
    return add(rows, nulls)


class _Broken:
    """The rules of one column that its value may break.

    Args:
        column: What its values promise.
        is_key: Whether it is part of the key, whose nulls are refused always.
    """

    def __init__(self, column: Column, *, is_key: bool) -> None:
        value, name = F.col(column.name), column.name
        reasons: list[Expression] = []
        self.marks: list[Expression] = []
        if is_key:
            # A cell that did not parse is null too, and has its reason.
            reasons.append(F.when(value.isNull() & is_accepted(), code("null_key", name)))
        for kind, is_broken in _conditions(value, column).items():
            severity = column.severity_of(kind)
            found = reasons if refuses(severity) else self.marks
            found.append(F.when(is_broken, code(kind, name)))
        # The first one that it breaks; null where it keeps them, None where there is no rule.
        self.reason = F.coalesce(*reasons) if reasons else None


def _conditions(value: Expression, column: Column) -> dict[str, Expression]:
    """What breaks each promise of a column, in the order in which reasons are told."""
    broken: dict[str, Expression] = {}
    if column.required or column.missing is not None:
        broken["missing"] = value.isNull() & is_accepted()
        if column.missing:
            broken["missing"] |= value.isin(*column.missing)
    if (is_out := _is_out(value, column)) is not None:
        broken["out_of_range"] = is_out
    if column.allowed is not None:
        broken["not_allowed"] = ~value.isin(*column.allowed)
    if column.pattern is not None:
        broken["bad_pattern"] = _is_other(value, column.pattern)
    if column.max_length is not None:
        broken["too_long"] = F.length(value) > F.lit(column.max_length)
    return broken


def _is_other(value: Expression, pattern: str) -> Expression:
    """Whether a text does not match as a whole."""
    # Not ^ and $, which would let a line feed at the end pass.
    is_other = ~value.rlike(rf"\A(?:{pattern})\z")
    if not read_pattern(pattern).loops:
        return is_other
    # Each round of the loop takes room on Java's stack: a long cell would end the job.
    return F.when(F.length(value) <= F.lit(MOST_LETTERS), is_other).otherwise(value.isNotNull())


def _is_out(value: Expression, column: Column) -> Expression | None:
    """Whether a value is below the minimum or above the maximum of its column."""
    low = None if column.minimum is None else value < F.lit(column.minimum)
    high = None if column.maximum is None else value > F.lit(column.maximum)
    if low is None or high is None:
        return low if high is None else high
    return low | high
