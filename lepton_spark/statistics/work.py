"""What a worker does: read row groups, measure them, add up what other workers found. No Spark."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from itertools import groupby
from operator import add, itemgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.dataset.reader import iter_piece
from lepton_spark.quality.profile import wire
from lepton_spark.quality.profile.measurements import correlations, measurements
from lepton_spark.quality.profile.profile import measure, rows_at_once

if TYPE_CHECKING:
    from lepton_spark.dataset.shards import Piece
    from lepton_spark.quality.profile.kind import Kind

COLUMNS_AT_ONCE = 200
PARTS = "place int, task int, content binary"
RESULTS = "place int, result string"
PAIRS = -1  # the place of what is known of pairs of columns


@dataclass(frozen=True)
class Wanted:
    """What to measure.

    Args:
        kinds: Columns, and what to measure of each.
        correlated: Columns of which all pairs are correlated; at most COLUMNS_AT_ONCE.
        known_at: Column that says when a row was known, a date or a timestamp.
        until: Rows that were known later are left out.
    """

    kinds: Mapping[str, Kind]
    correlated: tuple[str, ...]
    known_at: str
    until: date | datetime

    @property
    def groups(self) -> list[list[str]]:
        """Columns that are read together; those that are correlated are in the first."""
        names = [*self.correlated, *(name for name in self.kinds if name not in self.correlated)]
        return [
            names[first : first + COLUMNS_AT_ONCE]
            for first in range(0, len(names), COLUMNS_AT_ONCE)
        ]


def read(pieces: Sequence[Piece], names: Sequence[str], wanted: Wanted) -> Iterator[pa.Table]:
    """The rows of some row groups that were known in time."""
    for piece in pieces:
        for part in iter_piece(piece, [*names, wanted.known_at], rows_at_once(len(names))):
            known_at = part.column(wanted.known_at)
            is_known = pc.less_equal(known_at, pa.scalar(wanted.until, known_at.type))
            is_all = pc.all(is_known, skip_nulls=False).as_py()
            yield (part if is_all else part.filter(is_known)).select(names)


def measured(
    rows: Iterable[pa.Table], names: Sequence[str], wanted: Wanted, task: int
) -> Iterator[pa.RecordBatch]:
    """What one task knows, as PARTS: a blob a column, and one for all pairs."""
    pairs = wanted.correlated if set(wanted.correlated) <= set(names) else ()
    found = measure(rows, {name: wanted.kinds[name] for name in names}, pairs)
    places = {name: place for place, name in enumerate(wanted.kinds)}
    for name, column in found.columns.items():
        yield _part(places[name], task, wire.pack_column(column))
    if found.comoments is not None:
        yield _part(PAIRS, task, wire.pack_comoments(found.comoments))


def added_up(batches: Iterable[pa.RecordBatch], wanted: Wanted) -> Iterator[pa.RecordBatch]:
    """The measurements of some columns, as RESULTS.

    Args:
        batches: PARTS in the order of places and tasks.
        wanted: What was measured.
    """
    kinds = list(wanted.kinds.values())
    rows = (
        (batch.column(0)[row].as_py(), batch.column(2)[row].as_buffer())
        for batch in batches
        for row in range(batch.num_rows)
    )
    for place, group in groupby(rows, key=itemgetter(0)):
        contents = (content for _, content in group)
        result = json.dumps(_told(contents, None if place == PAIRS else kinds[place]))
        yield pa.record_batch(
            [pa.array([place], pa.int32()), pa.array([result])], names=["place", "result"]
        )


def _part(place: int, task: int, content: bytes) -> pa.RecordBatch:
    columns = [
        pa.array([place], pa.int32()),
        pa.array([task], pa.int32()),
        pa.array([content], pa.binary()),
    ]
    return pa.record_batch(columns, names=["place", "task", "content"])


def _told(contents: Iterator[pa.Buffer], kind: Kind | None) -> dict[str, Any]:
    if kind is None:
        return {"pairs": correlations(reduce(add, map(wire.read_comoments, contents)))}
    column = reduce(add, map(wire.read_column, contents))
    return {"rows": column.rows, "measurements": measurements(column, kind)}
