from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.bronze import json_records
from lepton_spark.bronze.json_records import keys_of, parse
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


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"SITE": "A", "Patient": {"ID": 1}, "minutes": 5}', ("A", "1", "5")),
        (b'{"SITE": "B", "site": "A", "patient": {"Id": 2, "id": 1}}', ("A", "1", None)),
        (b'{"site": "A", "Site": "B", "patient.id": 1, "patient": {"id": 2}}', ("A", "1", None)),
        (b'{"site": "A", "PATIENT.ID": 1, "minutes": 5}', ("A", "1", "5")),
    ],
)
def test_keys_are_found_in_another_case_and_with_dots(landed, line, expected):
    whole = b'\n{"site": "C", "patient": {"id": 3}, "minutes": 6}\n'

    assert cells(rows_of(landed(line + whole), layout())) == [expected, ("C", "3", "6")]


def test_a_key_that_is_there_in_two_other_cases_is_a_duplicate(landed):
    file = landed(
        b'{"SITE": 1, "Site": 2, "patient": {"id": 1}, "minutes": 5}\n{"SITE": 1, "Site": 2,'
        b' "site": 3, "patient": {"id": 1}}\n'
    )

    rows = rows_of(file, layout())

    assert problems(rows) == ["duplicate_key", None]
    assert rows[0]["_raw"] == '{"SITE":1,"Site":2,"patient":{"id":1},"minutes":5}'
    assert rows[1]["site"] == "3"


@pytest.mark.parametrize("depth", [600, 900])
def test_a_cell_of_too_many_levels_is_refused_alone(landed, depth):
    whole = b'{"site": "A", "patient": {"id": 1}, "minutes": 5}\n'
    deep = b'{"site": ' + b"[" * depth + b"]" * depth + b"}\n"
    item = deep.strip()

    assert problems(rows_of(landed(whole + deep), layout())) == [None, "bad_json"]
    document = b"[" + whole + b"," + item + b"]"
    found = rows_of(landed(document, "b.json"), layout(records="."))
    assert problems(found) == [None, "bad_json"]


def test_no_number_of_levels_ends_a_profile(landed):
    lines = [b'{"x": ' * depth + b"1" + b"}" * depth for depth in range(850, 1000)]
    file = landed(b"\n".join([*lines, b'{"site": 1, "SITE": 2}\n']))

    found = keys_of(file, io.BufferedReader(io.FileIO(file.uri)), Json())

    assert found[-1] == "site"
    assert len(rows_of(file, layout_of(["site", found[0]], Json(extra_columns="ignore")))) == 151


def test_an_object_of_more_levels_than_can_be_told_is_left_out_of_a_profile(landed, monkeypatch):
    deep = {}
    for _ in range(5000):
        deep = {"x": deep}
    monkeypatch.setattr(json_records, "objects", lambda *_: [(1, deep), (2, {"site": 1})])
    file = landed(b"")

    assert keys_of(file, io.BufferedReader(io.FileIO(file.uri)), Json()) == ["site"]


def test_half_of_a_character_is_stored_as_a_question_mark(landed):
    items = b'["\\ud800x", {"site": "' + b"x" * 2**20 + b'y", "minutes": "\\ud800"}, '
    item = b'{"site": "A", "patient": {"id": 1}, "minutes": 5}]'

    rows = rows_of(landed(items + item), layout(records="."))

    assert problems(rows) == ["not_an_object", "cell_too_large", None]
    assert (rows[0]["_raw"], rows[1]["minutes"]) == ("?x", "?")


def test_extra_keys_are_told_in_the_order_of_the_file_without_a_place(landed):
    others = "".join(f', "{name}": 1' for name in ("zip", "city", "age", "Zip"))
    file = landed(b'{"site": "A", "patient": {"id": 1}, "minutes": 5' + others.encode() + b"}\n")

    assert "'zip', 'city', 'age' is not in the contract" in str(refusal(file))
    assert cells(rows_of(file, layout(extra_columns="ignore"))) == [("A", "1", "5")]


def test_objects_keyed_by_ids_are_refused_as_a_wide_file_or_left_out(landed):
    lines = [f'{{"site": "A", "patient": {{"id": 1}}, "minutes": 5, "k{n}": 1}}' for n in range(9)]
    file = landed("\n".join(lines).encode())

    with pytest.raises(DataError, match="max_columns of the source is 6") as raised:
        rows_of(file, replace(layout(), max_columns=6))
    assert raised.value.code == "LS-2127"
    ignoring = replace(layout(extra_columns="ignore"), max_columns=6)
    assert len(rows_of(file, ignoring)) == 9


def test_as_many_keys_as_a_profile_takes_are_told(landed, monkeypatch):
    monkeypatch.setattr(json_records, "MAX_COLUMNS", 3)
    file = landed(b'{"a": 1, "b": 2, "c": 3, "d": 4}\n')

    with pytest.raises(DataError) as raised:
        keys_of(file, io.BufferedReader(io.FileIO(file.uri)), Json())
    assert raised.value.code == "LS-2127"


MIXED = [b'{"id": 1, "a": {"b": 1}}', b'{"id": 2, "a": [{"b": 2}]}', b'{"id": 3, "a": "7"}']


@pytest.mark.parametrize("names", [("id", "a.b"), ("a.b",)])
def test_a_list_or_text_where_a_column_should_be_nested_is_refused_alone(landed, names):
    form = Json(extra_columns="ignore")
    nothing = b'{"id": 4, "a": null}'

    rows = rows_of(landed(b"\n".join([*MIXED, nothing])), layout_of(names, form))

    assert problems(rows) == [None, "not_nested", "not_nested", None]
    assert [row["a.b"] for row in rows] == ["1", None, None, None]
    assert rows[1]["_raw"] == '{"id":2,"a":[{"b":2}]}'


def test_lists_where_the_only_column_should_be_nested_are_refused_each(landed):
    rows = rows_of(landed(b'{"a": [{"b": 1}]}\n{"a": 2}\n'), layout_of(["a.b"], Json()))

    assert problems(rows) == ["not_nested", "not_nested"]


def test_a_text_beside_keys_with_dots_is_one_more_key(landed):
    file = landed(b'{"site": "A", "patient.id": 1, "patient": "Ada", "minutes": 5}\n')

    assert "'patient' is not in the contract" in str(refusal(file))
    assert cells(rows_of(file, layout(extra_columns="ignore"))) == [("A", "1", "5")]


def test_a_key_within_an_object_that_is_not_promised_is_refused_by_its_path(landed):
    file = landed(b'{"site": "A", "patient": {"id": 1, "Age": 5}, "minutes": 5}\n')

    assert "'patient.Age' is not in the contract" in str(refusal(file))
    assert cells(rows_of(file, layout(extra_columns="ignore"))) == [("A", "1", "5")]


def test_an_object_that_is_promised_as_a_whole_keeps_its_other_keys(landed):
    file = landed(b'{"a": {"b": {"x": 1}, "NEW": 5}}\n{"a": [7]}\n')

    rows = rows_of(file, layout_of(("a", "a.b.x"), Json()))

    assert [(row["a"], row["a.b.x"]) for row in rows] == [
        ('{"b":{"x":1},"NEW":5}', "1"), ("[7]", None),
    ]  # fmt: skip


@pytest.mark.parametrize("content", [b'[{"a": 1, "A": 2, "a": 3}]', b'[{"b": {"a": 1, "a": 2}}]'])
def test_a_key_that_is_there_twice_in_a_document_is_told_by_its_name(landed, content):
    error = refusal(landed(content), records=".")

    assert (error.code, "has the key 'a' twice" in error.what) == ("LS-2094", True)
    assert "which of the two values counts" in error.why
