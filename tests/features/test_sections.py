"""All kinds of features in one published table, and the report of what event time would change."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.case import Case
from lepton_spark.config.feature_name import feature_names
from lepton_spark.errors import ConfigError
from lepton_spark.features.stage import build, report_leaks
from lepton_spark.lake import tables
from lepton_spark.quality.metrics import METRICS
from tests.features import test_episode, test_stage
from tests.features.test_stage import DAYS, _refine
from tests.features.world import TICK, World, expected, is_same, make_world

if TYPE_CHECKING:
    from tests.features.world import Event

pytestmark = pytest.mark.spark

_SETTINGS = test_stage.CASE.model_dump(by_alias=True, exclude_unset=True)
_SALES = _SETTINGS["sources"]["sales"]
CASE = Case.model_validate(
    {
        **_SETTINGS,
        "sources": {**_SETTINGS["sources"], "sales": {**_SALES, "happened_at": "happened"}},
    }
)
WIDE = Case.model_validate(
    {
        **_SETTINGS,
        "features": {
            "own": ["size"],
            "calendar": {"day": {"parts": ["day_of_week"], "holidays": "US"}},
            "text": {"shop": {"measures": ["num_chars"]}},
            "interactions": {"products": {"square": ["size", "size"]}},
            "hash": {"shop": {"buckets": 4}},
            "sessions": {"sales": {**test_episode.SESSIONS.model_dump(), "by": [["world"]]}},
            "baskets": {
                "sales": {
                    **test_episode.BASKETS.model_dump(),
                    "by": [["world"]],
                    "basket": ["shop", "size"],
                }
            },
        },
    }
)


def _world() -> World:
    """Small; no two events of it happened at once."""
    world = make_world(3, test_stage.AT, [test_stage.MIDDLE], worlds=15, size=20)

    def filed(event: Event) -> Event:
        return replace(
            event,
            file=event.arrived.strftime("%Y%m%d%H%M%S%f") + event.file,
            happened=event.happened + event.event * TICK,
        )

    return world.with_events(filed)


def test_rows_sessions_and_baskets_are_columns_of_one_table(context_for):
    context = context_for(WIDE, DAYS[-1])
    world = _world()
    _refine(context, world)

    build(context)

    rows = tables.read(context, test_stage.TABLE)
    names = feature_names(context.case)
    assert tuple(rows.columns[4:-1]) == names
    assert "shop" not in rows.columns  # it was read, and is no feature itself
    told = {(row["world"], row["row"], row["day"]): row.asDict() for row in rows.collect()}
    wanted = test_episode.expected(world)
    assert told.keys() == wanted.keys()
    sessions = [name for name in names if "_sessions_" in name]
    assert all(
        is_same(told[key][name], features[name])
        for key, features in wanted.items()
        for name in sessions
    )
    assert all(row["day_day_of_week"] == key[2].isoweekday() for key, row in told.items())
    assert all(row["square"] == (row["size"] and row["size"] ** 2) for row in told.values())
    assert {row["shop_num_chars"] for row in told.values()} == {1, None}


def _in_hindsight(world: World) -> World:
    """Of each event the newest version, known when it happened."""
    moment = world.moment(DAYS[-1])
    newest: dict[tuple[int, int], Event] = {}
    for event in sorted(world.events, key=lambda event: event.order):
        if event.known <= moment:
            newest[event.world, event.event] = event
    return replace(
        world,
        events=tuple(
            replace(event, declared=event.happened, arrived=event.happened)
            for event in newest.values()
        ),
    )


def _stored(name: str, value: Any) -> Any:
    """As the column of the feature holds it."""
    is_float = name.endswith(("_mean", "_big", "_hours")) and value is not None
    return struct.pack("f", value) if is_float else value


def test_the_leak_report_counts_the_rows_that_event_time_would_change(context_for):
    world = _world()
    context = context_for(CASE, DAYS[-1])
    _refine(context, world)

    result = report_leaks(context)

    known, hindsight = expected(world), expected(_in_hindsight(world))
    assert known.keys() == hindsight.keys()
    wanted = {
        name: sum(
            _stored(name, features[name]) != _stored(name, hindsight[key][name])
            for key, features in known.items()
        )
        for name in next(iter(known.values()))
    }
    told = result.facts["features"]
    assert {name: each["differing"] for name, each in told.items()} == wanted
    assert {each["rows"] for each in told.values()} == {len(known)}
    assert 0 < min(wanted.values()) < max(wanted.values()) <= len(known)
    metrics = tables.read(context, METRICS).filter(F.col("name") == "leak_share").collect()
    shares = {row["column"]: row["value"] for row in metrics}
    assert shares == {name: number / len(known) for name, number in wanted.items()}
    assert {row["table"] for row in metrics} == {"gold.shops_features"}
    assert not report_leaks(context_for(CASE, DAYS[-1])).tables[0].is_new


def test_without_the_time_of_facts_there_is_no_report(context_for):
    with pytest.raises(ConfigError) as refused:
        report_leaks(context_for(test_stage.CASE, DAYS[-1], spark=None))

    assert refused.value.code == "LS-1089"
