from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.bronze import stream
from lepton_spark.bronze.header import Promised
from lepton_spark.bronze.layout import Layout
from lepton_spark.bronze.names import names_in
from lepton_spark.bronze.reader import read
from lepton_spark.config.format import Parquet
from lepton_spark.errors import DataError
from tests.bronze.landed_files import STAMP, layout_of, rows_of

NOON = datetime(2024, 2, 29, 12, 0, 1, 500_000, tzinfo=UTC)


def parquet(table, **options):
    sink = io.BytesIO()
    pq.write_table(pa.table(table), sink, write_page_checksum=True, **options)
    return sink.getvalue()


def refusal(file, layout):
    with pytest.raises(DataError) as raised:
        list(read(file, layout, STAMP))
    return raised.value


def values(landed, array, kind="string"):
    rows = rows_of(landed(parquet({"v": array})), layout_of(("v",), Parquet(), v=kind))
    return [row["v"] for row in rows]


@pytest.mark.parametrize(
    ("array", "kind", "texts"),
    [
        (pa.array([2**62, None]), "integer", [str(2**62), None]),
        (pa.array([0.1, -0.0, 1e300, float("nan")]), "number", ["0.1", "-0", "1e+300", "nan"]),
        (pa.array([Decimal("1.50")]), "decimal", ["1.50"]),
        (pa.array([True]), "boolean", ["true"]),
        (pa.array([date(2024, 2, 29)]), "date", ["2024-02-29"]),
        (
            pa.array([NOON], pa.timestamp("us", "Asia/Tokyo")),
            "timestamp",
            ["2024-02-29T12:00:01.500000Z"],
        ),
        (pa.array([NOON.replace(tzinfo=None)]), "timestamp", ["2024-02-29T12:00:01.500000"]),
        (pa.array(["a", "b"]).dictionary_encode(), "string", ["a", "b"]),
        (pa.array([[1, 2], None]), "string", ["[1,2]", None]),
        (pa.array([b"\0\xff"]), "binary", [b"\0\xff"]),
    ],
)
def test_values_are_written_out_exactly(landed, array, kind, texts):
    assert values(landed, array, kind) == texts


@pytest.mark.parametrize(
    ("array", "kind", "texts"),
    [
        (
            pa.array([Decimal(0), Decimal("-1E-7"), Decimal("1.5"), None], pa.decimal128(38, 18)),
            "decimal",
            ["0." + "0" * 18, "-0.000000100000000000", "1.500000000000000000", None],
        ),
        (
            pa.array([1e10, None, 1_704_067_200_123.0, 9e15]),
            "integer",
            ["10000000000", None, "1704067200123", "9000000000000000"],
        ),
        (
            pa.array([1e10, float("nan"), float("-inf"), 1e18, None]),
            "integer",
            ["10000000000", "nan", "-inf", "1" + "0" * 18, None],
        ),
        (
            pa.array([1e-7, 12_345_678_901.25, -2e22]),
            "decimal",
            ["0.0000001", "12345678901.25", "-2" + "0" * 22],
        ),
        (pa.array([2.0**40, 0.1], pa.float32()), "decimal", ["1099511627776", "0.1"]),
        (pa.array([123456789.0, 2.0], pa.float32()), "integer", ["123456792", "2"]),
        (pa.array([2.0**60, -(2.0**63)]), "integer", [str(2**60), str(-(2**63))]),
        (
            pa.array([2.0**60, 1e-7, None, -1e23]),
            "decimal",
            [
                str(2**60),
                "0.0000001",
                None,
                "-99999999999999991611392",
            ],
        ),
        (
            pa.array([2049.0, 65504.0, 0.5, float("inf")], pa.float32()).cast(pa.float16()),
            "integer",
            [
                "2048",
                "65504",
                "0.5",
                "inf",
            ],
        ),
        (pa.array([1e10]).dictionary_encode(), "integer", ["10000000000"]),
    ],
)
def test_exact_numbers_are_written_without_an_exponent(landed, array, kind, texts):
    assert values(landed, array, kind) == texts


@pytest.mark.parametrize("kind", ["timestamp", "string"])
def test_instants_as_spark_writes_them_have_an_offset(landed, kind):
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    array = pa.array([NOON, None, last], pa.timestamp("us"))
    table = {"v": array, "at": pa.StructArray.from_arrays([array], ["end"])}
    content = parquet(table, use_deprecated_int96_timestamps=True)
    layout = layout_of(("v", "at.end"), Parquet(), **{"v": kind, "at.end": kind})

    rows = rows_of(landed(content), layout)

    texts = ["2024-02-29T12:00:01.500000Z", None, "9999-12-31T23:59:59.000000Z"]
    assert [row["v"] for row in rows] == texts
    assert [row["at.end"] for row in rows] == texts


def test_instants_as_spark_writes_them_are_told_as_they_are_landed(landed):
    array = pa.array([NOON, None], pa.timestamp("us"))
    table = {"v": array, "at": pa.StructArray.from_arrays([array], ["end"])}
    spark = landed(parquet(table, use_deprecated_int96_timestamps=True))

    assert {kind.tz for kind in names_in(spark, Parquet()).values()} == {"UTC"}
    assert {kind.tz for kind in names_in(landed(parquet(table)), Parquet()).values()} == {None}


@pytest.mark.parametrize(("zone", "offset"), [("UTC", "Z"), (None, "")])
def test_nanoseconds_are_cut_to_microseconds(landed, zone, offset):
    array = pa.array([1_704_067_200_123_456_789], pa.timestamp("ns", zone))

    found = values(landed, array, "timestamp")

    assert found == [f"2024-01-01T00:00:00.123456{offset}"]


def test_an_instant_that_no_text_tells_is_not_shown(landed):
    file = landed(parquet({"v": pa.array([2**62 + 1], pa.timestamp("ms", "UTC"))}))

    error = refusal(file, layout_of(("v",), Parquet(), v="timestamp"))

    assert (error.code, "column v holds values" in error.what) == ("LS-2096", True)
    assert str(2**62 + 1) not in str(error)


def seconds(*numbers):
    return pa.array(numbers, pa.int64()).cast(pa.timestamp("s", "UTC"))


def days(*numbers):
    return pa.array(numbers, pa.int32()).cast(pa.date32())


@pytest.mark.parametrize(
    ("array", "kind", "texts"),
    [
        (seconds(1_704_067_200_000), "timestamp", ["55969-09-28T00:00:00.000000Z"]),
        (seconds(2_068_000_000_000, 0, None), "timestamp", [
            "67502-04-25T04:26:40.000000Z", "1970-01-01T00:00:00.000000Z", None,
        ]),
        (seconds(-62_135_596_800, -62_135_596_801, -62_167_219_201), "timestamp", [
            "0001-01-01T00:00:00.000000Z", "0000-12-31T23:59:59.000000Z",
            "-0001-12-31T23:59:59.000000Z",
        ]),
        (seconds(253_402_300_799, 253_402_300_800), "timestamp", [
            "9999-12-31T23:59:59.000000Z", "10000-01-01T00:00:00.000000Z",
        ]),
        (days(-719_162, -719_163, -719_529), "date", ["0001-01-01", "0000-12-31", "-0001-12-31"]),
        (days(2_932_896, 2_932_897), "date", ["9999-12-31", "10000-01-01"]),
        (days(1_704_067_200, None).dictionary_encode(), "date", ["4667547-07-13", None]),
    ],
)  # fmt: skip
def test_a_year_of_more_than_four_digits_is_not_folded_into_another(landed, array, kind, texts):
    assert values(landed, array, kind) == texts
    assert values(landed, array, "string") == texts


def test_a_clock_that_no_day_has_is_refused(landed):
    file = landed(parquet({"v": pa.array([10**6], pa.int32()).cast(pa.time32("ms"))}))
    late = landed(parquet({"v": pa.array([10**8], pa.int32()).cast(pa.time32("ms"))}), "b.parquet")

    assert rows_of(file, layout_of(("v",), Parquet()))[0]["v"] == "00:16:40.000"
    assert refusal(late, layout_of(("v",), Parquet())).code == "LS-2096"


@pytest.mark.parametrize(
    "inner",
    [
        days(4_000_000),
        pa.array([253_402_300_800_000_000], pa.int64()).cast(pa.timestamp("us")),
        pa.array([2**62], pa.int64()).cast(pa.duration("s")),
    ],
)
def test_a_list_of_what_no_text_tells_is_refused(landed, inner):
    array = pa.ListArray.from_arrays([0, 1], inner)

    error = refusal(landed(parquet({"v": array})), layout_of(("v",), Parquet()))

    assert (error.code, "column v holds values of list" in error.what) == ("LS-2096", True)


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.binary()),
        pa.list_(pa.struct([("a", pa.int64()), ("b", pa.list_(pa.binary(1)))])),
        pa.map_(pa.string(), pa.large_binary()),
    ],
)
def test_bytes_in_a_list_or_a_map_are_refused(landed, kind):
    file = landed(parquet({"v": pa.array([None], kind)}))

    assert refusal(file, layout_of(("v",), Parquet())).code == "LS-2097"


def test_a_dot_in_a_name_is_a_letter(landed):
    table = {"Sepal.Length": [5.1], "a": [{"b.c": 1, "d": 2}], "Sepal": [3]}
    names = ("Sepal", "Sepal.Length", "a.b.c", "a.d")
    file = landed(parquet(table))

    row = rows_of(file, layout_of(names, Parquet()))[0]

    assert [row[name] for name in names] == ["3", "5.1", "1", "2"]
    assert set(names_in(file, Parquet())) == set(names)


def test_a_name_that_is_a_path_too_is_refused(landed):
    file = landed(parquet({"a.b": [1], "a": [{"b": 2}]}))

    assert refusal(file, layout_of(("a.b",), Parquet())).code == "LS-2012"


def test_columns_are_found_by_name_and_fields_by_path(landed):
    table = {"Minutes": [5, 6], "patient": [{"id": 1, "x": 0}, None]}
    promised = (
        Promised("patient_id", "integer", "patient.id"),
        Promised("m", "integer", "minutes"),
    )
    layout = Layout(promised, Parquet(extra_columns="ignore"))

    rows = rows_of(landed(parquet(table)), layout)

    assert [(row["patient_id"], row["m"]) for row in rows] == [("1", "5"), (None, "6")]
    assert refusal(landed(parquet(table)), Layout(promised, Parquet())).code == "LS-2015"


def test_rows_are_numbered_over_row_groups_and_the_last_tells_their_number(landed):
    content = parquet({"v": list(range(20_000))}, row_group_size=3000)

    rows = rows_of(landed(content), layout_of(("v",), Parquet()))

    assert [row["_row"] for row in rows] == list(range(1, 20_001))
    assert [row["_records"] for row in rows[-2:]] == [None, 20_000]
    assert [row["v"] for row in rows] == [str(number) for number in range(20_000)]


def test_a_large_file_comes_out_the_same(landed, monkeypatch):
    file = landed(parquet({"v": list(range(1000))}))
    small = rows_of(file, layout_of(("v",), Parquet()))
    monkeypatch.setattr(stream, "_KEPT_BYTES", 100)

    assert rows_of(file, layout_of(("v",), Parquet())) == small


def test_a_table_without_rows_has_none(landed):
    empty = parquet({"v": pa.array([], pa.int64())})

    assert rows_of(landed(empty), layout_of(("v",), Parquet())) == []


GOOD = parquet({"v": list(range(1000))})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes"),
        (GOOD[:-20], "the footer is missing"),
        (b"v\n1\n", "magic bytes are not PAR1"),
        (GOOD[:100] + bytes([GOOD[100] ^ 1]) + GOOD[101:], "the checksum of a page does not match"),
        (GOOD[:-12] + b"\xff\xff\xff\x7f" + GOOD[-8:], "a page or the footer is damaged"),
        (b"PAR1PAR1", "the footer is missing"),
    ],
)
def test_a_damaged_file_is_refused(landed, content, words):
    error = refusal(landed(content, "a.parquet"), layout_of(("v",), Parquet()))

    assert (error.code, words in error.what) == ("LS-2096", True), error.what


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (pa.array([1.5]), "date"),
        (pa.array([True]), "integer"),
        (pa.array([date(2024, 1, 1)]), "timestamp"),
        (pa.array([b"x"]), "string"),
        (pa.array([Decimal("1.5")]), "boolean"),
        (pa.array(["1"]), "integer"),
    ],
)
def test_a_column_of_a_type_that_is_not_promised_is_refused(landed, array, kind):
    file = landed(parquet({"v": array}))

    error = refusal(file, layout_of(("v",), Parquet(), v=kind))

    assert error.code == "LS-2097"
    assert str(array.type) in error.what
    assert kind in error.what


def test_text_is_parsed_as_in_a_text_file_where_the_case_says_so(landed):
    for kind in (pa.string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()):
        file = landed(parquet({"v": pa.array(["1", "x", None]).cast(kind)}))

        rows = rows_of(file, layout_of(("v",), Parquet(from_text=True), v="integer"))

        assert [row["v"] for row in rows] == ["1", "x", None]
        assert names_in(file, Parquet(from_text=True)) == {"v": None}


def test_a_missing_column_is_named_with_the_nearest(landed):
    error = refusal(landed(parquet({"minute": [1]})), layout_of(("minutes",), Parquet()))

    assert (error.code, "'minute'" in error.what) == ("LS-2014", True)
