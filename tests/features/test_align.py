"""Windows in Spark: what is known of a world at the moment of each row, in steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from lepton_spark.config.case import Moment
from lepton_spark.config.windows import Windows
from lepton_spark.features.align import align, buckets, measured
from lepton_spark.features.events import declare
from lepton_spark.features.grid import Grid
from lepton_spark.features.plan import make_plan
from lepton_spark.features.rows import visible
from lepton_spark.silver.knowledge import versions
from tests.features.engine import event_rows, row_rows
from tests.features.world import known_events, make_world

AT = Moment(time="03:00", zone="America/New_York")
HOUR = timedelta(hours=1)
WINDOWS = Windows.model_validate(
    {
        "by": ["world", "shop"],
        "every": "6 hours",
        "steps": 8,
        "happened_at": "happened",
        "measures": {"events": {"count": "*"}, "real": {"mean": "real"}},
    }
)


def run(spark, world, number):
    shown = visible(versions(row_rows(spark, world), ["world", "row"]), "day", Grid.of(AT))
    known = declare(versions(event_rows(spark, world), ["world", "event"]), "declared")
    planned = make_plan("sales", WINDOWS, known)
    rows = shown.select("world", "row", "day", "shop", "_moment")
    found = align(rows, measured(known, planned.plan, planned.values), planned.plan, number)
    return sorted(found.drop("_moment").collect(), key=lambda row: row[:3])


def wanted_of(world, row):
    moment = world.moment(row["day"])
    known = known_events(world, row["world"], moment)
    mine = [event for event in known if event.shop == row["shop"] and row["shop"] is not None]
    steps = [
        [e for e in mine if 6 * HOUR * back <= moment - e.happened < 6 * HOUR * (back + 1)]
        for back in reversed(range(8))
    ]
    reals = [[e.real for e in step if e.real is not None] for step in steps]
    return [len(step) for step in steps], [sum(r) / len(r) if r else None for r in reals]


@pytest.mark.spark
def test_windows_hold_what_a_brute_force_finds_however_keys_are_spread(spark):
    world = make_world(5, AT, [date(2013, 3, 10), date(2013, 11, 3)], worlds=120, size=40)
    # Some hold the same, so that a step of a row has several events.
    world = replace(
        world, events=tuple(replace(e, shop="x") if e.row % 3 else e for e in world.events)
    )

    found = run(spark, world, 1)

    assert len(found) > 100
    assert found == run(spark, world, 5)
    assert sum(max(row["sales_8x6h_events"]) > 1 for row in found) > 20
    for row in found:
        events, reals = wanted_of(world, row)
        assert row["sales_8x6h_events"] == events
        assert row["sales_8x6h_real_mask"] == [int(real is not None) for real in reals]
        for value, real in zip(row["sales_8x6h_real"], reals, strict=True):
            assert value == (None if real is None else pytest.approx(real, rel=1e-6, abs=1e-9))


def test_buckets_are_as_many_as_tasks_and_small_enough_for_a_worker():
    assert buckets(10, 10, 4) == 4
    assert buckets(1_000_001, 10, 4) == 11
    assert buckets(10, 20_000_000, 4) == 20
