from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.bronze.json_records import parse
from lepton_spark.bronze.reader import read
from lepton_spark.config.format import Json
from lepton_spark.errors import DataError
from tests.bronze.landed_files import STAMP, layout_of, problems, rows_of

NAMES = ("site", "patient.id", "minutes")


def cells(rows):
    return [tuple(row[name] for name in NAMES) for row in rows]


def layout(**changed):
    return layout_of(NAMES, Json(**changed))


def refusal(file, **changed):
    with pytest.raises(DataError) as raised:
        list(read(file, layout(**changed), STAMP))
    return raised.value


def test_each_line_is_an_object_and_nested_keys_have_a_path(landed):
    file = landed(
        b'{"site": "A", "patient": {"id": 7}, "minutes": 1.50}\n'
        b"\n"
        b'{"minutes": null, "patient": {}, "site": true}\n'
    )

    rows = rows_of(file, layout())

    assert cells(rows) == [("A", "7", "1.50"), ("true", None, None)]
    assert [row["_row"] for row in rows] == [1, 3]


def test_numbers_stay_as_they_were_written(landed):
    long = b"12345678901234567890123"
    file = landed(
        b'{"site": ' + long + b', "patient": {"id": 1e400}, "minutes": [1.10, {"a": -0}]}\n'
    )

    assert cells(rows_of(file, layout())) == [(long.decode(), "1e400", '[1.10,{"a":-0}]')]


def test_a_line_that_is_no_object_is_refused_alone(landed):
    whole = b'{"site": "A", "patient": {"id": 1}, "minutes": 5}\n'
    file = landed(
        whole + b'{"site": "A", "sit\n[1]\n{"site": 1, "site": 2}\n' + b"[" * 9999 + b"\n" + whole
    )

    rows = rows_of(file, layout())

    assert problems(rows) == [None, "bad_json", "not_an_object", "duplicate_key", "bad_json", None]
    assert rows[1]["_raw"] == '{"site": "A", "sit'


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (b'"\\ud800"', "bad_encoding"),
        (b'"\xff"', "bad_encoding"),
        (b'"\\u0000"', "nul_character"),
        (b'"' + b"x" * 2**20 + b'y"', "cell_too_large"),
        ('"\U0001f642"'.encode(), None),
    ],
)
def test_text_that_later_tools_could_not_hold_is_told(landed, value, problem):
    file = landed(b'{"site": ' + value + b', "patient": {"id": 1}, "minutes": 5}\n')

    assert problems(rows_of(file, layout())) == [problem]


def test_a_column_that_no_object_has_is_missing(landed):
    assert refusal(landed(b'{"site": "A", "patient": {"id": 1}}\n')).code == "LS-2014"


def test_a_key_that_is_not_promised_is_refused_or_left_out(landed):
    file = landed(b'{"site": "A", "patient": {"id": 1}, "minutes": 5, "colour": "red"}\n')

    assert refusal(file).code == "LS-2015"
    assert cells(rows_of(file, layout(extra_columns="ignore"))) == [("A", "1", "5")]


def test_the_items_of_an_array_in_a_document_are_rows(landed):
    item = {"site": "A", "patient": {"id": 1}, "minutes": 5}
    nested = landed(json.dumps({"data": {"visits": [item, 3]}}, indent=1).encode())

    rows = rows_of(nested, layout(records="data.visits"))

    assert cells(rows) == [("A", "1", "5"), (None, None, None)]
    assert problems(rows) == [None, "not_an_object"]
    bare = landed(json.dumps([item]).encode(), "b.json")
    assert cells(rows_of(bare, layout(records="."))) == [("A", "1", "5")]


@pytest.mark.parametrize("content", [b'{"data": {}}', b"[", b"\xff\xfe[\0]\0", b'{"data": []'])
def test_a_document_without_its_array_is_refused_as_a_whole(landed, content):
    assert refusal(landed(content), records="data.visits").code == "LS-2094"


def test_a_file_without_objects_has_no_rows(landed):
    assert rows_of(landed(b"\n"), layout()) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=VALUES)
def test_parsing_keeps_the_structure(value):
    def as_text(found):
        if isinstance(found, dict):
            return {key: as_text(each) for key, each in found.items()}
        if isinstance(found, list):
            return [as_text(each) for each in found]
        return str(found) if type(found) is int else found

    assert parse(json.dumps(value)) == as_text(value)
