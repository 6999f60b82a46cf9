"""What a promise is here: so many trials of which none may fail, and a control that must fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.result import Check

if TYPE_CHECKING:
    from tests.promises.lab import Lab

Trials = Callable[["Lab", int], list[str]]
_RULE_OF_THREE = 3.0
logger = logging.getLogger("promises")


@dataclass(frozen=True)
class Promise:
    """One promise and how it is tried.

    Args:
        name: Such as P11.
        says: What is promised, in one sentence.
        trials: Makes at least so many trials in a laboratory; a line for each that failed.
        short: Trials where every test runs.
        full: Trials of `make promises`.
        control: Trials with the guard taken away: at least one has to fail.
        slots: Task slots that the trials need.
        is_long: Whether even the control takes a minute; it is then left to `make promises`.
    """

    name: str
    says: str
    trials: Trials
    short: int
    full: int
    control: Callable[[Lab], list[str]]
    slots: int = 2
    is_long: bool = False


def checks(promise: Promise, lab: Lab, number: int) -> list[Check]:
    """Make the trials and the control.

    Returns:
        Failures of the trials, with the 95 % bound of their share where there is none (3/n, the
        rule of three: Hanley and Lippman-Hand, JAMA 1983), and failures of the control.
    """
    failures = promise.trials(lab, number)
    for failure in failures:
        logger.warning("%s failed: %s", promise.name, failure)
    bound = _RULE_OF_THREE / number if not failures else None
    told = f"{promise.name} {promise.says}: failures in {number:,} trials"
    return [
        Check(told, len(failures), target="<= 0"),
        *([Check(f"{promise.name} share of failures, 95 % bound", bound)] if bound else []),
        Check(
            f"{promise.name} with its guard taken away: failures",
            len(promise.control(lab)),
            target=">= 1",
        ),
    ]


@contextmanager
def without(*guards: tuple[Any, str, Any]) -> Iterator[None]:
    """Take guards away for a while: owner, name, and what stands in its place."""
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in guards]
    try:
        for owner, name, broken in guards:
            setattr(owner, name, broken)
        yield
    finally:
        for owner, name, guard in kept:
            setattr(owner, name, guard)
