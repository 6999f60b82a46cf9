from __future__ import annotations

import pytest

from lepton_spark.bronze.reader import read
from lepton_spark.bronze.records import CELL_LIMIT
from lepton_spark.config.format import FixedWidth
from lepton_spark.errors import DataError
from tests.bronze.landed_files import STAMP, layout_of, problems, rows_of

COLUMNS = {"site": (1, 4), "visit": (5, 7), "minutes": (9, 11)}


def layout(**changed):
    return layout_of(tuple(COLUMNS), FixedWidth(**{"columns": COLUMNS, **changed}))


def cells(rows):
    return [tuple(row[name] for name in COLUMNS) for row in rows]


def test_cells_are_at_their_places_without_their_padding(landed):
    rows = rows_of(landed(b"A b   1   5\nC    20 6\r\n"), layout())

    assert cells(rows) == [("A b", "1", "5"), ("C", "20", "6")]


def test_a_line_of_another_width_is_refused_alone(landed):
    rows = rows_of(landed(b"A b   1   5   \nA b   1 \nA b   1   5 x\n\n"), layout())

    assert problems(rows) == [None, "short_row", "long_row", None]
    assert rows[2]["_raw"] == "A b   1   5 x"
    assert cells(rows)[3] == ("", "", "")


def test_lines_above_are_skipped(landed):
    rows = rows_of(landed(b"SITEVIS MIN\nA   1     5\n"), layout(skip_lines=1))

    assert (cells(rows), rows[0]["_row"]) == ([("A", "1", "5")], 2)


def test_bytes_that_are_no_text_are_told(landed):
    assert problems(rows_of(landed(b"A\xff  1     5\nA\x00  1     5\n"), layout())) == [
        "bad_encoding",
        "nul_character",
    ]


def test_a_promised_column_without_a_place_is_missing(landed):
    file = landed(b"A   1     5\n")

    with pytest.raises(DataError) as raised:
        list(read(file, layout(columns={"site": (1, 4)}), STAMP))
    assert raised.value.code == "LS-2014"


def test_a_column_does_not_end_before_it_starts():
    with pytest.raises(ValueError, match="site ends before it starts"):
        FixedWidth(columns={"site": (4, 1)})


def test_a_name_counts_without_the_space_around_it(landed):
    rows = rows_of(landed(b"AB\n"), layout_of(["a"], FixedWidth(columns={"A ": (1, 2)})))

    assert [row["a"] for row in rows] == ["AB"]


def test_columns_may_overlap(landed):
    form = FixedWidth(columns={"whole": (1, 10), "part": (3, 4)})

    rows = rows_of(landed(b"ABCDEFGHIJ\nABCDEFGHIJK\nAB\n"), layout_of(["whole", "part"], form))

    assert (rows[0]["whole"], rows[0]["part"]) == ("ABCDEFGHIJ", "CD")
    assert problems(rows) == [None, "long_row", "short_row"]


def test_a_cell_beyond_the_limit_is_refused_and_the_others_kept(landed):
    form = FixedWidth(columns={"a": (1, 2), "b": (3, 2_000_000)})

    rows = rows_of(landed(b"AB" + b"x" * 1_500_000 + b"\n"), layout_of(["a", "b"], form))

    assert (rows[0]["a"], rows[0]["b"], rows[0]["_problem"]) == ("AB", None, "cell_too_large")
    assert len(rows[0]["_raw"]) == CELL_LIMIT


def test_text_after_the_last_column_may_be_where_the_case_says_so(landed):
    content = b"A   1     5 x\nB   2     6\xff\x00\nC\n"

    refused, taken = (
        rows_of(landed(content), layout(extra_columns=extra)) for extra in ("fail", "ignore")
    )

    assert problems(refused) == ["long_row", "long_row", "short_row"]
    assert problems(taken) == [None, None, "short_row"]
    assert cells(taken)[:2] == [("A", "1", "5"), ("B", "2", "6")]


DAYS = {"station": (1, 2), "VALUE1": (3, 5), "flag": (6, 6), "VALUE2": (7, 9)}
LONG = ("day", "STATION", "degrees", "line")


def long_layout(**changed):
    unpivot = {"ids": ["Station", "flag"], "variable": "day", "value": "degrees", "line": "line"}
    form = FixedWidth(**{"columns": DAYS, "unpivot": unpivot, **changed})
    return layout_of((*LONG, "flag"), form)


def test_each_cell_of_a_wide_line_is_a_row_that_says_its_line_and_column(landed):
    rows = rows_of(landed(b"AB -5x 12\nCD   y  7\n\nAB\n"), long_layout())

    assert [tuple(row[name] for name in LONG) for row in rows] == [
        ("VALUE1", "AB", "-5", "1"), ("VALUE2", "AB", "12", "1"),
        ("VALUE1", "CD", "", "2"), ("VALUE2", "CD", "7", "2"),
        (None, None, None, None), (None, None, None, "4"),
    ]  # fmt: skip
    assert problems(rows) == [None] * 5 + ["short_row"]
    assert rows[0]["flag"] == "x"


def test_a_column_that_is_promised_but_not_given_by_unpivot_is_missing(landed):
    form = long_layout().format

    with pytest.raises(DataError) as raised:
        list(read(landed(b"AB -5x 12\n"), layout_of((*LONG, "other"), form), STAMP))
    assert raised.value.code == "LS-2014"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"columns": {"a": (1, 2), "A ": (3, 4)}}, "each column is named once"),
        (
            {"columns": {"a": (1, 2)}, "unpivot": {"ids": ["b"], "variable": "c", "value": "d"}},
            "unpivot.ids names b, which is none of columns",
        ),
    ],
)
def test_names_that_cannot_be_meant_are_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        FixedWidth(**wrong)
