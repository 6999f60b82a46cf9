"""How the work is cut: days into chunks, and the rows of a chunk into parts.

A worker answers the rows of one part. Days are cut first, as an event is known on few of them. The
rows of a chunk are cut by hashes: first of columns that all plans look up by, so that an event goes
to one of these groups, then of the whole row, where an event goes to every part of its group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from pyspark.sql import functions as F

from lepton_spark.features.questions import Days

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# A worker holds the rows of a part with their questions and sums: some kilobytes a row.
_MOST_ROWS = 500_000
# What is less than that is answered in the time in which a task starts.
_LEAST_ROWS = 50_000
_ENDLESS_CHUNKS = 5


@dataclass(frozen=True)
class Parts:
    """What the rows of a chunk are cut into. Whatever it is, the features are the same.

    Args:
        by: Columns that are in each key of each plan: what differs there never meets.
        groups: How many a hash of `by` makes; an event goes to one.
        copies: How many parts of each group a hash of the row makes; an event goes to each.
    """

    by: tuple[str, ...] = ()
    groups: int = 1
    copies: int = 1

    @classmethod
    def over(cls, rows: int, events: int, *, by: tuple[str, ...], tasks: int) -> Parts:
        """Parts that a worker can hold, for all workers where that does not cost too much.

        Args:
            rows: Of a chunk.
            events: That may be known in it.
            by: Columns that are in each key of each plan; () where there are none.
            tasks: How many a chunk may have.
        """
        if by:
            # No event is copied. Twice as many as are needed, as no hash is quite even.
            needed = -(-2 * rows // _MOST_ROWS) if rows > _MOST_ROWS else 1
            return cls(by, groups=max(needed, min(tasks, (rows + events) // _LEAST_ROWS)))
        needed = max(-(-rows // _MOST_ROWS), 1)
        # All copies of the events together are no more than the rows.
        return cls(copies=max(needed, min(tasks, rows // max(events, _LEAST_ROWS))))

    @property
    def number(self) -> int:
        """How many a chunk has."""
        return self.groups * self.copies

    def group(self, keys: Sequence[Column]) -> Column:
        """The group of what has these values of `by`, in their order."""
        if self.groups == 1:
            return F.lit(0)
        return F.pmod(F.xxhash64(*keys), F.lit(self.groups))


@dataclass(frozen=True)
class Chunks:
    """Days of the grid, cut into chunks of the same length, and each of these into parts."""

    first_day: int
    num_days: int
    number: int
    parts: Parts = Parts()

    @classmethod
    def over(
        cls, first: int, last: int, *, rows: int, longest: timedelta | None, partitions: int
    ) -> Chunks:
        """Chunks for all workers where that does not cost too much, and small ones of many rows.

        None is shorter than a day, whatever its rows: for those there are parts.

        Args:
            first: First day of a row.
            last: Last day of a row.
            rows: How many there are on all days.
            longest: Span of the events: they go to every chunk that it touches. None is without
                end: they go to every later one.
            partitions: How many tasks a shuffle makes.
        """
        num_days = last - first + 1
        # Chunks of half the longest span already cost thrice the events, and so do five of what
        # has no end: on average an event touches half of the chunks.
        worth = _ENDLESS_CHUNKS
        if longest is not None:
            worth = -(-num_days // max(-(-longest // timedelta(days=2)), 1))
        number = max(min(partitions, worth), -(-rows // _MOST_ROWS), 1)
        length = -(-num_days // min(number, num_days))
        return cls(first, length, -(-num_days // length))

    def cut(self, rows: int, events: int, *, by: tuple[str, ...], partitions: int) -> Chunks:
        """The same chunks in parts (see `Parts.over`).

        Args:
            rows: How many there are on all days.
            events: How many there are; any of them may be known in each chunk.
            by: Columns that are in each key of each plan.
            partitions: How many tasks a shuffle makes.
        """
        of_chunk = -(-rows // self.number)
        tasks = partitions // self.number
        return replace(self, parts=Parts.over(of_chunk, events, by=by, tasks=tasks))

    def may_be_uneven(self, rows: int) -> bool:
        """Whether a part may have more rows than a worker can hold: of one time, or of one key.

        Args:
            rows: How many there are on all days.
        """
        return (self.number > 1 or self.parts.groups > 1) and rows > _MOST_ROWS

    def count_groups(self, rows: DataFrame) -> DataFrame:
        """A `count` of rows for each chunk and group; one shuffle."""
        group = self.parts.group([F.col(name) for name in self.parts.by])
        # By name: Spark takes a whole number to group by for the place of a column.
        placed = rows.select(self.of(F.col("_day")).alias("_chunk"), group.alias("_group"))
        return placed.groupBy("_chunk", "_group").count()

    def with_room_for(self, largest: int) -> Chunks:
        """The same chunks in as many parts as a group of so many rows needs."""
        copies = max(-(-largest // _MOST_ROWS), 1)
        return replace(self, parts=replace(self.parts, copies=copies))

    @property
    def tasks(self) -> int:
        """How many parts there are of all chunks."""
        return self.number * self.parts.number

    def of(self, day: Column) -> Column:
        """The chunk of a day; below 0 or beyond the last for other days."""
        return F.floor((day - self.first_day) / F.lit(self.num_days)).cast("int")

    def task_of_row(self, rows: DataFrame) -> Column:
        """The part that each row is in, counted over all chunks; it follows from the row alone."""
        group = self.parts.group([F.col(name) for name in self.parts.by])
        place = self.of(F.col("_day"))
        if self.parts.copies > 1:
            copy = F.pmod(F.xxhash64(*rows.columns), F.lit(self.parts.copies))
            place = place * self.parts.copies + copy
        return self.task(place, group)

    def task(self, place: Column, group: Column) -> Column:
        """The number of a part.

        Args:
            place: Which copy of a group it is, counted over all chunks.
            group: Which of its chunk.
        """
        if self.parts.groups == 1:
            return place.cast("int")
        copies = F.lit(self.parts.copies)
        chunk = F.floor(place / copies)
        return ((chunk * self.parts.groups + group) * copies + F.pmod(place, copies)).cast("int")

    def days(self, task: int) -> Days:
        """The days of a part."""
        chunk = task // self.parts.number
        return Days(self.first_day + chunk * self.num_days, self.num_days)


class Spanning(Protocol):
    """A plan, as far as its events count for a time."""

    @property
    def spans(self) -> Mapping[str, timedelta | None]:
        """Column of the events: how long they count; None is without end."""


class Keyed(Protocol):
    """A plan, as far as its events are looked up."""

    @property
    def key_sets(self) -> tuple[tuple[str, ...], ...]:
        """Columns that events and rows both have; () is all events."""


def longest_span(plans: Sequence[Spanning]) -> timedelta | None:
    """How long an event may count; None where one of them has no end."""
    spans = [span for plan in plans for span in plan.spans.values()]
    known = [span for span in spans if span is not None]
    return max(known, default=timedelta(days=1)) if len(known) == len(spans) else None


def shared_keys(plans: Sequence[Keyed]) -> tuple[str, ...]:
    """Columns that are in each key of each plan, in the order of the first."""
    keys = [key for plan in plans for key in plan.key_sets]
    return tuple(name for name in keys[0] if all(name in key for key in keys)) if keys else ()
