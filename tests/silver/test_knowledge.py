"""What was known when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lepton_spark.bronze.arrivals import ALWAYS
from lepton_spark.silver.knowledge import known_at, versions

pytestmark = pytest.mark.spark

SCHEMA = (
    "id int, status string, _file string, _row bigint, _arrived_at timestamp, _known_at timestamp"
)


def at(day, hour=0):
    return datetime(2024, 1, day, hour, tzinfo=UTC)


ROWS = [
    (1, "planned", "a", 1, at(1), at(1)),
    (1, "open", "b", 1, at(3), at(3)),
    (1, "done", "c", 1, at(5), at(9)),
    (2, "twice, first", "a", 2, at(2), at(2)),
    (2, "twice, last", "b", 1, at(2), at(2)),
    (3, "from the future", "a", 3, at(1), datetime(2099, 1, 1, tzinfo=UTC)),
]


def known(spark, moment):
    rows = versions(spark.createDataFrame(ROWS, SCHEMA), ["id"])
    return {row["id"]: row["status"] for row in known_at(rows, moment).collect()}


def test_at_most_the_newest_arrived_version_is_known(spark):
    assert known(spark, at(1)) == {1: "planned"}
    assert known(spark, at(2, 23)) == {1: "planned", 2: "twice, last"}
    assert known(spark, at(3)) == {1: "open", 2: "twice, last"}


def test_a_version_counts_until_a_newer_one_is_known(spark):
    assert known(spark, at(8, 23))[1] == "open"
    assert known(spark, at(9))[1] == "done"


def test_what_arrived_first_and_counts_later_never_replaces_what_arrived_after_it(spark):
    rows = [
        (1, "first", "a", 1, at(1), at(1)),
        (1, "from the 9th", "b", 1, at(3), at(9)),
        (1, "from the 6th", "c", 1, at(4), at(6)),
    ]
    found = versions(spark.createDataFrame(rows, SCHEMA), ["id"])
    told = [
        [row["status"] for row in known_at(found, at(day)).collect()] for day in (1, 5, 6, 9, 30)
    ]
    assert told == [["first"], ["first"], ["from the 6th"], ["from the 6th"], ["from the 6th"]]


def test_without_dated_files_the_newer_version_is_the_one_known_later(spark):
    rows = [
        (1, "first", "part-f3.parquet", 0, ALWAYS, at(1)),
        (1, "second", "part-0a.parquet", 0, ALWAYS, at(5)),
    ]
    found = versions(spark.createDataFrame(rows, SCHEMA), ["id"])

    told = [[row["status"] for row in known_at(found, at(day)).collect()] for day in (4, 5, 30)]

    assert told == [["first"], ["second"], ["second"]]


def test_a_row_known_in_the_far_future_is_never_used(spark):
    assert 3 not in known(spark, datetime(2098, 1, 1, tzinfo=UTC))


def test_the_moment_may_be_a_column(spark):
    from pyspark.sql import functions as F

    rows = versions(spark.createDataFrame(ROWS, SCHEMA), ["id"]).withColumn("_at", F.lit(at(4)))

    found = {row["id"]: row["status"] for row in known_at(rows, F.col("_at")).collect()}

    assert found == {1: "open", 2: "twice, last"}
