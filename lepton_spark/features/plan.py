"""From the settings of a case to plans over rows: what to sum and what to look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, FractionalType, IntegralType

from lepton_spark.config import expression
from lepton_spark.config.features import Latest
from lepton_spark.config.model import window_label
from lepton_spark.errors import ConfigError
from lepton_spark.features.history import HistoryPlan
from lepton_spark.features.latest import LatestPlan
from lepton_spark.features.measure import Value, WindowMeasure, values_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

    from lepton_spark.config.features import History, Measure
    from lepton_spark.features.gather import Plan


@dataclass(frozen=True)
class Planned:
    """A plan, and the columns of the events that it sums.

    Args:
        values: Column of the prepared events: what it holds.
    """

    plan: Plan
    values: Mapping[str, Column]


def make_plan(source: str, settings: Latest | History, rows: DataFrame) -> Planned:
    """The plan of one section of the features.

    Args:
        source: Its name.
        settings: The section.
        rows: Of the source; only the schema is looked at.

    Raises:
        ConfigError: An expression is not allowed, or gives what cannot be summed.
    """
    if isinstance(settings, Latest):
        return _plan_latest(source, settings, rows)
    return _plan_history(source, settings, rows)


def _plan_latest(source: str, settings: Latest, rows: DataFrame) -> Planned:
    types = {name: str(rows.schema[name].dataType.jsonValue()) for name in settings.take}
    plan = LatestPlan(source, settings.on, types, settings.within)
    return Planned(plan, {name: F.col(name) for name in settings.take if name not in settings.on})


def _plan_history(source: str, settings: History, rows: DataFrame) -> Planned:
    # Expressions that are alike are computed once.
    texts = {
        name: checked(measure.expression, rows, where=_where(source, name))
        for name, measure in settings.measures.items()
        if measure.expression != "*"
    }
    names = {text: f"_v{number}" for number, text in enumerate(dict.fromkeys(texts.values()))}
    columns = {name: names[text] for name, text in texts.items()}
    values = {column: F.expr(text) for text, column in names.items()}
    schema = rows.select(*(value.alias(column) for column, value in values.items())).schema
    measures = tuple(
        _measure(source, name, measure, schema[columns[name]] if name in columns else None)
        for name, measure in settings.measures.items()
    )
    plan = HistoryPlan(
        source=source,
        key_sets=tuple(dict.fromkeys(settings.by)),
        windows={window_label(window): window for window in settings.over},
        measures=measures,
    )
    needed = {value.column: value for value in values_of(measures)}
    return Planned(plan, {name: _as_numbers(values[name], value) for name, value in needed.items()})


def checked(text: str, rows: DataFrame, *, where: str) -> str:
    """The expression that Spark may be given; columns that the pipeline adds are out of reach."""
    columns = [column for column in rows.columns if not column.startswith("_")]
    return expression.parse(text, columns=columns, where=where).sql


def _measure(source: str, name: str, measure: Measure, field: StructField | None) -> WindowMeasure:
    if field is None or measure.kind == "count":
        value = None if field is None else Value(field.name)
        return WindowMeasure(name, measure.kind, value)
    if not isinstance(field.dataType, BooleanType | IntegralType | FractionalType):
        raise ConfigError(
            "LS-1065",
            f"{_where(source, name)}: {measure.kind} over {field.dataType.simpleString()}.",
            "only numbers and conditions can be summed.",
            "cast it, such as cast(x as double), or use count.",
        )
    is_whole = not isinstance(field.dataType, FractionalType)
    return WindowMeasure(name, measure.kind, Value(field.name, is_summed=True, is_whole=is_whole))


def _as_numbers(column: Column, value: Value) -> Column:
    """What the workers need of a value: a bigint or double, or only whether it is there."""
    if not value.is_summed:
        return F.when(column.isNotNull(), F.lit(1))
    return column.cast("bigint" if value.is_whole else "double")


def _where(source: str, name: str) -> str:
    return f"features.history.{source}.measures.{name}"
