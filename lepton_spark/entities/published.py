"""Which publication of an entity's table a logical date reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.errors import DataError

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


def version_for(table: str, marks: Sequence[Marker | None], as_of: date) -> int | None:
    """Version of the publication that a date reads; None where nothing was ever resolved.

    Raises:
        DataError: It was resolved for later dates only, and those know what this one could not.
    """
    mark = published_for(marks, as_of)
    if mark is None and any(each is not None and each.job == JOB for each in marks):
        raise DataError(
            "LS-2142",
            f"{table} was resolved for later dates only, not for {as_of} or before.",
            "rows of later nights decide there which rows mean the same.",
            f"run `lepton resolve` with --as-of {as_of} first.",
        )
    return None if mark is None else mark.version
