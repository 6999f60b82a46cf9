"""Who keeps a value that several rows bring."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.table_rules import Unique
from lepton_spark.quality.reasons import none_yet
from lepton_spark.silver.deduplicate import mark_duplicates
from lepton_spark.silver.uniqueness import mark_repeated

pytestmark = pytest.mark.spark

SCHEMA = "visit int, code string, shop string, _arrived_at timestamp, _file string, _row bigint"
CODE = Unique(columns=("code",))


def on(day):
    return datetime(2024, 1, day, tzinfo=UTC)


def repeated(spark, rows, present=None, promises=(CODE,)):
    """The visits that are refused and why, and those that are marked."""
    known = {"_reasons": none_yet(), "_known_at": F.col("_arrived_at")}
    given = spark.createDataFrame(rows, SCHEMA).withColumns(known)
    judged = mark_duplicates(given.repartition(3), ["visit"], ["code", "shop"])
    held = spark.createDataFrame(present, SCHEMA) if present else None
    held = held.withColumn("_known_at", F.col("_arrived_at")) if held else None
    found = mark_repeated(judged, held, ["visit"], promises)
    expected = {*judged.columns, *(["_marks"] if "_marks" in found.columns else [])}
    assert set(found.columns) == expected
    collected = found.orderBy("_file", "_row").collect()
    assert len(collected) == len(rows)
    refused = {row["visit"]: row["_reasons"] for row in collected if row["_severity"] == "refused"}
    marked = [row["visit"] for row in collected if "_marks" in found.columns and row["_marks"]]
    return refused, marked


def test_the_first_row_keeps_a_value_and_null_is_none(spark):
    rows = [
        (1, "a", "N", on(2), "b.csv", 2),
        (2, "a", "N", on(1), "a.csv", 9),
        (3, "a", "N", on(1), "a.csv", 10),
        (4, None, "N", on(1), "a.csv", 11),
        (5, None, "N", on(1), "a.csv", 12),
    ]

    refused, _ = repeated(spark, rows)

    assert refused == {1: ["not_unique:code"], 3: ["not_unique:code"]}


def test_a_value_is_free_again_when_its_row_has_a_newer_version(spark):
    rows = [
        (1, "a", "N", on(1), "a.csv", 2),
        (1, "b", "N", on(2), "b.csv", 2),
        (2, "a", "N", on(3), "c.csv", 2),
        (1, "b", "N", on(4), "d.csv", 2),
    ]

    assert repeated(spark, rows) == ({}, [])


def test_rows_of_silver_that_are_current_keep_their_values(spark):
    present = [
        (1, "a", "N", on(1), "a.csv", 2),
        (2, "b", "N", on(1), "a.csv", 3),
        (2, "c", "N", on(2), "b.csv", 2),
        (3, "late", "N", on(5), "e.csv", 2),
    ]
    rows = [
        (7, "a", "N", on(4), "d.csv", 2),
        (8, "b", "N", on(4), "d.csv", 3),
        (9, "late", "N", on(4), "d.csv", 4),
        (3, "late", "N", on(4), "d.csv", 5),
    ]

    refused, _ = repeated(spark, rows, present)

    assert refused.keys() == {7, 9}


def test_columns_are_unique_together_and_a_warning_marks_only(spark):
    both = Unique(columns=("code", "shop"), row_severity="warning")
    rows = [
        (1, "a", "N", on(1), "a.csv", 2),
        (2, "a", "S", on(1), "a.csv", 3),
        (3, "a", "N", on(1), "a.csv", 4),
    ]

    assert repeated(spark, rows, promises=(both,)) == ({}, [3])


def test_a_refused_row_holds_nothing(spark):
    rows = [
        (1, "a", "N", on(1), "a.csv", 2),
        (1, "a", "N", on(1), "a.csv", 3),
        (2, "b", "N", on(1), "a.csv", 4),
    ]

    assert repeated(spark, rows) == ({}, [])
