"""Which publication of an entity's table a logical date reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from lepton_spark.lake.marker import Marker

JOB = "resolve"


def published_for(marks: Sequence[Marker | None], as_of: date) -> Marker | None:
    """The publication for a date, else for the last one before it; None where there is none.

    An entity's table is replaced as a whole: a night that is run again must not see what later
    nights found.

    Args:
        marks: Of all versions of the table, from the first.
        as_of: Logical date of the reader.
    """
    until = as_of.isoformat()
    ours = [m for m in marks if m is not None and m.job == JOB and m.key <= until]
    return max(ours, key=lambda mark: (mark.key, mark.version), default=None)
