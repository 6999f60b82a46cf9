"""Local clocks against the time zone database, above all where summer time starts and ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from lepton_spark.config.source import LocalTime
from lepton_spark.config.zone import known_zones
from lepton_spark.quality.reasons import REASONS, none_yet
from lepton_spark.silver.clock import add_instant

pytestmark = pytest.mark.spark

ZONES = (
    "America/New_York",
    "America/Sao_Paulo",  # changed at midnight
    "America/St_Johns",  # half an hour off, changed at one minute past midnight
    "Africa/Casablanca",  # back for Ramadan
    "Asia/Kathmandu",  # 05:45, no summer time
    "Australia/Lord_Howe",  # half an hour of summer time
    "Europe/Dublin",  # winter time is the exception
    "Europe/Vienna",
    "Pacific/Apia",  # left out a whole day in 2011
)
YEARS = range(2005, 2024)
SCHEMA = "n int, day date, clock string, zone string, other timestamp"


@cache
def changes(zone):
    """Local times, without zone, just before and after each change of the clocks."""
    day, end = datetime(YEARS[0], 1, 1, tzinfo=UTC), datetime(YEARS[-1], 1, 1, tzinfo=UTC)
    days = []
    while day < end:
        days.append(day)
        day += timedelta(days=1)
    found = []
    for first, second in pairwise(days):
        if offset_at(first, zone) == offset_at(second, zone):
            continue
        moments = [first + timedelta(minutes=30 * step) for step in range(49)]
        for before, after in pairwise(moments):
            if offset_at(before, zone) != offset_at(after, zone):
                found += [each.astimezone(ZoneInfo(zone)) for each in (before, after)]
    return [shown.replace(tzinfo=None) for shown in found]


def offset_at(moment, zone):
    return moment.astimezone(ZoneInfo(zone)).utcoffset()


def instants(local, zone):
    """Every instant at which clocks of the zone show a local time, in order."""
    both = {local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(at for at in both if at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local)


def resolved(local, zone, ambiguous="refuse"):
    """Epoch second and reason, as the promise has them."""
    found = instants(local, zone)
    if not found:
        return None, "nonexistent_time"
    if len(found) == 2 and ambiguous == "refuse":
        return None, "ambiguous_time"
    return int(found[-1 if ambiguous == "later" else 0].timestamp()), None


def placed(spark, rows, **settings):
    """Epoch second and reason of each row, in one job."""
    numbered = [(n, *row) for n, row in enumerate(rows)]
    clock = LocalTime.model_validate({"date": "day", "clock": "clock", "zone": "zone", **settings})
    frame = spark.createDataFrame(numbered, SCHEMA).withColumn(REASONS, none_yet())
    found = add_instant(frame, "at", clock).orderBy("n")
    found = found.select(F.unix_seconds("at"), REASONS).collect()
    return [(at, reasons[0].removesuffix(":at") if reasons else None) for at, reasons in found]


def row_of(local, zone, other=None):
    return local.date(), local.strftime("%H:%M"), zone, other


@pytest.mark.parametrize("ambiguous", ["refuse", "earlier", "later"])
def test_every_change_of_the_clocks_is_placed_as_the_database_says(spark, ambiguous):
    steps = [timedelta(minutes=minutes) for minutes in (-90, -60, -31, -1, 0, 1, 29, 30, 60, 120)]
    cases = [(change + step, zone) for zone in ZONES for change in changes(zone) for step in steps]
    assert len(cases) > 3000

    found = placed(spark, [row_of(*case) for case in cases], ambiguous=ambiguous)

    wanted = [resolved(local, zone, ambiguous) for local, zone in cases]
    assert [
        (case, is_, should)
        for case, is_, should in zip(cases, found, wanted, strict=True)
        if is_ != should
    ] == []
    assert {reason for _, reason in found} >= {None, "nonexistent_time"}


def test_the_zone_of_the_session_plays_no_part(spark):
    local = datetime(2013, 7, 1, 5, 17)  # noqa: DTZ001 - a local time has no zone yet
    rows = [row_of(local, "America/New_York")]
    wanted = placed(spark, rows)
    other = spark.newSession()
    other.conf.set("spark.sql.session.timeZone", "Asia/Kathmandu")

    assert (
        placed(other, rows)
        == wanted
        == [(int(datetime(2013, 7, 1, 9, 17, tzinfo=UTC).timestamp()), None)]
    )


def test_a_clock_may_be_written_in_several_ways(spark):
    day, midnight = date(2013, 1, 1), datetime(2013, 1, 1, tzinfo=UTC)
    clocks = {
        "517": (5, 17), "0517": (5, 17), "05:17": (5, 17), "5:17": (5, 17), "05:17:00": (5, 17),
        " 517 ": (5, 17), "5": (0, 5), "0": (0, 0), "2400": (24, 0), "24:00": (24, 0),
        "2359": (23, 59),
    }  # fmt: skip
    wrong = ["2401", "0560", "1299", "-5", "99999", "05:60", "noon", "5.5", "05:17:30", "517 PM"]

    found = placed(spark, [(day, clock, "UTC", None) for clock in [*clocks, *wrong]])

    good = [int((midnight + timedelta(hours=h, minutes=m)).timestamp()) for h, m in clocks.values()]
    assert found == [*((at, None) for at in good), *((None, "bad_time") for _ in wrong)]


def test_a_clock_may_be_a_number_and_the_zone_be_named(spark):
    rows = spark.createDataFrame([(1, date(2013, 1, 1), 2400)], "n int, day date, clock int")
    clock = LocalTime(date="day", clock="clock", zone="America/New_York")

    found = add_instant(rows.withColumn(REASONS, none_yet()), "at", clock)

    assert found.select(F.unix_seconds("at")).first()[0] == int(
        datetime(2013, 1, 2, 5, tzinfo=UTC).timestamp()
    )
    assert found.columns == ["n", "day", "clock", REASONS, "at"]


@pytest.mark.parametrize("session_zone", ["UTC", "Asia/Kathmandu"])
def test_date_and_clock_may_be_in_one_text_of_several_forms(spark, session_zone):
    texts = {
        "01.07.2013 05:17": datetime(2013, 7, 1, 9, 17, tzinfo=UTC),
        "7/1/2013 5:17 PM": datetime(2013, 7, 1, 21, 17, tzinfo=UTC),
        "10.03.2013 02:30": "nonexistent_time",
        "03.11.2013 01:30": "ambiguous_time",
        "31.06.2013 05:17": "bad_time",
        "01.07.13 05:17": "bad_time",
        "01.07.2013": "bad_time",
        "01.07.99999 05:17": "bad_time",
    }
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", session_zone)
    forms = ("dd.MM.yyyy HH:mm", "M/d/yyyy h:mm a")
    clock = LocalTime(text="told", formats=forms, zone="America/New_York")
    rows = session.createDataFrame([*enumerate(texts), (9, None)], "n int, told string")

    found = add_instant(rows.withColumn(REASONS, none_yet()), "at", clock).orderBy("n")

    told = [
        each[REASONS][0].removesuffix(":at") if each[REASONS] else each["seconds"]
        for each in found.select(F.unix_seconds("at").alias("seconds"), REASONS).collect()
    ]
    wanted = [each if isinstance(each, str) else int(each.timestamp()) for each in texts.values()]
    assert told == [*wanted, None]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"date": "d"},
        {"text": "t"},
        {"text": "t", "formats": ("yyyy",), "date": "d", "clock": "c"},
    ],
)
def test_a_local_time_is_in_one_text_or_in_two_columns(wrong):
    with pytest.raises(ValueError, match="give date and clock, or text and formats"):
        LocalTime(zone="UTC", **wrong)


def test_a_clock_without_a_zone_is_refused_and_nothing_is_made_of_nothing(spark):
    day = date(2013, 1, 1)
    rows = [
        (day, "517", None, None),
        (day, "517", "Mars/Olympus", None),
        (day, "517", "-05:00; DROP", None),
        (day, None, None, None),
        (None, "517", "UTC", None),
    ]
    assert placed(spark, rows) == [
        (None, "no_zone"), (None, "bad_zone"), (None, "bad_zone"), (None, None), (None, None),
    ]  # fmt: skip


def test_spark_knows_every_zone_that_is_let_through(spark):
    rows = [(date(2013, 1, 1), "12:00", zone, None) for zone in known_zones()]

    assert all(reason is None for _, reason in placed(spark, rows))


def test_a_refused_row_gets_no_instant_and_no_second_reason(spark):
    rows = spark.createDataFrame([(date(2013, 1, 1), 2400)], "day date, clock int")
    refused = rows.withColumn(REASONS, F.array(F.lit("short_row")))

    row = add_instant(refused, "at", LocalTime(date="day", clock="clock", zone="UTC")).first()

    assert (row["at"], row[REASONS]) == (None, ["short_row"])


def test_after_takes_the_next_day_for_an_earlier_clock(spark):
    departure = datetime(2013, 1, 2, 3, 59, tzinfo=UTC)  # 22:59 in New York
    day, zone = date(2013, 1, 1), "America/New_York"
    rows = [(day, clock, zone, departure) for clock in ("2259", "2258", "2400", "0010")]

    found = [datetime.fromtimestamp(at, UTC) for at, _ in placed(spark, rows, after="other")]

    assert found == [
        datetime(2013, 1, 2, 3, 59, tzinfo=UTC),
        datetime(2013, 1, 3, 3, 58, tzinfo=UTC),
        datetime(2013, 1, 2, 5, 0, tzinfo=UTC),
        datetime(2013, 1, 2, 5, 10, tzinfo=UTC),
    ]


def test_near_takes_the_day_of_the_nearest_clock(spark):
    day, zone = date(2013, 1, 1), "America/New_York"
    midnight = datetime(2013, 1, 2, 5, tzinfo=UTC)
    rows = [
        (day, "2355", zone, midnight - timedelta(minutes=5)),
        (day, "0005", zone, midnight + timedelta(minutes=5)),
        (day, "2355", zone, midnight + timedelta(hours=30)),
        (day, "0005", zone, midnight - timedelta(hours=23)),
        (day, "0005", zone, None),
    ]
    found = placed(spark, rows, near="other")

    assert [at and datetime.fromtimestamp(at, UTC) for at, _ in found] == [
        datetime(2013, 1, 2, 4, 55, tzinfo=UTC),
        datetime(2013, 1, 2, 5, 5, tzinfo=UTC),
        datetime(2013, 1, 3, 4, 55, tzinfo=UTC),
        datetime(2013, 1, 1, 5, 5, tzinfo=UTC),
        None,
    ]
    assert {reason for _, reason in found} == {None}


FLIGHTS = st.lists(
    st.tuples(
        st.sampled_from(ZONES),
        st.dates(date(2012, 1, 1), date(2014, 12, 31)),
        st.integers(0, 24 * 60),
        st.integers(-2 * 24 * 60, 2 * 24 * 60),
    ),
    min_size=200,
    max_size=400,
)
FEW = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))


def local_of(day, minutes):
    return datetime.combine(day, time()) + timedelta(minutes=minutes)


def as_row(zone, day, minutes, other):
    return day, f"{minutes // 60:02}{minutes % 60:02}", zone, other


@FEW
@given(FLIGHTS)
def test_after_never_gives_an_instant_before_it_nor_a_day_too_late(spark, flights):
    rows, wanted = [], []
    for zone, day, minutes, lag in flights:
        local = local_of(day, minutes)
        other = local_of(day, minutes + lag % (20 * 60)).replace(tzinfo=UTC)
        on_day, next_day = (
            resolved(local + timedelta(days=days), zone, "later") for days in (0, 1)
        )
        if on_day[0] is None:
            continue  # which day a clock that does not exist belongs to is tested above
        rows.append(as_row(zone, day, minutes, other))
        wanted.append(on_day if on_day[0] >= other.timestamp() else next_day)

    assert placed(spark, rows, after="other", ambiguous="later") == wanted


@FEW
@given(FLIGHTS)
def test_near_is_never_more_than_half_a_day_off_on_the_clocks_of_the_zone(spark, flights):
    rows, wanted = [], []
    for zone, day, minutes, lag in flights:
        local, other = local_of(day, minutes), local_of(day, minutes + lag).replace(tzinfo=UTC)
        shown = other.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        days = [local + timedelta(days=offset) for offset in range(-4, 5)]
        off = sorted(abs(shown - each) for each in days)
        if off[0] == off[1]:
            continue  # exactly between two days
        rows.append(as_row(zone, day, minutes, other))
        wanted.append(resolved(min(days, key=lambda each: abs(shown - each)), zone))

    assert placed(spark, rows, near="other") == wanted
