"""Delimited text: columns by the names of a header line, or in the order of the contract."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lepton_spark.bronze.chunk import Chunk, chunks_of
from lepton_spark.bronze.header import positions, refuse_wide
from lepton_spark.bronze.records import Dialect, Lines, Record, records, split, stacked
from lepton_spark.bronze.reshape import exploded, unpivoted
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
    if csv.unpivot is not None:
        found, order = _unpivoted(file, layout, csv, lines), _places(csv.unpivot.gives, layout)
    else:
        added = csv.explode.adds if csv.explode is not None else ()
        names, order = _names(file, layout, csv, lines, added)
        found = _records(lines, csv, len(names))
        if csv.explode is not None:
            found = exploded(found, names, csv.explode)
    yield from chunks_of(found, layout, order)


def header_of(file: LandedFile, content: io.BufferedReader, csv: Csv) -> list[str]:
    """The names in the header line; `column_1`, ... for each cell of the first where there is none.

    Raises:
        DataError: There is no line, or it is no header.
    """
    lines = lines_of(file, content, csv.encoding, csv.skip_lines)
    if csv.unpivot is not None:
        return list(csv.unpivot.gives)
    added = csv.explode.adds if csv.explode is not None else ()
    found = [""] * csv.lines_per_record if csv.lines_per_record > 1 else _first(file, csv, lines)
    if not csv.header:
        found = [f"column_{place + 1}" for place in range(len(found))]
    return [*found, *added]


def _names(
    file: LandedFile, layout: Layout, csv: Csv, lines: Lines, added: Sequence[str]
) -> tuple[list[str], tuple[int, ...]]:
    """The columns of the file, and where in a row the promised ones are; added ones come last."""
    if csv.header:
        found = [*_first(file, csv, lines), *added]
        refuse_wide(file.path, len(found), layout.max_columns)
        ignores = csv.extra_columns == "ignore"
        order = positions(found, layout.promised, path=file.path, ignore_extra=ignores)
        return found[: len(found) - len(added)], order
    given = {name.casefold() for name in added}
    headers = [each.header for each in layout.promised]
    names = [name for name in headers if name.casefold() not in given]
    return names, _places([*names, *added], layout)


def _places(offered: Sequence[str], layout: Layout) -> tuple[int, ...]:
    """Where in a row each promised column is; that all are there was checked with the case."""
    folded = [name.strip().casefold() for name in offered]
    return tuple(folded.index(each.header.strip().casefold()) for each in layout.promised)


def _records(lines: Lines, csv: Csv, width: int) -> Iterator[Record]:
    if csv.lines_per_record > 1:
        return stacked(lines, csv.lines_per_record)
    return records(lines, Dialect(csv.delimiter, csv.quote, width))


def _unpivoted(file: LandedFile, layout: Layout, csv: Csv, lines: Lines) -> Iterator[Record]:
    form = csv.unpivot
    if form is None:
        return iter(())
    if csv.header:
        names = _first(file, csv, lines)
        wanted = {name.casefold() for name in form.ids}
        ids = [each for each in layout.promised if each.header.casefold() in wanted]
        # Sees that no name is there twice and every id is.
        positions(names, ids, path=file.path, ignore_extra=True, is_line=bool(ids))
    else:
        first = split(lines.peek(0) or "", Dialect(csv.delimiter, csv.quote, 0)) or []
        others = range(len(form.ids) + 1, len(first) + 1)
        names = [*form.ids, *map(str, others)]
    return unpivoted(_records(lines, csv, len(names)), names, form)


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
