"""The time that a search may take, over all its restarts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from optuna.study import Study

_SECONDS_BETWEEN_NOTES = 5.0
# Attributes of the study of a search.
_USED = "seconds"
_RAISED = "raised"  # the most seconds that a run of it was given, and those used by then


class Budget:
    """Counts seconds from when it is made.

    Args:
        seconds: All that there are.
        used: Those of earlier runs of the same search.
        keep: Writes down how many are used, and with it all else that was noted.
        raised_at: How many were used when there became more of them; shares count from there.
    """

    def __init__(
        self,
        seconds: float,
        used: float,
        keep: Callable[[float], object],
        *,
        raised_at: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._used = used
        self._keep = keep
        self._raised_at = raised_at
        self._clock = clock
        self._started_at = self._noted_at = clock()

    @property
    def used(self) -> float:
        """Seconds used so far."""
        return self._used + self._clock() - self._started_at

    def note(self, *, at_once: bool = False) -> None:
        """Write down what is used: a run that is killed has used it too.

        Args:
            at_once: False where some seconds may be lost; then it is written only now and then.
        """
        if at_once or self._clock() - self._noted_at >= _SECONDS_BETWEEN_NOTES:
            self._keep(self.used)
            self._noted_at = self._clock()

    def is_over(self, share: float = 1.0) -> bool:
        """Whether a share is used of all seconds, or of those since they became more."""
        return self.used >= self._raised_at + share * (self._seconds - self._raised_at)


def used_of(study: Study) -> float:
    """Seconds that a search is known to have used."""
    return float(study.user_attrs.get(_USED, 0.0))


def budget_of(study: Study, seconds: float, keep: Callable[[], object]) -> Budget:
    """The budget of a search as earlier runs of it have left it.

    Args:
        study: Remembers what is used.
        seconds: All that there are for this run and those before.
        keep: Keeps the study; called whenever the budget is noted.
    """
    used = used_of(study)
    most, raised_at = study.user_attrs.get(_RAISED, (seconds, 0.0))
    if seconds > most:
        most, raised_at = seconds, used
    study.set_user_attr(_RAISED, (most, raised_at))

    def note(used: float) -> None:
        """Write down the seconds, and all that the study holds."""
        study.set_user_attr(_USED, used)
        keep()

    return Budget(seconds, used, note, raised_at=raised_at)
