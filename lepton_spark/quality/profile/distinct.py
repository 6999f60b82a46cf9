"""How many different values a column has: the smallest hashes of them (k minimum values)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lepton_spark.quality.profile.hashing import Words

# Hashes kept: fewer different values are counted exactly.
KEPT = 2048
STANDARD_ERROR = 0.0222  # 1 / sqrt(KEPT - 2), of larger numbers
_ALL = 2.0**64


@dataclass(frozen=True)
class Distinct:
    """The smallest different hashes, rising; the same however the rows were cut."""

    hashes: Words = field(default_factory=lambda: np.empty(0, np.uint64))

    def seeing(self, hashes: Words) -> Distinct:
        """With some more, in any order and any number of times."""
        if len(self.hashes) == KEPT:
            hashes = hashes[hashes < self.hashes[-1]]
            if not len(hashes):
                return self
        elif len(hashes) > KEPT:
            # Only where each is there once may the others be left out.
            hashes = np.unique(hashes)[:KEPT]
        return Distinct(np.union1d(self.hashes, hashes)[:KEPT])

    def __add__(self, other: Distinct) -> Distinct:
        return self.seeing(other.hashes)

    @property
    def is_exact(self) -> bool:
        """Whether there are so few values that all of them are here."""
        return len(self.hashes) < KEPT

    @property
    def count(self) -> int:
        """Exact below KEPT, else with the standard error."""
        if self.is_exact:
            return len(self.hashes)
        return round((KEPT - 1) / ((float(self.hashes[-1]) + 1) / _ALL))
