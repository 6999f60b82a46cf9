"""Rows against the rules of their contract."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lepton_spark.config.contract import Column
from lepton_spark.quality.reasons import none_yet
from lepton_spark.quality.rules import check_contract, check_key

pytestmark = pytest.mark.spark

COLUMNS = (
    Column("shop", "string", required=True, pattern="[A-Z]{2}"),
    Column("visit", "integer"),
    Column("kind", "string", allowed=("new", "known"), max_length=3),
    Column("minutes", "number", required=True, minimum=0.0, maximum=60.0),
    Column("seen_at", "timestamp", minimum=datetime(2024, 1, 1, tzinfo=UTC)),
)
SCHEMA = (
    "_row int, _problem string, shop string, visit int, kind string, minutes double,"
    " seen_at timestamp"
)
SEEN = datetime(2024, 2, 3, tzinfo=UTC)


def reasons_of(spark, rows, key=("shop", "visit")):
    numbered = [(number, *row) for number, row in enumerate(rows)]
    given = spark.createDataFrame(numbered, SCHEMA).withColumn("_reasons", none_yet())
    found = check_contract(given, COLUMNS, key).orderBy("_row").select("_reasons").collect()
    return [row[0] for row in found]


def test_an_empty_line_is_no_row_where_its_place_is_the_key(spark):
    nothing = (None,) * 6

    assert reasons_of(spark, [nothing], key=("row",)) == [["all_null_key"]]
    given = spark.createDataFrame([(0, None, None)], "_row int, _problem string, visit int")
    alone = check_contract(given.withColumn("_reasons", none_yet()), COLUMNS[1:2], ("row",))
    assert alone.collect()[0]["_reasons"] == []


def test_a_row_that_keeps_every_rule_has_no_reason(spark):
    assert reasons_of(spark, [(None, "AB", 1, "new", 60.0, SEEN)]) == [[]]


def test_each_broken_rule_is_a_reason_with_its_column(spark):
    rows = [
        (None, "AB", 1, "new", -0.5, SEEN),
        (None, "AB", 1, "new", 60.5, SEEN),
        (None, "AB", 1, "old", 1.0, SEEN),
        (None, "ABC", 1, "new", 1.0, SEEN),
        (None, "AB\n", 1, "new", 1.0, SEEN),
        (None, "AB", None, "new", 1.0, SEEN),
        (None, "AB", 1, None, None, SEEN),
        (None, "AB", 1, "known", 1.0, SEEN),
        (None, "AB", 1, "new", 1.0, datetime(2023, 12, 31, tzinfo=UTC)),
        (None, "ab", 1, "old", 61.0, None),
    ]
    assert reasons_of(spark, rows) == [
        ["out_of_range:minutes"],
        ["out_of_range:minutes"],
        ["not_allowed:kind"],
        ["bad_pattern:shop"],
        ["bad_pattern:shop"],
        ["null_key:visit"],
        ["missing:minutes"],
        ["too_long:kind"],
        ["out_of_range:seen_at"],
        ["bad_pattern:shop", "not_allowed:kind", "out_of_range:minutes"],
    ]


def test_a_cell_that_is_too_long_for_a_loop_does_not_match_and_ends_no_job(spark):
    column = Column("zone", "string", pattern="[a-z]+(/[a-z]+)*")
    cells = ["a/b", "a//b", "a" + "/b" * 127, "a" + "/b" * 128, "a" + "/b" * 50_000, None]
    given = spark.createDataFrame([(None, cell) for cell in cells], "_problem string, zone string")

    found = check_contract(given.withColumn("_reasons", none_yet()), (column,), ())

    wrong = ["bad_pattern:zone"]
    assert [row["_reasons"] for row in found.collect()] == [[], wrong, [], wrong, wrong, []]


def test_an_empty_line_is_one_reason_and_not_many(spark):
    assert reasons_of(spark, [(None, None, None, None, None, None)]) == [["all_null_key"]]


def test_what_landing_found_passes_through_alone(spark):
    assert reasons_of(spark, [("short_row", None, None, None, None, None)]) == [["short_row"]]


def test_a_cell_that_did_not_parse_is_not_called_missing_too(spark):
    rows = spark.createDataFrame([(0, None, "AB", None, "new", None, None)], SCHEMA)
    unparsed = ["not_int:visit", "not_number:minutes"]
    from pyspark.sql import functions as F

    given = rows.withColumn("_reasons", F.array(*map(F.lit, unparsed)))

    assert check_contract(given, COLUMNS, ["shop", "visit"]).first()["_reasons"] == unparsed


def test_a_null_in_a_computed_key_is_told_once(spark):
    rows = spark.createDataFrame(
        [(1, None, []), (2, None, ["bad_time:at"]), (3, SEEN, [])],
        "_row int, at timestamp, _reasons array<string>",
    )

    found = check_key(rows, ["at"]).orderBy("_row").collect()

    assert [row["_reasons"] for row in found] == [["null_key:at"], ["bad_time:at"], []]


def test_rules_that_refuse_nothing_mark_all_that_a_row_breaks(spark):
    soft = (("missing", "warning"), ("too_long", "counted"), ("not_allowed", "critical"))
    columns = (
        Column("kind", "string", allowed=("new",), max_length=3, missing=("?",), severities=soft),
    )
    rows = spark.createDataFrame(
        [(0, None, "new"), (1, None, None), (2, None, "?"), (3, None, "older")],
        "_row int, _problem string, kind string",
    ).withColumn("_reasons", none_yet())

    found = check_contract(rows, columns, ()).orderBy("_row").collect()

    assert [row["_reasons"] for row in found] == [
        [], [], ["not_allowed:kind"], ["not_allowed:kind"],
    ]  # fmt: skip
    assert [row["_marks"] for row in found] == [
        [], ["missing:kind"], ["missing:kind"], ["too_long:kind"],
    ]  # fmt: skip
