"""Which files hold what a run needs: what it reads, and what its result follows from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column


@dataclass(frozen=True)
class Need:
    """What is needed of a table.

    Args:
        rows: All that had arrived in time.
        wanted: True for a row that is needed, whatever else is.
        day: Column that holds the day of each row, counted from 1970-01-01.
    """

    rows: DataFrame
    wanted: Column
    day: Column


@dataclass(frozen=True)
class FoundFile:
    """One raw file and what of it is in a table.

    Args:
        name: Of the need.
        arrived_at: Microseconds since 1970-01-01.
        num_rows: All that are in the table.
        num_wanted: Those that are needed.
        first_day: Of those that are needed, as `last_day`.
    """

    name: str
    file: str
    arrived_at: int
    num_rows: int
    num_wanted: int
    first_day: int | None
    last_day: int | None


def survey(needs: Mapping[str, Need]) -> DataFrame:
    """One row a need and file, as the fields of `FoundFile`; reads few columns, one shuffle."""
    tables = [_by_file(name, need) for name, need in needs.items()]
    return reduce(DataFrame.unionByName, tables)


def _by_file(name: str, need: Need) -> DataFrame:
    day = F.when(need.wanted, need.day)
    return need.rows.groupBy(F.lit(name).alias("name"), F.col("_file").alias("file")).agg(
        F.unix_micros(F.min("_arrived_at")).alias("arrived_at"),
        F.count("*").alias("num_rows"),
        F.count_if(need.wanted).alias("num_wanted"),
        F.min(day).alias("first_day"),
        F.max(day).alias("last_day"),
    )


def first_arrival(files: Iterable[FoundFile]) -> int | None:
    """When the first file with a wanted row arrived; None where there is none."""
    return min((file.arrived_at for file in files if file.num_wanted), default=None)


def days_of(files: Iterable[FoundFile]) -> tuple[int, int] | None:
    """The first and the last day of a wanted row; None where there is none."""
    spans = [(file.first_day, file.last_day) for file in files]
    known = [day for span in spans for day in span if day is not None]
    return (min(known), max(known)) if known else None


def arrived_since(rows: DataFrame, first: int | None) -> DataFrame:
    """The wanted rows and all that arrived later than any of them: so every newer version too."""
    if first is None:
        return rows.limit(0)
    instant = datetime.fromtimestamp(first // 1_000_000, UTC).replace(microsecond=first % 1_000_000)
    return rows.filter(F.col("_arrived_at") >= F.lit(instant))


def read_from(files: Sequence[FoundFile]) -> list[tuple[str, str, int]]:
    """What `arrived_since` reads: need, file and its rows, in order."""
    firsts = {name: first_arrival(mine) for name, mine in _by_name(files).items()}
    return sorted(
        (file.name, file.file, file.num_rows)
        for file in files
        if (first := firsts[file.name]) is not None and file.arrived_at >= first
    )


def _by_name(files: Sequence[FoundFile]) -> dict[str, list[FoundFile]]:
    found: dict[str, list[FoundFile]] = {}
    for file in files:
        found.setdefault(file.name, []).append(file)
    return found
