from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from lepton_spark.bronze.arrivals import ALWAYS, fixed_folder, spread, visible
from lepton_spark.config.source import Arrival
from lepton_spark.errors import DataError
from lepton_spark.quality import span

AT = datetime(2024, 5, 1, tzinfo=UTC)
EVENING_BEFORE = Arrival(days=-1, time="20:00", zone="America/New_York")


@dataclass(frozen=True)
class File:
    path: str
    size: int = 10
    modified_at: datetime = AT

    @property
    def uri(self) -> str:
        return f"/landing/{self.path}"


def paths(files, pattern, arrives=None, until=AT):
    return [file.path for file in visible([File(f) for f in files], pattern, arrives, until=until)]


def test_a_file_is_there_from_its_local_time_on():
    until = datetime(2024, 5, 2, 0, 0, tzinfo=UTC)  # 20:00 in New York on the day before

    found = visible([File("d/2024-05-02.csv")], "d/{date}.csv", EVENING_BEFORE, until=until)

    assert [file.arrived_at for file in found] == [until]


def test_a_file_is_not_there_a_second_early():
    until = datetime(2024, 5, 1, 23, 59, 59, tzinfo=UTC)

    assert paths(["d/2024-05-02.csv"], "d/{date}.csv", EVENING_BEFORE, until) == []


def test_arrival_follows_summer_time():
    found = visible(
        [File("2024-03-10.csv"), File("2024-03-12.csv")],
        "{date}.csv",
        EVENING_BEFORE,
        until=AT,
    )

    assert [file.arrived_at.hour for file in found] == [1, 0]


def test_a_file_without_date_was_always_there():
    found = visible([File("sites.csv")], "sites.csv", None, until=AT)

    assert found[0].arrived_at == ALWAYS
    # No row that a table holds is from before it was known.
    assert ALWAYS.date() <= span._FIRST


def test_a_star_stays_within_a_folder():
    files = ["in/a.csv", "in/deep/b.csv", "in/.c.csv", "in/_d.csv", "in/e.csv.crc"]

    assert paths(files, "in/*.csv") == ["in/a.csv"]


def test_the_folder_of_a_column_is_not_hidden():
    files = ["in/_day=2024-01-01/a.csv", "in/_day/a.csv", "in/.day=1/a.csv", "in/_x=1/_a.csv"]

    assert paths(files, "in/*/*.csv") == ["in/_day=2024-01-01/a.csv"]
    assert paths(files, "in/_day={date}/a.csv") == ["in/_day=2024-01-01/a.csv"]


@pytest.mark.parametrize("name", ["2024-02-30", "2023-02-29", "0000-01-01", "2024-13-01"])
@pytest.mark.parametrize("arrives", [None, EVENING_BEFORE])
def test_a_date_that_is_not_in_the_calendar_is_refused(name, arrives):
    with pytest.raises(DataError, match="LS-2159") as told:
        paths(["in/2024-02-29.csv", f"in/{name}.csv"], "in/{date}.csv", arrives)

    assert told.value.what.startswith(f"in/{name}.csv: ")
    assert paths([f"other/{name}.csv"], "in/{date}.csv", arrives) == []


@pytest.mark.parametrize(
    ("name", "zone"), [("0001-01-01", "Europe/Vienna"), ("9999-12-31", "America/New_York")]
)
def test_a_date_whose_instant_is_in_no_calendar_matches_nothing(name, zone):
    arrives = Arrival(time="00:00" if name < "2000" else "23:00", zone=zone)

    assert paths([f"{name}.csv"], "{date}.csv", arrives) == []


def test_dots_in_a_path_are_dots():
    assert paths(["a.csv", "aXcsv"], "*.csv") == ["a.csv"]


@pytest.mark.parametrize(
    ("path", "folder"),
    [("a/b/{date}.csv", "a/b"), ("a.csv", ""), ("a/*/b/c.csv", "a"), ("{date}/c.csv", "")],
)
def test_the_fixed_folder_ends_before_the_first_pattern(path, folder):
    assert fixed_folder(path) == folder


def test_files_are_spread_by_size_and_none_is_lost():
    files = visible([File(f"{n}.csv", size=n * 10_000) for n in range(1, 9)], "*", None, until=AT)

    tasks = spread(files, 3)

    assert sorted(file.path for task in tasks for file in task) == [f.path for f in files]
    sizes = [sum(file.size for file in task) for task in tasks]
    assert max(sizes) - min(sizes) <= 20_000


def test_no_task_is_empty():
    files = visible([File("a")], "*", None, until=AT)

    assert spread(files, 8) == [list(files)]
