"""Units are days where there are enough of them, and never more than a driver can bear."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from lepton_spark.evaluate.units import BUCKETS, MOST_UNITS, unit_of

pytestmark = pytest.mark.spark

FIRST = date(2020, 1, 1)


def units(spark, days, *, is_by_day=True, visits=1):
    rows = [
        (visit, FIRST + timedelta(days=day), "test")
        for day in range(days)
        for visit in range(visits)
    ]
    frame = spark.createDataFrame(rows, "visit int, day date, _split string")
    unit = unit_of(frame, day="day", key=["visit", "day"], is_by_day=is_by_day)
    found = frame.withColumn("unit", unit).orderBy("day", "visit").collect()
    return [row["unit"] for row in found]


def test_each_day_is_a_unit(spark):
    assert units(spark, 30, visits=2) == [day for day in range(30) for _ in range(2)]


def test_many_days_make_runs_of_days(spark):
    found = units(spark, 1000)

    assert found == sorted(found)
    assert len(set(found)) <= MOST_UNITS
    assert len(set(found)) == 334


def test_few_days_make_buckets_of_the_key(spark):
    found = units(spark, 10, visits=200)

    assert BUCKETS * 0.9 < len(set(found)) <= BUCKETS


def test_a_split_by_share_makes_buckets_of_the_key(spark):
    found = units(spark, 100, visits=20, is_by_day=False)

    assert BUCKETS * 0.9 < len(set(found)) <= BUCKETS
