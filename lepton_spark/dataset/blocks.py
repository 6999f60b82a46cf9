"""A rank's rows as blocks: read once, then from a local file; dealt to steps, padded evenly."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.cache import Labelled, RowCache
from lepton_spark.dataset.prefetch import read_ahead
from lepton_spark.dataset.reader import read_piece
from lepton_spark.dataset.shards import Piece, Shard, rows_of_step
from lepton_spark.dataset.tensors import Block, Specs, rows_at_once
from lepton_spark.dataset.values import as_float

if TYPE_CHECKING:
    from lepton_spark.dataset.transform import FeatureTransform

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
_MOST_IMAGES = 256  # decoded in a part


def _nothing() -> None:
    """Nobody asks."""


@dataclass(frozen=True)
class StepBlock:
    """Rows and which of them each step takes.

    Args:
        rows: At least one row, so that a gather never reads nothing.
        index: int32 `[steps, batch]`, into `rows`.
        weight: float32 `[steps, batch]`, 0 for padding and for refused rows.
    """

    rows: Labelled
    index: Ints
    weight: Floats


@dataclass(frozen=True)
class Source:
    """How the rows of pieces become tensors."""

    transform: FeatureTransform
    label: str

    def read(self, piece: Piece, alive: Callable[[], object] = _nothing) -> Labelled:
        """Read and transform the rows of one piece; a refused one has the label NaN.

        Args:
            piece: Rows of one row group.
            alive: Called after each part of them, as images may take minutes.
        """
        rows = read_piece(piece, [*self.transform.columns_to_fit, self.label])
        labels = as_float(rows, self.label).astype(np.float32)
        specs = self.transform.specs
        block = Block.empty(specs, rows.num_rows)
        # In parts: what a transform holds of terms beside the block would be as large again.
        at_once = rows_at_once(sum(spec.num_bytes for spec in specs.values()))
        if self.transform.images:
            at_once = min(at_once, _MOST_IMAGES)
        for start in range(0, rows.num_rows, at_once):
            some = rows.slice(start, at_once)
            block.put(start, self.transform.apply(some))
            labels[start : start + at_once][self.transform.refused(some)] = np.nan
            alive()
        return Labelled(block, labels)


@dataclass(frozen=True)
class Layout:
    """The steps of an epoch, the same on every rank, and how many of them make a block."""

    batch_size: int
    steps: int
    steps_per_block: int


@dataclass(frozen=True)
class Shuffle:
    """What the order of rows depends on; the same values give the same order."""

    seed: int
    rank: int
    epoch: int

    def permute(self, size: int, salt: int) -> npt.NDArray[np.int64]:
        """An order of `size` things."""
        random = np.random.default_rng([self.seed, self.rank, self.epoch, salt])
        return random.permutation(size)


class EpochReader:
    """Gives the blocks of one rank, epoch after epoch; memory holds three blocks at most.

    Args:
        shard: Which rows.
        source: How they become tensors.
        layout: The steps of an epoch.
        cache_folder: Where rows are kept from the first epoch on.
        alive: Called by the thread that reads, often; it is a block ahead at most.
    """

    def __init__(
        self,
        shard: Shard,
        source: Source,
        layout: Layout,
        cache_folder: Path | None = None,
        alive: Callable[[], object] = _nothing,
    ) -> None:
        self._alive = alive
        self._shard = shard
        self._source = source
        self.layout = layout
        self._cache = RowCache(cache_folder, source.transform.specs) if cache_folder else None

    @property
    def rows(self) -> int:
        """Rows of an epoch on this rank."""
        return self._shard.rows

    def epoch(
        self, shuffle: Shuffle | None = None, first_step: int = 0
    ) -> Generator[StepBlock, None, None]:
        """Blocks in order; the next one is read while the caller works on this one.

        Args:
            shuffle: None keeps the order of the rows.
            first_step: Where a block begins; what comes before is left out, and not read.
        """
        return read_ahead(lambda: self._blocks(shuffle, first_step))

    def _blocks(self, shuffle: Shuffle | None, first_step: int) -> Iterator[StepBlock]:
        layout = self.layout
        skipped, _ = rows_of_step(self.rows, layout.steps, first_step)
        parts = _Stream(self._parts(shuffle, skipped), self._source.transform.specs)
        for first in range(first_step, layout.steps, layout.steps_per_block):
            steps = range(first, min(first + layout.steps_per_block, layout.steps))
            bounds = np.array([rows_of_step(self.rows, layout.steps, step) for step in steps])
            rows = parts.take(int(bounds[-1, 1] - bounds[0, 0]))
            size = int(bounds[-1, 1] - bounds[0, 0])
            order = shuffle.permute(size, 1 + first) if shuffle else np.arange(size)
            index, weight = _deal_steps(bounds - bounds[0, 0], order, layout.batch_size)
            yield StepBlock(_labelled(rows), index, weight * ~np.isnan(rows.labels)[index])

    def _parts(self, shuffle: Shuffle | None, skipped: int) -> Iterator[Labelled]:
        """The rows of each piece, less the first of all of them."""
        pieces = self._shard.pieces
        order = shuffle.permute(len(pieces), 0) if shuffle else np.arange(len(pieces))
        for place in order.tolist():
            piece = pieces[place]
            if skipped < piece.rows:
                yield self._read(place, piece).cut(slice(skipped, None))
            skipped = max(skipped - piece.rows, 0)

    def _read(self, place: int, piece: Piece) -> Labelled:
        kept = self._cache.get(place) if self._cache else None
        if kept is not None:
            return kept
        rows = self._source.read(piece, self._alive)
        if self._cache:
            self._cache.put(place, rows)
        return rows


def _deal_steps(
    bounds: npt.NDArray[np.int64], order: npt.NDArray[np.int64], batch_size: int
) -> tuple[Ints, Floats]:
    places = np.arange(batch_size)
    is_row = places < (bounds[:, 1] - bounds[:, 0])[:, None]
    index = np.where(is_row, bounds[:, :1] + places, 0)
    padded = order if len(order) else np.zeros(1, np.int64)
    return padded[index].astype(np.int32), is_row.astype(np.float32)


def _labelled(rows: Labelled) -> Labelled:
    """Refused rows with a label of 0, which their weight of 0 keeps out of every sum."""
    return Labelled(rows.block, np.nan_to_num(rows.labels, nan=0.0))


class _Stream:
    """Cuts parts of any size into pieces of the size asked for."""

    def __init__(self, parts: Iterator[Labelled], specs: Specs) -> None:
        self._parts = parts
        self._specs = specs
        self._left: Labelled | None = None

    def take(self, size: int) -> Labelled:
        """The next `size` rows; one row of zeros where none is wanted."""
        num_rows = max(size, 1)
        target = Labelled(Block.empty(self._specs, num_rows), np.zeros(num_rows, np.float32))
        filled = 0
        while filled < size:
            part = self._left if self._left is not None else next(self._parts)
            count = min(size - filled, len(part.labels))
            some = part.cut(slice(0, count))
            target.block.put(filled, some.block)
            target.labels[filled : filled + count] = some.labels
            self._left = part.cut(slice(count, None)) if count < len(part.labels) else None
            filled += count
        return target
