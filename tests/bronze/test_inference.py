from __future__ import annotations

import bz2
import gzip
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
from lepton_spark.errors import DataError, EnvironmentFault
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
        (["5\u00a0", "6"], "string"),
        (["5.5\u2003"], "string"),
        (["fal\u017fe"], "string"),
        (["2024-02-29 10:00:00\u00a0Z"], "string"),
        ([" 5\t", "6"], "integer"),
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


def test_a_row_without_a_value_is_no_row_of_its_columns(landed):
    found = infer(landed(b"a,b\n1,\nNA,NA\n\n,2\n"), Csv())

    assert (found.num_rows, found.num_empty, found.refused) == (4, 2, {})
    assert [guess.nulls for guess in found.guesses] == [0.5, 0.5]
    single = infer(landed(b"a\n1\n\n2\n"), Csv())
    assert (single.num_empty, single.guesses[0].nulls) == (1, 0.0)


def test_a_file_of_refused_rows_has_no_share_of_nulls(landed):
    found = infer(landed(b"a,b\n1\n2\n"), Csv())

    assert [(guess.column.required, guess.nulls) for guess in found.guesses] == [(False, None)] * 2
    assert not found.is_told


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
    assert kinds(from_text=True)[:3] == ["integer", "date", "integer"]


@pytest.mark.parametrize(
    ("stored", "kind", "is_long"),
    [
        (pa.int8(), "integer", False),
        (pa.int32(), "integer", False),
        (pa.uint32(), "integer", True),
        (pa.int64(), "integer", True),
        (pa.decimal128(9, 0), "integer", False),
        (pa.decimal128(10, 0), "integer", True),
        (pa.decimal128(9, 2), "number", False),
        (pa.float64(), "number", False),
        (pa.bool_(), "boolean", False),
        (pa.date32(), "date", False),
        (pa.timestamp("us", tz="UTC"), "timestamp", False),
        (pa.timestamp("us"), "string", False),
        (pa.string(), "string", False),
        (pa.dictionary(pa.int8(), pa.int64()), "integer", True),
        (pa.list_(pa.int64()), "string", False),
    ],
    ids=str,
)
def test_a_column_without_a_value_is_of_the_type_that_is_stored(landed, stored, kind, is_long):
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": [1, 2], "c": pa.nulls(2, stored)}), sink)

    found = columns(landed, sink.getvalue(), Parquet(), name="a.parquet")[1]

    assert found == Column("c", kind, maximum=2**63 - 1 if is_long else None)


def test_a_stored_type_that_no_kind_is_of_gets_no_notes(landed):
    sink = io.BytesIO()
    pq.write_table(pa.table({"wait": pa.array([1, 999], pa.duration("s"))}), sink)

    assert infer(landed(sink.getvalue(), "a.parquet"), Parquet()).guesses[0].notes == ()


def test_a_key_without_a_name_is_left_out(landed):
    found = infer(landed(b'{"": 1, "a": 2}\n', "a.jsonl"), Json())

    assert [guess.column.name for guess in found.guesses] == ["a"]
    assert "json.extra_columns: ignore" in found.hints[0]


def test_an_inferred_contract_takes_its_own_parquet_file(landed):
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": ["1"], "day": ["2024-01-01"], "n": [2]}), sink)
    file = landed(sink.getvalue(), "a.parquet")

    found = infer(file, Parquet())

    kinds = {guess.column.name: guess.column.kind for guess in found.guesses}
    assert len(rows_of(file, layout_of(list(kinds), Parquet(), **kinds))) == 1


@pytest.mark.timeout(20)
def test_many_names_that_fold_to_one_are_told_apart_fast():
    names = identifiers(["a", "A_3", *["a!"] * 20_000])

    assert names[:5] == ["a", "A_3", "a_2", "a_4", "a_5"]
    assert len({name.lower() for name in names}) == len(names)


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 10)[:-12], Csv()),
        ("a.csv.gz", b"a,b\n1,2\n", Csv()),
        ("a.csv.xz", b"\xfd7zXZ\0" + b"a" * 16, Csv()),
        ("a.csv.bz2", bz2.compress(b"a,b\n1,2\n")[:-6], Csv()),
        ("a.jsonl.gz", gzip.compress(b'{"a":1}\n' * 10)[:-12], Json()),
    ],
    ids=["gzip cut off", "no gzip", "no xz", "bzip2 cut off", "JSON cut off"],
)
def test_damaged_files_are_told_as_when_they_land(landed, name, content, form):
    with pytest.raises(DataError, match="LS-2016"):
        infer(landed(content, name), form)


def test_a_file_that_is_gone_is_told_as_when_it_lands(landed, tmp_path):
    file = landed(b"a,b\n1,2\n")
    (tmp_path / "a.csv").unlink()

    with pytest.raises(EnvironmentFault, match="LS-5020"):
        infer(file, Csv())


def test_text_of_parquet_that_is_no_text_is_counted(landed):
    stored = pa.array([b"\xff", b"1"]).cast(pa.string(), safe=False)
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": stored}), sink)

    found = infer(landed(sink.getvalue(), "a.parquet"), Parquet(from_text=True))

    assert (found.guesses[0].column.kind, found.refused) == ("integer", {"bad_encoding": 1})


def test_images_of_an_idx_file_are_bytes(landed):
    content = b"\0\0\x08\x02\0\0\0\x02\0\0\0\x01\xff\x00"

    found = infer(landed(content, "a-idx"), Idx()).guesses

    kinds = [(each.column.name, each.column.kind, each.nulls, each.notes) for each in found]
    assert kinds == [("index", "integer", 0.0, ()), ("value", "binary", 0.0, ())]
