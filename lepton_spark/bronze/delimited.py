"""Delimited text: columns by the names of a header line, or in the order of the contract."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lepton_spark.bronze.chunk import Chunk, chunks_of
from lepton_spark.bronze.header import (
    delimiter_hint,
    positions,
    promisable,
    refuse_data,
    refuse_nameless,
    refuse_twice,
    refuse_wide,
)
from lepton_spark.bronze.records import Dialect, Lines, Record, records, split, stacked
from lepton_spark.bronze.reshape import exploded, unpivoted
from lepton_spark.bronze.text import lines_of
from lepton_spark.config.column import fold
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

    Where extra columns are ignored, only names that are there once, and no empty one.

    Raises:
        DataError: There is no line, it is no header, or a column has no name.
    """
    lines = lines_of(file, content, csv.encoding, csv.skip_lines)
    if csv.unpivot is not None:
        return list(csv.unpivot.gives)
    added = csv.explode.adds if csv.explode is not None else ()
    found = [""] * csv.lines_per_record if csv.lines_per_record > 1 else _first(file, csv, lines)
    if csv.header:
        found = promisable(found, file.path, ignore_extra=csv.extra_columns == "ignore")
    else:
        found = [f"column_{place + 1}" for place in range(len(found))]
    return [*found, *added]


def _names(
    file: LandedFile, layout: Layout, csv: Csv, lines: Lines, added: Sequence[str]
) -> tuple[list[str], tuple[int, ...]]:
    """The columns of the file, and where in a row the promised ones are; added ones come last."""
    if csv.header:
        line = lines.peek(0) or ""
        found = _first(file, csv, lines)
        refuse_wide(file.path, len(found), layout.max_columns)
        # Those that are added are always there, and say nothing of the line.
        given = set(map(fold, added))
        own = [each for each in layout.promised if fold(each.header) not in given]
        refuse_data(found, own, file.path, delimiter_hint(line, len(found)))
        ignores = csv.extra_columns == "ignore"
        offered = [*found, *added]
        return found, positions(offered, layout.promised, path=file.path, ignore_extra=ignores)
    given = {name.casefold() for name in added}
    headers = [each.header for each in layout.promised]
    names = [name for name in headers if name.casefold() not in given]
    return names, _places([*names, *added], layout)


def _places(offered: Sequence[str], layout: Layout) -> tuple[int, ...]:
    """Where in a row each promised column is; that all are there was checked with the case."""
    folded = list(map(fold, offered))
    return tuple(folded.index(fold(each.header)) for each in layout.promised)


def _records(lines: Lines, csv: Csv, width: int) -> Iterator[Record]:
    if csv.lines_per_record > 1:
        return stacked(lines, csv.lines_per_record, trim=csv.trim)
    return records(lines, _dialect(csv, width))


def _dialect(csv: Csv, width: int = 0) -> Dialect:
    """How cells are told apart; a header has no width yet."""
    return Dialect(csv.delimiter, csv.quote, width, csv.trim)


def _unpivoted(file: LandedFile, layout: Layout, csv: Csv, lines: Lines) -> Iterator[Record]:
    form = csv.unpivot
    if form is None:
        return iter(())
    if csv.header:
        names = _wide_names(file, layout, csv, lines)
    else:
        first = split(lines.peek(0) or "", _dialect(csv)) or []
        others = range(len(form.ids) + 1, len(first) + 1)
        names = [*form.ids, *map(str, others)]
    refuse_wide(file.path, len(names), layout.max_columns)
    return unpivoted(_records(lines, csv, len(names)), names, form)


def _wide_names(file: LandedFile, layout: Layout, csv: Csv, lines: Lines) -> list[str]:
    """The columns of a wide table, each of them once and all ids among them."""
    line = lines.peek(0) or ""
    names = _first(file, csv, lines)
    wanted = set(map(fold, csv.unpivot.ids)) if csv.unpivot is not None else set()
    ids = [each for each in layout.promised if fold(each.header) in wanted]
    if ids:
        refuse_data(names, ids, file.path, delimiter_hint(line, len(names)))
    refuse_twice(names, ids, file.path, others=True)
    if csv.extra_columns == "fail":
        refuse_nameless(names, file.path)
    positions(names, ids, path=file.path, ignore_extra=True, is_line=bool(ids))
    return names


def _first(file: LandedFile, csv: Csv, lines: Lines) -> list[str]:
    first = lines.next()
    found = split(first, _dialect(csv)) if first else None
    if not found:
        number = csv.skip_lines + 1
        raise DataError(
            "LS-2017",
            f"{file.path}: "
            + ("it is empty." if first is None else f"line {number} is no header."),
            "columns are matched by the names in the header line.",
            f"{delimiter_hint(first or '', 1)}deliver the file again with its header, or set "
            "csv.header: false.",
        )
    return found
