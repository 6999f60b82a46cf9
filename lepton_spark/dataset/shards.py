"""Which rows each rank trains on, and how many steps all of them take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lepton_spark.errors import TrainingError

if TYPE_CHECKING:
    from lepton_spark.lake.file_plan import FileSlice


@dataclass(frozen=True)
class Piece:
    """Some rows of one row group of a Parquet file.

    Args:
        path: Location of the file, as pyarrow reads it.
        start: First of the rows wanted.
        rows: How many of them.
        group_rows: Rows of the whole row group.
    """

    path: str
    row_group: int
    start: int
    rows: int
    group_rows: int


@dataclass(frozen=True)
class Shard:
    """The rows of one rank."""

    pieces: tuple[Piece, ...]

    @property
    def rows(self) -> int:
        """Rows, padding not counted."""
        return sum(piece.rows for piece in self.pieces)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Shard:
        """From `to_dict`."""
        return cls(tuple(Piece(**piece) for piece in document["pieces"]))


@dataclass(frozen=True)
class Deal:
    """One shard a rank, and the steps that every rank takes in an epoch.

    An allreduce in which one rank takes no part hangs for ever, so all take the same number; a
    rank with fewer rows pads with rows of weight 0.
    """

    shards: tuple[Shard, ...]
    steps: int


def whole(path: str, row_group: int, rows: int) -> Piece:
    """All rows of a row group."""
    return Piece(path, row_group, 0, rows, rows)


def pieces_of(slices: Iterable[FileSlice]) -> tuple[Piece, ...]:
    """All rows of some row groups, in their order."""
    return tuple(whole(each.path, each.row_group, each.rows) for each in slices)


def deal(pieces: Sequence[Piece], num_ranks: int, batch_size: int) -> Deal:
    """Cut the pieces, in their order, into shards whose rows differ by at most one.

    A row group at a cut is read by both of its ranks, each of which keeps its own rows.

    Args:
        pieces: At least one row in all.
        num_ranks: At least 1; ranks beyond the number of rows get an empty shard.
        batch_size: Rows of a step on one rank.

    Returns:
        A shard for each rank, in their order, and the steps of the largest.

    Raises:
        TrainingError: There are no rows.
    """
    total = sum(piece.rows for piece in pieces)
    if total == 0:
        raise TrainingError(
            "LS-6001",
            f"there are 0 rows to train on, in {len(pieces)} row groups",
            "a model is fitted on labelled rows of the training part",
            "check the split and the label of the case, and that its files have landed",
        )
    cuts = [total * rank // num_ranks for rank in range(num_ranks + 1)]
    shards = tuple(Shard(tuple(_between(pieces, *cut))) for cut in pairwise(cuts))
    largest = max(shard.rows for shard in shards)
    return Deal(shards, -(-largest // batch_size))


def rows_of_step(rows: int, steps: int, step: int) -> tuple[int, int]:
    """The rows of a shard that a step takes, as first and end; spread evenly over the steps."""
    return rows * step // steps, rows * (step + 1) // steps


def _between(pieces: Sequence[Piece], first: int, end: int) -> list[Piece]:
    taken, position = [], 0
    for piece in pieces:
        start, stop = max(first - position, 0), min(end - position, piece.rows)
        if start < stop:
            taken.append(replace(piece, start=piece.start + start, rows=stop - start))
        position += piece.rows
    return taken
