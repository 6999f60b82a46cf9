"""Text becomes values of the contract's types; a cell that does not parse becomes a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.config.clean import Clean
from lepton_spark.config.column import INT_SPAN
from lepton_spark.quality.reasons import REASONS, gathered
from lepton_spark.quality.span import as_reason, is_within
from lepton_spark.silver.clean import steps, unit_problem, without_sentinels

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame

    from lepton_spark.config.contract import Column

_WHOLE = r"^\s*[+-]?[0-9]+(\.0*)?\s*$"
_WRITTEN_OUT = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)\s*$"
_NUMBER = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
_NOT_FINITE = r"(?i)^\s*[+-]?(nan|inf|infinity)\s*$"
_ISO_DATE = r"^\s*[0-9]{4,6}-[0-9]{2}-[0-9]{2}\s*$"
_ISO_TIME = r"^\s*[0-9]{4,6}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
_OFFSET = r"\s?(Z|[+-][0-9]{2}(:?[0-9]{2})?)\s*$"
_AS_IT_IS = Clean()


def conform(
    rows: DataFrame,
    columns: Sequence[Column],
    nulls: Sequence[str],
    cleaning: Mapping[str, Clean] | None = None,
) -> DataFrame:
    """Give every column of the contract its type.

    Args:
        rows: Every column of the contract as text; further columns are kept as they are.
        columns: The contract's.
        nulls: Texts that mean: no value.
        cleaning: Column name to what is done to its cells first.

    Returns:
        The rows with typed columns and `_reasons`: for each cell that does not parse one of
        `not_int`, `not_number`, `not_finite`, `not_boolean`, `bad_date`, `bad_time`,
        `ambiguous_time` (no offset from UTC), `out_of_range`, `too_many_digits`,
        `date_out_of_range`, `looks_like_milliseconds`, `unknown_unit`, `no_unit`. Such a cell is
        null. Negative zero becomes zero.
    """
    ways = {column.name: (cleaning or {}).get(column.name, _AS_IT_IS) for column in columns}
    others = [name for name in rows.columns if name not in ways]
    # A projection after another, so that what the next one uses often is computed once.
    cells = _cells(rows, columns, nulls, ways)
    values = {column.name: _PARSED[column.kind](_cell(column), column) for column in columns}
    parsed = cells.select("*", *(value.alias(name) for name, value in values.items()))
    checked = [
        without_sentinels(_kept(column), column, ways[column.name]).alias(column.name)
        for column in columns
    ]
    reasons = [_reason(column, ways[column.name]) for column in columns if column.kind in _FAILURES]
    return parsed.select(*others, *checked, gathered(reasons).alias(REASONS))


def _cells(
    rows: DataFrame, columns: Sequence[Column], nulls: Sequence[str], ways: Mapping[str, Clean]
) -> DataFrame:
    """The rows with cells as their settings make them; where units count, also as given."""
    with_unit = [name for name, way in ways.items() if way.number is not None and way.number.units]
    cells = rows.select(
        *(name for name in rows.columns if name not in ways),
        *(F.col(name).alias(f"_cell_{name}") for name in ways),
        *(F.col(name).alias(f"_given_{name}") for name in with_unit),
    )
    done = {each.name: steps(each, ways[each.name], nulls) for each in columns if _is_text(each)}
    for place in range(max(map(len, done.values()), default=0)):
        cells = cells.withColumns(
            {
                f"_cell_{name}": some[place](F.col(f"_cell_{name}"))
                for name, some in done.items()
                if place < len(some)
            }
        )
    return cells


def silver_type(column: Column) -> str:
    """The Spark type of a column: `int` unless its bounds say that it needs `bigint`."""
    if column.kind == "decimal":
        return f"decimal({column.precision},{column.scale})"
    if column.kind == "integer":
        bounds = [bound for bound in (column.minimum, column.maximum) if bound is not None]
        return "int" if all(bound in INT_SPAN for bound in bounds) else "bigint"
    return {"number": "double"}.get(column.kind, column.kind)


def cell_type(column: Column) -> str:
    """The Spark type of a raw cell: text, or bytes."""
    return "binary" if column.kind == "binary" else "string"


def with_lacking(rows: DataFrame, types: Mapping[str, str]) -> DataFrame:
    """Rows from before a contract named a column: they have none of it.

    Args:
        rows: Of bronze or silver.
        types: Column name to Spark type.
    """
    there = {name.lower() for name in rows.columns}
    lacking = {name: kind for name, kind in types.items() if name.lower() not in there}
    return rows.withColumns({name: F.lit(None).cast(kind) for name, kind in lacking.items()})


def _is_text(column: Column) -> bool:
    return column.kind != "binary"


def _cell(column: Column) -> Expression:
    return F.col(f"_cell_{column.name}")


def _kept(column: Column) -> Expression:
    """The parsed value where every tool can hold it."""
    value = F.col(column.name)
    return _KEPT[column.kind](value) if column.kind in _KEPT else value


def _reason(column: Column, way: Clean) -> Expression:
    cell = _cell(column)
    why = _FAILURES[column.kind](cell, column)
    unit = unit_problem(F.col(f"_given_{column.name}"), way)
    why = why if unit is None else F.coalesce(unit, why)
    is_lost = cell.isNotNull() & _kept(column).isNull()
    return F.when(is_lost, F.concat(why, F.lit(f":{column.name}")))


def _as_it_is(cell: Expression, _: Column) -> Expression:
    return cell


def _integer(cell: Expression, column: Column) -> Expression:
    kind = silver_type(column)
    # 517.0 is what a table program makes of a whole number in a column with gaps.
    whole = F.when(cell.rlike(_WHOLE), F.substring_index(cell, ".", 1).try_cast(kind))
    return F.coalesce(cell.try_cast(kind), whole)


def _integer_failure(cell: Expression, column: Column) -> Expression:
    largest = 2**31 if silver_type(column) == "int" else 2**63
    is_wide = cell.rlike(_NUMBER) & (F.abs(cell.try_cast("double")) >= F.lit(float(largest)))
    return F.when(is_wide, F.lit("out_of_range")).otherwise(F.lit("not_int"))


def _number(cell: Expression, _: Column) -> Expression:
    return F.when(cell.rlike(_NUMBER), cell.try_cast("double"))


def _finite(number: Expression) -> Expression:
    # Adding zero turns -0.0, which would be another key, into 0.0.
    return F.when(F.abs(number) < F.lit(float("inf")), number + F.lit(0.0))


def _number_failure(cell: Expression, _: Column) -> Expression:
    out = F.when(cell.rlike(_NUMBER), F.lit("out_of_range"))
    return out.when(cell.rlike(_NOT_FINITE), F.lit("not_finite")).otherwise(F.lit("not_number"))


def _decimal(cell: Expression, column: Column) -> Expression:
    fits = cell.rlike(_WRITTEN_OUT) & ~cell.rlike(_beyond(column))
    return F.when(fits, cell.try_cast(silver_type(column)))


def _decimal_failure(cell: Expression, column: Column) -> Expression:
    # With an exponent it is a number too, but none that says how many of its digits count.
    unread = F.when(cell.rlike(_NOT_FINITE), F.lit("not_finite")).otherwise(F.lit("not_number"))
    wrong = F.when(~cell.rlike(_WRITTEN_OUT), unread)
    wrong = wrong.when(cell.rlike(_beyond(column)), F.lit("too_many_digits"))
    return wrong.otherwise(F.lit("out_of_range"))


def _beyond(column: Column) -> str:
    """A pattern of more digits after the point than the column holds: Spark would round them."""
    return rf"\.[0-9]{{{column.scale}}}[0-9]*[1-9]"


def _boolean(cell: Expression, _: Column) -> Expression:
    return cell.try_cast("boolean")


def _boolean_failure(_cell: Expression, _: Column) -> Expression:
    return F.lit("not_boolean")


def _date(cell: Expression, column: Column) -> Expression:
    if column.format is not None:
        return F.try_to_date(cell, column.format)
    return F.when(cell.rlike(_ISO_DATE), cell.try_cast("date"))


def _timestamp(cell: Expression, column: Column) -> Expression:
    if column.format is None:
        with_seconds = F.regexp_replace(cell, r"(:[0-9]{2})(\s?[Z+-])", "$1:00$2")
        parsed = F.coalesce(cell.try_cast("timestamp"), with_seconds.try_cast("timestamp"))
        return F.when(cell.rlike(_ISO_TIME + _OFFSET), parsed)
    parsed = F.try_to_timestamp(cell, F.lit(column.format))
    return parsed if _has_zone(column.format) else F.lit(None).cast("timestamp")


def _has_zone(pattern: str) -> bool:
    """Whether a pattern has a letter for the offset or the zone, outside quotes."""
    return re.search("[VzOXxZ]", re.sub("'[^']*'", "", pattern)) is not None


def _held(moment: Expression) -> Expression:
    return F.when(is_within(moment), moment)


def _date_failure(_cell: Expression, column: Column) -> Expression:
    return F.coalesce(as_reason(F.col(column.name)), F.lit("bad_date"))


def _timestamp_failure(cell: Expression, column: Column) -> Expression:
    if column.format is not None and not _has_zone(column.format):
        return F.lit("ambiguous_time")
    is_local = cell.rlike(_ISO_TIME + r"\s*$")
    unparsed = F.when(is_local, F.lit("ambiguous_time")).otherwise(F.lit("bad_time"))
    return F.coalesce(as_reason(F.col(column.name)), unparsed)


_Rule = Callable[["Expression", "Column"], "Expression"]
_PARSED: Mapping[str, _Rule] = {
    "string": _as_it_is,
    "binary": _as_it_is,
    "integer": _integer,
    "number": _number,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
}
_KEPT = {"number": _finite, "date": _held, "timestamp": _held}
_FAILURES: Mapping[str, _Rule] = {
    "integer": _integer_failure,
    "number": _number_failure,
    "decimal": _decimal_failure,
    "boolean": _boolean_failure,
    "date": _date_failure,
    "timestamp": _timestamp_failure,
}
