from __future__ import annotations

import pytest

from lepton_spark.bronze.reader import read
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
