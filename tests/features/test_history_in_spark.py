"""The measures as Spark prepares their events, and as the stage publishes them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.case import Case, Moment
from lepton_spark.config.features import History
from lepton_spark.config.model import parse_any_window
from lepton_spark.errors import ConfigError
from lepton_spark.features.chunks import Parts
from lepton_spark.features.plan import make_plan
from lepton_spark.features.stage import build
from lepton_spark.lake import tables
from lepton_spark.lake.tables import Publication, TableId
from tests.conftest import environment_at
from tests.features.chunked import HISTORY
from tests.features.engine import by_row, checksum, event_rows, row_rows, run
from tests.features.oracle import MEASURES, wanted_features, worlds_rows, wrong
from tests.features.test_stage import CASE, DAYS
from tests.features.world import known_events, make_world, matches

pytestmark = pytest.mark.spark

NEW_YORK = Moment(time="03:00", zone="America/New_York")
TABLE = TableId("gold", "shops_features")


def test_every_measure_is_what_a_brute_force_finds(spark):
    world = make_world(11, NEW_YORK, (date(2013, 3, 10),), worlds=12, size=30)
    # Each further column is a second of planning, and without Spark all of them are tested.
    over = tuple(parse_any_window(text) for text in ("7 days", "4 rows", "all"))
    history = HISTORY.model_copy(update={"by": (("world",),), "over": over})

    features = run(spark, world, cut=(3, Parts()), settings=[history])

    found = by_row(features)
    rows = worlds_rows(world)
    assert len(rows) == len(found) > 30
    for row in rows:
        moment = world.moment(row.day)
        known = known_events(world, row.world, moment)
        mine = found[row.world, row.row, row.day]
        every = wanted_features(row, known, moment, matches)
        assert wrong(mine, {name: every[name] for name in mine}) == []
    types = dict(features.dtypes)
    named = {"shop": "string", "size": "bigint", "was_big": "boolean", "high": "double",
             "sizes": "int", "mix": "float"}  # fmt: skip
    assert {name: types[f"sales_by_world_4r_{name}"] for name in named} == named


def test_a_day_alone_has_the_rows_that_it_has_among_all_days(context_for, tmp_path):
    """Windows without an end read all that was known: a month before the day too."""
    chosen = ("mean", "newest", "shop", "usual")
    history = {
        "by": [["world"]],
        "over": ["24 hours", "3 rows", "all"],
        "measures": {name: MEASURES[name] for name in chosen},
    }
    features = {"own": ["shop"], "history": {"sales": history}}
    case = Case.model_validate({**CASE.model_dump(by_alias=True), "features": features})
    world = make_world(7, NEW_YORK, (DAYS[4], DAYS[4] - timedelta(days=30)), worlds=40, size=25)
    day = DAYS[5]
    every, alone = (
        context_for(case, day, environment=environment_at(tmp_path / name))
        for name in ("every", "alone")
    )
    for context, days in ((every, "all"), (alone, "one")):
        for name, rows in (
            ("rows", row_rows(context.spark, world)),
            ("sales", event_rows(context.spark, world)),
        ):
            arrived = F.date_format("_arrived_at", "yyyyMMddHHmmssSSSSSS")
            named = rows.withColumn("_file", F.concat(arrived, "_file"))
            publication = Publication(TableId("silver", f"shops_{name}"), "refine", "1", "1")
            tables.publish(context, named, publication)
        build(context, days=days)

    among = tables.read(every, TABLE).filter(F.col("_as_of") == F.lit(day))
    mine = tables.read(alone, TABLE)
    assert checksum(mine) == checksum(among)
    assert mine.count() > 5
    known = among.filter(F.col("sales_by_world_all_newest").isNotNull()).count()
    assert known > among.filter(F.col("sales_by_world_24h_newest").isNotNull()).count()


@pytest.mark.parametrize(
    ("measure", "given"),
    [
        ({"top": "real"}, "double"),
        ({"max": "shop"}, "string"),
        ({"time_since": "whole"}, "bigint"),
        ({"slope": "declared"}, "timestamp"),
        ({"last": "declared"}, "timestamp"),
        ({"lag": {"value": "happened"}}, "timestamp"),
    ],
    ids=str,
)
def test_a_type_that_a_measure_is_not_of_is_refused(spark, measure, given):
    rows = event_rows(spark, make_world(1, NEW_YORK, (date(2013, 3, 10),), worlds=1, size=5))
    history = History.model_validate(
        {"by": [["world"]], "over": ["all"], "measures": {"m": measure}}
    )

    with pytest.raises(ConfigError, match=given) as refused:
        make_plan("sales", history, rows)

    assert refused.value.code == "LS-1065"
