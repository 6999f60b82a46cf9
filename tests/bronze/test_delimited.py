from __future__ import annotations

import bz2
import gzip
import lzma

import pyarrow as pa
import pytest

from lepton_spark.bronze.reader import read
from lepton_spark.config.format import Csv
from lepton_spark.errors import DataError
from tests.bronze.landed_files import STAMP, layout_of, problems, rows_of

NAMES = ("site", "visit", "minutes")


def cells(rows):
    return [tuple(row[name] for name in NAMES) for row in rows]


def layout(**changed):
    return layout_of(NAMES, Csv(**changed))


def test_blanks_of_any_number_separate_cells_where_the_case_says_so(landed):
    file = landed(b"A  1\t5  \n  B 2 6\nC 3\n")

    rows = rows_of(file, layout(header=False, delimiter="blanks", quote=None))

    assert cells(rows) == [("A", "1", "5"), ("B", "2", "6"), (None, None, None)]
    assert problems(rows) == [None, None, "short_row"]


def test_a_header_may_be_between_blanks_too(landed):
    file = landed(b" minutes  site visit\n5 A 1\n")

    assert cells(rows_of(file, layout(delimiter="blanks", quote=None))) == [("A", "1", "5")]


def test_quotes_are_letters_where_the_case_has_none(landed):
    file = landed(b'site|visit|minutes\n"A|1|5"\n')

    assert cells(rows_of(file, layout(delimiter="|", quote=None))) == [('"A', "1", '5"')]


def test_lines_above_the_header_are_skipped_and_counted(landed):
    rows = rows_of(landed(b"# made by hand\n\nsite,visit,minutes\nA,1,5\n"), layout(skip_lines=2))

    assert (cells(rows), rows[0]["_row"]) == ([("A", "1", "5")], 4)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("cp1251", "Привет"), ("shift_jis", "東京"), ("iso-8859-15", "5 €"), ("cp1250", "Łódź")],
)
def test_text_is_read_in_the_encoding_of_the_case(landed, encoding, text):
    file = landed(f"site,visit,minutes\n{text},1,5\n".encode(encoding))

    assert cells(rows_of(file, layout(encoding=encoding))) == [(text, "1", "5")]


@pytest.mark.parametrize(
    ("ending", "compress"),
    [
        ("gz", gzip.compress),
        ("bz2", bz2.compress),
        ("xz", lzma.compress),
        ("zst", lambda content: pa.Codec("zstd").compress(content, asbytes=True)),
    ],
)
def test_compression_is_told_by_the_ending(landed, ending, compress):
    content = b"site,visit,minutes\n" + b"A,1,5\n" * 50_000
    whole = landed(compress(content), f"a.csv.{ending}")
    torn = landed(compress(content)[:-9], f"b.csv.{ending}")

    assert len(rows_of(whole, layout())) == 50_000
    with pytest.raises(DataError) as raised:
        list(read(torn, layout(), STAMP))
    assert raised.value.code == "LS-2016"


@pytest.mark.parametrize(
    "wrong", [{"delimiter": '"'}, {"delimiter": "blanks"}, {"skip_lines": -1}, {"encoding": "u7"}]
)
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        Csv(**wrong)
