"""Which rows hold outliers: fences of one column, and isolation forests over several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.values import as_float, as_float32

if TYPE_CHECKING:
    import pyarrow as pa

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
FLAG, REFUSE = "flag", "refuse"


@dataclass(frozen=True)
class Fence:
    """A value below `low` or above `high` is an outlier; a missing one is none.

    Args:
        then: `flag` or `refuse`; clipping is part of `NumberColumn`.
    """

    name: str
    low: float
    high: float
    then: str

    @property
    def columns(self) -> tuple[str, ...]:
        """What it looks at."""
        return (self.name,)

    @property
    def output(self) -> str:
        """Name of the column of flags."""
        return f"{self.name} is an outlier"

    def is_out(self, rows: pa.Table | pa.RecordBatch) -> Flags:
        """Whether each row holds an outlier, compared as float32, as the fences were found."""
        values = as_float32(as_float(rows, self.name))
        return (values < self.low) | (values > self.high)

    def check(self) -> None:
        """See that it can be.

        Raises:
            ValueError: It cannot.
        """
        if not isfinite(self.low) or not isfinite(self.high) or self.low > self.high:
            raise ValueError("a fence that cannot be")
        if self.then not in {FLAG, REFUSE}:
            raise ValueError("neither flag nor refuse")


@dataclass(frozen=True)
class Forest:
    """An isolation forest as plain arrays; scores as scikit-learn's `score_samples`.

    Source: Liu, Ting and Zhou, Isolation Forest, 2008: outliers are parted from all other rows by
    fewer random cuts.

    Args:
        name: What the case calls it.
        columns: Number columns that are looked at together.
        fills: What stands for a missing value of each.
        offset: A row with a lower score is an outlier.
        norm: Mean length of a path in a tree of the sample that each was grown on.
        roots: First node of each tree; nodes of all trees lie behind each other.
        feature: Place in `columns` of each node, -1 of a leaf.
        threshold: Up to which, as float32, a value goes left.
        left: Node, of a leaf the leaf itself.
        right: The same.
        length: Of the path to a leaf, and what parting the rows in it would take; else 0.
    """

    name: str
    columns: tuple[str, ...]
    fills: tuple[float, ...]
    offset: float
    then: str
    norm: float
    roots: tuple[int, ...]
    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    length: tuple[float, ...]

    @property
    def output(self) -> str:
        """Name of the column of flags."""
        return f"{self.name} is isolated"

    def is_out(self, rows: pa.Table | pa.RecordBatch) -> Flags:
        """Whether each row is an outlier."""
        values = np.empty((rows.num_rows, len(self.columns)), np.float32)
        for place, name in enumerate(self.columns):
            column = as_float(rows, name)
            values[:, place] = as_float32(np.where(np.isnan(column), self.fills[place], column))
        return self.score(values) < self.offset

    def score(self, values: npt.NDArray[np.float32]) -> Floats:
        """The score of each row, in [-1, 0); lower is stranger.

        Args:
            values: `[rows, columns]`, none missing.

        Returns:
            `[rows]`.
        """
        feature, threshold, left, right, length = self._arrays
        rows = np.arange(len(values))
        total = np.zeros(len(values))
        for root in self.roots:
            node = np.full(len(values), root)
            while len(values) and (feature[node] >= 0).any():
                goes_left = values[rows, feature[node]] <= threshold[node]
                node = np.where(goes_left, left[node], right[node])
            total += length[node]
        scores: Floats = -np.exp2(-total / (len(self.roots) * self.norm))
        return scores

    @cached_property
    def _arrays(self) -> tuple[npt.NDArray[Any], ...]:
        wholes = (np.array(each, np.int64) for each in (self.feature, self.left, self.right))
        feature, left, right = wholes
        return feature, np.array(self.threshold), left, right, np.array(self.length)

    def check(self) -> None:
        """See that every path ends in a leaf of its own tree.

        Raises:
            ValueError: One does not, or a value cannot be.
        """
        feature, threshold, left, right, length = self._arrays
        is_leaf, nodes = feature < 0, np.arange(len(feature))
        sizes = {len(array) for array in (feature, threshold, left, right, length)}
        if len(sizes) != 1 or len(self.fills) != len(self.columns) or not self.roots:
            raise ValueError("a forest of uneven parts")
        if self.roots[0] != 0 or any(first >= second for first, second in pairwise(self.roots)):
            raise ValueError("a forest of unordered trees")
        tree = np.searchsorted(self.roots, nodes, side="right")
        for child in (left, right):
            # Children lie behind their parent, so that no path can go in a circle.
            if not (child[is_leaf] == nodes[is_leaf]).all() or child.max() >= len(nodes):
                raise ValueError("a leaf with children")
            is_behind = (child > nodes) & (tree[child] == tree)
            if not is_behind[~is_leaf].all():
                raise ValueError("a tree with a circle")
        values = (self.norm, self.offset, *self.fills)
        is_finite = all(map(isfinite, values)) and np.isfinite(np.r_[threshold, length]).all()
        if not is_finite or self.norm <= 0 or feature.max() >= len(self.columns):
            raise ValueError("a forest that cannot be")
        if self.then not in {FLAG, REFUSE}:
            raise ValueError("neither flag nor refuse")


def forest_of(document: Mapping[str, Any]) -> Forest:
    """A forest as it was read from JSON."""
    parts: dict[str, Any] = {
        key: tuple(part) if isinstance(part, list) else part for key, part in document.items()
    }
    return Forest(**parts)
