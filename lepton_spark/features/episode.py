"""Sessions and baskets as events of their own, each for the days on which it is known to be so.

Which rows a basket has, and where a session ends, depends on what is known: a row may come late,
be corrected, or leave the window. So the days of each group of rows are cut where one of its rows
enters or leaves, and of each piece one event is made of the rows that count then. At any moment
there is one event for each basket or session that is known, and history counts and averages them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial, reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.config.episode_features import Sessions, kind_of
from lepton_spark.config.model import window_label
from lepton_spark.features.history import HistoryPlan, leaves
from lepton_spark.features.latest import LatestPlan
from lepton_spark.features.measure import Value, WindowMeasure
from lepton_spark.features.plan import Planned, checked

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.episode_features import Baskets

_MICROSECONDS_A_MINUTE = 60_000_000
_AT = "_at"
_ITEM = "_item"
_BASKET = "_basket"


def plan_episodes(
    source: str, settings: Sessions | Baskets, rows: DataFrame
) -> tuple[Planned, ...]:
    """The plans of one section, in the order of its features.

    Each costs a shuffle by key and group, and a row of the source as many rows of it as its group
    changes while it counts: at most the days of the window, mostly one or two.

    Args:
        source: Its name.
        settings: The section.
        rows: Of the source; only the schema is looked at.
    """
    name = f"{source}_{kind_of(settings)}"
    found: list[Planned] = []
    for by in settings.by:
        for window in settings.over:
            if isinstance(settings, Sessions):
                found += _of_sessions(name, settings, by, window)
            else:
                found += _of_baskets(name, settings, by, window, rows=rows)
    return tuple(found)


def _of_sessions(
    name: str, settings: Sessions, by: tuple[str, ...], window: timedelta
) -> list[Planned]:
    values = {_AT: F.col(settings.at)}
    found = []
    if settings.counted:
        measures = [_SESSION_MEASURES[measure] for measure in settings.counted]
        plan = _history(name, by, window, measures)
        reshape = partial(sessions, by=by, gap=settings.gap, leaves=leaves(window))
        found.append(Planned(plan, values, reshape))
    if "age_hours" in settings.measures:
        label = f"{name}_by_{'_'.join(by) or 'all'}_{window_label(window)}"
        found.append(Planned(LatestPlan(label, by, {}, window), values, _by_time))
    return found


def _of_baskets(
    name: str, settings: Baskets, by: tuple[str, ...], window: timedelta, *, rows: DataFrame
) -> list[Planned]:
    where = f"features.baskets.{name.removesuffix('_baskets')}.share"
    conditions = {
        f"_share_{share}": F.expr(checked(text, rows, where=f"{where}.{share}"))
        for share, text in settings.share.items()
    }
    values = {_BASKET: _together(settings.basket), **conditions}
    if settings.item is not None:
        values[_ITEM] = F.col(settings.item)
    cut = partial(_cut, by=by, leaves=leaves(window))
    found = []
    if settings.of_baskets:
        measures = [_basket_measure(measure) for measure in settings.of_baskets]
        made = {
            "_size": F.count("*"),
            **{share: F.max(F.coalesce(share, F.lit(False))) for share in conditions},  # noqa: FBT003  # a literal
        }
        if settings.item is not None:
            made["_items"] = F.array_size(F.collect_set(_ITEM))
        plan = _history(name, by, window, measures)
        found.append(Planned(plan, values, partial(cut, group=_BASKET, made=made)))
    if settings.of_items:
        measures = [_ITEM_MEASURES[measure] for measure in settings.of_items]
        made = {"_repeated": F.array_size(F.collect_set(_BASKET)) > 1}
        plan = _history(name, by, window, measures)
        found.append(Planned(plan, values, partial(cut, group=_ITEM, made=made)))
    return found


def _together(columns: Sequence[str]) -> Column:
    """Several columns as one value that is null where one of them is."""
    return F.when(_are_there(columns), F.struct(*columns))


def _without_null(rows: DataFrame, columns: Sequence[str]) -> DataFrame:
    return rows.filter(_are_there(columns))


def _are_there(columns: Sequence[str]) -> Column:
    return reduce(and_, (F.col(name).isNotNull() for name in columns))


def _history(
    name: str, by: tuple[str, ...], window: timedelta, measures: Sequence[WindowMeasure]
) -> HistoryPlan:
    return HistoryPlan(name, (by,), {window_label(window): window}, tuple(measures))


def sessions(events: DataFrame, by: Sequence[str], gap: timedelta, leaves: str) -> DataFrame:
    """One event for each session and the days on which it is known so.

    Args:
        events: Prepared, with `_at`; those without a time are in no session.
        by: Key columns.
        gap: Two events that are further apart are of two sessions; one of no more is within.
        leaves: Column of the events: the day on which they count no more.

    Returns:
        The key columns, `_length` in events, `_minutes` from the first to the last, `_enters` and
        the day of leaving. Two shuffles.
    """
    timed = _without_null(events, [*by, _AT])
    # Whatever is known, no session goes beyond a gap among all events that ever were.
    longest = _numbered(timed, by, gap, "_longest")
    states = alive(longest, [*by, "_longest"], leaves)
    group = [*by, "_longest", "_from", "_until"]
    found = _numbered(states, group, gap, "_session").groupBy(*group, "_session")
    minutes = (F.unix_micros(F.max(_AT)) - F.unix_micros(F.min(_AT))) / _MICROSECONDS_A_MINUTE
    made = found.agg(F.count("*").alias("_length"), minutes.alias("_minutes"))
    return _as_events(made, by, leaves, {"_length": "bigint", "_minutes": "double"})


def _numbered(events: DataFrame, group: Sequence[str], gap: timedelta, name: str) -> DataFrame:
    """Add the number of the session in the group; events at one time are in one session."""
    by_time = Window.partitionBy(*group).orderBy(_AT)
    since = F.unix_micros(_AT) - F.unix_micros(F.lag(_AT).over(by_time))
    begins = (since > gap // timedelta(microseconds=1)).cast("int")
    marked = events.withColumn("_begins", F.coalesce(begins, F.lit(0)))
    # Up to and with all events of the same time, as the default frame is.
    return marked.withColumn(name, F.sum("_begins").over(by_time)).drop("_begins")


def _cut(
    events: DataFrame, by: Sequence[str], leaves: str, group: str, made: dict[str, Column]
) -> DataFrame:
    """One event for each group of rows and the days on which the same of them count."""
    states = alive(_without_null(events, [*by, group]), [*by, group], leaves)
    found = states.groupBy(*by, group, "_from", "_until").agg(
        *(value.alias(name) for name, value in made.items())
    )
    return _as_events(found, by, leaves, dict.fromkeys(made, "bigint"))


def alive(events: DataFrame, group: Sequence[str], leaves: str) -> DataFrame:
    """Each event once for each piece of its days on which the events of its group stay the same.

    Args:
        events: With the day on which they begin to count, `_enters`, and that on which they end.
        group: Columns; costs one shuffle on them.
        leaves: Column of the day on which they end.

    Returns:
        The events with `_from` and `_until`, the first day of the piece and the one after it.
    """
    together = Window.partitionBy(*group)
    days = F.array_union(
        F.collect_set("_enters").over(together), F.collect_set(leaves).over(together)
    )
    counted = events.filter(F.col("_enters") < F.col(leaves))
    cut = counted.withColumn("_days", F.array_sort(days))
    first, last = (F.array_position("_days", F.col(name)) for name in ("_enters", leaves))
    pieces = cut.withColumn("_piece", F.explode(F.sequence(first, last - 1)))
    place = F.col("_piece").cast("int")
    bounds = {"_from": F.get("_days", place - 1), "_until": F.get("_days", place)}
    return pieces.withColumns(bounds).drop("_days", "_piece")


def _as_events(
    found: DataFrame, by: Sequence[str], leaves: str, types: dict[str, str]
) -> DataFrame:
    values = (F.col(name).cast(type_).alias(name) for name, type_ in types.items())
    return found.select(
        *by, *values, F.col("_from").alias("_enters"), F.col("_until").alias(leaves)
    )


def _by_time(events: DataFrame) -> DataFrame:
    """Events of which the last is the one that happened last, not the last that was declared."""
    return _without_null(events, [_AT]).withColumn("_declared_at", F.col(_AT)).drop(_AT)


def _mean(name: str, column: str, *, is_whole: bool = True) -> WindowMeasure:
    return WindowMeasure(name, "mean", Value(column, is_summed=True, is_whole=is_whole))


def _basket_measure(name: str) -> WindowMeasure:
    known = {
        "number": WindowMeasure("number", "count"),
        "mean_size": _mean("mean_size", "_size"),
        "mean_items": _mean("mean_items", "_items"),
    }
    share = Value(f"_share_{name}", is_summed=True)
    return known.get(name) or WindowMeasure(name, "share", share)


_SESSION_MEASURES = {
    "number": WindowMeasure("number", "count"),
    "mean_length": _mean("mean_length", "_length"),
    "mean_minutes": _mean("mean_minutes", "_minutes", is_whole=False),
}
_ITEM_MEASURES = {
    "items": WindowMeasure("items", "count"),
    "repeat_rate": WindowMeasure("repeat_rate", "share", Value("_repeated", is_summed=True)),
}
