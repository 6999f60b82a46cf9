from __future__ import annotations

import time

import pytest

from lepton_spark.bronze.header import Promised, likely_delimiter, positions
from lepton_spark.errors import DataError

PROMISED = [Promised("amount", "number", "Amount"), Promised("city", "string", "city")]


def place(found, *, ignore_extra=False):
    return positions(found, PROMISED, path="in/a.csv", ignore_extra=ignore_extra)


def test_columns_are_found_by_name_in_any_order():
    assert place(["city", "Amount"]) == (1, 0)


def test_case_and_space_around_a_name_do_not_matter(caplog):
    assert place(["AMOUNT ", " city"]) == (0, 1)
    assert "column Amount is written in another case" in caplog.text


def test_a_name_that_is_there_twice_is_refused_with_both_positions():
    with pytest.raises(DataError, match="columns 1 and 3") as raised:
        place(["city", "Amount", "CITY"])
    assert raised.value.code == "LS-2012"


def test_a_missing_column_is_named_with_its_type_and_the_nearest_name():
    with pytest.raises(DataError, match=r"column Amount \(number\) is missing.*'Amuont'"):
        place(["city", "Amuont"])


def test_a_line_that_names_nothing_is_not_shown():
    with pytest.raises(DataError) as raised:
        place(["Ada Lovelace", "12 High Street"])
    assert "Ada" not in str(raised.value)
    assert raised.value.code == "LS-2013"


def test_an_extra_column_is_refused_with_its_place():
    with pytest.raises(DataError, match=r"'colour' \(column 3\) is not in the contract"):
        place(["city", "Amount", "colour"])


def test_an_extra_column_is_left_out_where_the_case_says_so():
    assert place(["colour", "city", "Amount"], ignore_extra=True) == (2, 1)


def test_a_header_name_cannot_break_a_message():
    with pytest.raises(DataError) as raised:
        place(["city", "Amount", "x\n\x1b[31m" + "y" * 500])
    assert "\x1b" not in str(raised.value)
    assert len(raised.value.what) < 200


def test_fifty_thousand_names_take_seconds(caplog):
    names = [f"c{number}" for number in range(50_000)]
    promised = [Promised(name, "string", name) for name in names]

    started = time.perf_counter()
    found = positions(names, promised, path="in/a.csv", ignore_extra=False)

    assert found == tuple(range(50_000))
    assert time.perf_counter() - started < 5
    assert not caplog.text


def test_where_there_is_no_header_line_an_extra_column_has_no_place():
    with pytest.raises(DataError, match="'colour' is not in the contract"):
        positions(
            ["colour", "Amount", "city"], PROMISED, path="a", ignore_extra=False, is_line=False
        )


def test_a_name_that_nobody_promises_may_be_there_twice_where_extra_ones_are_left_out():
    assert place(["x", "city", "X", "", "Amount", ""], ignore_extra=True) == (4, 1)
    with pytest.raises(DataError, match=r"'x' \(column 1\), 'X' \(column 3\)"):
        place(["x", "city", "X", "Amount"])


def test_a_promised_name_that_is_there_twice_is_refused_even_then():
    with pytest.raises(DataError, match=r"columns 1 and 3 .* the same name, city") as raised:
        place(["city", "Amount", "CITY "], ignore_extra=True)
    assert raised.value.code == "LS-2012"
    assert "csv.header: false with csv.skip_lines: 1" in raised.value.fix


def test_more_columns_without_a_name_than_a_message_holds_are_counted():
    with pytest.raises(DataError, match=r"columns 2, 4, 5 and 2 more have no name\."):
        place(["city", " ", "Amount", "", "", "", ""])


def test_a_column_without_a_name_beside_a_new_one_is_told_with_it():
    with pytest.raises(DataError, match=r"'x' .column 3., a column without a name .column 4."):
        place(["city", "Amount", "x", ""])


@pytest.mark.parametrize("header", ["city", " city"])
def test_blanks_around_a_name_are_not_told_as_another_case(caplog, header):
    promised = [PROMISED[0], Promised("city", "string", header)]

    positions(["Amount", " city"], promised, path="in/a.csv", ignore_extra=False)

    assert "another case" not in caplog.text
    assert "column city is written with other blanks" in caplog.text
    assert "csv.trim: true" in caplog.text


def test_blanks_around_many_names_are_told_once(caplog):
    names = [f"c{number}" for number in range(9)]
    promised = [Promised(name, "string", name) for name in names]

    positions([f" {name}" for name in names], promised, path="in/a.csv", ignore_extra=False)

    assert len(caplog.records) == 1
    assert "column c0 and 8 more is written with other blanks" in caplog.text


def test_keys_of_json_are_not_said_to_be_trimmed(caplog):
    names = ["Amount", " city"]

    positions(names, PROMISED, path="a.json", ignore_extra=False, is_line=False)

    assert not caplog.text


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [
        ('"age";"job";"marital"', ";"),
        ("a\tb\tc d, e", "\t"),
        ("a|b|c", "|"),
        ("39, State-gov, 77516", ","),
        ("1,2,3", ","),
        ("1,5;2,5;3,5;4,5", ";"),
        ('Date,"a;b;c;d",Time,CO', ","),
        ("a;b", None),
        ("Hello, world", None),
        ("", None),
    ],
)
def test_the_delimiter_of_a_line_is_what_occurs_most_outside_quotes(line, delimiter):
    assert likely_delimiter(line) == delimiter
