from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.bronze.header import Promised
from lepton_spark.bronze.layout import Layout
from lepton_spark.bronze.reader import read
from lepton_spark.bronze.records import Record
from lepton_spark.bronze.reshape import exploded, unpivoted
from lepton_spark.config.format import Csv
from lepton_spark.config.reshape import Explode, Unpivot
from lepton_spark.errors import DataError
from tests.bronze.landed_files import STAMP, layout_of, problems, rows_of

LONG = ("line", "sensor", "speed")
WIDE = Csv(unpivot={"variable": "sensor", "value": "speed", "line": "line"})
KEPT = Csv(unpivot={"ids": ["Day"], "variable": "sensor", "value": "speed", "line": "line"})
ANSWERS = ("number", "question", "correct", "step", "line")
STACKED = Csv(
    header=False,
    lines_per_record=3,
    explode={"columns": ["question", "correct"], "place": "step", "line": "line"},
)


def cells(rows, names):
    return [tuple(row[name] for name in names) for row in rows]


def test_each_cell_of_a_wide_table_is_a_row_that_says_its_line_and_column(landed):
    rows = rows_of(landed(b"s1, s2\n1.5,\n3,4\n"), layout_of(LONG, WIDE))

    assert cells(rows, LONG) == [("2", "s1", "1.5"), ("2", "s2", ""), ("3", "s1", "3"),
                                 ("3", "s2", "4")]  # fmt: skip
    assert [row["_row"] for row in rows] == [1, 2, 3, 4]
    assert rows[-1]["_records"] == 4


def test_ids_are_kept_whatever_their_place_and_the_names_of_the_contract(landed):
    promised = [Promised(name, "string", name) for name in (*LONG, "day")]
    layout = Layout(tuple(promised), KEPT)

    rows = rows_of(landed(b"s1,day,s2\n1,mon,2\n"), layout)

    assert cells(rows, ("line", "day", "sensor", "speed")) == [
        ("2", "mon", "s1", "1"), ("2", "mon", "s2", "2"),
    ]  # fmt: skip


def test_without_a_header_columns_are_numbers(landed):
    form = WIDE.model_copy(update={"header": False})

    rows = rows_of(landed(b"1,0\n0,1\n"), layout_of(LONG, form))

    assert cells(rows, LONG) == [("1", "1", "1"), ("1", "2", "0"), ("2", "1", "0"), ("2", "2", "1")]


def test_a_line_that_cannot_be_cut_is_one_row_that_says_where_it_is(landed):
    rows = rows_of(landed(b"s1,s2\n1,2\n1,2,3\n5,6\n"), layout_of(LONG, WIDE))

    assert problems(rows) == [None, None, "long_row", None, None]
    assert cells(rows, LONG)[2] == ("3", None, None)
    assert (rows[2]["_raw"], rows[2]["_row"]) == ("1,2,3", 3)


def test_a_damaged_cell_refuses_its_own_row_and_a_damaged_id_its_line(landed):
    content = b"day,s1,s2\nmon,\xff,2\n\xfftue,3,4\n"

    rows = rows_of(landed(content), layout_of((*LONG, "day"), KEPT))

    assert problems(rows) == ["bad_encoding", None, "bad_encoding", "bad_encoding"]


@pytest.mark.parametrize(
    ("content", "code"), [(b"s1,S1\n1,2\n", "LS-2012"), (b"s1,s2\n1,2\n", "LS-2013")]
)
def test_a_header_with_a_name_twice_or_without_an_id_is_refused(landed, content, code):
    form = WIDE if code == "LS-2012" else KEPT
    names = LONG if form is WIDE else (*LONG, "Day")

    with pytest.raises(DataError) as raised:
        list(read(landed(content), layout_of(names, form), STAMP))
    assert raised.value.code == code


def test_columns_without_a_name_are_no_rows_where_extra_ones_are_left_out(landed):
    file = landed(b"s1,s2,,\n1,2,,x\n")

    rows = rows_of(file, layout_of(LONG, WIDE.model_copy(update={"extra_columns": "ignore"})))

    assert cells(rows, LONG) == [("2", "s1", "1"), ("2", "s2", "2")]
    with pytest.raises(DataError, match="columns 3 and 4 have no name"):
        rows_of(file, layout_of(LONG, WIDE))


def test_another_delimiter_in_the_header_of_a_wide_table_is_told(landed):
    with pytest.raises(DataError, match="the line holds 2 semicolons: set csv") as raised:
        rows_of(landed(b"day;s1;s2\nmon;1;2\n"), layout_of((*LONG, "Day"), KEPT))
    assert raised.value.code == "LS-2013"


def test_blanks_are_taken_off_cells_before_they_become_rows(landed):
    rows = rows_of(
        landed(b"s1, s2\n1 , 2\n"), layout_of(LONG, WIDE.model_copy(update={"trim": True}))
    )

    assert cells(rows, LONG) == [("2", "s1", "1"), ("2", "s2", "2")]


def test_lists_on_lines_of_a_record_become_rows_side_by_side(landed):
    rows = rows_of(landed(b"2\n7,8\n0,1\n1\n9\n1\n"), layout_of(ANSWERS, STACKED))

    assert cells(rows, ANSWERS) == [
        ("2", "7", "0", "1", "1"), ("2", "8", "1", "2", "1"), ("1", "9", "1", "1", "4"),
    ]  # fmt: skip
    assert [row["_row"] for row in rows] == [1, 2, 3]


def test_lists_of_unequal_length_and_a_record_cut_off_are_rows_with_their_line(landed):
    rows = rows_of(landed(b"2\n7,8\n0\n0\n\n\n1\n9\n"), layout_of(ANSWERS, STACKED))

    assert problems(rows) == ["unequal_lists", None, "short_row"]
    assert [row["line"] for row in rows] == ["1", "4", "7"]
    assert cells(rows, ANSWERS)[1] == ("0", "", "", "1", "4")


def test_lists_may_also_lie_in_the_cells_of_a_line(landed):
    form = Csv(explode={"columns": ["Tags", "weight"], "separator": ";", "place": "place"})
    promised = ("name", "tags", "weight", "place")

    rows = rows_of(landed(b"tags,name,weight\na;b,x,1;2\n"), layout_of(promised, form))

    assert cells(rows, promised) == [("x", "a", "1", "1"), ("x", "b", "2", "2")]


def test_an_unpivoted_table_of_many_chunks_says_how_many_rows_it_gave(landed):
    lines = [",".join(str(n * 30 + place) for place in range(30)) for n in range(700)]
    header = ",".join(f"s{place}" for place in range(30))

    rows = rows_of(landed("\n".join([header, *lines]).encode()), layout_of(LONG, WIDE))

    assert [row["_row"] for row in rows] == list(range(1, 21_001))
    assert [row["_records"] for row in rows if row["_records"] is not None] == [21_000]
    assert sum(int(row["speed"]) for row in rows) == sum(range(21_000))


RECORDS = st.lists(st.one_of(st.none(), st.lists(st.text("ab,"), min_size=3, max_size=3)))


@given(RECORDS, st.integers(0, 2))
def test_every_cell_and_every_damaged_record_is_one_row(found, num_ids):
    given_ = [
        Record(number, each, None if each else "short_row") for number, each in enumerate(found)
    ]
    names = ["x", "y", "z"]
    form = Unpivot(ids=tuple(names[:num_ids]), variable="n", value="v", line="line")

    rows = list(unpivoted(given_, names, form))

    whole = [(number, each) for number, each in enumerate(found) if each is not None]
    wanted = [
        (*each[:num_ids], names[place], each[place], str(number))
        for number, each in whole
        for place in range(num_ids, 3)
        if any(each)
    ]
    filled = [row for row in rows if row.problem is None and any(row.cells)]
    assert [tuple(row.cells) for row in filled] == wanted
    assert len(rows) == len(wanted) + len(found) - sum(any(each) for _, each in whole)
    assert [row.row for row in rows] == list(range(1, len(rows) + 1))


@given(RECORDS)
def test_every_item_and_every_record_that_has_no_lists_is_one_row(found):
    given_ = [
        Record(number, each, None if each else "short_row") for number, each in enumerate(found)
    ]
    form = Explode(columns=("y", "z"), line="line")

    rows = list(exploded(given_, ["x", "y", "z"], form))

    lists = [
        (n, each[0], each[1].split(","), each[2].split(","))
        for n, each in enumerate(found)
        if each and any(each)
    ]
    wanted = [
        (x, y, z, str(n))
        for n, x, ys, zs in lists
        if len(ys) == len(zs)
        for y, z in zip(ys, zs, strict=True)
    ]
    filled = [row for row in rows if row.problem is None and any(row.cells)]
    assert [tuple(row.cells) for row in filled] == wanted
    num_empty = sum(not any(each) for each in found if each)
    assert len(rows) == len(wanted) + num_empty + sum(row.problem is not None for row in rows)
    num_refused = found.count(None) + sum(len(ys) != len(zs) for _, _, ys, zs in lists)
    assert sum(row.problem is not None for row in rows) == num_refused
    assert [row.row for row in rows] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"unpivot": {"variable": "a", "value": "A"}},
        {"unpivot": {"variable": "a", "value": "b"}, "explode": {"columns": ["a"]}},
        {"lines_per_record": 3},
        {"explode": {"columns": []}},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        Csv(**wrong)


TAGS = ("name", "tags", "weight", "place", "line")
TAGGED = Csv(
    explode={"columns": ["tags", "weight"], "separator": ";", "place": "place", "line": "line"}
)


def test_an_empty_line_is_one_row_without_a_key(landed):
    wide = rows_of(landed(b"s1,s2,s3\n1,2,3\n\n"), layout_of(LONG, WIDE))
    lists = rows_of(landed(b"name,tags,weight\n\nx,a;b,1;2\n"), layout_of(TAGS, TAGGED))

    assert cells(wide, LONG)[3:] == [(None, None, None)]
    assert cells(lists, TAGS) == [
        (None, None, None, None, None), ("x", "a", "1", "1", "3"), ("x", "b", "2", "2", "3"),
    ]  # fmt: skip
    assert problems(wide) + problems(lists) == [None] * 7


def test_an_empty_cell_of_the_only_column_may_be_meant(landed):
    rows = rows_of(landed(b"s1\n\n2\n"), layout_of(LONG, WIDE))

    assert cells(rows, LONG) == [("2", "s1", ""), ("3", "s1", "2")]


def test_a_record_of_unequal_lists_keeps_its_cells_and_its_text(landed):
    rows = rows_of(landed(b"name,tags,weight\nbob,1;2,0\n"), layout_of(TAGS, TAGGED))

    assert cells(rows, TAGS) == [("bob", "1;2", "0", None, "2")]
    assert (rows[0]["_problem"], rows[0]["_raw"]) == ("unequal_lists", "bob\n1;2\n0")


def test_the_text_of_a_refused_line_is_kept_once(landed):
    promised = (*LONG, "day")
    wide = rows_of(landed(b"day,s1,s2,s3\n\xff,1,2,3\n"), layout_of(promised, KEPT))
    cells_alone = rows_of(landed(b"day,s1,s2\nmon,\xff,\xfe\n"), layout_of(promised, KEPT))
    lists = rows_of(landed(b"name,tags,weight\n\xff,a;b,1;2\n"), layout_of(TAGS, TAGGED))

    assert problems(wide) == ["bad_encoding"] * 3
    assert [row["_raw"] for row in wide] == ["\ufffd,1,2,3", "", ""]
    assert [row["_raw"] for row in cells_alone] == ["mon,\ufffd,\ufffd", ""]
    assert [row["_raw"] for row in lists] == ["\ufffd,a;b,1;2", ""]


def test_a_file_without_a_header_is_told_whatever_explode_adds(landed):
    file = landed(b"Jane Customer,0,quebec\n1,2,3\n")

    with pytest.raises(DataError) as raised:
        list(read(file, layout_of(TAGS, TAGGED), STAMP))
    assert raised.value.code == "LS-2013"
    assert "names none of the 3 columns" in raised.value.what
    assert "Jane" not in str(raised.value)


def test_a_column_of_the_file_with_a_name_that_explode_adds_is_refused(landed):
    form = TAGGED.model_copy(update={"extra_columns": "ignore"})
    file = landed(b"name,tags,weight,place\nx,a,1,9\n")

    with pytest.raises(DataError, match="the same name, place") as raised:
        list(read(file, layout_of(TAGS, form), STAMP))
    assert raised.value.code == "LS-2012"


@pytest.mark.parametrize("header", [True, False])
def test_a_wide_table_has_no_more_columns_than_its_source_may_have(landed, header):
    layout = layout_of(LONG, WIDE.model_copy(update={"header": header}))
    file = landed(b"s1,s2,s3\n1,2,3\n")

    assert rows_of(file, replace(layout, max_columns=3))
    with pytest.raises(DataError, match="the file has 3 columns") as raised:
        rows_of(file, replace(layout, max_columns=2))
    assert raised.value.code == "LS-2127"
