from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.case import Moment
from lepton_spark.context import moment_of
from lepton_spark.features.grid import Grid, later

pytestmark = pytest.mark.spark

EPOCH = date(1970, 1, 1)
TICK = timedelta(microseconds=1)
CASES = [
    ("03:00", "America/New_York", date(2013, 3, 10)),
    ("02:30", "America/New_York", date(2013, 3, 10)),
    ("01:30", "America/New_York", date(2013, 11, 3)),
    ("00:00", "America/Havana", date(2013, 3, 10)),
    ("23:45", "America/Sao_Paulo", date(2013, 2, 16)),
    ("12:00", "Pacific/Apia", date(2011, 12, 30)),
    ("00:15", "Australia/Lord_Howe", date(2013, 4, 7)),
    ("05:45", "Asia/Kathmandu", date(1985, 12, 31)),
    ("00:00", "UTC", date(1969, 12, 31)),
    ("23:59", "UTC", date(2024, 2, 29)),
]


def _instants(at: Moment, middle: date) -> list[datetime]:
    days = [middle + timedelta(days=offset) for offset in range(-2, 3)]
    edges = [moment_of(day, at) for day in days]
    steps = [edges[0] + timedelta(minutes=13 * number) for number in range(300)]
    return [instant + tick for instant in edges for tick in (-TICK, 0 * TICK, TICK)] + steps


def _first_day(instant: datetime, at: Moment) -> date:
    day = instant.astimezone(ZoneInfo(at.zone)).date() - timedelta(days=3)
    while moment_of(day, at) < instant:
        day += timedelta(days=1)
    return day


@pytest.mark.parametrize("session_zone", ["UTC", "Asia/Kathmandu"])
def test_an_instant_enters_on_the_first_day_whose_moment_is_not_before_it(spark, session_zone):
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", session_zone)
    for clock, zone, middle in CASES:
        at = Moment(time=clock, zone=zone)
        instants = _instants(at, middle)
        micros = [((each - datetime(1970, 1, 1, tzinfo=UTC)) // TICK,) for each in instants]
        rows = session.createDataFrame(micros, "micros bigint")
        day = Grid.of(at).first_day(F.timestamp_micros("micros"))

        found = [row[0] for row in rows.select(F.date_from_unix_date(day)).collect()]

        assert found == [_first_day(instant, at) for instant in instants], zone


def test_the_moment_of_a_day_is_that_of_the_context(spark):
    for clock, zone, middle in CASES:
        at = Moment(time=clock, zone=zone)
        days = [middle + timedelta(days=offset) for offset in range(-3, 4)]
        rows = spark.createDataFrame([((day - EPOCH).days,) for day in days], "day int")
        micros = F.unix_micros(Grid.of(at).moment(F.col("day")))

        found = [row[0] for row in rows.select(micros).collect()]

        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        assert found == [(moment_of(day, at) - epoch) // TICK for day in days], zone


def test_nothing_enters_at_no_instant(spark):
    day = Grid.of(Moment(time="03:00", zone="UTC")).first_day(F.lit(None).cast("timestamp"))
    assert spark.range(1).select(day).collect()[0][0] is None


def test_a_window_of_a_day_is_24_hours_when_the_clocks_change(spark):
    before = F.lit(datetime(2013, 3, 10, 5, tzinfo=UTC))
    moved = spark.range(1).select(
        F.unix_micros(later(before, timedelta(days=1))) - F.unix_micros(before)
    )
    assert moved.collect()[0][0] == 24 * 3600 * 10**6
