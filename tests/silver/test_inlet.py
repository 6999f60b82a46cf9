"""What a source has to refine, from the marks of its tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lepton_spark.bronze.landed import StoredFile
from lepton_spark.lake.catalog import TableId
from lepton_spark.lake.marker import Marker
from lepton_spark.silver.inlet import Inlet, landed_since

TABLE = "silver.clinic_visits"
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
FILE = ["a.csv", "sha", 10, 0, int(NOON.timestamp() * 1e6), 3]


def mark(**facts):
    return Marker(0, "r-1", "land", "key", "print", 0, 1, "0.1.0", facts)


def test_files_of_later_landings_are_new():
    told = landed_since([mark(landed=[FILE])], [], "clinic", TABLE)

    assert told == [StoredFile(*FILE)]
    assert landed_since([], [], "clinic", TABLE) == []


def test_a_commit_that_does_not_tell_gives_no_answer():
    assert landed_since([None], [], "clinic", TABLE) is None
    assert landed_since([mark()], [], "clinic", TABLE) is None
    assert landed_since(None, [], "clinic", TABLE) is None
    assert landed_since([], None, "clinic", TABLE) is None


def test_rows_that_a_killed_run_may_have_left_in_quarantine_give_no_answer():
    landed = [mark(landed=[FILE])]

    assert landed_since(landed, [mark(case="clinic")], "clinic", TABLE) is None
    assert landed_since(landed, [mark(case="another")], "clinic", TABLE) is not None
    assert landed_since([], [mark(case="clinic")], "clinic", TABLE) == []


def test_a_change_of_quarantine_by_somebody_else_gives_no_answer():
    assert landed_since([], [None], "clinic", TABLE) is None


def test_rows_that_a_killed_replay_took_out_of_quarantine_give_no_answer():
    replayed = mark(case="clinic", replayed=[TABLE])

    assert landed_since([], [replayed], "clinic", TABLE) is None
    assert landed_since([], [replayed], "clinic", "silver.clinic_sites") == []


def test_a_file_yet_to_arrive_is_left_and_not_forgotten():
    inlet = Inlet("visits", TableId("bronze", "x"), TableId("silver", "x"), 3, 2)
    files = [StoredFile(*FILE)]

    assert [state.file for state in inlet.as_told(files, NOON).files] == ["a.csv"]
    assert inlet.as_told(files, NOON).is_last
    early = inlet.as_told(files, NOON - timedelta(microseconds=1))
    assert early.files == ()
    assert not early.is_last
