"""Quantiles with a guaranteed rank error, from pieces that are added up in any order.

A piece is sorted and every so many values are kept, the middle one of each run, with the number of
rows that it stands for: no rank is then off by more than half a run. Pieces wait side by side until
there are enough of them, then they are thinned together and wait one level higher; so a row is
thinned a few times only, however many pieces there are, and the errors add up to a known bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
# Runs that a piece, and that pieces thinned together, are cut into at least.
_RUNS_OF_A_PIECE = 1024
_RUNS_OF_MANY = 4096
_PIECES_AT_ONCE = 8
# Promised of up to 32,767 pieces; of more the error is known, and told.
RANK_ERROR = 0.001


@dataclass(frozen=True)
class Sample:
    """Some values of many rows, rising.

    Args:
        run: Rows that each value stands for; the last one stands for what remains.
        rows: Rows in all.
        error: Rows by which the rank of any number may be off.
    """

    values: Values
    run: int
    rows: int
    error: int

    @property
    def weights(self) -> Counts:
        """Rows that each value stands for."""
        weights = np.full(len(self.values), self.run, np.int64)
        weights[-1] = self.rows - self.run * (len(self.values) - 1)
        return weights


@dataclass(frozen=True)
class Ranks:
    """What is kept of a column to answer for quantiles.

    Args:
        levels: Samples by how often their rows were thinned.
    """

    levels: tuple[tuple[Sample, ...], ...] = ()

    @classmethod
    def of(cls, ordered: npt.NDArray[np.generic]) -> Ranks:
        """Of one piece.

        Args:
            ordered: Rising, no NaN; taken as 64-bit floats.
        """
        rows = len(ordered)
        if rows == 0:
            return cls()
        run = max(1, rows // _RUNS_OF_A_PIECE)
        values = ordered[_middles(rows, run)].astype(np.float64)
        return cls(((Sample(values, run, rows, run // 2),),))

    def __add__(self, other: Ranks) -> Ranks:
        levels = [mine + theirs for mine, theirs in zip_longest(*_both(self, other), fillvalue=())]
        place = 0
        while place < len(levels):
            if len(levels[place]) >= _PIECES_AT_ONCE:
                if place + 1 == len(levels):
                    levels.append(())
                levels[place + 1] += (_thinned(levels[place]),)
                levels[place] = ()
            place += 1
        return Ranks(tuple(levels))

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Those of all levels."""
        return tuple(sample for level in self.levels for sample in level)

    @property
    def rows(self) -> int:
        """Rows that were seen."""
        return sum(sample.rows for sample in self.samples)

    @property
    def error(self) -> float:
        """Share of the rows by which the rank of an answer may be off; 0 where it is exact."""
        rows = self.rows
        return sum(sample.error for sample in self.samples) / rows if rows else 0.0

    def quantiles(self, shares: Sequence[float]) -> Values:
        """The value at each share of the rows; at least one row was seen."""
        values, upto = _ordered(self.samples)
        ranks = np.minimum((np.asarray(shares) * upto[-1]).astype(np.int64), upto[-1] - 1)
        found: Values = values[np.searchsorted(upto, ranks, side="right")]
        return found

    def at_most(self, edges: Values) -> Counts:
        """How many rows are not above each edge; off by the error at most."""
        if not self.samples:
            return np.zeros(len(edges), np.int64)
        values, upto = _ordered(self.samples)
        counts: Counts = np.append(0, upto)[np.searchsorted(values, edges, side="right")]
        return counts


def _both(first: Ranks, second: Ranks) -> tuple[tuple[tuple[Sample, ...], ...], ...]:
    return first.levels, second.levels


def _middles(rows: int, run: int) -> Counts:
    """The place of the middle value of each run."""
    starts = np.arange(0, rows, run)
    middles: Counts = starts + np.minimum(run, rows - starts) // 2
    return middles


def _ordered(samples: Sequence[Sample]) -> tuple[Values, Counts]:
    """All values, rising, and the rows up to and with each."""
    values = np.concatenate([sample.values for sample in samples])
    weights = np.concatenate([sample.weights for sample in samples])
    order = np.argsort(values, kind="stable")
    return values[order], np.cumsum(weights[order])


def _thinned(samples: Sequence[Sample]) -> Sample:
    """One sample of them all."""
    values, upto = _ordered(samples)
    rows = int(upto[-1])
    run = max(1, rows // _RUNS_OF_MANY)
    kept = values[np.searchsorted(upto, _middles(rows, run), side="right")]
    return Sample(kept, run, rows, run // 2 + sum(sample.error for sample in samples))
