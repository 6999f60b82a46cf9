"""Values that must be found in another table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pyspark.sql import functions as F

from lepton_spark.bronze.arrivals import ALWAYS
from lepton_spark.config.table_rules import Relationship
from lepton_spark.quality.reasons import none_yet
from lepton_spark.silver.relationship import check_reference, known_values

pytestmark = pytest.mark.spark

MON, TUE, WED = (datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3))
PROMISE = Relationship(columns=("shop", "kind"), table="shops", found_in=("name", "kind"))


def checked(spark, promise):
    shops = [("A", 1, MON), ("A", 1, TUE), ("B", 1, TUE), ("C", 2, MON)]
    rows = [(1, "A", 1, MON), (2, "A", 2, TUE), (3, "B", 1, MON), (4, "B", 1, TUE),
            (5, None, 1, TUE), (6, "Z", 1, TUE)]  # fmt: skip
    table = spark.createDataFrame(shops, "name string, kind int, _known_at timestamp")
    given = spark.createDataFrame(rows, "visit int, shop string, kind int, _arrived_at timestamp")
    given = given.withColumn("_known_at", F.lit(WED))
    known = known_values(table, promise.found_in)
    found = check_reference(given.withColumn("_reasons", none_yet()), known, promise)
    return found.orderBy("visit").collect()


def test_a_value_is_found_once_it_is_known(spark):
    found = checked(spark, PROMISE)

    assert [row["visit"] for row in found] == [1, 2, 3, 4, 5, 6]
    lost = {row["visit"]: row["_reasons"] for row in found if row["_reasons"]}
    assert lost == {visit: ["no_reference:shop+kind"] for visit in (2, 3, 6)}


def test_a_row_of_a_file_without_a_date_finds_what_was_known_when_it_was(spark):
    table = spark.createDataFrame([("A", TUE)], "name string, _known_at timestamp")
    rows = [(1, "A", ALWAYS, MON), (2, "A", ALWAYS, TUE)]
    given = spark.createDataFrame(
        rows, "visit int, shop string, _arrived_at timestamp, _known_at timestamp"
    )
    promise = Relationship(columns=("shop",), table="shops", found_in=("name",))
    known = known_values(table, ["name"])

    found = check_reference(given.withColumn("_reasons", none_yet()), known, promise)

    assert [row["visit"] for row in found.collect() if row["_reasons"]] == [1]


def test_a_warning_refuses_no_row(spark):
    found = checked(spark, replace(PROMISE, severity="warning"))

    assert not any(row["_reasons"] for row in found)
    assert [row["visit"] for row in found if row["_marks"]] == [2, 3, 6]
