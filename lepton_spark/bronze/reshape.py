"""One record of a file becomes many rows: a wide table long, and lists side by side single items.

The rows of a file are numbered from 1, in the order of its lines and of the cells in them. Where
a row is from is said by the columns that the case names for it: its line, and the name of its
column or its place in the list. A record that cannot be taken apart is one row with its problem,
and one of several empty cells, such as an empty line, is one row of nulls, without a place either.
Of rows that one record refuses the first holds its text: a wide line with each of its cells would
take as many times its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING

from lepton_spark.bronze.records import CELL_LIMIT, Record
from lepton_spark.config.column import fold

if TYPE_CHECKING:
    from lepton_spark.config.reshape import Explode, Unpivot


def unpivoted(found: Iterable[Record], names: Sequence[str], form: Unpivot) -> Iterator[Record]:
    """A row for each cell that is not of an id and whose column has a name.

    A cell that is too large or no text refuses its own row alone, and one of an id all of its line.

    Args:
        found: Records as wide as there are names.
        names: Of the columns of the file.
        form: Its ids are among the names, in any case of letters.

    Returns:
        Rows with the cells that the form gives.
    """
    folded = list(map(fold, names))
    kept = [folded.index(fold(name)) for name in form.ids]
    variables = [
        (place, name.strip())
        for place, name in enumerate(names)
        if place not in kept and name.strip()
    ]
    rows = count(1)
    for record in found:
        if _is_empty(record):
            yield Record(next(rows), [None] * len(form.gives))
            continue
        line = (str(record.row),) if form.line else ()
        if record.cells is None:
            yield Record(next(rows), [*[None] * (len(kept) + 2), *line], record.problem, record.raw)
            continue
        ids = [record.cells[place] for place in kept]
        is_bad = record.problem is not None and any(map(_is_damaged, ids))
        raw = record.raw
        for place, name in variables:
            cell = record.cells[place]
            cells = [*ids, name, cell, *line]
            if is_bad or (record.problem is not None and _is_damaged(cell)):
                yield Record(next(rows), cells, record.problem, raw)
                raw = ""
            else:
                yield Record(next(rows), cells)


def exploded(found: Iterable[Record], names: Sequence[str], form: Explode) -> Iterator[Record]:
    """A row for each item of the lists of a record, with its other cells; one where they are empty.

    A record whose lists have not the same length is one row as it is, with the problem
    `unequal_lists`.

    Args:
        found: Records as wide as there are names.
        names: Of the columns of the file; those with lists are among them, in any case of letters.
        form: Which cells are lists.

    Returns:
        Rows with the cells of the file, then those that the form adds.
    """
    folded = list(map(fold, names))
    listed = [folded.index(fold(name)) for name in form.columns]
    rows = count(1)
    for record in found:
        if _is_empty(record):
            yield Record(next(rows), [None] * (len(names) + len(form.adds)))
            continue
        lists = _lists(record, listed, form.separator)
        if lists is None:
            cells = list(record.cells or [None] * len(names))
            added = _added(form, None, record.row)
            problem, raw = record.problem or "unequal_lists", record.raw
            if raw is None:
                raw = "\n".join(cell or "" for cell in cells)[:CELL_LIMIT]
            yield Record(next(rows), [*cells, *added], problem, raw)
            continue
        for place, items in enumerate(zip(*lists, strict=True), start=1):
            cells = list(record.cells or ())
            for column, item in zip(listed, items, strict=True):
                cells[column] = item
            added = _added(form, place, record.row)
            raw = record.raw if place == 1 or record.raw is None else ""
            yield Record(next(rows), [*cells, *added], record.problem, raw)


def _lists(record: Record, listed: Sequence[int], separator: str) -> list[list[str]] | None:
    """The items of each list; none where the record has no such cells or they are not as long."""
    if record.cells is None or any(record.cells[place] is None for place in listed):
        return None
    lists = [record.cells[place].split(separator) for place in listed]
    return lists if len({len(items) for items in lists}) == 1 else None


def _added(form: Explode, place: int | None, line: int) -> list[str | None]:
    given = ((form.place, place), (form.line, line))
    return [number if number is None else str(number) for name, number in given if name is not None]


def _is_empty(record: Record) -> bool:
    """Whether nothing is in any of several cells; of one alone, an empty cell may be meant."""
    cells = record.cells
    return record.problem is None and cells is not None and len(cells) > 1 and not any(cells)


def _is_damaged(cell: str | None) -> bool:
    return cell is None or "\ufffd" in cell or "\0" in cell
