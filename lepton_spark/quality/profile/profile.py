"""The profile of a table: its columns, and how its numbers go together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lepton_spark.quality.profile.column import Column, as_floats
from lepton_spark.quality.profile.comoments import CoMoments

if TYPE_CHECKING:
    from lepton_spark.quality.profile.kind import Kind

ROWS_AT_ONCE = 131_072  # a column of so many floats fits into a core's cache
_CELLS_AT_ONCE = 1 << 23
_FEWEST_ROWS = 4096
_BYTES_AT_ONCE = 1 << 28


@dataclass(frozen=True)
class Profile:
    """What is known of a table after some of its rows.

    Args:
        columns: By name.
        comoments: Of the columns that were asked for, in their order; None where none were.
    """

    columns: Mapping[str, Column] = field(default_factory=dict)
    comoments: CoMoments | None = None


def measure(
    rows: Iterable[pa.Table], kinds: Mapping[str, Kind], correlated: Sequence[str] = ()
) -> Profile:
    """Measure rows in one pass; memory does not grow with them.

    Args:
        rows: In parts of any size.
        kinds: The columns to measure.
        correlated: Those of them of which all pairs are correlated.
    """
    columns = {name: Column() for name in kinds}
    comoments = CoMoments.none(len(correlated)) if correlated else None
    for block in blocks(rows, rows_at_once(len(kinds))):
        arrays = {name: as_array(block.column(name)) for name in kinds}
        for name, kind in kinds.items():
            columns[name] = columns[name].seeing(arrays[name], kind)
        if comoments is not None:
            floats = [as_floats(arrays[name], kinds[name]) for name in correlated]
            comoments += CoMoments.of(np.stack(floats))
    return Profile(columns, comoments)


def rows_at_once(num_columns: int) -> int:
    """Rows of a piece: fewer of a wide table, so that memory does not grow with its columns."""
    return min(ROWS_AT_ONCE, max(_FEWEST_ROWS, _CELLS_AT_ONCE // max(1, num_columns)))


def blocks(rows: Iterable[pa.Table], number: int) -> Iterator[pa.Table]:
    """The same rows in parts of one size, smaller where they hold long texts; none of no rows."""
    waiting: list[pa.Table] = []
    for part in rows:
        waiting.append(part)
        while _is_enough(waiting, number):
            joined = pa.concat_tables(waiting) if len(waiting) > 1 else waiting[0]
            yield joined.slice(0, number)
            waiting = [joined.slice(number)]
    if any(each.num_rows for each in waiting):
        yield pa.concat_tables(waiting)


def _is_enough(parts: Sequence[pa.Table], number: int) -> bool:
    num_rows = sum(each.num_rows for each in parts)
    num_bytes: int = sum(each.nbytes for each in parts)
    return num_rows >= number or (num_rows > 0 and num_bytes >= _BYTES_AT_ONCE)


def as_array(column: pa.ChunkedArray) -> pa.Array:
    """One array of all chunks; of a dictionary its values."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
