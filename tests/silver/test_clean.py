"""Cells as people write them, and the value or the reason that each becomes."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.clean import Clean
from lepton_spark.config.contract import Column
from lepton_spark.silver.conform import conform

pytestmark = pytest.mark.spark


@pytest.fixture
def expect(spark):
    """Compare what becomes of each cell; a reason is written as !reason."""

    def check(column, clean, cases):
        schema = f"_row int, {column.name} string"
        rows = spark.createDataFrame(list(enumerate(cases)), schema)
        typed = conform(rows, [column], ("", "NA"), {column.name: Clean(**clean)})
        value = F.col(column.name).cast("string")
        found = typed.orderBy("_row").select(value, "_reasons").collect()
        told = [f"!{row[1][0].partition(':')[0]}" if row[1] else row[0] for row in found]
        assert dict(zip(cases, told, strict=True)) == cases

    return check


def test_blanks_of_every_kind_are_trimmed_or_collapsed(expect):
    cases = {" a  b ": "a  b", "\u00a0a\u2003": "a", "\t\n": None, "a": "a", " NA": None}
    expect(Column("c", "string"), {"blanks": "trim"}, cases)
    expect(Column("c", "string"), {"blanks": "collapse"}, {" a \u00a0\n b ": "a b"})


def test_nothing_is_done_that_is_not_asked_for(expect):
    expect(Column("c", "string"), {}, {" a  b ": " a  b ", "e\u0301": "e\u0301", "\t": "\t"})


def test_unicode_forms_make_equal_what_looks_equal(expect):
    cases = {"e\u0301": "\u00e9", "\u00e9": "\u00e9", "\uff21": "\uff21", "abc": "abc"}
    expect(Column("c", "string"), {"unicode": "NFC"}, cases)
    expect(Column("c", "string"), {"unicode": "NFKC"}, {"\uff21\uff11": "A1", "\ufb01": "fi"})
    expect(Column("c", "integer"), {"unicode": "NFKC"}, {"\uff11\uff12": "12"})


@pytest.mark.parametrize(
    ("case", "told"), [("lower", "éa bc"), ("upper", "ÉA BC"), ("title", "Éa Bc")]
)
def test_letters_get_one_case(expect, case, told):
    expect(Column("c", "string"), {"case": case}, {"éA bC": told})


def test_spellings_become_the_right_one(expect):
    spelling = {"Austria": ("AT", "Österreich"), "Brazil": ("BR",)}
    cases = {"AT": "Austria", "Österreich": "Austria", "BR": "Brazil", "at": "at", "": None}
    expect(Column("c", "string"), {"spelling": spelling}, cases)
    expect(
        Column("c", "boolean"), {"spelling": {"true": ("ja",)}}, {"ja": "true", "x": "!not_boolean"}
    )


def test_many_spellings_cost_no_more_than_they_are(expect):
    spelling = {f"right {number}": (f"wrong {number}", f"bad {number}") for number in range(300)}
    cases = {"wrong 0": "right 0", "bad 299": "right 299", "right 7": "right 7", "wrong": "wrong"}
    expect(Column("c", "string"), {"spelling": spelling, "blanks": "trim"}, cases)


def test_a_spelling_of_what_means_no_value_is_none(expect):
    cases = {"none": None, "nil": None, "NA": None, "?": None, "x": "x"}
    expect(
        Column("c", "string"),
        {"spelling": {"NA": ("none",), "?": ("nil",)}, "nulls": ("?",)},
        cases,
    )


def test_a_misspelt_category_becomes_the_only_near_one(expect):
    column = Column("c", "string", allowed=("private", "public", "state", "stats"))
    cases = {
        "private": "private",
        "privat": "private",
        "pubilc": "public",
        "stat": "stat",
        "somewhere": "somewhere",
        "": None,
    }
    expect(column, {"nearest": 2}, cases)
    nothing = Column("c", "string", allowed=("nothing", "red"))
    cases = {"nothinq": None, "nothing": None, "rad": "red"}
    expect(nothing, {"nearest": 1, "nulls": ("nothing",)}, cases)


def test_sentinels_mean_no_value(expect):
    expect(Column("c", "string"), {"nulls": ("?", "0")}, {"?": None, "0": None, "0.0": "0.0"})
    numbers = {"0": None, "0.0": None, "00": None, "-1": None, "?": None, "1": "1", "x": "!not_int"}
    expect(Column("c", "integer"), {"nulls": ("?", "0", "-1")}, numbers)
    expect(
        Column("c", "number"), {"nulls": ("0.00000000001", "9" * 400)}, {"0": "0.0", "1e-11": None}
    )
    money = Column("c", "decimal", precision=6, scale=2)
    cases = {"-1": None, "-1.00": None, "9.999": "!too_many_digits", "9.99": None, "0": "0.00"}
    expect(money, {"nulls": ("-1.0", "9.99", "0.001", "1000000")}, cases)
    expect(Column("c", "number"), {"nulls": ("9999",)}, {"9.999e3": None, "9999.5": "9999.5"})


def test_numbers_of_several_places_are_read(expect):
    german = {"number": {"decimal": ",", "thousands": "."}}
    cases = {
        "1.234.567,50": "1234567.5",
        "1234,5": "1234.5",
        "-,5": "-0.5",
        "\u22125": "-5.0",
        "1.5": "!not_number",
        "1.2345": "!not_number",
        "1,5,0": "!not_number",
        "nan": "!not_number",
        "": None,
    }
    expect(Column("c", "number"), german, cases)
    french = {"number": {"decimal": ",", "thousands": " "}}
    expect(Column("c", "number"), french, {"1\u202f234,5": "1234.5", "1 234": "1234.0"})
    english = {"number": {"thousands": ","}}
    cases = {"1.5e6": "1500000.0", "1,500": "1500.0", "1,5e3": "!not_number"}
    expect(Column("c", "number"), english, cases)
    expect(Column("c", "number"), german, {"1.234e5": "!not_number"})
    swiss = {"number": {"thousands": "'"}}
    expect(Column("c", "integer"), swiss, {"1'000": "1000", "10'00": "!not_int"})
    expect(Column("c", "number"), {"number": {}}, {"1e3": "1000.0", "1,000": "!not_number"})


def test_a_unit_may_be_large_or_small_and_stays_exact(expect):
    column = Column("c", "decimal", precision=20, scale=6)
    units = {"number": {"units": {"kt": 1000, "p": 1e-10, "big": 1e16}}}
    cases = {
        "5 kt": "5000.000000",
        "5000000000 p": "0.500000",
        "0.001 big": "10000000000000.000000",
    }
    expect(column, units, cases)
    expect(Column("c", "integer"), {"number": {"units": {"t": 1000}}}, {"1.5 t": "1500"})


def test_a_number_among_many_blanks_is_refused_in_time(expect):
    blanks = " " * 20_000
    cases = {
        f"5{blanks}5": "!not_number",
        f"5{blanks}x": "!unknown_unit",
        f"x{blanks}": "!not_number",
    }
    expect(Column("c", "number"), {"number": {"units": {"kg": 1}}}, cases)


def test_accounts_write_what_is_negative_in_parentheses(expect):
    account = {"number": {"thousands": ",", "parentheses": True}}
    column = Column("c", "decimal", precision=12, scale=2)
    expect(column, account, {"(1,234.50)": "-1234.50", "5": "5.00", "(5": "!not_number"})
    # Twice negative is unclear.
    expect(column, account, {"(-5)": "!not_number", "(+5)": "!not_number", "-5": "-5.00"})


def test_units_become_one(expect):
    units = {"number": {"units": {"kg": 1, "g": 0.001, "": 1}}}
    cases = {
        "5 kg": "5.0",
        "kg5": "5.0",
        "500g": "0.5",
        "5": "5.0",
        "5 lb": "!unknown_unit",
        "kg": "!not_number",
        "5 kg g": "!unknown_unit",
        "kg 5 kg": "!not_number",
    }
    expect(Column("c", "number"), units, cases)
    told = {"number": {"units": {"kg": 1}}, "nulls": ("-1",)}
    expect(Column("c", "number"), told, {"-1": None, "-1.0 kg": None, "-1.0": "!no_unit"})


def test_a_sign_or_brackets_stand_before_the_unit_or_the_number(expect):
    money = {
        "number": {"thousands": ",", "parentheses": True, "units": {"$": 1, "USD": 1, "k$": 1000}}
    }
    cases = {
        "-$5.00": "-5.00",
        "- $ 5": "-5.00",
        "\u2212k$1.5": "-1500.00",
        "+$5": "5.00",
        "($1,234.50)": "-1234.50",
        "(5 USD)": "-5.00",
        "( USD 5 )": "-5.00",
        "$(5)": "-5.00",
        "(5) $": "-5.00",
        "$-5": "-5.00",
        "-5$": "-5.00",
        "-5 USD": "-5.00",
        "-\u00a35": "!unknown_unit",
        "(\u00a35)": "!unknown_unit",
        "(5 lb)": "!unknown_unit",
        "($-5)": "!not_number",
        "-($5)": "!not_number",
        "($5": "!unknown_unit",
        "-5": "!no_unit",
        "(5)": "!no_unit",
    }
    expect(Column("c", "decimal", precision=12, scale=2), money, cases)
    without = {"number": {"units": {"$": 1, "": 1}}}
    cases = {"-$5": "-5.0", "($5)": "!not_number", "-5": "-5.0", "--$5": "!unknown_unit"}
    expect(Column("c", "number"), without, cases)


def test_currencies_are_exact_in_decimals(expect):
    column = Column("c", "decimal", precision=12, scale=4)
    money = {"number": {"decimal": ",", "thousands": ".", "units": {"€": 1, "EUR": 1, "USD": 0.9}}}
    cases = {
        "€ 1.234,50": "1234.5000",
        "10 USD": "9.0000",
        "0,1 USD": "0.0900",
        "12": "!no_unit",
        "5 GBP": "!unknown_unit",
    }
    expect(column, money, cases)


def test_dates_are_read_in_the_forms_of_the_case_only(expect):
    forms = {"formats": ("dd.MM.yyyy", "d MMM yyyy", "MM/dd/yyyy")}
    cases = {
        "29.02.2024": "2024-02-29",
        "1 Mar 2024": "2024-03-01",
        "12/31/2024": "2024-12-31",
        "31/12/2024": "!bad_date",
        "29.02.2023": "!bad_date",
        "2024-02-29": "!bad_date",
        "01.01.0001": "!date_out_of_range",
        "": None,
    }
    expect(Column("c", "date"), forms, cases)


def test_words_and_options_of_a_date_pattern_are_its_own(expect):
    forms = {"formats": ("d'o''clock'M yyyy", "yyyyMMdd", "d MMM yyyy[ HH:mm]", "d/M/yy")}
    cases = {
        "3o'clock2 2020": "2020-02-03",
        "20200203": "2020-02-03",
        "3 Feb 2020": "2020-02-03",
        "3 Feb 2020 08:15": "2020-02-03",
        "3/2/20": "2020-02-03",
        "3o'clock13 2020": "!bad_date",
    }
    expect(Column("c", "date"), forms, cases)


def test_what_cannot_be_read_is_refused_whatever_means_no_value(spark):
    # A word for an unreadable number may not be one that the file has for no value.
    columns = [Column("mass", "number"), Column("day", "date")]
    cleaning = {
        "mass": Clean(**{"number": {"units": {"kg": 1}}}),
        "day": Clean(formats=("dd.MM.yyyy",)),
    }
    rows = spark.createDataFrame([("x y", "soon"), ("?", "?")], "mass string, day string")
    typed = conform(rows, columns, ("", "?", "NA"), cleaning).collect()
    assert [(row.mass, row.day, row._reasons) for row in typed] == [
        (None, None, ["not_number:mass", "bad_date:day"]),
        (None, None, []),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": {"decimal": ",", "thousands": ","}},
        {"number": {"units": {"m2": 1}}},
        {"number": {"units": {"kg": 0}}},
        {"formats": ("EEEE",)},
        {"formats": ("dd.QQ",)},
        {"spelling": {"a": ("b",), "c": ("b",)}},
        {"spelling": {"a": ("c",), "c": ("b",)}},
        {"nearest": 9},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        Clean(**wrong)
