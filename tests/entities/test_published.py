"""Which publication a date reads."""

from __future__ import annotations

from datetime import date

import pytest

from lepton_spark.entities.published import published_for, version_for
from lepton_spark.errors import DataError
from lepton_spark.lake.marker import Marker


def mark(version, key, job="resolve"):
    return Marker(version, "r", job, key, f"f{version}", 0, 1, "0")


MARKS = [mark(0, "2024-01-01"), None, mark(2, "2024-01-03"), mark(3, "2024-01-02", "other")]


def test_a_date_reads_the_publication_for_it_or_for_the_last_date_before():
    found = {day: published_for(MARKS, date(2024, 1, day)) for day in (1, 2, 3, 9)}

    assert {day: mark.version for day, mark in found.items()} == {1: 0, 2: 0, 3: 2, 9: 2}


def test_a_publication_made_anew_for_the_same_date_counts():
    assert published_for([*MARKS, mark(4, "2024-01-01")], date(2024, 1, 2)).version == 4


def test_an_old_date_that_is_made_up_for_later_does_not_hide_newer_ones():
    late = [*MARKS, mark(4, "2023-12-01")]

    assert published_for(late, date(2024, 1, 9)).version == 2
    assert published_for(late, date(2023, 12, 31)).version == 4


def test_before_the_first_there_is_none():
    assert published_for(MARKS, date(2023, 12, 31)) is None


def test_a_date_before_the_first_is_refused_and_not_told_what_later_nights_found():
    assert version_for("silver.people", MARKS, date(2024, 1, 3)) == 2
    assert version_for("silver.people", [], date(2024, 1, 3)) is None
    with pytest.raises(DataError, match="LS-2142"):
        version_for("silver.people", MARKS, date(2023, 12, 31))
