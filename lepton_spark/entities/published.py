"""Which publication of an entity's table a logical date reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from lepton_spark.lake.marker import Marker

JOB = "resolve"


def published_for(marks: Sequence[Marker | None], as_of: date) -> Marker | None:
    """The newest publication for a date or one before it; None where there is none.

    An entity's table is replaced as a whole: a night that is run again must not see what later
    nights found.

    Args:
        marks: Of all versions of the table, from the first.
        as_of: Logical date of the reader.
    """
    until = as_of.isoformat()
    ours = [mark for mark in marks if mark is not None and mark.job == JOB]
    return next((mark for mark in reversed(ours) if mark.key <= until), None)
