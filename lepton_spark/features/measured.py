"""From the measures of a case to what is needed of its events, each with its type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    FractionalType,
    IntegralType,
    NumericType,
    StringType,
)

from lepton_spark.errors import ConfigError
from lepton_spark.features.exact import Squares, Trend
from lepton_spark.features.measure import Kept, Value, WindowMeasure, values_of

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import StructField

    from lepton_spark.config.measure import Measure

# Type of an expression, what it is cast to, and how that column is called; the first that fits.
_Forms = tuple[tuple[type[DataType], str, str], ...]
_CATEGORIES: _Forms = (
    (BooleanType, "boolean", "flag"),
    (StringType, "string", "text"),
    (IntegralType, "long", "whole"),
)
_DISTINCT: _Forms = (*_CATEGORIES, (DecimalType, "string", "text"), (DateType, "string", "text"),
             (FractionalType, "double", "number"))  # fmt: skip
_VALUES: _Forms = (*_CATEGORIES, (NumericType, "double", "number"))
_NUMBERS: _Forms = ((NumericType, "double", "number"),)
_KEPT: Mapping[str, _Forms] = {
    **dict.fromkeys(("min", "max", "quantile"), _NUMBERS),
    **dict.fromkeys(("first", "last", "lag"), _VALUES),
    **dict.fromkeys(("top", "entropy"), _CATEGORIES),
    "distinct": _DISTINCT,
    "time_since": _CATEGORIES[:1],
}


def planned_measure(
    name: str, measure: Measure, field: StructField | None, *, where: str
) -> WindowMeasure:
    """One measure over the columns that `event_columns` makes.

    Args:
        name: Of the measure.
        measure: As the case says it.
        field: Name and type of its expression; None where rows are counted.
        where: Place in the configuration, for errors.

    Raises:
        ConfigError: The type is not one that it can measure.
    """
    if field is None or measure.kind == "count":
        return WindowMeasure(name, measure.kind, None if field is None else Value(field.name))
    return WindowMeasure(
        name,
        measure.kind,
        _value(measure.kind, field, where),
        rows=1 if measure.lag is None else measure.lag.rows,
        at=Fraction(1, 2) if measure.quantile is None else Fraction(str(measure.quantile.at)),
        to=None if measure.ratio is None else measure.ratio.to,
    )


def event_columns(
    measures: Sequence[WindowMeasure], given: Mapping[str, Column]
) -> dict[str, Column]:
    """Column of the prepared events: what it holds.

    Args:
        measures: As `planned_measure` gives them.
        given: Name of each expression: what the case says.
    """
    columns: dict[str, Column] = {}
    for value in values_of(measures):
        if isinstance(value, Value):
            columns[value.column] = _as_numbers(given[value.column], value)
    for measure in measures:
        if isinstance(measure.value, Squares | Trend | Kept):
            name = measure.value.column
            of = name.rsplit("_", 1)[0]
            type_ = measure.value.type_ if isinstance(measure.value, Kept) else "double"
            columns[name] = given[of].cast(type_)
    return columns


def _value(kind: str, field: StructField, where: str) -> Value | Squares | Trend | Kept:
    if kind in _KEPT:
        for type_, cast, form in _KEPT[kind]:
            if isinstance(field.dataType, type_):
                return Kept(f"{field.name}_{form}", cast)
        _refuse(kind, field, where)
    if not isinstance(field.dataType, BooleanType | NumericType):
        _refuse(kind, field, where)
    if kind == "deviation":
        return Squares(f"{field.name}_number")
    if kind == "slope":
        return Trend(f"{field.name}_number")
    is_whole = not isinstance(field.dataType, FractionalType)
    return Value(field.name, is_summed=True, is_whole=is_whole)


def _as_numbers(column: Column, value: Value) -> Column:
    """What the workers need of a value: a bigint or double, or only whether it is there."""
    if not value.is_summed:
        return F.when(column.isNotNull(), F.lit(1))
    return column.cast("bigint" if value.is_whole else "double")


def _refuse(kind: str, field: StructField, where: str) -> NoReturn:
    raise ConfigError(
        "LS-1065",
        f"{where}: {kind} over {field.dataType.simpleString()}.",
        "each measure is of numbers, of conditions or of categories.",
        "cast it, such as cast(x as double), or use count.",
    )
