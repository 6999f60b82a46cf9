"""What the calendar says of a day: its parts, its holidays, its place in the seasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

    from lepton_spark.config.own_features import Calendar, Fourier
    from lepton_spark.features.holiday import Holidays

_YEAR = 365.25  # as Prophet counts: a leap day every four years
_DAYS: Mapping[str, float] = {
    "day": 1.0,
    "week": 7.0,
    "month": _YEAR / 12,
    "quarter": _YEAR / 4,
    "year": _YEAR,
}
_SECONDS_A_DAY = 86_400
_SATURDAY = 5  # of weekday(), which counts from Monday 0

_PARTS: Mapping[str, Callable[[Column], Column]] = {
    "year": F.year,
    "quarter": F.quarter,
    "month": F.month,
    "week": F.weekofyear,
    "day_of_year": F.dayofyear,
    "day_of_month": F.dayofmonth,
    "day_of_week": lambda time: F.weekday(time) + 1,
    "hour": F.hour,
    "minute": F.minute,
    "is_weekend": lambda time: F.weekday(time) >= _SATURDAY,
    "is_month_start": lambda time: F.dayofmonth(time) == 1,
    "is_month_end": lambda time: F.last_day(time) == time.cast("date"),
    "days_to_month_end": lambda time: F.datediff(F.last_day(time), time.cast("date")),
}


def calendar_parts(
    name: str, local: Column, calendar: Calendar, holidays: Holidays | None
) -> dict[str, Column]:
    """Each feature of one date.

    Args:
        name: Of its column.
        local: Date, or timestamp as local clocks show it. All features of a null are null.
        calendar: What is asked for.
        holidays: Around all days that occur; needed where the calendar names a place.
    """
    found = {f"{name}_{part}": _PARTS[part](local) for part in calendar.parts}
    if holidays is not None:
        day = local.cast("date")
        found[f"{name}_is_holiday"] = holidays.is_holiday(day)
        found[f"{name}_days_to_holiday"] = holidays.days_to(day)
        found[f"{name}_days_since_holiday"] = holidays.days_since(day)
    return found


def fourier_pairs(name: str, local: Column, fourier: Fourier) -> dict[str, Column]:
    """Sine and cosine of 2 pi k t / P: t in days since 1970-01-01T00:00 of local clocks.

    P is 1 day, 7 days, 365.25 / 12, 365.25 / 4 or 365.25 days; k counts from 1. The seasons of a
    series as in Prophet and in `statsmodels.tsa.deterministic.Fourier`.

    Args:
        name: Of the column.
        local: Timestamp as local clocks show it, or at midnight of a date; null gives null.
        fourier: Periods and how many pairs of each.
    """
    days = F.unix_micros(local) / (_SECONDS_A_DAY * 1_000_000)
    found = {}
    for period, harmonics in fourier.periods.items():
        for number in range(1, harmonics + 1):
            angle = days * (2 * pi * number / _DAYS[period])
            # As float: the last digits of a sine may differ from one kind of processor to another.
            found[f"{name}_{period}_sin_{number}"] = F.sin(angle).cast("float")
            found[f"{name}_{period}_cos_{number}"] = F.cos(angle).cast("float")
    return found
