"""What commits say of the files that they landed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lepton_spark.bronze.arrivals import LandedFile
from lepton_spark.bronze.landed import StoredFile, as_fact, empty_by, stored, told_by
from lepton_spark.lake.marker import Marker, marker_from

CHANGED = datetime(2024, 2, 29, 1, 2, 3, 456789, tzinfo=UTC)
ARRIVED = datetime(2024, 3, 1, 8, tzinfo=UTC)


def landing(*paths):
    return [LandedFile(path, f"file:/{path}", 10, CHANGED, ARRIVED) for path in paths]


def mark(**facts):
    given = Marker(0, "r-1", "land", "key", "print", 0, 1, "0.1.0", facts)
    return marker_from(0, given.to_json())


def test_a_file_comes_back_from_the_commit_to_the_microsecond():
    told = told_by([mark(**as_fact(landing("a.csv"), {"a.csv": (3, "sha")}))])

    assert told == [StoredFile("a.csv", "sha", 10, told[0].modified, told[0].arrived, 3)]
    assert told[0].modified_at == CHANGED
    assert told[0].has_arrived(ARRIVED)
    assert not told[0].has_arrived(ARRIVED - timedelta(microseconds=1))


def test_a_file_without_records_is_told_of_apart():
    facts = as_fact(landing("a.csv", "empty.csv"), {"a.csv": (3, "sha"), "empty.csv": (0, "none")})
    marks = [mark(**facts), None, mark(files=1)]

    assert [file.path for file in told_by(marks[:1])] == ["a.csv"]
    told = empty_by(marks)["empty.csv"]
    assert (told.sha256, told.size, told.modified_at, told.records) == ("none", 10, CHANGED, 0)
    assert empty_by([mark(**as_fact(landing("a.csv"), {"a.csv": (3, "sha")}))]) == {}


def test_of_a_file_without_records_the_last_commit_counts():
    marks = [mark(**as_fact(landing("e.csv"), {"e.csv": (0, sha)})) for sha in ("old", "new")]

    assert empty_by(marks)["e.csv"].sha256 == "new"


def test_one_commit_that_does_not_tell_makes_all_silent():
    tells = mark(**as_fact(landing("a.csv"), {"a.csv": (3, "sha")}))

    assert told_by([tells, None]) is None
    assert told_by([tells, mark(files=1)]) is None
    assert told_by([]) == []


def test_a_commit_of_very_many_files_does_not_name_them():
    many = landing(*(f"{number}.csv" for number in range(1001)))

    assert as_fact(many, {file.path: (1, "sha") for file in many}) == {}


def test_rows_are_asked_only_where_the_commits_are_silent():
    def ask():
        raise AssertionError

    tells = mark(**as_fact(landing("b.csv", "a.csv"), {"a.csv": (1, "x"), "b.csv": (2, "y")}))

    assert [file.path for file in stored([tells], ask)] == ["a.csv", "b.csv"]
