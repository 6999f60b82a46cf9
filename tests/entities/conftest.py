"""Rows of people as two registers have them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

MON, TUE, WED = (datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3))
MEMBERS = (
    "_member string, _source string, _trust int, name string, town string,"
    " _first_at timestamp, _arrived_at timestamp, _known_at timestamp"
)


@pytest.fixture
def members_of(spark):
    """A maker of members from `(member, source, trust, name, town, known at)` and more columns."""

    def make(rows, **more):
        full = [(*row[:5], more.get("first_at", row[5]), row[5], row[5]) for row in rows]
        return spark.createDataFrame(full, MEMBERS)

    return make
