"""Rows that repeat a value which a row of another key holds at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.quality.reasons import MARKS, REASONS, is_accepted, mark_rows, none_yet, refuses
from lepton_spark.silver.deduplicate import REFUSED, SEVERITY
from lepton_spark.silver.knowledge import came_at

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.table_rules import Unique

_CAME_AT = "_came_at"
_FIRST_FIRST = (_CAME_AT, "_file", "_row")
_REPLACED_AT = "_replaced_at"  # when the next row of the same key came


def mark_repeated(
    judged: DataFrame, present: DataFrame | None, key: Sequence[str], promises: Sequence[Unique]
) -> DataFrame:
    """Refuse, or mark, each row that repeats a value held by another row.

    A row holds its value from when it came (see `knowledge.came_at`) until the next version of its
    key comes. Of several rows the first keeps it, by file and row where they came together. A row
    of silver keeps it always, so that late files take nothing away. Null is no value.

    Args:
        judged: Rows with `_severity`; a row that is refused or a duplicate takes no part.
        present: Rows of silver from other files; None where there are none.
        key: Columns that identify a row.
        promises: Columns that are unique. Costs a shuffle on the key, and one on the columns of
            each.

    Returns:
        The same rows; one that repeats a value has the reason `not_unique:` and the columns. Of
        rows that come together, one that is refused for another of them still counts as a version
        of its key and as a holder of its value.
    """
    names = judged.columns
    rows = judged.withColumns({"_is_new": F.expr("true"), _CAME_AT: came_at()})
    if present is not None:
        columns = {*key, *(name for promise in promises for name in promise.columns)}
        held = present.withColumn(_CAME_AT, came_at())
        held = held.select(*sorted(columns), *_FIRST_FIRST, F.expr("false").alias("_is_new"))
        rows = rows.unionByName(held.withColumn(REASONS, none_yet()), allowMissingColumns=True)
    # Refused rows are no versions, and are spread: their keys are often null.
    apart = F.when(F.col(SEVERITY).isNotNull(), F.xxhash64("_file", "_row"))
    in_order = Window.partitionBy(apart, *key).orderBy(*_FIRST_FIRST)
    rows = rows.withColumn(_REPLACED_AT, F.lead(_CAME_AT).over(in_order))
    for promise in promises:
        rows = _mark(rows, promise, F.struct(*key))
    rows = rows.filter("_is_new")
    kept = [*names, MARKS] if MARKS in rows.columns and MARKS not in names else names
    return rows.select(*kept)


def _mark(rows: DataFrame, promise: Unique, key: Column) -> DataFrame:
    takes_part = F.col(SEVERITY).isNull() & is_accepted()
    takes_part &= reduce(and_, (F.col(name).isNotNull() for name in promise.columns))
    values = [F.when(takes_part, F.col(name)) for name in promise.columns]
    group = Window.partitionBy(F.when(~takes_part, F.xxhash64(*_FIRST_FIRST[1:])), *values)
    before = group.orderBy(*_FIRST_FIRST).rowsBetween(Window.unboundedPreceding, -1)
    # A late file may bring an older row: what silver holds today stays where it is.
    is_current = F.col(_REPLACED_AT).isNull()
    holder = F.when(is_current & ~F.col("_is_new"), key)
    is_other = (F.min(holder).over(group) != key) | (F.max(holder).over(group) != key)
    is_taken = F.col("_is_new") & is_current & is_other
    rows = rows.withColumn("_is_taken", takes_part & F.coalesce(is_taken, F.expr("false")))
    # An earlier row of the same key is superseded by this one, if not before: it never counts.
    for_ever = F.lit("9999-12-31").cast("timestamp")
    until = F.when(~F.col("_is_taken"), F.coalesce(F.col(_REPLACED_AT), for_ever))
    is_held = takes_part & F.col("_is_new") & (F.max(until).over(before) > F.col(_CAME_AT))
    reason = F.when(F.col("_is_taken") | is_held, F.lit(promise.code))
    rows = rows.withColumn("_repeated", reason).drop("_is_taken")
    if not refuses(promise.row_severity):
        return mark_rows(rows, [F.col("_repeated")]).drop("_repeated")
    is_refused = F.col("_repeated").isNotNull()
    severity = F.when(is_refused, F.lit(REFUSED)).otherwise(F.col(SEVERITY))
    reasons = F.when(is_refused, F.array("_repeated")).otherwise(F.col(REASONS))
    return rows.withColumns({SEVERITY: severity, REASONS: reasons}).drop("_repeated")
