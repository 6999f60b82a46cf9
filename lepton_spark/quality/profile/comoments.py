"""Pearson correlations of all pairs of some columns, from pieces that are added up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
# What rounding leaves of the squared distances of a constant column, as a share of the squares of
# its values: after its mean was taken, and after a difference of sums was.
_ROUNDING, _CANCELLED = 1e-28, 1e-13


@dataclass(frozen=True)
class CoMoments:
    """Of every pair of columns, over the rows in which both have a finite number.

    Args:
        counts: Rows of each pair; all are of shape `[columns, columns]`.
        means: Of the column of the row of the matrix, over the rows of the pair.
        squares: Sum of its squared distances to that mean.
        products: Sum of the products of both distances.
    """

    counts: Matrix
    means: Matrix
    squares: Matrix
    products: Matrix

    @classmethod
    def none(cls, number: int) -> CoMoments:
        """Of no rows."""
        return cls(*(np.zeros((number, number)) for _ in range(4)))

    @classmethod
    def of(cls, columns: Matrix) -> CoMoments:
        """Of one piece.

        Args:
            columns: `[columns, rows]`; what is not finite is missing. Is overwritten.
        """
        if not columns.shape[1]:
            return cls.none(len(columns))
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(columns.sum()):
                return _of_full(columns)
            is_there = np.isfinite(columns)
            columns[~is_there] = 0.0
            there = is_there.astype(np.float64)
            # Near its mean a column loses no digits in what follows.
            centre = columns.sum(axis=1) / np.maximum(there.sum(axis=1), 1.0)
            columns -= centre[:, None]
            columns *= there
            counts = there @ there.T
            share = 1.0 / np.maximum(counts, 1.0)
            sums = columns @ there.T
            products = columns @ columns.T - sums * sums.T * share
            np.square(columns, out=columns)
            raw = columns @ there.T
            squares = raw - np.square(sums) * share
            squares[squares <= _CANCELLED * raw] = 0.0
        return cls(counts, centre[:, None] + sums * share, squares, products)

    def __add__(self, other: CoMoments) -> CoMoments:
        counts = self.counts + other.counts
        total = np.maximum(counts, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            apart = other.means - self.means
            weight = self.counts * (other.counts / total)
            return CoMoments(
                counts,
                self.means * (self.counts / total) + other.means * (other.counts / total),
                self.squares + other.squares + np.square(apart) * weight,
                self.products + other.products + apart * apart.T * weight,
            )

    def correlations(self) -> Matrix:
        """Pearson's r of each pair; NaN where a column of it does not vary."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            least = _ROUNDING * self.counts * np.square(self.means)
            deviations = np.sqrt(np.where(self.squares > least, self.squares, np.nan))
            found: Matrix = np.clip(self.products / deviations / deviations.T, -1.0, 1.0)
        return found


def _of_full(columns: Matrix) -> CoMoments:
    """Where nothing is missing one product of matrices is enough."""
    number, rows = columns.shape
    means = columns.mean(axis=1)
    columns -= means[:, None]
    products = columns @ columns.T
    shape = (number, number)
    return CoMoments(
        np.full(shape, float(rows)),
        np.repeat(means[:, None], number, axis=1),
        np.repeat(np.diag(products)[:, None], number, axis=1),
        products,
    )
