"""Columns from expressions, and what wild values in them do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import functions as F

from lepton_spark.bronze.arrivals import ALWAYS
from lepton_spark.errors import ConfigError
from lepton_spark.silver.derive import add_known_at, derive

pytestmark = pytest.mark.spark

SCHEMA = "n int, a int, b int, at timestamp, _arrived_at timestamp, _reasons array<string>"
MON, TUE = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)


def rows_of(spark, *rows):
    numbered = [(n, *row) for n, row in enumerate(rows)]
    return spark.createDataFrame(numbered, SCHEMA)


def test_later_columns_may_read_earlier_ones(spark):
    rows = rows_of(spark, (7, 2, MON, MON, []))

    row = derive(rows, {"whole": "cast(floor(a / b) as int)", "twice": "whole * 2"}).first()

    assert (row["whole"], row["twice"]) == (3, 6)


def test_an_expression_that_fails_gives_null_and_ends_nothing(spark):
    rows = rows_of(spark, (1, 0, MON, MON, []), (2**31 - 1, 1, MON, MON, []))

    found = derive(rows, {"ratio": "a / b"}).orderBy("n").collect()

    assert [row["ratio"] for row in found] == [None, 2147483647.0]
    assert [row["_reasons"] for row in found] == [[], []]


def test_whole_numbers_are_computed_in_64_bits_whatever_their_column_has(spark):
    low, high = -(2**31), 2**31 - 1
    rows = rows_of(spark, (low, high, MON, MON, []))
    expressions = {"sum": "b + 1", "product": "a * b", "size": "abs(a)", "turned": "-a",
                   "less": "-1 - b", "wild": "a * b * b"}  # fmt: skip

    found = derive(rows, expressions)

    assert found.select(*expressions).first() == (2**31, low * high, 2**31, 2**31, -1 - high, None)
    assert {kind for name, kind in found.dtypes if name in expressions} == {"bigint"}


def test_a_refused_row_is_not_computed_on(spark):
    rows = rows_of(spark, (1, 1, MON, MON, ["missing:b"]))

    assert derive(rows, {"total": "a + b"}).first()["total"] is None


def test_values_that_later_tools_could_not_hold_refuse_their_row(spark):
    rows = rows_of(
        spark, (9_000_000, 1, MON, MON, []), (0, 1, MON, MON, []), (1, 710, MON, MON, [])
    )
    expressions = {
        "seen_at": "timestamp'1970-01-01 00:00:00' + make_dt_interval(a)",
        "grown": "exp(b)",
        "past": "at - interval 400000 days",
    }
    found = derive(rows, expressions).orderBy("n").select("_reasons").collect()

    assert [row[0] for row in found] == [
        ["looks_like_milliseconds:seen_at", "date_out_of_range:past"],
        ["date_out_of_range:past"],
        ["not_finite:grown", "date_out_of_range:past"],
    ]


def test_milliseconds_that_were_taken_for_seconds_are_told_and_not_lost(spark):
    rows = rows_of(spark, (1, 1, MON, MON, []))
    millis = int(TUE.timestamp()) * 1000

    for function, number, reason in (
        ("timestamp_seconds", millis, "looks_like_milliseconds"),
        ("timestamp_seconds", millis * 1000, "date_out_of_range"),
        ("timestamp_millis", millis * 1000, "looks_like_milliseconds"),
    ):
        found = derive(rows, {"seen_at": f"{function}({number} * a)"}).select("_reasons").first()

        assert found["_reasons"] == [f"{reason}:seen_at"]


def test_an_expression_that_is_not_allowed_never_reaches_spark(spark):
    rows = rows_of(spark, (1, 1, MON, MON, []))

    for text in ("rand()", "java_method('a', 'b')", "(select 1)", "_arrived_at"):
        with pytest.raises(ConfigError):
            derive(rows, {"x": text})


def test_nothing_is_known_before_it_arrived(spark):
    rows = rows_of(spark, (1, 1, MON, TUE, []), (1, 1, TUE, MON, []), (1, 1, None, MON, []))

    told = add_known_at(rows, "at").orderBy("n").select(F.unix_seconds("_known_at")).collect()
    untold = add_known_at(rows, None).orderBy("n").select(F.unix_seconds("_known_at")).collect()

    assert [row[0] for row in told] == [TUE.timestamp(), TUE.timestamp(), MON.timestamp()]
    assert [row[0] for row in untold] == [TUE.timestamp(), MON.timestamp(), MON.timestamp()]


def test_a_row_of_a_file_without_a_date_says_when_it_was_known_or_is_refused(spark):
    rows = rows_of(
        spark,
        (1, 1, None, ALWAYS, []),
        (1, 1, TUE, ALWAYS, []),
        (1, 1, None, MON, []),
        (1, 1, None, ALWAYS, ["missing:b"]),
    )

    found = add_known_at(rows, "at").orderBy("n")

    assert [row["_reasons"] for row in found.collect()] == [
        ["no_known_at"], [], [], ["missing:b"],
    ]  # fmt: skip
    assert "_told" not in found.columns


def test_a_row_from_the_far_future_is_kept_and_one_beyond_all_dates_refused(spark):
    far = datetime(2200, 1, 1, tzinfo=UTC)
    rows = rows_of(spark, (1, 1, far, MON, []), (1, 1, MON, MON, []))

    kept = add_known_at(rows, "at").orderBy("n").first()
    wild = add_known_at(rows, "at + interval 100000 days").orderBy("n").first()

    assert kept["_reasons"] == []
    assert wild["_reasons"] == ["date_out_of_range:known_at"]
