"""Delimited text: columns by the names of a header line, or in the order of the contract."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lepton_spark.bronze.chunk import Chunk, chunks_of
from lepton_spark.bronze.header import positions, refuse_wide
from lepton_spark.bronze.records import Dialect, Lines, records, split
from lepton_spark.bronze.text import lines_of
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.config.format import Csv


def read_delimited(
    file: LandedFile, content: io.BufferedReader, layout: Layout, csv: Csv
) -> Iterator[Chunk]:
    """The records of a file; each row number is that of the line on which a record starts.

    Raises:
        DataError: The header is not as promised, or the file is no text.
    """
    lines = lines_of(file, content, csv.encoding, csv.skip_lines)
    if csv.header:
        width, order = _by_name(file, layout, csv, lines)
    else:
        width, order = len(layout.promised), tuple(range(len(layout.promised)))
    found = records(lines, Dialect(csv.delimiter, csv.quote, width))
    yield from chunks_of(found, layout, order)


def header_of(file: LandedFile, content: io.BufferedReader, csv: Csv) -> list[str]:
    """The names in the header line; `column_1`, ... for each cell of the first where there is none.

    Raises:
        DataError: There is no line, or it is no header.
    """
    lines = lines_of(file, content, csv.encoding, csv.skip_lines)
    found = _first(file, csv, lines)
    return found if csv.header else [f"column_{place + 1}" for place in range(len(found))]


def _by_name(
    file: LandedFile, layout: Layout, csv: Csv, lines: Lines
) -> tuple[int, tuple[int, ...]]:
    """How many cells a record has in this file, and where the promised columns are."""
    found = _first(file, csv, lines)
    refuse_wide(file.path, len(found), layout.max_columns)
    ignores = csv.extra_columns == "ignore"
    order = positions(found, layout.promised, path=file.path, ignore_extra=ignores)
    return len(found), order


def _first(file: LandedFile, csv: Csv, lines: Lines) -> list[str]:
    first = lines.next()
    # A header is one line: its dialect has no width yet.
    found = split(first, Dialect(csv.delimiter, csv.quote, 0)) if first else None
    if not found:
        number = csv.skip_lines + 1
        raise DataError(
            "LS-2017",
            f"{file.path}: "
            + ("it is empty." if first is None else f"line {number} is no header."),
            "columns are matched by the names in the header line.",
            "deliver the file again with its header, or set csv.header: false.",
        )
    return found
