"""A local date, a clock and a zone become an instant in UTC.

Nothing here depends on the time zone of the session or of the machine: local times are counted in
seconds as if they were UTC, and only the zone of the row turns them into instants.
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import IntegralType

from lepton_spark.config.column import readable_kinds
from lepton_spark.config.expression import parse
from lepton_spark.config.zone import known_zones
from lepton_spark.quality.reasons import add, is_accepted
from lepton_spark.quality.span import as_reason, is_within

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.source import LocalTime

_DAY = 86_400
_CLOCK = r"^\s*([0-9]{1,2}):?([0-9]{2})(:00)?\s*$"


def add_instant(rows: DataFrame, name: str, time: LocalTime) -> DataFrame:
    """Add an instant, and a reason where a clock is there but no single instant follows.

    Args:
        rows: Holds `_reasons` and the columns that `time` names.
        name: The new timestamp column. Null where what it is read from is null, where the row is
            refused already, and where the instant that it should be near is null.
        time: Which columns; fractions of a second in a text are cut off. With `near`, the day is
            the one on which the clock comes closest to that instant as clocks of the zone show it.
            With `after`, it is the day after the date where the clock on the date itself is before
            that instant.

    Returns:
        The rows with the column. Reasons: `bad_time` (no clock), `no_zone`, `bad_zone`,
        `nonexistent_time` (left out when summer time starts), `ambiguous_time` (there twice when
        it ends, and not declared which), `date_out_of_range`.
    """
    kept, kinds = rows.columns, readable_kinds(rows.dtypes)
    rows = _with_parts(rows, time)
    if time.near is not None:
        near = parse(time.near, columns=kinds, where=f"times.{name}.near")
        rows = _with_nearest_day(rows, F.expr(near.sql))
    rows = _with_instant(rows, "date", F.col("_local"), time.ambiguous)
    at, reason = F.col("_date_at"), F.col("_date_reason")
    if time.after is not None:
        rows = _with_instant(rows, "next", F.col("_local") + F.lit(_DAY), time.ambiguous)
        is_before = at < F.unix_seconds(F.col(time.after))
        at = F.when(is_before, F.col("_next_at")).otherwise(at)
        reason = F.when(is_before, F.col("_next_reason")).otherwise(reason)
    rows = rows.select(
        *kept, F.timestamp_seconds(at).alias(name), F.coalesce("_part_reason", reason).alias("_why")
    )
    why = F.coalesce("_why", as_reason(F.col(name)))
    rows = add(rows, [F.concat(why, F.lit(f":{name}"))])
    return rows.withColumn(name, F.when(why.isNull(), F.col(name))).drop("_why")


def _with_parts(rows: DataFrame, time: LocalTime) -> DataFrame:
    """Add `_zone`, `_part_reason`, and the local time in seconds, `_local`."""
    zone = F.col(time.zone) if time.zone in rows.columns else F.lit(time.zone)
    rows = rows.withColumns({"_zone": zone, "_told": _told(rows, time)})
    wrong = F.when(F.col("_told").isNull(), F.lit("bad_time"))
    if time.zone in rows.columns:
        wrong = wrong.when(F.col("_zone").isNull(), F.lit("no_zone"))
        # As text: as one literal each, six hundred names take longer to send than to look up.
        names = ", ".join(f"'{zone}'" for zone in known_zones())
        wrong = wrong.when(F.expr(f"_zone NOT IN ({names})"), F.lit("bad_zone"))
    is_there = reduce(and_, (F.col(name).isNotNull() for name in time.reads)) & is_accepted()
    rows = rows.withColumn("_part_reason", F.when(is_there, wrong))
    is_sound = is_there & F.col("_part_reason").isNull()
    return rows.withColumn("_local", F.when(is_sound, F.col("_told")))


def _told(rows: DataFrame, time: LocalTime) -> Column:
    """Date and clock in seconds since 1970, as if that were UTC; null where there is no clock."""
    if time.date is None or time.clock is None:
        return F.coalesce(*(_seconds_as_written(F.col(str(time.text)), p) for p in time.formats))
    clock = F.col(time.clock)
    is_number = isinstance(rows.schema[time.clock].dataType, IntegralType)
    seconds = _seconds(clock) if is_number else _seconds_of_text(clock)
    return F.unix_date(F.col(time.date)).cast("bigint") * F.lit(_DAY) + seconds


def _seconds_as_written(text: Column, pattern: str) -> Column:
    # With an offset of its own it does not depend on the zone of the session.
    instant = F.try_to_timestamp(F.concat(text, F.lit(" +00")), F.lit(f"{pattern} x"))
    return F.when(is_within(instant), F.unix_seconds(instant))


def _seconds(clock: Column) -> Column:
    """Seconds since midnight of 517 or 2400; null where it is no clock."""
    clock = clock.cast("bigint")
    is_clock = clock.between(0, 2400) & (clock % F.lit(100) < F.lit(60))
    return F.when(
        is_clock, F.floor(clock / F.lit(100)) * F.lit(3600) + clock % F.lit(100) * F.lit(60)
    )


def _seconds_of_text(clock: Column) -> Column:
    hours, minutes = (F.regexp_extract(clock, _CLOCK, part) for part in (1, 2))
    number = F.when(clock.rlike(_CLOCK), F.concat(hours, minutes).try_cast("int"))
    number = F.coalesce(number, F.when(clock.rlike(r"^\s*[0-9]{1,2}\s*$"), clock.try_cast("int")))
    return _seconds(number)


def _with_nearest_day(rows: DataFrame, near: Column) -> DataFrame:
    rows = rows.withColumn("_near", F.when(is_accepted(), near))
    is_sound = F.col("_local").isNotNull() & is_within(F.col("_near"))
    rows = rows.withColumn("_shown", F.when(is_sound, _local(F.unix_seconds("_near"))))
    days = F.round((F.col("_shown") - F.col("_local")) / F.lit(_DAY)).cast("bigint")
    return rows.withColumn("_local", F.col("_local") + days * F.lit(_DAY))


def _with_instant(rows: DataFrame, name: str, local: Column, ambiguous: str) -> DataFrame:
    """Add the instant of a local time, `_<name>_at` in seconds, and `_<name>_reason`."""
    first, second, at = f"_{name}_first", f"_{name}_second", f"_{name}_at"
    rows = rows.withColumn(first, _utc(local))
    # Summer time that ends shows itself in the offset of the day after.
    day_after = F.col(first) + F.lit(_DAY)
    rows = rows.withColumn(second, local - (_local(day_after) - day_after))
    is_twice = (F.col(second) > F.col(first)) & (_local(F.col(second)) == local)
    reason = F.when(_local(F.col(first)) != local, F.lit("nonexistent_time"))
    if ambiguous == "refuse":
        reason = reason.when(is_twice, F.lit("ambiguous_time"))
    chosen = F.when(is_twice, F.col(second)) if ambiguous == "later" else F.lit(None)
    return rows.withColumns({at: F.coalesce(chosen, F.col(first)), f"_{name}_reason": reason})


def _utc(local: Column) -> Column:
    """Seconds since 1970 of a local time; of two instants the earlier, in a gap a later one."""
    return F.unix_seconds(F.to_utc_timestamp(F.timestamp_seconds(local), F.col("_zone")))


def _local(seconds: Column) -> Column:
    """What the clocks of the zone show at an instant, in seconds as if that were UTC."""
    return F.unix_seconds(F.from_utc_timestamp(F.timestamp_seconds(seconds), F.col("_zone")))
