"""Text whose columns are at fixed places of a line."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lepton_spark.bronze.chunk import Chunk, chunks_of
from lepton_spark.bronze.header import positions
from lepton_spark.bronze.records import CELL_LIMIT, Lines, Record
from lepton_spark.bronze.text import lines_of

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.config.format import FixedWidth


def read_fixed_width(
    file: LandedFile, content: io.BufferedReader, layout: Layout, form: FixedWidth
) -> Iterator[Chunk]:
    """A record a line; the blanks around a cell are its padding.

    A line may lack the padding of its last cells, but not a column: it is a `short_row` where the
    last column does not start in it, and a `long_row` where text follows the last column.

    Raises:
        DataError: A promised column has no place, or the file is no text.
    """
    positions(list(form.columns), layout.promised, path=file.path, ignore_extra=True, is_line=False)
    places = {name.casefold(): place for name, place in form.columns.items()}
    spans = [slice(*_span(places[each.header.casefold()])) for each in layout.promised]
    start, end = max(_span(place) for place in form.columns.values())
    lines = lines_of(file, content, form.encoding, form.skip_lines)
    yield from chunks_of(_records(lines, spans, start, end), layout)


def _span(place: tuple[int, int]) -> tuple[int, int]:
    """From characters counted from 1, both included, to a slice."""
    return place[0] - 1, place[1]


def _records(lines: Lines, spans: Sequence[slice], start: int, end: int) -> Iterator[Record]:
    while (line := lines.next()) is not None:
        cells = [line[span].strip(" ") for span in spans]
        problem = _problem(line, start, end)
        if problem in {"short_row", "long_row"}:
            yield Record(lines.number, None, problem, line[:CELL_LIMIT])
        else:
            yield Record(lines.number, cells, problem, line[:CELL_LIMIT] if problem else None)


def _problem(line: str, start: int, end: int) -> str | None:
    if len(line) <= start:
        return "short_row" if line else None
    if line[end:].strip(" "):
        return "long_row"
    if "\ufffd" in line:
        return "bad_encoding"
    return "nul_character" if "\0" in line else None
