from __future__ import annotations

import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.bronze.inference import identifiers, infer
from lepton_spark.config.column import Column
from lepton_spark.config.format import Csv, Files, FixedWidth, Idx, Json, Parquet
from lepton_spark.errors import DataError
from tests.bronze.landed_files import layout_of, rows_of


def columns(landed, content, form=None, name="a.csv"):
    found = infer(landed(content, name), form or Csv())
    return [guess.column for guess in found.guesses]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "3.0"], "integer"),
        (["1", "2.5", "1e3"], "number"),
        (["007", "8"], "string"),
        (["0.5", "0"], "number"),
        (["true", "False"], "boolean"),
        (["2024-02-29", "2023-01-01"], "date"),
        (["2024-02-29T10:00Z", "2024-02-29 10:00:01.5+02:00"], "timestamp"),
        (["2024-02-29 10:00:00"], "string"),
        (["29.02.2024"], "string"),
        (["1", "x"], "string"),
        (["NA", ""], "string"),
        (["9" * 400, "1"], "string"),
        (["12345678901234567890"], "string"),
        (["9223372036854775808"], "string"),
        (["9223372036854775807", "-9223372036854775808"], "integer"),
        (["12345678901234567890", "0.5"], "number"),
    ],
)
def test_a_column_is_of_the_narrowest_kind_that_fits_all(landed, cells, kind):
    content = "c,d\n" + "".join(f"{cell},x\n" for cell in cells)

    assert columns(landed, content.encode())[0].kind == kind


def test_a_value_that_is_always_there_is_required(landed):
    content = b"a b,c,d\n1,x,2147483648\n2,NA,3\n\n"

    assert columns(landed, content) == [
        Column("a_b", "integer", required=True, header="a b"),
        Column("c", "string"),
        Column("d", "integer", required=True, maximum=2**63 - 1),
    ]


def test_a_row_that_would_be_refused_says_nothing(landed):
    found = infer(landed(b"a,b\n1,2\nx\n"), Csv())

    assert [guess.column.kind for guess in found.guesses] == ["integer", "integer"]
    assert found.num_rows == 2


def test_rows_that_would_be_refused_are_counted_by_reason(landed):
    found = infer(landed(b"a,b\n1,2\n3\n1,2,3\n1,2,3\n"), Csv())

    assert (found.num_rows, list(found.refused.items())) == (4, [("long_row", 2), ("short_row", 1)])
    assert infer(landed(b"a,b\n1,2\n"), Csv()).refused == {}


def test_the_refused_rows_of_all_batches_are_counted(landed):
    found = infer(landed(b"a,b\n" + b"1,2,3\n1,2\n" * 100_000), Csv())

    assert (found.num_rows, found.refused) == (200_000, {"long_row": 100_000})


ONE_DOCUMENT = "is it one document? add --format records=."


@pytest.mark.parametrize(
    ("content", "records", "fix"),
    [
        (b"[1,2]\n", None, ONE_DOCUMENT),
        (b"[]", None, ONE_DOCUMENT),
        (b'[{"a": 1}]', None, ONE_DOCUMENT),
        (b'[\n  {\n    "a": 1\n  }\n]\n', None, ONE_DOCUMENT),
        (b"{}\n", None, ONE_DOCUMENT),
        (b"", None, ONE_DOCUMENT),
        (b"[1,2]", ".", "json.records"),
        (b"[]", ".", "json.records"),
    ],
)
def test_a_json_file_without_a_key_has_no_columns(landed, content, records, fix):
    with pytest.raises(DataError, match="LS-2022") as raised:
        infer(landed(content, "a.json"), Json(records=records))

    assert fix in raised.value.fix


def test_the_share_without_a_value_is_told(landed):
    found = infer(landed(b"a,b\n1,2\n,2\n,2\n,2\n"), Csv())

    assert [guess.nulls for guess in found.guesses] == [0.75, 0.0]


def test_columns_without_names_are_numbered(landed):
    found = columns(landed, b"1 x\n2 y\n", Csv(header=False, delimiter="blanks", quote=None))

    assert [(each.name, each.kind, each.header) for each in found] == [
        ("column_1", "integer", None),
        ("column_2", "string", None),
    ]


def test_every_format_has_its_columns(landed):
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": [1], "s": [{"x": 1.5}], "b": [b"\0"]}), sink)
    assert [(each.name, each.kind) for each in columns(landed, sink.getvalue(), Parquet())] == [
        ("n", "integer"), ("s_x", "number"), ("b", "binary"),
    ]  # fmt: skip
    objects = b'{"a": {"b": 1}, "c": []}\n{"a": {"b": 2}, "d": true}\n'
    assert [(each.header or each.name, each.kind) for each in columns(landed, objects, Json())] == [
        ("a.b", "integer"), ("c", "string"), ("d", "boolean"),
    ]  # fmt: skip
    places = FixedWidth(columns={"x": (1, 2), "y": (3, 4)})
    assert [each.kind for each in columns(landed, b"1 a\n", places)] == ["integer", "string"]
    labels = b"\0\0\x08\x01\0\0\0\x01\x05"
    assert [each.kind for each in columns(landed, labels, Idx())] == ["integer", "integer"]
    whole = columns(landed, b"x", Files(content="text"))
    assert [each.name for each in whole] == ["name", "folder", "path", "num_bytes", "content"]


@given(headers=st.lists(st.text(max_size=90), max_size=20))
def test_names_are_identifiers_and_differ(headers):
    names = identifiers(headers)

    assert len({name.lower() for name in names}) == len(headers)
    assert all(name.isascii() and name.isidentifier() and name[0].isalpha() for name in names)
    assert all(len(name) <= 80 for name in names)


def test_a_text_column_of_parquet_stays_text_unless_it_is_read_from_text(landed):
    table = pa.table({
        "id": ["1", "2"],
        "day": pa.array(["2024-01-01", "2024-01-02"]).dictionary_encode(),
        "minutes": pa.array([5, 6]).dictionary_encode(),
        "open": [True, False],
        "price": [Decimal("1.5"), Decimal("2.5")],
        "wait": pa.array([1, 2], pa.duration("s")),
    })  # fmt: skip
    sink = io.BytesIO()
    pq.write_table(table, sink)

    def kinds(**changed):
        return [each.kind for each in columns(landed, sink.getvalue(), Parquet(**changed))]

    assert kinds() == ["string", "string", "integer", "boolean", "number", "string"]
    assert kinds(from_text=True)[:3] == ["integer", "string", "integer"]


def test_an_inferred_contract_takes_its_own_parquet_file(landed):
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": ["1"], "day": ["2024-01-01"], "n": [2]}), sink)
    file = landed(sink.getvalue(), "a.parquet")

    found = infer(file, Parquet())

    kinds = {guess.column.name: guess.column.kind for guess in found.guesses}
    assert len(rows_of(file, layout_of(list(kinds), Parquet(), **kinds))) == 1
