"""Mean, deviation, least and largest value, from pieces that are added up without loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Beyond it a sum of many values could overflow.
_LARGE = 1e290


@dataclass(frozen=True)
class Moments:
    """Of finite numbers.

    Args:
        squares: Sum of the squared distances to the mean.
        low: Least of them; infinite where there is none.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    @classmethod
    def of(cls, ordered: npt.NDArray[np.generic]) -> Moments:
        """Of one piece: rising finite numbers."""
        if not len(ordered):
            return cls()
        values = ordered.astype(np.float64, copy=False)
        low, high = float(values[0]), float(values[-1])
        scale = max(abs(low), abs(high)) if max(abs(low), abs(high)) > _LARGE else 1.0
        mean = float((values / scale).mean() if scale > 1 else values.mean()) * scale
        with np.errstate(over="ignore"):
            distances = values - mean
            squares = float(np.dot(distances, distances))
        return cls(len(values), min(max(mean, low), high), squares, low, high)

    def __add__(self, other: Moments) -> Moments:
        """As Chan, Golub and LeVeque (1979) add them: no difference of large sums."""
        count = self.count + other.count
        if not self.count or not other.count:
            return other if not self.count else self
        mean = self.mean * (self.count / count) + other.mean * (other.count / count)
        with np.errstate(over="ignore"):
            between = np.square(np.float64(other.mean - self.mean))
            squares = self.squares + other.squares + between * (self.count * other.count / count)
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Moments(count, mean, float(squares), low, high)

    @property
    def deviation(self) -> float | None:
        """Of a sample (n - 1); None of less than two numbers, or where 64 bits cannot hold it."""
        if self.count < 2:  # noqa: PLR2004  # one number has no deviation
            return None
        deviation = math.sqrt(self.squares / (self.count - 1))
        return deviation if math.isfinite(deviation) else None
