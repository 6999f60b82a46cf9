from __future__ import annotations

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
    ]
    assert [tuple(row.cells) for row in rows if row.problem is None] == wanted
    assert len(rows) == len(wanted) + len(found) - len(whole)
    assert [row.row for row in rows] == list(range(1, len(rows) + 1))


@given(RECORDS)
def test_every_item_and_every_record_that_has_no_lists_is_one_row(found):
    given_ = [
        Record(number, each, None if each else "short_row") for number, each in enumerate(found)
    ]
    form = Explode(columns=("y", "z"), line="line")

    rows = list(exploded(given_, ["x", "y", "z"], form))

    lists = [
        (n, each[0], each[1].split(","), each[2].split(",")) for n, each in enumerate(found) if each
    ]
    wanted = [
        (x, y, z, str(n))
        for n, x, ys, zs in lists
        if len(ys) == len(zs)
        for y, z in zip(ys, zs, strict=True)
    ]
    assert [tuple(row.cells) for row in rows if row.problem is None] == wanted
    num_refused = len(found) - len(lists) + sum(len(ys) != len(zs) for _, _, ys, zs in lists)
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
