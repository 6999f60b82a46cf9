"""How many steps a rank takes before it says again that it lives."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

MOST_STEPS = 32  # one more call a block costs less than a step of the smallest network
_SOON_SECONDS, _LATE_SECONDS = 1.0, 4.0


class Pace:
    """Cuts the steps of a block into calls, of fewer steps where these are slow.

    A rank that is silent for long is taken for one that hangs, and steps of a large network on
    one core take seconds each. What is summed over the calls must not depend on how they are cut.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._steps = 1

    def calls(self, steps: int) -> Iterator[tuple[int, int]]:
        """First and end of each call; how long it took is seen when the next one is asked for.

        Args:
            steps: Of the block.
        """
        first = 0
        while first < steps:
            end = min(first + self._steps, steps)
            started_at = self._clock()
            yield first, end
            took = self._clock() - started_at
            if took < _SOON_SECONDS:
                self._steps = min(2 * self._steps, MOST_STEPS)
            elif took > _LATE_SECONDS:
                self._steps = max(1, self._steps // 2)
            first = end
