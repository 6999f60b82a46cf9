"""Events: the rows of a source with the days on which they enter and leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.features.grid import Grid, later

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from pyspark.sql import Column, DataFrame

    from lepton_spark.features.gather import Plan

NEVER = 2**30  # a day that no run reaches, and from which any other can be taken


def declare(versions: DataFrame, known_at: str | None) -> DataFrame:
    """Add `_declared_at`: when a row says that it could first be known, else when it arrived.

    Args:
        versions: With `_arrived_at`.
        known_at: A checked expression.
    """
    arrived = F.col("_arrived_at")
    said = arrived if known_at is None else F.coalesce(F.expr(known_at), arrived)
    return versions.withColumn("_declared_at", said)


def prepare(versions: DataFrame, plan: Plan, values: Mapping[str, Column], grid: Grid) -> DataFrame:
    """Events with the plan's keys, the values, the day `_enters` and a day for each of its spans.

    At the moment T of a day an event counts, for a span w, if it was known (`_known_at` <= T),
    was declared later than T - w (for a span without end: at all), and no newer version was known
    by T. It does from the day it enters to the day before it leaves.

    Args:
        versions: With `_declared_at`, `_known_at` and `_superseded_at`.
        plan: What is needed of them.
        values: Column of the events: what it holds.
        grid: The moments.
    """
    timed = versions.select(
        *plan.keys,
        *plan.order,
        *(value.alias(name) for name, value in values.items()),
        grid.first_day(F.col("_known_at")).alias("_enters"),
        *(_leaves(span, grid).alias(name) for name, span in plan.spans.items()),
    )
    # What left before it entered was never known in time: it enters and leaves at once.
    return timed.withColumns(
        {name: F.greatest(F.col(name), F.col("_enters")) for name in plan.spans}
    )


def _leaves(span: timedelta | None, grid: Grid) -> Column:
    """The day on which an event counts no more; without a span only a newer version ends it."""
    superseded = F.col("_superseded_at")
    if span is None:
        return F.coalesce(grid.first_day(superseded), F.lit(NEVER))
    return grid.first_day(F.least(later(F.col("_declared_at"), span), superseded))
