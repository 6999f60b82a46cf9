"""A part of a file as columns: the form in which every format hands over what it read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.bronze.records import Record

_CHUNK_ROWS = 8192
_CHUNK_CHARACTERS = 8 * 1024 * 1024


@dataclass(frozen=True)
class Chunk:
    """Records of one file that follow each other.

    Args:
        columns: As promised, in the types of the layout.
        rows: Place of each record in its file, from 1.
        problems: A reason code where something is wrong with a record.
        raw: Its text then.
    """

    columns: Sequence[pa.Array]
    rows: pa.Array
    problems: pa.Array
    raw: pa.Array

    @property
    def num_rows(self) -> int:
        """How many records."""
        return len(self.rows)


def chunk_of(gathered: Sequence[Record], layout: Layout, order: Sequence[int]) -> Chunk:
    """Records as columns.

    Args:
        gathered: At least one.
        layout: Their promised columns.
        order: Where in the cells of a record each promised column is.
    """
    absent = [None] * (max(order, default=0) + 1)
    cells = list(zip(*(record.cells or absent for record in gathered), strict=False))
    return Chunk(
        [pa.array(cells[place], kind) for place, kind in zip(order, layout.types, strict=True)],
        pa.array([record.row for record in gathered], pa.int64()),
        pa.array([record.problem for record in gathered], pa.string()),
        pa.array([record.raw for record in gathered], pa.string()),
    )


def chunks_of(
    found: Iterable[Record], layout: Layout, order: Sequence[int] | None = None
) -> Iterator[Chunk]:
    """Records as columns, in parts of bounded size; without an order cells are as promised."""
    places = range(len(layout.promised)) if order is None else order
    gathered: list[Record] = []
    num_characters = 0
    for record in found:
        if len(gathered) >= _CHUNK_ROWS or num_characters >= _CHUNK_CHARACTERS:
            yield chunk_of(gathered, layout, places)
            gathered, num_characters = [], 0
        gathered.append(record)
        num_characters += _length(record)
    if gathered:
        yield chunk_of(gathered, layout, places)


def _length(record: Record) -> int:
    if record.raw is not None and record.cells is None:
        return len(record.raw)
    cells: Sequence[Any] = record.cells or ()
    return sum(len(cell) for cell in cells if cell is not None) + len(record.raw or "")
