"""Which row of a key stays, and what the others are called."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import functions as F

from lepton_spark.bronze.arrivals import ALWAYS
from lepton_spark.silver.deduplicate import mark_duplicates, yield_to_silver

pytestmark = pytest.mark.spark

SCHEMA = (
    "id int, status string, _file string, _row bigint, _arrived_at timestamp,"
    " _reasons array<string>"
)
MON, TUE = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)


def given_rows(spark, rows, schema=SCHEMA):
    """Rows that are known when they arrive."""
    return spark.createDataFrame(rows, schema).withColumn("_known_at", F.col("_arrived_at"))


def marked(spark, rows, partitions=1):
    given = given_rows(spark, rows).repartition(partitions)
    found = mark_duplicates(given, ["id"], ["id", "status"]).orderBy("_file", "_row").collect()
    return [(row["_file"], row["_row"], row["_severity"], row["_reasons"]) for row in found]


def test_the_last_row_of_a_key_wins_and_the_others_say_why_they_lost(spark):
    rows = [
        (1, "open", "a.csv", 2, MON, []),
        (1, "done", "a.csv", 3, MON, []),
        (1, "open", "a.csv", 10, MON, []),
        (2, "open", "a.csv", 4, MON, []),
    ]
    assert marked(spark, rows) == [
        ("a.csv", 2, "duplicate", ["exact_duplicate"]),
        ("a.csv", 3, "duplicate", ["older_duplicate"]),
        ("a.csv", 4, None, []),
        ("a.csv", 10, None, []),
    ]


def test_a_value_that_moved_to_another_column_is_another_content(spark):
    schema = "id int, a string, b string, _file string, _row bigint, _arrived_at timestamp,"
    rows = [(1, "x", None, "a.csv", 2, MON, []), (1, None, "x", "a.csv", 3, MON, [])]
    given = given_rows(spark, rows, f"{schema} _reasons array<string>")

    found = mark_duplicates(given, ["id"], ["a", "b"]).orderBy("_row").collect()

    assert [row["_reasons"] for row in found] == [["older_duplicate"], []]


def test_a_later_file_of_the_same_arrival_wins(spark):
    rows = [(1, "open", "b.csv", 2, MON, []), (1, "done", "a.csv", 9, MON, [])]

    assert [row[2] for row in marked(spark, rows)] == ["duplicate", None]


def test_a_version_that_arrived_later_is_no_duplicate(spark):
    rows = [(1, "open", "a.csv", 2, MON, []), (1, "done", "b.csv", 2, TUE, [])]

    assert [row[2] for row in marked(spark, rows)] == [None, None]


def test_without_dated_files_rows_that_became_known_apart_are_versions(spark):
    schema = f"{SCHEMA}, _known_at timestamp"
    rows = [
        (1, "open", "part-f3.parquet", 0, ALWAYS, [], MON),
        (1, "done", "part-0a.parquet", 0, ALWAYS, [], TUE),
        (1, "shut", "part-1b.parquet", 0, ALWAYS, [], TUE),
    ]
    found = mark_duplicates(spark.createDataFrame(rows, schema), ["id"], ["id", "status"])

    kept = {row["status"]: row["_reasons"] for row in found.collect()}
    assert kept == {"open": [], "done": ["older_duplicate"], "shut": []}


def test_a_refused_row_neither_wins_nor_loses(spark):
    rows = [
        (1, "open", "a.csv", 2, MON, []),
        (1, None, "a.csv", 3, MON, ["missing:status"]),
        (None, None, "a.csv", 4, MON, ["all_null_key"]),
        (None, None, "a.csv", 5, MON, ["all_null_key"]),
    ]
    assert [row[2:] for row in marked(spark, rows)] == [
        (None, []),
        ("refused", ["missing:status"]),
        ("refused", ["all_null_key"]),
        ("refused", ["all_null_key"]),
    ]


def test_the_winner_does_not_depend_on_how_rows_are_spread(spark):
    rows = [(n % 3, f"s{n % 4}", f"f{n % 2}.csv", n, MON, []) for n in range(40)]

    assert marked(spark, rows, 1) == marked(spark, rows, 7)


def test_a_row_yields_to_one_of_its_key_and_arrival_that_is_published(spark):
    rows = [
        (1, "open", "a.csv", 2, MON, []),
        (1, "done", "a.csv", 9, MON, []),
        (2, "open", "a.csv", 3, MON, []),
        (3, "open", "a.csv", 4, TUE, []),
        (3, None, "a.csv", 5, MON, ["missing:status"]),
        (4, "open", "b.csv", 6, MON, []),
    ]
    published = [
        (1, "open", "a.csv", 5, MON),
        (2, "shut", "a.csv", 7, MON),
        (3, "open", "a.csv", 8, MON),
        (4, "shut", "a.csv", 9, MON),
    ]
    judged = mark_duplicates(given_rows(spark, rows), ["id"], ["id", "status"])
    silver = given_rows(spark, published, SCHEMA.rpartition(",")[0])

    found = yield_to_silver(judged, silver, ["id"], ["id", "status"])

    assert found.columns == judged.columns
    assert [
        (row["_row"], row["_severity"], row["_reasons"]) for row in found.orderBy("_row").collect()
    ] == [
        (2, "duplicate", ["exact_duplicate"]),
        (3, "duplicate", ["older_duplicate"]),
        (4, None, []),
        (5, "refused", ["missing:status"]),
        (6, "duplicate", ["late_duplicate"]),
        (9, "duplicate", ["late_duplicate"]),
    ]
