"""Which places of the rows a network is fitted on, and on which one it is judged."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING

from lepton_spark.errors import TrainingError

if TYPE_CHECKING:
    from lepton_spark.config.search import FoldSettings

TRAIN, VALIDATE = 0, 1


@dataclass(frozen=True)
class Division:
    """One training: the places that it is fitted on, and the one that judges it."""

    fitted: tuple[int, ...]
    judged: int


@dataclass(frozen=True)
class Outer:
    """A place that no choice has seen, and the divisions of the others that choose."""

    division: Division
    inner: tuple[Division, ...]


def num_places(folds: FoldSettings | None) -> int:
    """How many places the rows are dealt to: where time is kept, the first one is never judged."""
    if folds is None:
        return 2
    return folds.count + (folds.kind == "time_ordered")


def divisions(folds: FoldSettings | None, places: Sequence[int]) -> tuple[Division, ...]:
    """The trainings of a trial, one for each place that judges.

    Args:
        folds: None divides rows as the case splits them, `TRAIN` from `VALIDATE`.
        places: In the order of time, where that is kept.

    Returns:
        In the order of the places that judge; none where there are too few places.
    """
    if folds is None or folds.kind == "time_ordered":
        return tuple(
            Division(tuple(places[:number]), places[number]) for number in range(1, len(places))
        )
    return tuple(
        Division(tuple(each for each in places if each != place), place) for place in places
    )


def outers(folds: FoldSettings | None, places: Sequence[int]) -> tuple[Outer, ...]:
    """What a nested search measures; empty unless the folds are nested."""
    if folds is None or not folds.nested:
        return ()
    nested = (Outer(each, divisions(folds, each.fitted)) for each in divisions(folds, places))
    return tuple(each for each in nested if each.inner)


def first_days(rows_by_day: Mapping[date, int], count: int) -> list[date]:
    """The first days of all blocks of days but the first, for blocks of about as many rows.

    Args:
        rows_by_day: Rows of each day.
        count: Of blocks.

    Returns:
        One fewer than there are blocks, in order.

    Raises:
        TrainingError: There are fewer days than blocks.
    """
    days = sorted(rows_by_day)
    if len(days) < count:
        raise too_few("days", len(days), count)
    before = [0, *accumulate(rows_by_day[day] for day in days)]
    found: list[int] = [0]
    for block in range(1, count):
        place = bisect_left(before, before[-1] * block / count)
        found.append(min(max(place, found[-1] + 1), len(days) - (count - block)))
    return [days[place] for place in found[1:]]


def too_few(what: str, found: int, wanted: int) -> TrainingError:
    """There is not enough for the folds."""
    return TrainingError(
        "LS-6041",
        f"the training and validation rows have {found} {what}, the folds need {wanted}",
        "every fold has rows of its own",
        "set search.folds.count lower, or take another kind of folds",
    )
