"""Invented rows and events with everything that goes wrong in time, and what must come of them.

`expected` goes through all events for each row, by the words of the promise and none of the
engine's code.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lepton_spark.context import moment_of

if TYPE_CHECKING:
    from lepton_spark.config.case import Moment

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TICK = timedelta(microseconds=1)
WINDOWS = {"24h": DAY, "7d": 7 * DAY, "60h": 60 * HOUR}
WITHIN = 30 * HOUR
KEY_SETS: tuple[tuple[str, ...], ...] = (
    ("world",),
    ("world", "shop"),
    ("world", "shop", "size"),
    ("world", "size"),
)


@dataclass(frozen=True)
class Event:
    """One version of an event; `declared` may be before or after it arrived."""

    world: int
    event: int
    shop: str | None
    size: int | None
    whole: int | None
    real: float | None
    declared: datetime
    arrived: datetime
    happened: datetime
    file: str
    row: int

    @property
    def known(self) -> datetime:
        return max(self.declared, self.arrived)

    @property
    def order(self) -> tuple[Any, ...]:
        """Of versions that arrived together the last, by file and row, is the newest."""
        return self.arrived, self.file, self.row


@dataclass(frozen=True)
class Row:
    """One version of a row to predict."""

    world: int
    row: int
    shop: str | None
    size: int | None
    day: date
    arrived: datetime
    line: int

    @property
    def order(self) -> tuple[Any, ...]:
        """As that of events."""
        return self.arrived, self.line


@dataclass(frozen=True)
class World:
    at: Moment
    rows: tuple[Row, ...]
    events: tuple[Event, ...]

    def with_events(self, change: Callable[[Event], Event]) -> World:
        return replace(self, events=tuple(map(change, self.events)))

    def moment(self, day: date) -> datetime:
        return moment_of(day, self.at)


def make_world(seed: int, at: Moment, around: Sequence[date], *, worlds: int, size: int) -> World:
    """Worlds that share nothing but the grid, on a few days around those given."""
    random_ = random.Random(seed)
    rows: list[Row] = []
    events: list[Event] = []
    for world in range(worlds):
        middle = random_.choice(around)
        days = [middle + offset * DAY for offset in range(-4, 5)]
        events += _events(random_, at, world, days, random_.randrange(size))
        rows += _rows(random_, at, world, days)
    return World(at, tuple(rows), tuple(events))


def _events(
    random_: random.Random, at: Moment, world: int, days: Sequence[date], number: int
) -> Iterable[Event]:
    for event in range(number):
        happened = _instant(random_, at, days)
        for version in range(random_.choice((1, 1, 1, 2, 3))):
            yield Event(
                world=world,
                event=event,
                shop=random_.choice(("x", "y", None)),
                size=random_.choice((1, 2, None)),
                whole=random_.choice((None, 0, -3, 7, 2**40)),
                real=random_.choice((None, 0.1, -0.1, 1e-9, 1e12, random_.uniform(-5, 5))),
                declared=_instant(random_, at, days),
                arrived=_instant(random_, at, days),
                happened=happened,
                file=random_.choice(("a", "b")),
                row=event * 10 + version,
            )


def _rows(random_: random.Random, at: Moment, world: int, days: Sequence[date]) -> Iterable[Row]:
    for row in range(6):
        for line in range(random_.choice((1, 1, 2))):
            day = random_.choice(days)
            arrived = random_.choice((moment_of(days[0], at) - DAY, _instant(random_, at, days)))
            shop, size = random_.choice(("x", "y", "z", None)), random_.choice((1, 2, None))
            yield Row(world, row, shop, size, day, arrived, line)


def _instant(random_: random.Random, at: Moment, days: Sequence[date]) -> datetime:
    """Mostly on an edge: a moment, or a window before one, or next to it."""
    moment = moment_of(random_.choice(days), at)
    if random_.random() < 0.3:
        return moment + random_.uniform(-1, 1) * DAY
    back = random_.choice((timedelta(0), timedelta(0), *WINDOWS.values(), WITHIN))
    return moment - back + random_.choice((timedelta(0), timedelta(0), TICK, -TICK))


def expected(world: World) -> dict[tuple[Any, ...], dict[str, Any]]:
    """By (world, row, day): the features."""
    found = {}
    for row in world.rows:
        moment = world.moment(row.day)
        mine = [other for other in world.rows if (other.world, other.row) == (row.world, row.row)]
        if _last([other for other in mine if other.arrived <= moment]) is row:
            known = known_events(world, row.world, moment)
            found[row.world, row.row, row.day] = _features(row, known, moment)
    return found


def _last(versions: Sequence[Any]) -> Any:
    return max(versions, key=lambda version: version.order, default=None)


def known_events(world: World, of: int, moment: datetime) -> list[Event]:
    """The state of the world at a moment: of each event the newest version that is known."""
    by_event: dict[int, list[Event]] = {}
    for event in world.events:
        if event.world == of and event.known <= moment:
            by_event.setdefault(event.event, []).append(event)
    return [_last(versions) for versions in by_event.values()]


def _features(row: Row, known: Sequence[Event], moment: datetime) -> dict[str, Any]:
    features: dict[str, Any] = {}
    for key in KEY_SETS:
        mine = [event for event in known if matches(row, event, key)]
        for label, window in WINDOWS.items():
            inside = [event for event in mine if event.declared > moment - window]
            for name, number in _measures(inside).items():
                features[f"sales_by_{'_'.join(key)}_{label}_{name}"] = number
    return features | _latest(row, known, moment)


def matches(row: Row, event: Event, key: Sequence[str]) -> bool:
    wanted = [getattr(row, name) for name in key]
    return None not in wanted and wanted == [getattr(event, name) for name in key]


def _measures(inside: Sequence[Event]) -> dict[str, Any]:
    whole = [event.whole for event in inside if event.whole is not None]
    real = [Fraction(event.real) for event in inside if event.real is not None]
    big = [number > 5 for number in whole]
    return {
        "events": len(inside),
        "reals": len(real),
        "total": float(sum(whole)) if whole else None,
        "mean": float(sum(real) / len(real)) if real else None,
        "big": sum(big) / len(big) if big else None,
    }


def _latest(row: Row, known: Sequence[Event], moment: datetime) -> dict[str, Any]:
    mine = [event for event in known if matches(row, event, ("world", "shop"))]
    recent = [event for event in mine if event.declared > moment - WITHIN]
    best = max(recent, key=lambda e: (e.declared, e.arrived, e.file, e.row), default=None)
    return {
        "sales_whole": best and best.whole,
        "sales_event": best and best.event,
        "sales_age_hours": best and (moment - best.declared) / HOUR,
    }


def is_same(found: Any, wanted: Any) -> bool:
    """Equal, or as near as a float can be."""
    if found is None or wanted is None or isinstance(wanted, int):
        return bool(found == wanted)
    return math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-12)
