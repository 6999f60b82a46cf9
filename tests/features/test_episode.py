"""Sessions and baskets against going through all events for each row, by the words of the promise.

The invented world has what goes wrong in time: late and corrected events, versions that arrive
together, events that say they are known before or after they arrived, and nulls everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.case import Moment
from lepton_spark.config.episode_features import Baskets, Sessions, episode_names
from lepton_spark.features.chunks import Chunks
from lepton_spark.features.episode import plan_episodes
from lepton_spark.features.events import declare
from lepton_spark.features.gather import gather
from lepton_spark.features.grid import Grid
from lepton_spark.features.plan import prepared
from lepton_spark.features.rows import visible
from lepton_spark.silver.knowledge import versions
from tests.features.engine import by_row, event_rows, row_rows
from tests.features.world import DAY, HOUR, World, is_same, known_events, make_world

if TYPE_CHECKING:
    from datetime import datetime

    from tests.features.world import Event, Row

pytestmark = pytest.mark.spark

AT = Moment(time="03:00", zone="America/New_York")
MIDDLE = date(2013, 3, 10)  # on this day New York loses an hour
GAP = 9 * HOUR
WINDOWS = {"60h": 60 * HOUR}
SESSIONS = Sessions.model_validate(
    {
        "by": [["world"], ["world", "size"]],
        "at": "happened",
        "gap": "9 hours",
        "over": ["60 hours"],
        "measures": ["number", "mean_length", "mean_minutes", "age_hours"],
    }
)
BASKETS = Baskets.model_validate(
    {
        "by": [["world"], ["world", "size"]],
        "basket": ["shop", "file"],
        "item": "whole",
        "over": ["60 hours"],
        "measures": ["number", "mean_size", "mean_items", "items", "repeat_rate"],
        "share": {"negative": "real < 0"},
    }
)


def expected(world: World) -> dict[tuple[Any, ...], dict[str, Any]]:
    """By (world, row, day): the features."""
    found = {}
    for row in world.rows:
        moment = world.moment(row.day)
        mine = [other for other in world.rows if (other.world, other.row) == (row.world, row.row)]
        arrived = [other for other in mine if other.arrived <= moment]
        if arrived and max(arrived, key=lambda other: other.order) is row:
            known = known_events(world, row.world, moment)
            found[row.world, row.row, row.day] = _features(row, known, moment)
    return found


def _features(row: Row, known: list[Event], moment: datetime) -> dict[str, Any]:
    features: dict[str, Any] = {}
    for key in (("world",), ("world", "size")):
        wanted = [getattr(row, name) for name in key]
        mine = [
            event
            for event in known
            if None not in wanted and wanted == [getattr(event, name) for name in key]
        ]
        for label, window in WINDOWS.items():
            inside = [event for event in mine if event.declared > moment - window]
            told = {"sessions": _sessions(inside, moment), "baskets": _baskets(inside)}
            for kind, measures in told.items():
                for name, value in measures.items():
                    features[f"sales_{kind}_by_{'_'.join(key)}_{label}_{name}"] = value
    return features


def _mean(values: list[Any]) -> float | None:
    return sum(values) / len(values) if values else None


def _sessions(inside: list[Event], moment: datetime) -> dict[str, Any]:
    times = sorted(event.happened for event in inside)
    cuts = [place for place, (a, b) in enumerate(pairwise(times), start=1) if b - a > GAP]
    found = [times[a:b] for a, b in pairwise([0, *cuts, len(times)]) if a < b]
    return {
        "number": len(found),
        "mean_length": _mean([len(session) for session in found]),
        "mean_minutes": _mean([(session[-1] - session[0]) / (HOUR / 60) for session in found]),
        "age_hours": (moment - times[-1]) / HOUR if times else None,
    }


def _baskets(inside: list[Event]) -> dict[str, Any]:
    baskets = defaultdict(list)
    for event in inside:
        if event.shop is not None:
            baskets[event.shop, event.file].append(event)
    # An item that is in no basket is an item all the same.
    having = {event.whole: set() for event in inside if event.whole is not None}
    for event in inside:
        if event.whole is not None and event.shop is not None:
            having[event.whole].add((event.shop, event.file))
    distinct = [len({line.whole for line in lines} - {None}) for lines in baskets.values()]
    negative = [
        any(line.real is not None and line.real < 0 for line in lines) for lines in baskets.values()
    ]
    return {
        "number": len(baskets),
        "mean_size": _mean([len(lines) for lines in baskets.values()]),
        "mean_items": _mean(distinct),
        "negative": _mean(negative),
        "items": len(having),
        "repeat_rate": _mean([len(names) > 1 for names in having.values()]),
    }


def run(spark, world: World, *, partitions: int = 2) -> dict[tuple[Any, ...], dict[str, Any]]:
    grid = Grid.of(world.at)
    shown = visible(versions(row_rows(spark, world), ["world", "row"]), "day", grid)
    rows = event_rows(spark, world).withColumn("file", F.col("_file"))
    known = declare(versions(rows.repartition(partitions), ["world", "event"]), "declared")
    plans = [
        (planned.plan, prepared(known, planned, grid))
        for settings in (SESSIONS, BASKETS)
        for planned in plan_episodes("sales", settings, known)
    ]
    days = [(row.day - date(1970, 1, 1)).days for row in world.rows]
    length = -(-(max(days) - min(days) + 1) // 2)
    features = gather(shown, plans, ["world", "row", "day"], Chunks(min(days), length, 2))
    names = [name for settings in (SESSIONS, BASKETS) for name in episode_names("sales", settings)]
    assert features.columns == ["world", "row", "day", *names]
    return by_row(features)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(11, AT, [MIDDLE], worlds=40, size=30)


@pytest.fixture(scope="module")
def found(spark, world):
    return run(spark, world)


def test_sessions_and_baskets_are_those_that_were_known_at_each_moment(found, world):
    wanted = expected(world)

    assert found.keys() == wanted.keys()
    wrong = [
        (key, name, found[key][name], value)
        for key, features in wanted.items()
        for name, value in features.items()
        if not is_same(found[key][name], value)
    ]
    assert wrong == []
    told = [features["sales_sessions_by_world_60h_number"] for features in wanted.values()]
    assert max(told) > 3  # the world has something to find
    rates = {features["sales_baskets_by_world_60h_repeat_rate"] for features in wanted.values()}
    assert len(rates) > 3


def test_what_is_known_later_changes_nothing(spark, found, world):
    """Poisoned: every event that is not known at the last moment of its world becomes another."""
    day = MIDDLE
    moment = world.moment(day)

    def poison(event: Event) -> Event:
        if event.known <= moment:
            return event
        return replace(event, shop="x", size=1, whole=99, real=-9.0, happened=event.happened - DAY)

    poisoned = run(spark, world.with_events(poison), partitions=5)

    asked = [key for key in found if key[2] <= day]
    assert len(asked) > 20
    assert {key: poisoned[key] for key in asked} == {key: found[key] for key in asked}
    assert poisoned != found
