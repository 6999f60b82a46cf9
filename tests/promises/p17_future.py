"""P17: no feature holds what was not known at its moment, whatever goes wrong in time."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.config.case import Moment
from tests.features.engine import by_row, event_rows, run
from tests.features.world import World, expected, is_same, make_world
from tests.promises.promise import Promise

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from tests.promises.lab import Lab

# Nights at which clocks change, one that is skipped as a whole, and a leap day.
_MOMENTS = (
    (Moment(time="02:30", zone="America/New_York"), (date(2013, 3, 10), date(2012, 2, 29))),
    (Moment(time="01:30", zone="America/New_York"), (date(2013, 11, 3),)),
    (Moment(time="23:00", zone="Pacific/Apia"), (date(2011, 12, 30),)),
    (Moment(time="00:15", zone="Australia/Lord_Howe"), (date(2013, 4, 7), date(2013, 10, 6))),
)
_EVENTS_A_WORLD = 25


def trials(lab: Lab, number: int) -> list[str]:
    """Worlds with late, corrected, simultaneous and future events, against a brute force."""
    failures = []
    for trial, (at, around) in enumerate(_MOMENTS):
        worlds = -(-number // len(_MOMENTS))
        world = make_world(lab.seed + trial, at, around, worlds=worlds, size=_EVENTS_A_WORLD)
        failures += _wrong(world, run(lab.spark, world))
    return failures


def _wrong(world: World, features: DataFrame) -> list[str]:
    """The worlds in which a feature is not what was known."""
    found, wanted = by_row(features), expected(world)
    wrong = {key[0] for key in found.keys() ^ wanted.keys()}
    for key in found.keys() & wanted.keys():
        same = (is_same(found[key][name], value) for name, value in wanted[key].items())
        if not all(same):
            wrong.add(key[0])
    return [f"{world.at.zone}: world {each}" for each in sorted(wrong)]


def control(lab: Lab) -> list[str]:
    """Events count from when they happened."""
    at, around = _MOMENTS[0]
    world = make_world(lab.seed, at, around, worlds=20, size=_EVENTS_A_WORLD)
    rows = event_rows(lab.spark, world)
    by_time = rows.withColumns({name: F.col("happened") for name in ("declared", "_known_at")})
    return _wrong(world, run(lab.spark, world, events=by_time))


PROMISE = Promise(
    "P17",
    "no feature is newer than its moment",
    trials,
    short=80,
    full=1000,
    control=control,
)
