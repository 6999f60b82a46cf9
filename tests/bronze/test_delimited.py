from __future__ import annotations

import bz2
import gzip
import lzma

import pyarrow as pa
import pytest

from lepton_spark.bronze.names import names_in
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


@pytest.mark.parametrize(
    ("encoding", "text"), [("utf-8", "New\u00a0York"), ("latin-1", "caf\x85"), ("utf-8", "a\x1cb")]
)
def test_between_blanks_only_spaces_and_tabs_separate(landed, encoding, text):
    file = landed(f"A {text}\t 5 \n \t\n".encode(encoding))
    form = layout(header=False, delimiter="blanks", quote=None, encoding=encoding)

    rows = rows_of(file, form)

    assert cells(rows) == [("A", text, "5"), (None, None, None)]
    assert problems(rows) == [None, "short_row"]


def test_a_line_of_blanks_is_no_header(landed):
    with pytest.raises(DataError) as raised:
        list(read(landed(b"  \nA 1 5\n"), layout(delimiter="blanks", quote=None), STAMP))
    assert raised.value.code == "LS-2017"


def refusal(landed, content, **changed):
    with pytest.raises(DataError) as raised:
        list(read(landed(content), layout(**changed), STAMP))
    return raised.value


def test_blanks_around_cells_and_names_are_taken_off_where_the_case_says_so(landed):
    content = b'site, visit ,\t minutes\nA, ? ,\t5\nB , 2, "<=50K, or more " \n \t\n'

    kept, trimmed = (rows_of(landed(content), layout(trim=trim)) for trim in (False, True))

    assert cells(kept)[0] == ("A", " ? ", "\t5")
    assert cells(trimmed) == [("A", "?", "5"), ("B", "2", "<=50K, or more "), ("", "", "")]
    assert problems(trimmed) == [None] * 3


def test_names_that_a_profile_finds_have_no_blanks_where_they_are_taken_off(landed):
    assert list(names_in(landed(b"a, b\n1, 2\n"), Csv(trim=True))) == ["a", "b"]


def test_blanks_around_lines_that_are_cells_are_taken_off_too(landed):
    form = layout(header=False, lines_per_record=3, trim=True)

    assert cells(rows_of(landed(b" A\n1 \n\t5\n"), form)) == [("A", "1", "5")]


AIR = b"site;visit;minutes;;\nA;1;5;;\nB;2;6;;\n"


def test_columns_without_a_name_are_left_out_where_extra_ones_are(landed):
    form = {"delimiter": ";", "extra_columns": "ignore"}

    assert cells(rows_of(landed(AIR), layout(**form))) == [("A", "1", "5"), ("B", "2", "6")]
    for content in (AIR, AIR.replace(b";;", b";")):
        assert list(names_in(landed(content), Csv(**form))) == list(NAMES)


def test_columns_without_a_name_are_told_by_their_places(landed):
    error = refusal(landed, AIR, delimiter=";")

    assert (error.code, "columns 4 and 5 have no name" in error.what) == ("LS-2015", True)
    assert "csv.extra_columns: ignore" in error.fix
    with pytest.raises(DataError, match="column 1 has no name"):
        names_in(landed(b",a\n1,2\n"), Csv())


def test_a_profile_that_ignores_extra_columns_promises_no_name_that_is_there_twice(landed):
    file = landed(b"x,site,X,visit\n1,A,2,3\n")

    assert list(names_in(file, Csv(extra_columns="ignore"))) == ["site", "visit"]


@pytest.mark.parametrize(
    ("header", "code", "told"),
    [
        (b'"site";"visit";"minutes"', "LS-2017", "2 semicolons: set csv.delimiter: ';'."),
        (b"site;visit;minutes", "LS-2013", "2 semicolons: set csv.delimiter: ';'."),
        (b"site\tvisit\tminutes", "LS-2013", '2 tabs: set csv.delimiter: "\\t".'),
        (b"site|first, last|visit|minutes", "LS-2013", "3 vertical bars"),
    ],
)
def test_another_delimiter_in_the_header_is_told_before_anything_else(landed, header, code, told):
    error = refusal(landed, header + b"\nA;1;5\n")

    assert (error.code, error.fix.startswith(f"the line holds {told}")) == (code, True)


@pytest.mark.parametrize("line", [b"a;b;c,2,3,4", b"Ada, 5", b'a,"x;y;z"', b""])
def test_no_delimiter_is_told_that_gives_fewer_cells(landed, line):
    assert "the line holds" not in refusal(landed, line + b"\n").fix
