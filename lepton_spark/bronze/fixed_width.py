"""Text whose columns are at fixed places of a line."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lepton_spark.bronze.chunk import Chunk, chunks_of
from lepton_spark.bronze.header import positions
from lepton_spark.bronze.records import CELL_LIMIT, Lines, Record, judged
from lepton_spark.bronze.reshape import unpivoted
from lepton_spark.bronze.text import lines_of

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.config.format import FixedWidth


def read_fixed_width(
    file: LandedFile, content: io.BufferedReader, layout: Layout, form: FixedWidth
) -> Iterator[Chunk]:
    """A record a line; the blanks around a cell are its padding.

    A line may lack the padding of its last cells, but not a column: it is a `short_row` where a
    column does not start in it, and a `long_row` where text follows all columns, unless the form
    ignores that text.

    Raises:
        DataError: A promised column has no place, or the file is no text.
    """
    order = positions(
        form.offered, layout.promised, path=file.path, ignore_extra=True, is_line=False
    )
    spans = [_span(place) for place in form.columns.values()]
    lines = lines_of(file, content, form.encoding, form.skip_lines)
    if form.unpivot is not None:
        found = unpivoted(_records(lines, spans, form), list(form.columns), form.unpivot)
        yield from chunks_of(found, layout, order)
    else:
        yield from chunks_of(_records(lines, [spans[place] for place in order], form), layout)


def _span(place: tuple[int, int]) -> slice:
    """From characters counted from 1, both included."""
    return slice(place[0] - 1, place[1])


def _records(lines: Lines, spans: Sequence[slice], form: FixedWidth) -> Iterator[Record]:
    # Columns may overlap: the one that starts last need not be the one that ends last.
    start = max(first for first, _ in form.columns.values()) - 1
    end = max(last for _, last in form.columns.values())
    ignores_rest = form.extra_columns == "ignore"
    while (line := lines.next()) is not None:
        if ignores_rest:
            line = line[:end]
        if problem := _problem(line, start, end):
            yield Record(lines.number, None, problem, line[:CELL_LIMIT])
        else:
            cells = [line[span].strip(" ") for span in spans]
            yield judged(lines.number, cells, line, len(spans))


def _problem(line: str, start: int, end: int) -> str | None:
    if len(line) <= start:
        return "short_row" if line else None
    return "long_row" if line[end:].strip(" ") else None
