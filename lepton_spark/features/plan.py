"""From the settings of a case to plans over rows: what to measure and what to look up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.config import expression
from lepton_spark.config.column import readable_kinds
from lepton_spark.config.feature_name import window_names
from lepton_spark.config.features import Latest
from lepton_spark.config.model import window_label
from lepton_spark.config.windows import Windows
from lepton_spark.features.align import measured
from lepton_spark.features.events import prepare
from lepton_spark.features.history import HistoryPlan
from lepton_spark.features.latest import LatestPlan
from lepton_spark.features.measured import event_columns, planned_measure
from lepton_spark.features.windows import HAPPENED, PLACE, Variable, WindowPlan

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.features import History
    from lepton_spark.config.measure import Measure
    from lepton_spark.features.gather import Plan
    from lepton_spark.features.grid import Grid
    from lepton_spark.features.measure import WindowMeasure


@dataclass(frozen=True)
class Planned:
    """A plan, and the columns of the events that it measures.

    Args:
        values: Column of the prepared events: what it holds.
        reshape: Makes of the prepared events others that the plan is about; None keeps them.
    """

    plan: Plan | WindowPlan
    values: Mapping[str, Column]
    reshape: Callable[[DataFrame], DataFrame] | None = None


def make_plan(source: str, settings: Latest | History | Windows, rows: DataFrame) -> Planned:
    """The plan of one section of the features.

    Args:
        source: Its name.
        settings: The section.
        rows: Of the source; only the schema is looked at.

    Raises:
        ConfigError: An expression is not allowed, or gives what cannot be measured.
    """
    if isinstance(settings, Latest):
        return _plan_latest(source, settings, rows)
    if isinstance(settings, Windows):
        return _plan_windows(source, settings, rows)
    return _plan_history(source, settings, rows)


def _plan_latest(source: str, settings: Latest, rows: DataFrame) -> Planned:
    types = {name: str(rows.schema[name].dataType.jsonValue()) for name in settings.take}
    plan = LatestPlan(source, settings.on, types, settings.within)
    return Planned(plan, {name: F.col(name) for name in settings.take if name not in settings.on})


def _plan_history(source: str, settings: History, rows: DataFrame) -> Planned:
    measures, values = _measured(f"features.history.{source}", settings.measures, rows)
    plan = HistoryPlan(
        source=source,
        key_sets=tuple(dict.fromkeys(settings.by)),
        windows={window_label(window): window for window in settings.over},
        measures=measures,
    )
    return Planned(plan, values)


def _plan_windows(source: str, settings: Windows, rows: DataFrame) -> Planned:
    where = f"features.windows.{source}"
    measures, values = _measured(where, settings.measures, rows)
    by_name = {measure.name: measure for measure in measures}
    variables = tuple(
        Variable(window_names(source, settings, name), by_name[measure], place)
        for name, (place, measure) in settings.variables.items()
    )
    said = settings.happened_at
    happened = F.col("_declared_at") if said is None else F.expr(checked(said, rows, where=where))
    place = F.lit(None).cast("int")
    for name, listed in settings.for_each.items():
        place = F.array_position(F.array(*map(F.lit, listed)), F.col(name)).cast("int") - 1
    plan = WindowPlan(
        settings.by, settings.every, settings.steps, variables, is_bounded=said is None
    )
    return Planned(plan, {**values, HAPPENED: F.unix_micros(happened), PLACE: place})


def _measured(
    where: str, wanted: Mapping[str, Measure], rows: DataFrame
) -> tuple[tuple[WindowMeasure, ...], dict[str, Column]]:
    """The measures, and the columns of the events that they read."""
    # Expressions that are alike are computed once.
    texts = {
        name: checked(measure.expression, rows, where=f"{where}.measures.{name}")
        for name, measure in wanted.items()
        if measure.expression != "*"
    }
    names = {text: f"_v{number}" for number, text in enumerate(dict.fromkeys(texts.values()))}
    given = {column: F.expr(text) for text, column in names.items()}
    schema = rows.select(*(value.alias(column) for column, value in given.items())).schema
    measures = []
    for name, measure in wanted.items():
        field = schema[names[texts[name]]] if name in texts else None
        place = f"{where}.measures.{name}"
        measures.append(planned_measure(name, measure, field, where=place))
    return tuple(measures), event_columns(measures, given)


def prepared(versions: DataFrame, planned: Planned, grid: Grid) -> DataFrame:
    """The events of a plan, in the form that its finder takes, or what they are reshaped to."""
    if isinstance(planned.plan, WindowPlan):
        return measured(versions, planned.plan, planned.values)
    found = prepare(versions, planned.plan, planned.values, grid)
    return found if planned.reshape is None else planned.reshape(found)


def checked(text: str, rows: DataFrame, *, where: str) -> str:
    """The expression that Spark may be given; columns that the pipeline adds are out of reach."""
    return expression.parse(text, columns=readable_kinds(rows.dtypes), where=where).sql
