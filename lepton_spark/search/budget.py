"""The time that a search may take, over all its restarts."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budget:
    """Counts seconds from when it is made.

    Args:
        seconds: All that there are.
        used: Those of earlier runs of the same search.
        keep: Writes down how many are used.
    """

    def __init__(
        self,
        seconds: float,
        used: float,
        keep: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._used = used
        self._keep = keep
        self._clock = clock
        self._started_at = clock()

    @property
    def used(self) -> float:
        """Seconds used so far."""
        return self._used + self._clock() - self._started_at

    def note(self) -> None:
        """Write down what is used: a run that is killed has used it too."""
        self._keep(self.used)

    def is_over(self, share: float = 1.0) -> bool:
        """Whether a share of all seconds is used."""
        return self.used >= share * self._seconds
