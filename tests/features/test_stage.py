from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.case import Case, Moment
from lepton_spark.errors import ConflictError, DataError
from lepton_spark.features import chunks, stage
from lepton_spark.features.stage import build
from lepton_spark.lake import tables
from lepton_spark.lake.tables import Publication, TableId
from tests.conftest import TINY_CASE, environment_at
from tests.features.engine import HISTORY, LATEST, by_row, checksum, event_rows, row_rows
from tests.features.world import Event, Row, World, expected, is_same, make_world, moment_of

pytestmark = pytest.mark.spark

AT = Moment(time="03:00", zone="America/New_York")
TABLE = TableId("gold", "shops_features")
MIDDLE = date(2013, 3, 10)
DAYS = [MIDDLE + timedelta(days=offset) for offset in range(-4, 5)]
CASE = Case.model_validate(
    {
        **TINY_CASE,
        "case": "shops",
        "sources": {
            "rows": {"path": "rows/{date}.csv", "contract": "rows", "key": ["world", "row"]},
            "sales": {
                "path": "sales/{date}.csv",
                "contract": "sales",
                "key": ["world", "event"],
                "known_at": "declared",
            },
        },
        "predict": {
            **TINY_CASE["predict"],
            "each": "rows",
            "at": AT.model_dump(),
            "label": {"name": "is_big", "from": "sales", "is": "whole > 5"},
        },
        "features": {
            "own": ["shop", "size"],
            "latest": {"sales": LATEST.model_dump()},
            "history": {"sales": {**HISTORY.model_dump(), "measures": HISTORY.model_dump(
                exclude_unset=True)["measures"]}},
        },
    }
)  # fmt: skip


def _file_of(arrived: datetime) -> str:
    return arrived.isoformat()


def _refine(context, world: World, key: str = "first") -> None:
    """Write the silver tables; as in truth, rows of a file arrived together."""
    for name, rows in (
        ("rows", row_rows(context.spark, world)),
        ("sales", event_rows(context.spark, world)),
    ):
        named = rows.withColumn(
            "_file", F.concat(F.date_format("_arrived_at", "yyyyMMddHHmmssSSSSSS"), "_file")
        )
        table = TableId("silver", f"shops_{name}")
        tables.publish(context, named, Publication(table, "refine", key, key))


def _world(seed: int = 7) -> World:
    world = make_world(seed, AT, [MIDDLE], worlds=40, size=30)

    def filed(event: Event) -> Event:
        return replace(event, file=event.arrived.strftime("%Y%m%d%H%M%S%f") + event.file)

    return world.with_events(filed)


def _features(context):
    return by_row(tables.read(context, TABLE).drop("_as_of", "_month", "shop", "size"))


def test_the_table_holds_what_a_brute_force_finds_for_each_row_and_day(context_for):
    world = _world()
    context = context_for(CASE, DAYS[-1])
    _refine(context, world)

    result = build(context)

    found, wanted = _features(context), expected(world)
    assert result.facts["rows"] == len(wanted) > 100
    assert found.keys() == wanted.keys()
    assert all(
        is_same(found[key][name], number)
        for key, features in wanted.items()
        for name, number in features.items()
    )
    rows = tables.read(context, TABLE)
    assert rows.columns[:6] == ["world", "row", "day", "_as_of", "shop", "size"]
    assert rows.filter(~F.col("_as_of").eqNullSafe(F.col("day"))).isEmpty()


def test_a_day_alone_has_the_rows_that_it_has_among_all_days(context_for, tmp_path):
    world = _world()
    every = context_for(CASE, DAYS[-1])
    _refine(every, world)
    build(every)
    alone = environment_at(tmp_path / "alone")
    for day in (DAYS[5], DAYS[3]):  # the older day afterwards
        context = context_for(CASE, day, environment=alone)
        if day == DAYS[5]:
            _refine(context, world)
        assert build(context, days="one").tables[0].is_new

        mine = tables.read(context, TABLE).filter(F.col("_as_of") == F.lit(day))
        among = tables.read(every, TABLE).filter(F.col("_as_of") == F.lit(day))
        assert checksum(mine) == checksum(among)
        assert mine.count() > 5


def test_a_day_of_more_rows_than_a_worker_can_hold_is_cut_and_has_the_same_features(
    context_for, tmp_path, monkeypatch
):
    history = {"by": [["world"]], "over": ["7 days"], "measures": {"total": {"sum": "real"}}}
    features = {"own": ["shop"], "history": {"sales": history}}
    case = Case.model_validate({**CASE.model_dump(by_alias=True), "features": features})
    world, day, found, tasks = _world(), DAYS[5], [], []
    gathered = stage.gather
    monkeypatch.setattr(stage, "gather", lambda *given: tasks.append(given[-1]) or gathered(*given))
    for most in (500_000, 3):
        monkeypatch.setattr(chunks, "_MOST_ROWS", most)
        context = context_for(case, day, environment=environment_at(tmp_path / str(most)))
        _refine(context, world)
        build(context, days="one")
        found.append(checksum(tables.read(context, TABLE)))

    assert found[0] == found[1]
    assert found[0][0] > 6
    assert tasks[0].tasks == 1
    assert tasks[1].parts.by == ("world",)
    assert tasks[1].parts.groups > 2


def test_all_days_of_more_rows_than_a_worker_can_hold_have_the_same_features(
    context_for, tmp_path, monkeypatch
):
    by = [["world"], ["shop"]]
    history = {"by": by, "over": ["7 days"], "measures": {"total": {"sum": "real"}}}
    features = {"own": ["size"], "history": {"sales": history}}
    case = Case.model_validate({**CASE.model_dump(by_alias=True), "features": features})
    world, found, tasks = _world(), [], []
    gathered = stage.gather
    monkeypatch.setattr(stage, "gather", lambda *given: tasks.append(given[-1]) or gathered(*given))
    for most in (500_000, 5):
        monkeypatch.setattr(chunks, "_MOST_ROWS", most)
        context = context_for(case, DAYS[-1], environment=environment_at(tmp_path / str(most)))
        _refine(context, world)
        build(context)
        found.append(checksum(tables.read(context, TABLE)))

    assert found[0] == found[1]
    assert tasks[1].number > tasks[0].number
    assert tasks[1].parts.groups == 1
    assert tasks[1].may_be_uneven(found[1][0])


def test_a_version_that_arrived_long_ago_still_replaces_a_later_fact(context_for):
    """The newest version was known before the window began; the old one says it is known later."""
    day, moment = DAYS[5], World(AT, (), ()).moment(DAYS[5])
    old = Event(
        world=1, event=1, shop="x", size=1, whole=7, real=7.0, declared=moment,
        arrived=moment - timedelta(days=60), happened=moment, file="a", row=1,
    )  # fmt: skip
    new = replace(
        old, declared=moment - timedelta(days=50), arrived=moment - timedelta(days=50), file="b"
    )
    row = Row(1, 1, "x", 1, day, moment - timedelta(days=1), 0)
    context = context_for(CASE, day)
    _refine(context, World(AT, (row,), (old, new)))

    build(context, days="one")

    features = _features(context)[1, 1, day]
    assert features["sales_by_world_7d_events"] == 0
    assert features["sales_whole"] is None


def test_what_arrives_later_changes_neither_rows_nor_fingerprint(context_for):
    world, day = _world(), DAYS[4]
    moment = world.moment(day)
    early = replace(
        world,
        rows=tuple(row for row in world.rows if row.arrived <= moment),
        events=tuple(event for event in world.events if event.arrived <= moment),
    )
    late = replace(
        world,
        rows=tuple(row for row in world.rows if row.arrived > moment),
        events=tuple(event for event in world.events if event.arrived > moment),
    )
    context = context_for(CASE, day)
    _refine(context, early)
    build(context)
    before = checksum(tables.read(context, TABLE))
    _refine(context, late, "second")

    again = build(context_for(CASE, day))
    forced = build(context_for(CASE, day, revision=1))

    assert not again.tables[0].is_new
    assert not forced.tables[0].is_new
    assert checksum(tables.read(context, TABLE)) == before


def test_the_same_day_with_other_inputs_is_refused_unless_it_is_said(context_for):
    world, day = _world(), DAYS[4]
    half = len(world.events) // 2
    context = context_for(CASE, day)
    _refine(context, replace(world, events=world.events[:half]))
    build(context, days="one")
    version = tables.current_version(context, TABLE)
    _refine(context, replace(world, rows=(), events=world.events[half:]), "second")

    with pytest.raises(ConflictError):
        build(context, days="one")

    assert tables.current_version(context, TABLE) == version
    assert build(context_for(CASE, day, revision=1), days="one").tables[0].is_new


def test_a_day_without_rows_is_refused_unless_that_is_allowed(context_for):
    context = context_for(CASE, date(2012, 1, 1))
    _refine(context, _world())

    with pytest.raises(DataError) as refused:
        build(context, days="one")

    assert refused.value.code == "LS-2090"
    assert not tables.exists(context, TABLE)
    allowed = build(context_for(CASE, date(2012, 1, 1), allow_empty=True), days="one")
    assert allowed.facts["rows"] == 0


def test_rows_of_which_none_was_known_in_time_are_refused_unless_that_is_allowed(context_for):
    world, context = _world(), context_for(CASE, DAYS[-1])
    late = [
        replace(row, arrived=moment_of(row.day, AT) + timedelta(hours=1))
        for row in world.rows
        if row.day < DAYS[-1]
    ]
    _refine(context, replace(world, rows=tuple(late)))

    with pytest.raises(DataError) as refused:
        build(context)

    assert refused.value.code == "LS-2089"
    assert not tables.exists(context, TABLE)
    allowed = build(context_for(CASE, DAYS[-1], allow_empty=True))
    assert allowed.facts["rows"] == 0


def test_a_case_with_other_features_replaces_the_table_only_where_that_is_said(context_for):
    later, earlier = DAYS[5], DAYS[4]
    own = CASE.features.model_copy(update={"own": ("shop",)})
    narrower = CASE.model_copy(update={"features": own})
    _refine(context_for(CASE, later), _world())
    build(context_for(CASE, later))

    with pytest.raises(DataError, match="is missing") as drift:
        build(context_for(narrower, later + timedelta(days=1)))
    assert drift.value.code == "LS-2019"
    with pytest.raises(DataError, match="holds features of") as loss:
        build(context_for(narrower, earlier, revision=1))
    assert loss.value.code == "LS-2093"
    context = context_for(narrower, later, revision=1)
    build(context)

    assert "size" not in tables.read(context, TABLE).columns
    assert tables.current_version(context, TABLE) == 1
