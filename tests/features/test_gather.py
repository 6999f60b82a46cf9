"""The engine against a brute force, the future against the past, one layout against another."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.case import Moment
from lepton_spark.context import moment_of
from lepton_spark.features.chunks import Chunks, Parts
from lepton_spark.features.gather import gather
from tests.features.engine import by_row, checksum, event_rows, row_rows, run
from tests.features.world import Event, World, expected, is_same, known_events, make_world

pytestmark = pytest.mark.spark

NEW_YORK = Moment(time="03:00", zone="America/New_York")
IN_THE_GAP = Moment(time="02:30", zone="America/New_York")
TWICE = Moment(time="01:30", zone="America/New_York")
SKIPPED_DAY = Moment(time="23:00", zone="Pacific/Apia")
HALF_HOURS = Moment(time="00:15", zone="Australia/Lord_Howe")
CHANGES = (date(2013, 3, 10), date(2013, 11, 3), date(2012, 2, 29))


@pytest.mark.parametrize(
    ("at", "around"),
    [
        (NEW_YORK, CHANGES),
        (IN_THE_GAP, CHANGES),
        (TWICE, CHANGES),
        (SKIPPED_DAY, (date(2011, 12, 30),)),
        (HALF_HOURS, (date(2013, 4, 7), date(2013, 10, 6))),
    ],
    ids=lambda value: value.zone + value.time if isinstance(value, Moment) else "",
)
def test_every_feature_is_what_a_brute_force_finds(spark, at, around):
    world = make_world(1, at, around, worlds=60, size=40)

    found, wanted = by_row(run(spark, world)), expected(world)

    assert len(wanted) > 200
    assert found.keys() == wanted.keys()
    wrong = [
        (key, name, found[key][name], number)
        for key, features in wanted.items()
        for name, number in features.items()
        if not is_same(found[key][name], number)
    ]
    assert not wrong
    assert set(next(iter(found.values()))) == set(next(iter(wanted.values())))


def _scrambled(world: World, after) -> World:
    def change(event: Event) -> Event:
        if event.known <= after:
            return event
        # What had arrived must stay the newest version of its event.
        return replace(
            event,
            shop="x",
            size=1,
            whole=99,
            real=-99.0,
            declared=event.declared + timedelta(days=1)
            if event.declared > after
            else event.declared,
            happened=event.happened - timedelta(days=1),
            arrived=event.arrived + timedelta(hours=1) if event.arrived > after else event.arrived,
        )

    return world.with_events(change)


def _by_event_time(spark, world: World):
    rows = event_rows(spark, world)
    return rows.withColumns({name: F.col("happened") for name in ("declared", "_known_at")})


def test_nothing_that_is_known_later_changes_an_earlier_feature(spark):
    world = make_world(2, NEW_YORK, CHANGES[:1], worlds=60, size=40)
    after = date(2013, 3, 11)
    scrambled = _scrambled(world, moment_of(after, NEW_YORK))

    def early(features):
        return {key: found for key, found in by_row(features).items() if key[2] <= after}

    assert scrambled.events != world.events
    assert early(run(spark, scrambled)) == early(run(spark, world))
    # The control: by event time the same change is seen.
    by_time = [_by_event_time(spark, each) for each in (scrambled, world)]
    assert early(run(spark, scrambled, events=by_time[0])) != early(
        run(spark, world, events=by_time[1])
    )


def test_what_is_not_known_yet_appears_in_no_feature(spark):
    """Each world has the days up to one moment only; all that is known later is a billion."""
    world = make_world(3, NEW_YORK, CHANGES, worlds=300, size=25)
    first = {row.world: row.day for row in reversed(world.rows)}
    known = {
        (event.world, event.event, event.row)
        for of, day in first.items()
        for event in known_events(world, of, world.moment(day))
    }

    def poison(event: Event) -> Event:
        is_known = (event.world, event.event, event.row) in known
        return replace(event, whole=1 if is_known else 10**9, real=1.0 if is_known else 1e9)

    poisoned = replace(
        world.with_events(poison),
        rows=tuple(row for row in world.rows if row.day == first[row.world]),
    )
    numbers = [
        number
        for features in by_row(run(spark, poisoned)).values()
        for name, number in features.items()
        if number is not None and name.endswith(("_total", "_mean", "_whole"))
    ]
    assert len(numbers) > 1000
    assert max(numbers) < 1e8
    # The control: by event time the billions are there.
    leaked = by_row(run(spark, poisoned, events=_by_event_time(spark, poisoned)))
    assert max(features["sales_by_world_7d_total"] or 0 for features in leaked.values()) >= 1e9


def test_features_do_not_depend_on_how_the_work_is_cut(spark):
    world = make_world(4, NEW_YORK, CHANGES[:1], worlds=40, size=40)
    sums = set()
    for partitions, *cut in (
        (1, 1, Parts()),
        (2, 3, Parts(copies=7)),
        (7, 2, Parts(("world",), groups=7)),
        (64, 9, Parts(("world",), groups=3, copies=2)),
    ):
        events = event_rows(spark, world).repartition(partitions, "row")
        # Of another type than that of the rows: so are its hashes.
        events = events.withColumn("world", F.col("world").cast("bigint"))
        sums.add(checksum(run(spark, world, cut=cut, events=events)))
    assert len(sums) == 1


def test_rows_that_nothing_is_looked_up_for_are_not_shuffled(spark):
    rows = row_rows(spark, make_world(4, NEW_YORK, CHANGES[:1], worlds=2, size=5))
    dated = rows.withColumns({"_day": F.unix_date("day"), "_moment": F.current_timestamp()})

    found = gather(dated, [], ["world", "day"], Chunks(0, 1, 1))

    plan = found._jdf.queryExecution().executedPlan().toString()
    assert found.columns == ["world", "day"]
    assert found.count() == rows.count()
    assert "MapInArrow" not in plan
    assert "Exchange" not in plan
