"""Every measure over every kind of window against a brute force, without Spark."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_spark.config.case import Moment
from lepton_spark.config.measure import Measure
from lepton_spark.errors import DataError
from tests.features.chunked import PLAN, Cut, found_features, prepared
from tests.features.oracle import wanted_features, worlds_rows, wrong
from tests.features.world import Event, Row, World, known_events, make_world, matches

NEW_YORK = Moment(time="03:00", zone="America/New_York")
AROUND = {
    NEW_YORK: (date(2013, 3, 10), date(2013, 11, 3), date(2012, 2, 29)),
    Moment(time="02:30", zone="America/New_York"): (date(2013, 3, 10),),
    Moment(time="01:30", zone="America/New_York"): (date(2013, 11, 3),),
    Moment(time="23:00", zone="Pacific/Apia"): (date(2011, 12, 30),),
    Moment(time="00:15", zone="Australia/Lord_Howe"): (date(2013, 4, 7), date(2013, 10, 6)),
}
SEEDS = st.integers(0, 2**32)


def _wanted(world: World, rows):
    found = []
    for row in rows:
        moment = world.moment(row.day)
        known = known_events(world, row.world, moment)
        found.append(wanted_features(row, known, moment, matches))
    return found


@settings(max_examples=12)
@given(SEEDS, st.sampled_from(list(AROUND)), st.integers(1, 9))
def test_every_measure_is_what_a_brute_force_finds(seed, at, num_days):
    world = make_world(seed, at, AROUND[at], worlds=2, size=25)
    rows = worlds_rows(world)

    found = found_features(world, rows, prepared(world), cut=Cut(num_days, seed))

    for mine, wanted in zip(found, _wanted(world, rows), strict=True):
        assert wrong(mine, wanted) == []


@settings(max_examples=6)
@given(SEEDS, st.integers(1, 9))
def test_features_are_the_same_for_any_chunks_and_order(seed, num_days):
    world = make_world(seed, NEW_YORK, AROUND[NEW_YORK][:1], worlds=3, size=40)
    rows, events = worlds_rows(world), prepared(world)

    one = found_features(world, rows, events)
    many = found_features(world, rows, events, cut=Cut(num_days, seed))

    assert one == many


def _poisoned(event: Event, *, is_known: bool) -> Event:
    if is_known:
        return replace(event, whole=1, real=1.0, shop="x", size=1)
    return replace(event, whole=10**9, real=1e9, shop="poison", size=10**9)


def _highest(found) -> dict[str, float]:
    """By measure the highest number of any feature; a billion for the text of poison."""
    highest: dict[str, float] = {}
    for features in found:
        for name, value in features.items():
            measure = name.rsplit("r_", 1)[-1].rsplit("_", 1)[-1]
            number = 1e9 if value == "poison" else value if isinstance(value, int | float) else 0
            highest[measure] = max(highest.get(measure, 0), abs(number))
    return highest


@settings(max_examples=6)
@given(SEEDS)
def test_what_is_not_known_yet_appears_in_no_measure(seed):
    """Each world has the rows of one moment only; all that is known later is a billion."""
    world = make_world(seed, NEW_YORK, AROUND[NEW_YORK], worlds=6, size=25)
    day = {row.world: row.day for row in world.rows}
    known = {id(event) for of in day for event in known_events(world, of, world.moment(day[of]))}
    events = tuple(_poisoned(event, is_known=id(event) in known) for event in world.events)
    here = tuple(replace(row, shop="x", size=1) for row in world.rows if row.day == day[row.world])
    poisoned = World(world.at, here, events)
    rows = worlds_rows(poisoned)

    found = found_features(poisoned, rows, prepared(poisoned))

    highest = _highest(found)
    assert highest.pop("total", 0) <= len(events)
    assert highest.pop("quiet", 0) == 0
    assert max(highest.values(), default=0) <= len(events)
    assert highest.get("spread", 0) == highest.get("trend", 0) == highest.get("mix", 0) == 0


def test_the_poison_would_be_seen_in_each_measure_that_it_reaches():
    """The control: as if it had been known when it happened, long before."""
    row = Row(1, 1, "x", 1, date(2013, 3, 10), World(NEW_YORK, (), ()).moment(date(2013, 3, 9)), 0)
    moment = World(NEW_YORK, (), ()).moment(row.day)
    events = []
    for number in range(6):
        then = moment - timedelta(hours=10 - number)
        plain = Event(1, number, "x", 1, 1, 1.0, then, then, then, "a", number)
        events.append(_poisoned(plain, is_known=False) if number > 1 else plain)
    leaked = World(NEW_YORK, (row,), tuple(events))

    highest = _highest(found_features(leaked, [row], prepared(leaked)))

    for measure in ("total", "mean", "low", "high", "middle", "much", "newest", "before", "shop",
                    "size", "spread", "trend"):  # fmt: skip
        assert highest[measure] >= 1e5 or measure == "low", measure
    assert highest["quiet"] > 0


def test_an_empty_window_counts_nothing_and_all_else_is_null():
    row = Row(1, 1, "x", 1, date(2013, 3, 10), World(NEW_YORK, (), ()).moment(date(2013, 3, 9)), 0)
    other = make_world(1, NEW_YORK, AROUND[NEW_YORK][:1], worlds=1, size=30)
    elsewhere = World(NEW_YORK, (row,), tuple(replace(e, world=9) for e in other.events))

    for world in (World(NEW_YORK, (row,), ()), elsewhere):
        (found,) = found_features(world, [row], prepared(world))
        counts = {name: value for name, value in found.items() if value is not None}
        assert set(counts.values()) == {0}
        assert {name.rsplit("_", 1)[1] for name in counts} == {"events", "reals", "shops", "sizes"}
        assert set(found) == set(PLAN.features)


def test_types_are_those_of_the_table_though_nothing_is_known():
    row = Row(1, 1, "x", 1, date(2013, 3, 10), World(NEW_YORK, (), ()).moment(date(2013, 3, 9)), 0)
    types = {"integer": int, "double": float, "float": float, "string": str, "boolean": bool,
             "long": int}  # fmt: skip
    world = make_world(3, NEW_YORK, AROUND[NEW_YORK][:1], worlds=2, size=40)

    rows = worlds_rows(world)
    for world_, rows_ in ((world, rows), (World(NEW_YORK, (row,), ()), [row])):
        for features in found_features(world_, rows_, prepared(world_)):
            for name, value in features.items():
                assert value is None or type(value) is types[PLAN.features[name]], name


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("of", ["low", "newest", "sizes", "spread", "trend", "mean"])
def test_a_number_without_an_order_is_refused_without_being_told(of, number):
    world = make_world(1, NEW_YORK, AROUND[NEW_YORK][:1], worlds=1, size=30)
    events = prepared(world)
    column = next(each.value.column for each in PLAN.measures if each.name == of)
    damaged = events.set_column(
        events.column_names.index(column), column, pa.array([number] * events.num_rows)
    )

    with pytest.raises(DataError) as refused:
        found_features(world, worlds_rows(world), damaged, only=of)

    wanted = {"spread": "LS-2160", "trend": "LS-2160", "mean": "LS-2091"}.get(of, "LS-2161")
    assert refused.value.code == wanted
    assert str(number) not in str(refused.value)


def test_every_kind_of_measure_is_among_those_that_are_tested():
    assert {measure.kind for measure in PLAN.measures} == set(Measure.model_fields)
