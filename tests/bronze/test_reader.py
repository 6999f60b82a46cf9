from __future__ import annotations

import gzip
import hashlib

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_spark.bronze import stream
from lepton_spark.bronze.header import Promised
from lepton_spark.bronze.layout import Layout
from lepton_spark.bronze.reader import count_records, hash_files, read, read_files, refusal_of
from lepton_spark.config.format import Csv
from lepton_spark.errors import DataError, EnvironmentFault
from tests.bronze.landed_files import STAMP

NAMES = ("site", "visit", "minutes")


def layout(**changed):
    return Layout(tuple(Promised(name, "string", name) for name in NAMES), Csv(**changed))


def rows_of(file, how=None):
    table = pa.Table.from_batches(
        list(read(file, how or layout(), STAMP)), (how or layout()).schema
    )
    return table.to_pylist()


def cells(rows):
    return [tuple(row[name] for name in NAMES) for row in rows]


def hash_of(file):
    return dict(hash_files([file]))[file.path]


def test_columns_are_placed_by_their_names(landed):
    file = landed(b"\xef\xbb\xbfMINUTES,site,visit\r\n5,A,1\r\n")

    assert cells(rows_of(file)) == [("A", "1", "5")]


def test_without_a_header_columns_are_in_the_order_of_the_contract(landed):
    rows = rows_of(landed(b"A,1,5\n"), layout(header=False))

    assert (cells(rows), rows[0]["_row"]) == ([("A", "1", "5")], 1)


def test_the_digest_is_of_the_stored_bytes(landed):
    content = gzip.compress(b"site,visit,minutes\nA,1,5\n")

    rows = rows_of(landed(content, "a.csv.gz"))

    assert rows[0]["_sha256"] == hashlib.sha256(content).hexdigest()


def test_a_file_in_latin_1_is_read_where_the_case_says_so(landed):
    content = "site,visit,minutes\nGöteborg,1,5\n".encode("latin-1")

    assert cells(rows_of(landed(content), layout(encoding="latin-1"))) == [("Göteborg", "1", "5")]
    assert rows_of(landed(content))[0]["_problem"] == "bad_encoding"


def test_a_large_file_is_hashed_first_and_comes_out_the_same(landed, monkeypatch):
    file = landed(b"site,visit,minutes\n" + b"A,1,5\n" * 20_000)
    small = rows_of(file)
    monkeypatch.setattr(stream, "_KEPT_BYTES", 100)

    assert rows_of(file) == small


def test_only_the_last_row_says_how_many_there_are(landed):
    rows = rows_of(landed(b"site,visit,minutes\n" + b"A,1,5\n" * 20_000))

    assert [row["_records"] for row in rows] == [None] * 19_999 + [20_000]


def test_a_file_that_changes_while_it_is_read_is_refused(landed, monkeypatch, tmp_path):
    monkeypatch.setattr(stream, "_KEPT_BYTES", 100)
    file = landed(b"site,visit,minutes\n" + b"A,1,5\n" * 400_000)
    batches = read(file, layout(), STAMP)
    next(batches)
    path = tmp_path / "a.csv"
    path.write_bytes(path.read_bytes().replace(b"5\n", b"6\n"))

    with pytest.raises(DataError, match="changed while it was read"):
        list(batches)


def test_a_refused_file_gives_one_row_that_carries_the_error(landed):
    good, bad = (
        landed(b"site,visit,minutes\nA,1,5\n", "good.csv"),
        landed(b"site,visit\n", "bad.csv"),
    )

    batches = list(read_files([bad, good], layout(), STAMP))

    assert [batch.num_rows for batch in batches] == [1, 1]
    row = batches[0].to_pylist()[0]
    assert (row["_problem"], row["_file"]) == ("!file", "bad.csv")
    error = refusal_of(row["_raw"])
    assert (type(error), error.code) == (DataError, "LS-2014")


def test_a_file_that_is_gone_is_a_fault_of_the_environment(landed, tmp_path):
    file = landed(b"site,visit,minutes\nA,1,5\n")
    (tmp_path / "a.csv").unlink()

    error = refusal_of(next(read_files([file], layout(), STAMP)).to_pylist()[0]["_raw"])

    assert (type(error), error.code) == (EnvironmentFault, "LS-5020")
    assert list(hash_files([file])) == [("a.csv", "")]


def test_no_error_shows_a_cell(landed):
    file = landed(b"Ada Lovelace,12 High Street,555-0100\nBob,x,y\n")

    with pytest.raises(DataError) as raised:
        rows_of(file)
    assert "Ada" not in str(raised.value)


PIECES = st.sampled_from(
    [b"A", b"1", b",", b",", b",", b'"', b'""', b"\n", b"\r\n", b"\r", b"\0", b"\xff", "é".encode()]
)


@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pieces=st.lists(PIECES, max_size=120), is_compressed=st.booleans())
def test_records_read_are_rows_landed_whatever_the_bytes(landed, pieces, is_compressed):
    content = b"site,visit,minutes\n" + b"".join(pieces)
    name = "a.csv.gz" if is_compressed else "a.csv"
    file = landed(gzip.compress(content) if is_compressed else content, name)

    rows = rows_of(file)

    text = content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    num_lines = text.count("\n") - 1 + (not text.endswith("\n"))
    spanned = sum(1 + sum((row[name] or "").count("\n") for name in NAMES) for row in rows)
    # A record whose cells are not kept is of one line, unless it is too wide or too narrow.
    unkept = [row["_raw"].count("\n") for row in rows if row["_problem"] and row["site"] is None]
    assert spanned + sum(unkept) == num_lines
    assert count_records(file, layout()) == (len(rows), hash_of(file))
    assert [row["_records"] for row in rows[-1:]] == [len(rows)] * bool(rows)
    assert all(row["_problem"] is None or row["_raw"] is not None for row in rows)
    numbers = [row["_row"] for row in rows]
    assert numbers == sorted(set(numbers))
