"""Categories as the share of positives among the training rows that have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.dataset.vocabulary import Vocabulary

FOLD = "_fold"  # column of the dataset; null in rows that are not fitted on
FEWEST_FOLDS = 2
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TargetEncoding:
    """The smoothed share of positives of each level: `(positives + m p) / (rows + m)`.

    Source: Micci-Barreca, A Preprocessing Scheme for High-Cardinality Categorical Attributes,
    2001, with `p` the share of all rows and `m` the smoothing. A training row gets the share
    among the rows of the other folds, so that its own label is no part of it.

    Args:
        levels: Values; any other, and null, gets the overall share.
        rows: `[levels][folds]`, whole numbers.
        positives: The same.
        all_rows: `[folds]`, of all training rows, those without a level included.
        all_positives: The same.
        smoothing: In rows.
    """

    name: str
    levels: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]
    positives: tuple[tuple[int, ...], ...]
    all_rows: tuple[int, ...]
    all_positives: tuple[int, ...]
    smoothing: float

    @property
    def output(self) -> str:
        """Name of the column of shares."""
        return f"{self.name} target share"

    @property
    def is_flat(self) -> bool:
        """Whether every row would get one share."""
        return not self.levels or (len(self.levels) == 1 and self.rows[0] == self.all_rows)

    def apply(self, texts: pa.Array, folds: pa.Array | None) -> Floats:
        """The share for each row, less the overall one, in deviations of the label.

        Args:
            texts: Values of the column.
            folds: Of each row; null or None: not fitted on, so that all rows count.
        """
        taken = _places(folds, len(self.all_rows), len(texts))
        values: Floats = self._shares[self._known.places(texts) + 1, taken]
        return values

    @cached_property
    def _known(self) -> Vocabulary:
        return Vocabulary(self.levels)

    @cached_property
    def _shares(self) -> Floats:
        """`[1 + levels, folds + 1]`: no level first; without each fold, then of all rows."""
        rows, positives = (
            np.vstack([np.zeros((1, len(self.all_rows))), np.reshape(of, (-1, len(self.all_rows)))])
            for of in (self.rows, self.positives)
        )
        all_rows, all_positives = (np.array(of)[None] for of in (self.all_rows, self.all_positives))
        share = _outside(all_positives) / _outside(all_rows)
        smoothed = _outside(positives) + self.smoothing * share
        shares = smoothed / (_outside(rows) + self.smoothing)
        overall = float(share[0, -1])
        standardised: Floats = (shares - overall) / np.sqrt(overall * (1 - overall))
        return standardised

    def check(self) -> None:
        """See that it can be.

        Raises:
            ValueError: It cannot.
        """
        folds, levels = len(self.all_rows), len(self.levels)
        sizes = {len(of) for of in (*self.rows, *self.positives, self.all_positives)}
        if folds < FEWEST_FOLDS or sizes != {folds} or len(set(self.levels)) != levels:
            raise ValueError("shares of uneven parts")
        if {len(self.rows), len(self.positives)} != {levels}:
            raise ValueError("shares of uneven parts")
        if not all(isinstance(level, str) for level in self.levels):
            raise ValueError("levels")
        if not isfinite(self.smoothing) or self.smoothing <= 0:
            raise ValueError("smoothing")
        rows, positives = np.array(self.all_rows), np.array(self.all_positives)
        is_some = (rows.sum() > rows).all() and 0 < positives.sum() < rows.sum()
        if not is_some or (np.array(self.positives) > np.array(self.rows)).any():
            raise ValueError("shares that cannot be")


def encoding_of(document: Mapping[str, Any]) -> TargetEncoding:
    """An encoding as it was read from JSON."""
    nested = {name: tuple(map(tuple, document[name])) for name in ("rows", "positives")}
    flat = {name: tuple(document[name]) for name in ("levels", "all_rows", "all_positives")}
    return TargetEncoding(**{**document, **nested, **flat})


def _places(folds: pa.Array | None, num_folds: int, num_rows: int) -> npt.NDArray[np.int64]:
    """Columns of the shares."""
    if folds is None:
        return np.full(num_rows, num_folds)
    filled = pc.fill_null(folds.cast(pa.int64()), num_folds)
    places: npt.NDArray[np.int64] = filled.to_numpy(zero_copy_only=False)
    return places


def _outside(counts: npt.NDArray[Any]) -> Floats:
    """Counts of all folds but each, then of all: `[n, folds]` to `[n, folds + 1]`."""
    total = counts.sum(axis=1, keepdims=True)
    return np.hstack([total - counts, total]).astype(np.float64)
