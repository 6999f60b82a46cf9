"""Laws of a whole judgement, on generated dirty tables."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from lepton_spark.config.contract import Column, Contract
from lepton_spark.config.source import Source
from lepton_spark.silver.judgement import good_rows, judge
from lepton_spark.silver.knowledge import versions
from lepton_spark.silver.lookup import Reference

pytestmark = pytest.mark.spark

CONTRACT = Contract(
    "visits",
    (
        Column("visit", "integer", required=True, minimum=0),
        Column("shop", "string", pattern="[A-Z]"),
        Column("day", "date", required=True),
        Column("clock", "string"),
        Column("minutes", "number", minimum=0.0, maximum=1e6),
    ),
)
SOURCE = Source.model_validate(
    {
        "path": "visits/{date}.csv",
        "contract": "visits",
        "key": ["visit", "day"],
        "lookup": [{"from": "shops", "on": {"shop": "shop"}, "take": {"zone": "zone"}}],
        "times": {"came_at": {"date": "day", "clock": "clock", "zone": "zone"}},
        "derive": {"hours": "minutes / 60", "inverse": "1 / minutes"},
        "known_at": "came_at",
    }
)
CELL = st.sampled_from(["", "NA", "x", "1e999", "NaN", "-0.0", "=1+1", "2147483648", "\u202e7"])
DIRTY = st.tuples(
    st.sampled_from([None, None, None, None, None, "short_row", "bad_encoding"]),
    st.one_of(st.integers(-1, 12).map(str), CELL),
    st.one_of(st.sampled_from("ABC"), CELL),
    st.sampled_from(["2013-03-10", "2013-11-03", "2013-06-01", "2013-02-29", "", "10000-01-01"]),
    st.one_of(st.sampled_from(["0130", "02:30", "517", "2400", "2460", ""]), CELL),
    st.one_of(st.integers(-5, 5).map(str), CELL),
    st.sampled_from(["a.csv", "b.csv", "c.csv"]),
)
SCHEMA = (
    "_problem string, visit string, shop string, day string, clock string, minutes string,"
    " _file string, _row bigint, _arrived_at timestamp"
)
ARRIVALS = {"a.csv": datetime(2013, 1, 1, tzinfo=UTC), "b.csv": datetime(2013, 1, 1, tzinfo=UTC)}
LATER = datetime(2014, 1, 1, tzinfo=UTC)
ZONES = [("A", "America/New_York"), ("B", "Europe/Vienna"), ("C", "Not/AZone")]


def shops(spark):
    rows = spark.createDataFrame(ZONES, "shop string, zone string").withColumns(
        {
            "_file": F.lit("shops.csv"),
            "_row": F.xxhash64("shop"),
            "_arrived_at": F.timestamp_seconds(F.lit(0)),
            "_known_at": F.timestamp_seconds(F.lit(0)),
        }
    )
    return {"shops": Reference(versions(rows, ["shop"]), ("shop",))}


def landed(spark, cells):
    rows = [
        (*row, number, ARRIVALS.get(row[-1], LATER)) for number, row in enumerate(cells, start=2)
    ]
    return spark.createDataFrame(rows, SCHEMA)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(DIRTY, min_size=300, max_size=600))
def test_no_row_is_lost_or_doubled_and_every_bad_one_has_its_reason(spark, cells):
    judged = judge(landed(spark, cells), SOURCE, CONTRACT, shops(spark))
    found = judged.select("_file", "_row", "_severity", "_reasons", "visit", "day").collect()

    assert Counter((row["_file"], row["_row"]) for row in found) == Counter(
        (row[-1], number) for number, row in enumerate(cells, start=2)
    )
    good = [row for row in found if row["_severity"] is None]
    arrivals = [(row["visit"], row["day"], row["_file"] == "c.csv") for row in good]
    assert len(set(arrivals)) == len(arrivals)
    assert None not in {row["visit"] for row in good} | {row["day"] for row in good}
    assert all(not row["_reasons"] for row in good)
    for row in found:
        kinds = {reason.partition(":")[0] for reason in row["_reasons"]}
        is_duplicate = bool(kinds & {"exact_duplicate", "older_duplicate"})
        assert (row["_severity"] == "duplicate") == is_duplicate
        assert (row["_severity"] == "refused") == (bool(kinds) and not is_duplicate)


def test_the_same_rows_are_judged_the_same_however_they_are_spread(spark):
    cells = [
        (None, str(n % 9), "ABC"[n % 3], "2013-06-01", "0517", str(n % 4), f"{'ab'[n % 2]}.csv")
        for n in range(60)
    ]

    def found(partitions):
        rows = landed(spark, cells).repartition(partitions)
        judged = judge(rows, SOURCE, CONTRACT, shops(spark)).orderBy("_row")
        return [row.asDict() for row in judged.drop("came_at").collect()]

    assert found(1) == found(5)


def test_silver_holds_the_columns_of_the_case_and_where_a_row_is_from(spark):
    cells = [(None, "1", "A", "2013-06-01", "0517", "30", "a.csv")]

    good = good_rows(judge(landed(spark, cells), SOURCE, CONTRACT, shops(spark)), "r-1")

    assert good.columns == [
        "visit", "shop", "day", "clock", "minutes", "zone", "came_at", "hours", "inverse",
        "_file", "_row", "_arrived_at", "_known_at", "_run_id",
    ]  # fmt: skip
    row = good.first()
    assert (row["hours"], row["_run_id"], row["_file"], row["_row"]) == (0.5, "r-1", "a.csv", 2)


def test_adding_up_is_tested_on_rows_of_every_fate(spark):
    cells = [
        (None, "1", "A", "2013-06-01", "0517", "30", "a.csv"),
        (None, "1", "A", "2013-06-01", "0517", "30.0", "a.csv"),
        (None, "1", "A", "2013-06-01", "0517", "31", "a.csv"),
        (None, "2", "A", "2013-03-10", "0230", "30", "a.csv"),
        (None, "2", "C", "2013-06-01", "0517", "30", "a.csv"),
        (None, "2", "B", "2013-06-01", "", "30", "a.csv"),
        (None, "", "", "", "", "", "a.csv"),
        ("short_row", None, None, None, None, None, "a.csv"),
    ]
    found = judge(landed(spark, cells), SOURCE, CONTRACT, shops(spark)).orderBy("_row").collect()

    assert [row["_reasons"] for row in found] == [
        ["older_duplicate"],
        ["older_duplicate"],
        [],
        ["nonexistent_time:came_at"],
        ["bad_zone:came_at"],
        [],
        ["all_null_key"],
        ["short_row"],
    ]
