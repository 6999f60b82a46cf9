"""How far each day is from a public holiday, worked out once for all days that occur."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Holidays:
    """Public holidays around a span of days.

    They are those that the package `holidays` lists in the version that is installed: a holiday
    that was proclaimed at short notice counts as known long before.

    Args:
        first: First day that is asked for.
        last: Last day that is asked for.
        days: The holidays, in order, of these years and of one before and after.
    """

    first: date
    last: date
    days: tuple[date, ...]

    @classmethod
    def of(cls, place: str, first: date, last: date) -> Holidays:
        """Those of a country or `COUNTRY-SUBDIVISION`."""
        from holidays import country_holidays  # noqa: PLC0415  # most cases do without

        country, _, subdivision = place.partition("-")
        years = range(first.year - 1, last.year + 2)
        found = country_holidays(country, subdiv=subdivision or None, years=years)
        return cls(first, last, tuple(sorted(found)))

    def is_holiday(self, day: Column) -> Column:
        """True on a holiday, false on any other day; null for null."""
        # Where no holiday follows, nothing is known of the days to it.
        known = F.coalesce(self.days_to(day) == 0, F.lit(col=False))
        return F.when(day.isNotNull(), known)

    def days_to(self, day: Column) -> Column:
        """Days to the next holiday, 0 on one; null for null, or where none follows."""
        return self._look_up(day, [self._to(asked) for asked in self._span()])

    def days_since(self, day: Column) -> Column:
        """Days since the last holiday, 0 on one; null for null, or where none came before."""
        return self._look_up(day, [self._since(asked) for asked in self._span()])

    def _span(self) -> list[date]:
        return [
            self.first + timedelta(days=number)
            for number in range((self.last - self.first).days + 1)
        ]

    def _to(self, day: date) -> int | None:
        place = bisect_left(self.days, day)
        return (self.days[place] - day).days if place < len(self.days) else None

    def _since(self, day: date) -> int | None:
        place = bisect_right(self.days, day)
        return (day - self.days[place - 1]).days if place else None

    def _look_up(self, day: Column, distances: Sequence[int | None]) -> Column:
        # One text, which Spark turns into an array once: a literal a day would cost a call each.
        text = ",".join("" if distance is None else str(distance) for distance in distances)
        found = F.get(F.split(F.lit(text), ","), F.unix_date(day) - (self.first - _EPOCH).days)
        return found.try_cast("int")
