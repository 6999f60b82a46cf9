"""The daily grid of moments: from an instant to the first day that may use it.

Days are whole numbers, counted from 1970-01-01. Nothing here depends on the session's time zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

    from lepton_spark.config.case import Moment

_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _MICROSECOND


@dataclass(frozen=True)
class Grid:
    """One moment a day, at a local time of a zone."""

    zone: str
    after_midnight: timedelta

    @classmethod
    def of(cls, at: Moment) -> Grid:
        """The grid of a case."""
        clock = time.fromisoformat(at.time)
        return cls(at.zone, timedelta(hours=clock.hour, minutes=clock.minute))

    def moment(self, day: Column) -> Column:
        """The instant of a day; in a summer-time gap the later, in an overlap the earlier one."""
        local = day.cast("bigint") * _DAY + self.after_midnight // _MICROSECOND
        return F.to_utc_timestamp(F.timestamp_micros(local), self.zone)

    def first_day(self, instant: Column) -> Column:
        """The first day whose moment is not before an instant; null for null."""
        local = F.unix_micros(F.from_utc_timestamp(instant, self.zone))
        day = ((local - F.pmod(local, F.lit(_DAY))) / _DAY).cast("int")
        # The day before comes into play where clocks skip the moment itself, or a whole day.
        return (
            F.when(instant > self.moment(day), day + 1)
            .when(instant > self.moment(day - 1), day)
            .when(instant.isNotNull(), day - 1)
        )


def later(instant: Column, by: timedelta) -> Column:
    """An instant moved by an exact duration: a day is 24 hours, whatever the clocks do."""
    return F.timestamp_micros(F.unix_micros(instant) + by // _MICROSECOND)
