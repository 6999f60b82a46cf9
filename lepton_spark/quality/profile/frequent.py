"""The most frequent values of a column, and how often they occur (Misra and Gries, merged)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    from lepton_spark.quality.profile.hashing import Words

Counts = npt.NDArray[np.int64]
# Values kept: a value that makes up more than one in so many rows is never lost.
KEPT = 1024
LONGEST = 256  # letters of a text that are kept


@dataclass(frozen=True)
class Frequent:
    """Values that may be frequent.

    Args:
        hashes: One a value, rising.
        counts: Rows of each, at least; `error` more at most.
        values: The values themselves; of texts the first LONGEST letters.
        error: Rows by which a count may be too low, or a value missing; at most 1 in KEPT.
    """

    hashes: Words = field(default_factory=lambda: np.empty(0, np.uint64))
    counts: Counts = field(default_factory=lambda: np.empty(0, np.int64))
    values: pa.Array = field(default_factory=lambda: pa.nulls(0))
    error: int = 0

    @classmethod
    def of(cls, hashes: Words, counts: Counts, take: Callable[[Counts], pa.Array]) -> Frequent:
        """Of one piece.

        Args:
            hashes: Of its different values, in any order.
            counts: Rows of each.
            take: Gives the values of some places, which come in the order of their hashes.
        """
        less = _surplus(counts)
        kept = np.flatnonzero(counts > less)
        kept = kept[np.argsort(hashes[kept], kind="stable")]
        return cls(hashes[kept], counts[kept] - less, take(kept), less)

    def __add__(self, other: Frequent) -> Frequent:
        if not len(self.hashes) or not len(other.hashes):
            more = other if not len(self.hashes) else self
            return Frequent(more.hashes, more.counts, more.values, self.error + other.error)
        both = np.concatenate([self.hashes, other.hashes])
        hashes, first, place = np.unique(both, return_index=True, return_inverse=True)
        counts = np.zeros(len(hashes), np.int64)
        np.add.at(counts, place, np.concatenate([self.counts, other.counts]))
        values = pa.concat_arrays([self.values, other.values])
        found = Frequent.of(hashes, counts, lambda places: values.take(pa.array(first[places])))
        error = self.error + other.error + found.error
        return Frequent(found.hashes, found.counts, found.values, error)

    def most(self, number: int) -> list[tuple[int, pa.Scalar]]:
        """The most frequent values, each at least so many rows.

        Only those that occur more often than the error: none that is as frequent is missing then
        by more than the error.
        """
        order = np.lexsort((self.hashes, -self.counts))[:number]
        return [
            (int(self.counts[place]), self.values[int(place)])
            for place in order
            if self.counts[place] > self.error
        ]


def _surplus(counts: Counts) -> int:
    """What to take from each count so that no more than KEPT remain."""
    if len(counts) <= KEPT:
        return 0
    # Of a column that names things nearly all occur once: no need to sort the counts.
    if np.count_nonzero(counts > 1) <= KEPT:
        return 1
    place = len(counts) - KEPT - 1
    return int(np.partition(counts, place)[place])
