"""Passes over training rows: tasks read pieces of files, and give back what is small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.dataset.reader import read_piece

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lepton_spark.dataset.graphs import GraphLists
    from lepton_spark.dataset.outliers import Fence, Forest
    from lepton_spark.dataset.shards import Piece

MOST_TASKS = 64
Tables = Iterator[pa.Table]


@dataclass(frozen=True)
class Scan:
    """Where training rows are read, and which of them are left out.

    Args:
        pieces: The training part, nothing else.
        refusing: Rows that one of these finds are not given to any pass.
    """

    spark: SparkSession
    pieces: tuple[Piece, ...]
    refusing: tuple[Fence | Forest | GraphLists, ...] = ()

    def collect(self, names: Sequence[str], work: Callable[[Tables], bytes]) -> list[bytes]:
        """What `work` gives for the rows of each task; one small blob a task. Runs one job."""
        if not names:
            return []

        def run(tables: Tables) -> Iterator[pa.RecordBatch]:
            """One batch of one row: what `work` made of all tables of the task."""
            yield pa.RecordBatch.from_pydict({"blob": pa.array([work(tables)], pa.binary())})

        return [bytes(row["blob"]) for row in self.rows(names, run, "blob binary").collect()]

    def rows(
        self,
        names: Sequence[str],
        run: Callable[[Tables], Iterator[pa.RecordBatch]],
        schema: str,
    ) -> DataFrame:
        """What `run` gives for the rows of each task, as a lazy DataFrame.

        Args:
            names: Columns to read.
            run: Gets a table a row group.
            schema: Of what it gives.
        """
        pieces, refusing = self.pieces, self.refusing
        num_tasks = max(1, min(len(pieces), MOST_TASKS))

        def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            """What `run` makes of every piece of each number that the task was given."""
            for batch in batches:
                for number in batch.column(0).to_pylist():
                    mine = pieces[number::num_tasks]
                    yield from run(_kept(piece, names, refusing) for piece in mine)

        return self.spark.range(0, num_tasks, 1, num_tasks).mapInArrow(task, schema)


def _kept(
    piece: Piece, names: Sequence[str], refusing: Sequence[Fence | Forest | GraphLists]
) -> pa.Table:
    looked_at = [name for finder in refusing for name in finder.columns]
    rows = read_piece(piece, [*names, *looked_at])
    for finder in refusing:
        rows = rows.filter(pc.invert(pa.array(finder.is_out(rows))))
    return rows
