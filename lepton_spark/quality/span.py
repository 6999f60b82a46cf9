"""The span of dates that every tool after Spark can hold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

# Years that pandas and NumPy hold as nanoseconds; others fail when the rows reach Python.
_FIRST, _END = date(1678, 1, 1), date(2262, 1, 1)
# Read as seconds, milliseconds since 1970 lie tens of thousands of years ahead.
_RECENT = (date(1990, 1, 1), date(2100, 1, 1))


def is_within(moment: Column) -> Column:
    """True for a date or timestamp of the years 1678 to 2261."""
    return (moment >= F.lit(_FIRST)) & (moment < F.lit(_END))


def as_reason(moment: Column) -> Column:
    """Why a date or timestamp is refused: `looks_like_milliseconds` or `date_out_of_range`."""
    low, high = (F.lit(_seconds(day) * 1000) for day in _RECENT)
    seconds = F.unix_date(moment.cast("date")).cast("bigint") * F.lit(86_400)
    is_scaled = seconds.between(low, high)
    reason = F.when(is_scaled, F.lit("looks_like_milliseconds"))
    return F.when(~is_within(moment), reason.otherwise(F.lit("date_out_of_range")))


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
