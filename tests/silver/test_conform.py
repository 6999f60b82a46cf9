"""Cells as they come, and the value or the reason that each becomes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.contract import Column
from lepton_spark.silver.conform import conform, silver_type

pytestmark = pytest.mark.spark

NULLS = ("", "NA")


def conformed(spark, column, cells):
    """Value and reasons of each cell, all in one job."""
    rows = spark.createDataFrame(list(enumerate(cells)), f"_row int, {column.name} string")
    value = F.col(column.name).cast("string")
    if column.kind == "timestamp":
        value = F.unix_micros(column.name).cast("string")
    typed = conform(rows, [column], NULLS)
    found = typed.orderBy("_row").select(value, "_reasons").collect()
    return [(row[0], row[1]) for row in found]


def expect(spark, column, cases):
    found = conformed(spark, column, list(cases))
    wanted = {
        cell: (None, [f"{told[1:]}:{column.name}"]) if told and told[0] == "!" else (told, [])
        for cell, told in cases.items()
    }
    assert dict(zip(cases, found, strict=True)) == wanted


def test_whole_numbers_are_read_or_refused_with_a_reason(spark):
    cases = {
        "517": "517",
        " 42 ": "42",
        "+5": "5",
        "-7": "-7",
        "007": "7",
        "517.0": "517",
        "517.": "517",
        "2147483647": "2147483647",
        "2147483648": "!out_of_range",
        "-2147483649": "!out_of_range",
        "2147483648.0": "!out_of_range",
        "1e400": "!out_of_range",
        "abc": "!not_int",
        "1.5": "!not_int",
        "1,5": "!not_int",
        "1_000": "!not_int",
        "٣": "!not_int",
        "0x10": "!not_int",
        "12 34": "!not_int",
        "\u200b7": "!not_int",
        "": None,
        "NA": None,
        "na": "!not_int",
    }
    expect(spark, Column("delay", "integer"), cases)


def test_an_integer_whose_bounds_need_it_is_wide(spark):
    wide = Column("account", "integer", maximum=10**12)

    assert silver_type(wide) == "bigint"
    expect(spark, wide, {"2147483648": "2147483648", "9223372036854775808": "!out_of_range"})


def test_numbers_are_read_or_refused_with_a_reason(spark):
    cases = {
        "1.5": "1.5",
        " .5": "0.5",
        "5.": "5.0",
        "1e3": "1000.0",
        "-2.5E-3": "-0.0025",
        "1e-400": "0.0",
        "1e400": "!out_of_range",
        "-1e400": "!out_of_range",
        "NaN": "!not_finite",
        "nan": "!not_finite",
        "Inf": "!not_finite",
        "-Infinity": "!not_finite",
        "1,5": "!not_number",
        "1.000,00": "!not_number",
        "1d": "!not_number",
        "1f": "!not_number",
        "0x1p3": "!not_number",
        "": None,
    }
    expect(spark, Column("speed", "number"), cases)


def test_negative_zero_becomes_zero(spark):
    column = Column("amount", "number")

    assert conformed(spark, column, ["-0.0", "0", "-0"]) == [("0.0", [])] * 3


def test_decimals_are_never_rounded(spark):
    cases = {
        "12.30": "12.30",
        "12.300": "12.30",
        "-0.01": "-0.01",
        "12.345": "!too_many_digits",
        "99999999.99": "!out_of_range",
        "1,5": "!not_number",
        "1e3": "!not_number",
        "1e-05": "!not_number",
        "NaN": "!not_finite",
    }
    expect(spark, Column("price", "decimal", precision=6, scale=2), cases)


def test_booleans_are_read_or_refused(spark):
    cases = {"true": "true", "F": "false", "1": "true", "yes": "true", "2": "!not_boolean"}
    expect(spark, Column("is_open", "boolean"), cases)


def test_dates_are_days_of_the_calendar_that_pandas_can_hold(spark):
    cases = {
        "2024-02-29": "2024-02-29",
        "1678-01-01": "1678-01-01",
        "2261-12-31": "2261-12-31",
        "2023-02-29": "!bad_date",
        "2024-02-30": "!bad_date",
        "0000-00-00": "!bad_date",
        "2024-2-3": "!bad_date",
        "20240203": "!bad_date",
        "2024-02-03T00:00:00": "!bad_date",
        "0001-01-01": "!date_out_of_range",
        "10000-01-01": "!date_out_of_range",
        "2262-01-01": "!date_out_of_range",
        "": None,
    }
    expect(spark, Column("day", "date"), cases)


def test_a_date_may_have_a_pattern_of_its_own(spark):
    column = Column("day", "date", format="dd/MM/yyyy")
    cases = {"31/12/2024": "2024-12-31", "31/02/2024": "!bad_date", "2024-12-31": "!bad_date"}
    expect(spark, column, cases)


def micros(*parts):
    return str(int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000)


def test_an_instant_says_its_offset(spark):
    cases = {
        "2013-01-01T05:00:00Z": micros(2013, 1, 1, 5),
        "2013-01-01 05:00:00+00:00": micros(2013, 1, 1, 5),
        "2013-01-01T05:00:00-05:00": micros(2013, 1, 1, 10),
        "2013-01-01T05:00:00+0530": micros(2012, 12, 31, 23, 30),
        "2013-01-01T05:00Z": micros(2013, 1, 1, 5),
        "2013-01-01T05:00:00": "!ambiguous_time",
        "2013-11-03 01:30:00": "!ambiguous_time",
        "2013-03-10 02:30": "!ambiguous_time",
        "2013-01-01T25:00:00Z": "!bad_time",
        "2013-02-30T05:00:00Z": "!bad_time",
        "2013-01-01": "!bad_time",
        "soon": "!bad_time",
        "10000-01-01T00:00:00Z": "!date_out_of_range",
        "45085-01-01T00:00:00Z": "!looks_like_milliseconds",
        "": None,
    }
    expect(spark, Column("seen_at", "timestamp"), cases)


def test_an_instant_whose_pattern_has_no_offset_is_refused(spark):
    zoned = Column("seen_at", "timestamp", format="yyyyMMdd HHmm xx")
    local = Column("seen_at", "timestamp", format="yyyyMMdd HHmm 'xx'")

    expect(spark, zoned, {"20130101 0500 +0100": micros(2013, 1, 1, 4), "20130101": "!bad_time"})
    expect(spark, local, {"20130101 0500 xx": "!ambiguous_time"})


def test_text_stays_as_it_came(spark):
    column = Column("name", "string")
    cells = ["NA ", "e\u0301", "\u00e9", "\u202eabc", "=1+1", "NA"]

    found = conformed(spark, column, cells)

    assert found == [*((cell, []) for cell in cells[:-1]), (None, [])]


def test_the_day_type_is_a_day(spark):
    rows = spark.createDataFrame([("2024-02-29", "1.10")], "day string, price string")
    columns = [Column("day", "date"), Column("price", "decimal", precision=5, scale=2)]

    row = conform(rows, columns, NULLS).first()

    assert (row["day"], row["price"]) == (date(2024, 2, 29), Decimal("1.10"))
